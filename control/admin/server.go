package admin

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/anygate/anygate/control/metrics"
)

// Process is what is served. Its methods are called from several goroutines.
type Process interface {
	// Measure calls f with what is known at present, which f does not keep.
	Measure(f func(*metrics.Readings))
	// Ready says why no new requests should be sent here; nil if they should.
	Ready() error
	// Config is the configuration as JSON, without secrets.
	Config() []byte
	// SetMember takes a member of an upstream out, or lets it in again.
	SetMember(upstream, member string, enabled bool) error
	// Clients are the connections of clients: how many each shard has, and some of them.
	Clients(most int) ([]Client, error)
}

// ErrUpgrading is why SetMember does nothing at the moment.
var ErrUpgrading = errors.New("another process is about to go on in the place of this one: ask again when it does")

// Terms are on what terms requests are answered. They may be replaced while the server runs.
type Terms struct {
	// Tokens are what whoever asks has to know one of; none asks for nothing.
	Tokens Tokens
	// Profiles says that profiles may be taken.
	Profiles bool
}

// Server is the admin server of a process.
type Server struct {
	process Process
	http    http.Server
	terms   atomic.Pointer[Terms]
	scrape  http.Handler
	places  *places

	mu        sync.Mutex
	listeners map[net.Listener]bool
	running   sync.WaitGroup
}

// New makes a server, which does not listen yet.
func New(p Process) *Server {
	s := &Server{process: p, scrape: metricsHandler(p), places: newPlaces(), listeners: make(map[net.Listener]bool)}
	s.http = http.Server{
		Handler: s.handler(), ConnContext: withPlace,
		ReadHeaderTimeout: headTime, ReadTimeout: requestTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHead,
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	s.terms.Store(&Terms{})
	return s
}

// SetTerms replaces the terms.
func (s *Server) SetTerms(t Terms) { s.terms.Store(&t) }

// Listen serves on a listener, until it or the server is closed.
func (s *Server) Listen(l net.Listener) {
	s.mu.Lock()
	s.listeners[l] = true
	s.mu.Unlock()
	s.running.Go(func() { _ = s.http.Serve(&placed{l, s.places}) })
}

// Unlisten ends what Listen has begun. Its connections are closed when what is under way is answered.
func (s *Server) Unlisten(l net.Listener) {
	s.mu.Lock()
	delete(s.listeners, l)
	s.mu.Unlock()
	_ = l.Close()
	s.places.leave(l)
}

// Close ends the server, and all listeners. Answers under way get a moment.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if errors.Is(s.http.Shutdown(ctx), context.DeadlineExceeded) {
		_ = s.http.Close()
	}
	s.running.Wait()
}
