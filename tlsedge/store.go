package tlsedge

import (
	"crypto/tls"
	"sync/atomic"
)

// Store is the certificates of a server. Shards read what the control plane
// publishes: an immutable table, replaced as a whole.
type Store struct {
	table atomic.Pointer[Table]
}

// NewStore makes a store with its first table.
func NewStore(t *Table) *Store {
	s := new(Store)
	s.table.Store(t)
	return s
}

// Replace has new handshakes choose from another table. From any goroutine.
func (s *Store) Replace(t *Table) { s.table.Store(t) }

// Choose returns the certificate for a client. It runs on the shard, in the
// handshake's coroutine; what it returns is immutable, and the same pointer for
// the same certificate: the edge keeps a copy by that pointer whose key signs
// off the shard. No certificate and no error is a name that is refused: crypto/tls
// says so with the alert unrecognized_name (RFC 6066, section 3).
func (s *Store) Choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.table.Load().choose(hello), nil
}

// Knows reports whether there is a certificate for a name; without one a client is
// given the default, if there is any.
func (s *Store) Knows(name string) bool {
	exact, wild := s.table.Load().find(name)
	return exact != nil || wild != nil
}

// Refuses reports whether clients that ask for a name, or for none, are refused.
func (s *Store) Refuses(name string) bool {
	t := s.table.Load()
	exact, wild := t.find(name)
	return exact == nil && wild == nil && t.fallback == nil
}

// Covers reports whether the certificate that a client is shown under a name, which
// may be empty, is also one for the host of a request. Where a client may have been
// shown one of several, all of them must be. It allocates nothing.
func (s *Store) Covers(name string, host []byte) bool {
	t := s.table.Load()
	shown, wild := t.find(name)
	if shown == nil {
		shown = wild
	}
	if shown == nil {
		shown = t.fallback
	}
	if shown == nil {
		return false
	}
	var buf [maxHost]byte
	folded, ok := foldHost(buf[:0], host)
	if !ok {
		return false
	}
	for i := range shown.certificates {
		if !shown.certificates[i].covers(folded) {
			return false
		}
	}
	return true
}
