package tlsedge

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/anygate/anygate/engine"
)

// bench is a shard's edge without connections, for Conns that are driven by hand.
func newBenchEdge(t testing.TB) *Edge {
	t.Helper()
	m, err := engine.NewSim(1, engine.Faults{}, rigLimits, engine.Handler{})
	if err != nil {
		t.Fatal(err)
	}
	e := NewEdge(m.Shard(), nil, nil)
	t.Cleanup(func() {
		e.Stop()
		m.Release()
	})
	return e
}

// twins are two ends of one connection that both believe to be the server: crypto/tls,
// and a Conn with the same keys. What a client sends goes to both.
type twins struct {
	std    *tls.Conn
	tr     *transport
	conn   *Conn
	client layer
	suite  *suite
}

// newTwins makes a handshake in memory.
func newTwins(t testing.TB, e *Edge, group tls.CurveID) *twins {
	t.Helper()
	server, client := new(secrets), new(clientLog)
	sc := &tls.Config{
		Certificates: []tls.Certificate{*testCerts()["ecdsa"]}, MinVersion: tls.VersionTLS13,
		KeyLogWriter: (*serverLog)(server), SessionTicketsDisabled: true, CurvePreferences: []tls.CurveID{group},
	}
	cc := testClientConfig()
	cc.NextProtos, cc.KeyLogWriter = nil, client
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- tls.Client(b, cc).Handshake() }()
	tr := new(transport)
	x := &twins{tr: tr, std: tls.Server(&switched{Conn: a, tr: tr}, sc)}
	if err := x.std.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	x.std.NetConn().(*switched).memory = true
	x.suite = suiteOf(x.std.ConnectionState().CipherSuite)
	n := x.suite.size
	x.client.start(x.suite, client.s.client[:n], client.s.server[:n])
	x.conn = &Conn{edge: e, server: new(Server), phase: phaseLayer, ready: true, warm: true}
	x.conn.layer.start(x.suite, server.server[:n], server.client[:n])
	t.Cleanup(x.conn.release)
	return x
}

type serverLog secrets

func (l *serverLog) Write(line []byte) (int, error) {
	(*secrets)(l).read(line)
	return len(line), nil
}

// switched is a connection that becomes a transport in memory.
type switched struct {
	net.Conn
	tr     *transport
	memory bool
}

func (s *switched) Read(p []byte) (int, error) {
	if s.memory {
		return s.tr.Read(p)
	}
	return s.Conn.Read(p)
}

func (s *switched) Write(p []byte) (int, error) {
	if s.memory {
		return s.tr.Write(p)
	}
	return s.Conn.Write(p)
}

// outcome is what became of received bytes.
type outcome struct {
	content []byte
	closed  bool
	failed  bool
}

// byStd gives a piece to crypto/tls.
func (x *twins) byStd(o *outcome, piece []byte) {
	x.tr.in = bytes.Clone(piece)
	b := make([]byte, recordContent)
	for !o.closed && !o.failed {
		n, err := x.std.Read(b)
		o.content = append(o.content, b[:n]...)
		switch {
		case err == nil:
		case errors.Is(err, errWouldBlock):
			return
		case errors.Is(err, io.EOF):
			o.closed = true
		default:
			o.failed = true
		}
	}
}

// byConn gives a piece to this package, and overwrites it afterwards, because it is
// borrowed.
func (x *twins) byConn(o *outcome, piece []byte) {
	b := bytes.Clone(piece)
	for in := b; !o.closed && !o.failed; {
		plain, n, err := x.conn.Open(in)
		o.content = append(o.content, plain...)
		in = in[n:]
		switch {
		case errors.Is(err, io.EOF):
			o.closed = true
		case err != nil:
			o.failed = true
		case n == 0 && len(plain) == 0:
			for i := range b {
				b[i] = 0xdb
			}
			return
		}
	}
}
