package certificates

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

// lookEvery is how often files are looked at. A change counts when it has been the same for two looks, so that nothing
// half-written is read.
const lookEvery = time.Second

// Options say what a Set is made of.
type Options struct {
	Config *config.TLS
	// ReadFile reads the files of the configuration, by their Path, from where it came from itself.
	ReadFile func(name string) ([]byte, error)
	// Previous is the Set of the configuration before, whose own secrets go on; nil for none.
	Previous *Set
	// Now is the clock, and Client asks OCSP responders; nil are those of the system.
	Now    func() time.Time
	Client *http.Client
	// Every is how often files are looked at, 0 for each second.
	Every time.Duration
}

// Logger takes a line of the error log.
type Logger func(level telemetry.Level, msg string, fields ...telemetry.Field)

// Set is the certificates and keys of one configuration.
type Set struct {
	config *config.TLS
	read   func(name string) ([]byte, error)
	now    func() time.Time
	client *http.Client
	every  time.Duration

	store *tlsedge.Store
	log   atomic.Pointer[Logger]

	mu      sync.Mutex // of what follows; a look, a response of OCSP and Status meet here
	pairs   []*pair
	judged  time.Time // when dates were looked at last
	tickets tickets
	ech     *echKeys // nil when it is off

	stop    context.CancelFunc
	running sync.WaitGroup
}

// Open reads everything. Nothing is looked at again before Run.
func Open(o Options) (*Set, error) {
	s := &Set{
		config: o.Config, read: o.ReadFile, now: o.Now, client: o.Client, every: o.Every,
		stop: func() {},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.every == 0 {
		s.every = lookEvery
	}
	if s.client == nil {
		s.client = &http.Client{Timeout: ocspTimeout}
	}
	s.judged = s.now()
	var errs []error
	for _, c := range o.Config.Certificates {
		p := &pair{config: c}
		if err := p.open(s.read, s.judged); err != nil {
			errs = append(errs, at(c.Cert.Pos, err))
			continue
		}
		if o.Config.OCSP.Staple {
			p.staple = s.cached(p)
			p.inherit(o.Previous)
		}
		s.pairs = append(s.pairs, p)
	}
	if err := s.tickets.open(s, o.Previous); err != nil {
		errs = append(errs, err)
	}
	if e := o.Config.ECH; e != nil {
		var err error
		if s.ech, err = openECH(e, s.names(), s.judged); err != nil {
			errs = append(errs, at(e.Pos, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.store = tlsedge.NewStore(s.table())
	return s, nil
}

// Store is the certificates by name, for shards.
func (s *Set) Store() *tlsedge.Store { return s.store }

// Tickets is the keys of session tickets, for shards; nil if none are given out.
func (s *Set) Tickets() *tlsedge.TicketKeys { return s.tickets.keys }

// ECH returns the keys of Encrypted Client Hello for crypto/tls; nil if it is off.
func (s *Set) ECH() func(*tls.ClientHelloInfo) ([]tls.EncryptedClientHelloKey, error) {
	if s.ech == nil {
		return nil
	}
	current := &s.ech.current
	return func(*tls.ClientHelloInfo) ([]tls.EncryptedClientHelloKey, error) { return *current.Load(), nil }
}

// Run keeps everything up to date until Close, and logs what happens.
func (s *Set) Run(log Logger) {
	s.log.Store(&log)
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.running.Go(func() {
		tick := time.NewTicker(s.every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.Look()
			}
		}
	})
	if s.config.OCSP.Staple {
		s.running.Go(func() { s.stapling(ctx) })
	}
}

// Close ends Run. What the shards have stays.
func (s *Set) Close() {
	s.stop()
	s.running.Wait()
}

// Look looks at all files now, and at the time.
func (s *Set) Look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	changed := false
	for _, p := range s.pairs {
		switch replaced, err := p.look(s.read, now); {
		case err != nil:
			s.say(telemetry.Warn, "a certificate cannot be replaced: the old one stays", telemetry.String("certificate", p.config.Cert.Name),
				telemetry.String("error", err.Error()))
		case replaced:
			changed = true
			if s.config.OCSP.Staple {
				p.staple = s.cached(p)
			}
			s.say(telemetry.Info, "a certificate was replaced", telemetry.String("certificate", p.config.Cert.Name),
				telemetry.String("for", p.title()), telemetry.String("until", p.pair.Leaf().NotAfter.UTC().Format(time.RFC3339)))
			s.warn(p)
		}
	}
	if changed {
		s.store.Replace(s.table())
	}
	if err := s.tickets.look(s, now); err != nil {
		s.say(telemetry.Warn, "the keys of session tickets cannot be replaced: the old ones stay", telemetry.String("error", err.Error()))
	}
	if s.ech != nil {
		said, err := s.ech.look(s.names(), now)
		if err != nil {
			s.say(telemetry.Warn, "the keys of Encrypted Client Hello cannot be replaced: the old ones stay", telemetry.String("error", err.Error()))
		}
		if said != "" {
			s.say(telemetry.Info, said)
		}
	}
	if now.Sub(s.judged) >= judgeEvery || now.Before(s.judged) {
		s.judged = now
		for _, p := range s.pairs {
			p.judge(now)
			s.warn(p)
		}
	}
}

// judgeEvery is how often dates are looked at.
const judgeEvery = 24 * time.Hour

// warn logs what is wrong with a certificate that is served.
func (s *Set) warn(p *pair) {
	for _, problem := range p.problems {
		if problem.Warning {
			s.say(telemetry.Warn, problem.Msg, telemetry.String("certificate", p.config.Cert.Name))
		}
	}
}

func (s *Set) say(level telemetry.Level, msg string, fields ...telemetry.Field) {
	if log := s.log.Load(); log != nil {
		(*log)(level, msg, fields...)
	}
}

// at puts the place of the configuration before an error.
func at(p config.Pos, err error) error {
	switch {
	case p.Line == 0:
		return err
	case p.File == "":
		return fmt.Errorf("%d:%d: %w", p.Line, p.Col, err)
	}
	return fmt.Errorf("%s:%d:%d: %w", p.File, p.Line, p.Col, err)
}
