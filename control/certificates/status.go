package certificates

import (
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/tlsedge"
)

// Status is what there is to know of a certificate.
type Status struct {
	// File is where it was read from, Names what it is for, and Kind that of its key.
	File  string
	Names []string
	Kind  string
	// NotBefore and NotAfter are the bounds of the leaf, and Until the end of the first certificate of the chain to expire.
	NotBefore, NotAfter, Until time.Time
	// Stapled is when the stapled OCSP response ends, the zero time if there is none.
	Stapled time.Time
	// Refused says that the files have changed into something that cannot be served.
	Refused bool
}

// Status tells of all certificates, in the order of the configuration.
func (s *Set) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Status, len(s.pairs))
	for i, p := range s.pairs {
		leaf := p.pair.Leaf()
		st := Status{
			File: p.config.Cert.Name, Names: p.pair.Names, Kind: p.pair.Kind(),
			NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Until: leaf.NotAfter, Refused: p.refused != pairState{},
		}
		for _, c := range p.pair.Chain[1:] {
			if c.NotAfter.Before(st.Until) {
				st.Until = c.NotAfter
			}
		}
		if p.staple != nil {
			st.Stapled = p.staple.until
		}
		list[i] = st
	}
	return list
}

// Keys are since when the newest keys are in use that are made again by and by; the zero time where there are none.
type Keys struct {
	Tickets, ECH time.Time
}

// Keys tells of them. One that is far older than its period could not be replaced.
func (s *Set) Keys() (k Keys) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tickets.keys != nil {
		k.Tickets = tlsedge.TicketPeriod(s.tickets.epoch, s.config.Tickets.Rotate)
	}
	if s.ech != nil && len(s.ech.keys) > 0 {
		k.ECH = s.ech.keys[0].created
	}
	return k
}

// Inspect tells of the certificates of a configuration without serving them.
func Inspect(c *config.TLS, read func(name string) ([]byte, error), now time.Time) ([]Status, error) {
	s := &Set{config: c}
	for _, cert := range c.Certificates {
		p := &pair{config: cert}
		if err := p.open(read, now); err != nil {
			return nil, at(cert.Cert.Pos, err)
		}
		s.pairs = append(s.pairs, p)
	}
	return s.Status(), nil
}
