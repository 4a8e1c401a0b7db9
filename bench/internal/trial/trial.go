package trial

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/peers"
)

// Ask is what a scenario asks of a server.
type Ask struct {
	// Request is the typical request; a server that does not answer it as expected is not measured.
	Request generate.Request
	// Path is its path, Closing whether it ends its connection.
	Path    string
	Closing bool
	// H2C says that the measurement is to be of HTTP/2 without TLS.
	H2C bool
	// Key is that of the server's certificate where the measurement is to be over TLS, which Secure then describes.
	Key    Key
	Secure *generate.Secure
	// H2 says that h2load is to speak HTTP/2 there, and not HTTP/1.1.
	H2 bool
	// Observed has every request be logged, and metrics asked for each second; Limited has clients be limited.
	Observed, Limited bool
}

// Trial is one peer in one round of one scenario.
type Trial struct {
	Bench   *Bench
	Peer    *peers.Peer
	Program string
	Ask     Ask
	// Round numbers the rounds from 0 and seeds what is random.
	Round int
	// Capacity is the rate in requests per second at which this peer would use its processors up, and Least that of
	// the slowest peer of the scenario. Only scenarios that asked for a calibration have them.
	Capacity, Least float64
	// Profile names the files of a profile to be taken during the measurement; empty takes none.
	Profile string
}

// Server is a running peer that has answered correctly.
type Server struct {
	*Trial
	process *proc.Process
	// address is where the measurement is: plain HTTP/1.1, or TLS if the trial asks for that.
	address string
	// h2c is where HTTP/2 is spoken, "IP:port"; empty if it is not asked for.
	h2c string
	// metrics is where metrics are asked for, and log the access log; empty if there are none.
	metrics, log string
	// content is the length of the first answer's content.
	content int64
	// answered is when the first correct answer had arrived.
	answered time.Time
}

// Start starts the peer and waits for its first correct answer.
func (t *Trial) Start(ctx context.Context) (*Server, error) {
	folder, err := t.Bench.folder(t.Peer.Name)
	if err != nil {
		return nil, err
	}
	port, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	h2c := 0
	if t.Ask.H2C {
		if h2c, err = proc.FreePort(); err != nil {
			return nil, err
		}
	}
	secure := 0
	var files pair
	if t.Ask.Secure != nil {
		if secure, err = proc.FreePort(); err != nil {
			return nil, err
		}
		if files, err = t.Bench.certificate(t.Ask.Key); err != nil {
			return nil, err
		}
	}
	metrics := 0
	if t.Ask.Observed {
		if metrics, err = proc.FreePort(); err != nil {
			return nil, err
		}
	}
	site := peers.Site{
		Port:        port,
		TLS:         secure,
		Certificate: files.certificate,
		Key:         files.key,
		Bundle:      files.bundle,
		H2C:         h2c,
		Root:        t.Bench.root,
		Upstream:    t.Bench.upPort,
		Scratch:     folder,
		Workers:     len(t.Bench.ServerCPUs),
		Path:        t.Ask.Path,
		Content:     t.Ask.Request.Length,
		Closing:     t.Ask.Closing,
		Descriptors: t.Bench.Descriptors,
		Metrics:     metrics,
		Limited:     t.Ask.Limited,
	}
	spec, err := t.Peer.Launch(t.Program, site, t.Bench.ServerCPUs)
	if err != nil {
		return nil, err
	}
	process, err := proc.Start(spec)
	if err != nil {
		return nil, err
	}
	server := &Server{Trial: t, process: process, address: loopback(port)}
	if h2c != 0 {
		server.h2c = loopback(h2c)
	}
	if metrics != 0 {
		server.metrics, server.log = loopback(metrics), site.Log()
	}
	if secure != 0 {
		server.address = loopback(secure)
	}
	if server.content, err = awaitAnswer(ctx, process, server.address, t.Ask.Request, t.Ask.Secure); err != nil {
		process.Stop()
		return nil, err
	}
	server.answered = time.Now()
	return server, nil
}

// Stop ends the server.
func (s *Server) Stop() { s.process.Stop() }

// Address is "IP:port".
func (s *Server) Address() string { return s.address }

// StartUp is the time from the fork to the first correct answer.
func (s *Server) StartUp() time.Duration { return s.answered.Sub(s.process.Started()) }

// Memory is what the server holds.
func (s *Server) Memory() (proc.Memory, error) { return s.process.Memory() }

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

const (
	// startPatience is how long a server may take to answer for the first time.
	startPatience = 10 * time.Second
	// wrongPatience is how long it may answer, but wrongly: something that it needs may not be there yet.
	wrongPatience = time.Second
	// startPause lies between two attempts; it bounds the error of a start-up time.
	startPause = 100 * time.Microsecond
)

// awaitAnswer repeats the request until the server answers it as it should, and returns the length of the content.
func awaitAnswer(ctx context.Context, process *proc.Process, address string, request generate.Request, secure *generate.Secure) (int64, error) {
	deadline := time.Now().Add(startPatience)
	for {
		length, err := generate.Exchange(address, request, secure)
		if err == nil {
			return length, nil
		}
		if soon := time.Now().Add(wrongPatience); errors.Is(err, generate.ErrWrong) && soon.Before(deadline) {
			deadline = soon
		}
		select {
		case <-process.Exited():
			return 0, process.Failure()
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(startPause):
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("%w; the last attempt: %w", process.Failure(), err)
		}
	}
}

// alive returns a fault if the server has died under the load.
func (s *Server) alive() []string {
	select {
	case <-s.process.Exited():
		return []string{"the server died: " + s.process.Failure().Error()}
	default:
		return nil
	}
}

// profilePath is where a file of the trial's profile goes.
func (t *Trial) profilePath(suffix string) string {
	return filepath.Join(t.Bench.Profiles, t.Profile+suffix)
}
