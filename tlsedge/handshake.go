package tlsedge

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"iter"
	"runtime/debug"
)

// flight is a coroutine that makes handshakes, one after the other, and the state
// of the one it is at. It is entered with Edge.run on the shard's thread, and left
// with wait, from within a read or a signature.
type flight struct {
	tr   *transport
	tc   *tls.Conn
	conn *Conn

	next  func() (struct{}, bool)
	yield func(struct{}) bool

	err     error
	refused error // why there is no certificate for the client; nil if there is one
	done    bool  // the handshake has ended, well or with err
	aborted bool  // it has to end

	secrets secrets
	tickets int  // session tickets that were sent
	long    bool // one of them may take more than one record
	config  int  // the terms: see Names

	prev, after *flight // in Edge.patients
	since       int64   // when it began to wait for its client
	listed      bool    // it is there
	crowded     bool    // it was told to end
}

// newFlight makes a coroutine. It begins to run when it is first entered.
func newFlight() *flight {
	f := &flight{tr: new(transport)}
	f.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		f.yield = yield
		for {
			f.handshake()
			f.done = true
			if !yield(struct{}{}) || f.tc == nil {
				return
			}
		}
	})
	return f
}

// handshake makes one. Should it panic, it has failed, and nobody else is concerned: what
// it works on is nobody else's.
func (f *flight) handshake() {
	defer func() {
		if v := recover(); v != nil {
			f.err = &Panicked{Value: v, Stack: debug.Stack()}
		}
	}()
	f.err = f.tc.Handshake()
	if f.err != nil && f.refused != nil {
		f.err = f.refused // of which crypto/tls says that nothing is configured
	}
}

// wait leaves the coroutine until it is entered again. It reports false if the
// handshake has to end.
func (f *flight) wait() bool {
	if !f.aborted {
		f.yield(struct{}{})
	}
	return !f.aborted
}

// Panicked is the error of a handshake that has panicked.
type Panicked struct {
	Value any
	Stack []byte
}

func (p *Panicked) Error() string {
	return fmt.Sprintf("panic in a handshake: %v\n%s", p.Value, p.Stack)
}

// begin starts a handshake on a coroutine.
func (e *Edge) begin(c *Conn) *flight {
	var f *flight
	if n := len(e.idle); n > 0 {
		f = e.idle[n-1]
		e.idle = e.idle[:n-1]
	} else {
		f = newFlight()
	}
	e.flights++
	f.conn, f.config = c, -1
	f.tr.flight = f
	return f
}

// run enters a flight's coroutine until its handshake has ended, or waits.
func (e *Edge) run(f *flight) {
	e.running = f
	f.next()
	e.running = nil
}

// land frees a flight whose handshake has ended. A tls.Conn that goes on being used
// keeps the transport.
func (e *Edge) land(f *flight, keep bool) {
	e.flights--
	e.patients.leave(f)
	if f.crowded {
		f.crowded = false
		e.patients.ending--
	}
	f.secrets.clear()
	tr := f.tr
	tr.flight = nil
	if keep || cap(tr.out) > 16<<10 {
		tr = new(transport)
	}
	*tr = transport{out: tr.out[:0]}
	f.tr, f.tc, f.conn, f.err, f.refused = tr, nil, nil, nil, nil
	f.done, f.aborted, f.tickets, f.long = false, false, 0, false
	if len(e.idle) < flightsKept {
		e.idle = append(e.idle, f)
		return
	}
	f.next() // without a tls.Conn it returns
}

// abort ends a handshake whose connection is gone.
func (e *Edge) abort(f *flight) {
	f.aborted = true
	if !f.done {
		e.run(f)
	}
	e.land(f, false)
}

// secrets are what a Config's KeyLogWriter is told of the handshake in progress.
type secrets struct {
	client, server       [maxSecret]byte
	clientLen, serverLen int
}

func (s *secrets) clear() { *s = secrets{} }

// clientSecret and serverSecret are what the lines begin with that matter.
var clientSecret, serverSecret = []byte("CLIENT_TRAFFIC_SECRET_0 "), []byte("SERVER_TRAFFIC_SECRET_0 ")

// read takes a line of the form of the NSS key log.
func (s *secrets) read(line []byte) {
	if rest, ok := bytes.CutPrefix(line, clientSecret); ok {
		s.clientLen = unhex(&s.client, rest)
	} else if rest, ok := bytes.CutPrefix(line, serverSecret); ok {
		s.serverLen = unhex(&s.server, rest)
	}
}

// unhex decodes what follows the client's random, up to the end of the line.
func unhex(dst *[maxSecret]byte, b []byte) (n int) {
	_, b, _ = bytes.Cut(b, []byte{' '})
	b = bytes.TrimRight(b, "\n")
	n, _ = hex.Decode(dst[:], b[:min(len(b), hex.EncodedLen(maxSecret))])
	return n
}
