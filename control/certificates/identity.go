package certificates

import (
	"context"
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge/certificate"
)

// Identities are the certificates that this server shows when it is a client itself, to upstreams, kept up to date as
// those of a server are.
type Identities struct {
	read func(name string) ([]byte, error)
	list []*Identity

	stop    context.CancelFunc
	running sync.WaitGroup
}

// Identity is one of them.
type Identity struct {
	mu      sync.Mutex // of pair
	pair    pair
	current atomic.Pointer[tls.Certificate]
	judged  time.Time
}

// NewIdentities makes a set without any. read reads the files of the configuration.
func NewIdentities(read func(name string) ([]byte, error)) *Identities {
	return &Identities{read: read, stop: func() {}}
}

// Open reads a certificate and its key, once for all who name the same files.
func (s *Identities) Open(cert, key config.File) (*Identity, error) {
	for _, i := range s.list {
		if i.pair.config.Cert.Name == cert.Name && i.pair.config.Key.Name == key.Name {
			return i, nil
		}
	}
	i := &Identity{pair: pair{config: config.Certificate{Cert: cert, Key: key}, parse: certificate.ParseClient}, judged: time.Now()}
	if err := i.pair.open(s.read, i.judged); err != nil {
		return nil, err
	}
	i.current.Store(i.pair.tls())
	s.list = append(s.list, i)
	return i, nil
}

// Certificate is what is shown now; another pointer when it is another certificate.
func (i *Identity) Certificate() *tls.Certificate { return i.current.Load() }

// Run looks at the files every second until Close. changed is called after a certificate was replaced.
func (s *Identities) Run(log Logger, changed func()) {
	if len(s.list) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.running.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if s.Look(log) {
					changed()
				}
			}
		}
	})
}

// Close ends Run.
func (s *Identities) Close() {
	s.stop()
	s.running.Wait()
}

// Look looks at all files now, and at the time. It reports whether one was replaced.
func (s *Identities) Look(log Logger) (changed bool) {
	for _, i := range s.list {
		changed = i.look(s.read, time.Now(), log) || changed
	}
	return changed
}

func (i *Identity) look(read func(string) ([]byte, error), now time.Time, log Logger) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	file := telemetry.String("certificate", i.pair.config.Cert.Name)
	replaced, err := i.pair.look(read, now)
	switch {
	case err != nil:
		log(telemetry.Warn, "a certificate for upstreams cannot be replaced: the old one stays", file, telemetry.String("error", err.Error()))
	case replaced:
		i.current.Store(i.pair.tls())
		log(telemetry.Info, "a certificate for upstreams was replaced", file,
			telemetry.String("until", i.pair.pair.Leaf().NotAfter.UTC().Format(time.RFC3339)))
	case now.Sub(i.judged) >= judgeEvery || now.Before(i.judged):
		i.judged = now
		i.pair.judge(now)
	default:
		return false
	}
	for _, problem := range i.pair.problems {
		if problem.Warning && err == nil {
			log(telemetry.Warn, problem.Msg, file)
		}
	}
	return replaced
}
