package tlsedge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/uring"
)

// patience bounds every wait; nothing takes that long unless it is broken.
const patience = 20 * time.Second

// rig is a shard whose connections are under TLS, and echo what they receive unless the
// test says otherwise.
type rig struct {
	t    *testing.T
	kind engine.Kind
	s    *engine.Shard
	e    *Edge
	addr string
	done chan struct{}

	server  *Server
	workers *Workers

	// Functions of the protocol's; nil echoes, closes on EOF, and does nothing.
	received func(c engine.Conn, p []byte)
	eof      func(c engine.Conn)
	ready    func(c engine.Conn)
	turn     func()

	halted bool // by halt

	mu     sync.Mutex
	closed []error // why transforms have ended connections
	peers  []*Conn
}

// onBoth runs a test on both loops.
func onBoth(t *testing.T, test func(t *testing.T, r *rig)) {
	for _, kind := range []engine.Kind{engine.IOUring, engine.Epoll} {
		t.Run(kind.String(), func(t *testing.T) {
			test(t, &rig{t: t, kind: kind, server: testServer(t)})
		})
	}
}

var rigLimits = engine.Limits{Connections: 512, Clients: 400, SmallBuffers: 4096, LargeBuffers: 512}

const messageSigned = 77

func (r *rig) start() {
	r.t.Helper()
	h := engine.Handler{
		Accepted: func(c engine.Conn, _ int) { r.accepted(c) },
		Received: func(c engine.Conn, p []byte) {
			if r.received != nil {
				r.received(c, p)
				return
			}
			r.s.Append(c, p)
		},
		EOF: func(c engine.Conn) {
			if r.eof != nil {
				r.eof(c)
				return
			}
			r.s.Close(c)
		},
		Connected: func(c engine.Conn) {
			if r.ready != nil {
				r.ready(c)
			}
		},
		Closed: func(c engine.Conn, why engine.Reason, _ engine.Errno) {
			if x := r.e.Of(c); x != nil && x.Err() != nil {
				r.mu.Lock()
				r.closed = append(r.closed, x.Err())
				r.mu.Unlock()
			}
		},
		Message: func(m engine.Message) {
			if m.Kind == messageSigned {
				r.e.Signed(m.Value)
				return
			}
			m.Value.(func())()
		},
		Turn: func() {
			if r.turn != nil {
				r.turn()
			}
		},
		Tick:    func() { r.e.Tick() },
		Stopped: func() { r.e.Stop() },
	}
	fd, err := engine.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		r.t.Fatal(err)
	}
	addr, err := engine.LocalAddr(fd)
	if err != nil {
		r.t.Fatal(err)
	}
	r.addr = addr.String()
	if r.s, err = engine.New(engine.Config{CPU: -1, Limits: rigLimits, Backend: r.kind}, h); err != nil {
		r.t.Fatal(err)
	}
	r.e = NewEdge(r.s, func(job any) bool { return r.s.Post(engine.Message{Kind: messageSigned, Value: job}) }, r.workers)
	r.s.AddListener(fd, 1)
	r.done = make(chan struct{})
	ready := make(chan error, 1)
	go func() {
		defer close(r.done)
		r.s.Run(func(err error) { ready <- err })
	}()
	if err := <-ready; err != nil {
		cause, cure := uring.Explain(err)
		r.t.Fatalf("%v: %s; %s", err, cause, cure)
	}
	r.t.Cleanup(r.stop)
}

func (r *rig) accepted(c engine.Conn) {
	x := r.e.Server(c, r.server)
	r.peers = append(r.peers, x)
}

// do runs f on the shard.
func (r *rig) do(f func()) {
	r.t.Helper()
	done := make(chan struct{})
	if !r.s.Post(engine.Message{Value: func() { f(); close(done) }}) {
		r.t.Fatal("the inbox is full")
	}
	select {
	case <-done:
	case <-time.After(patience):
		r.t.Fatal("the shard does not answer")
	}
}

// eventually waits until a condition holds on the shard.
func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	end := time.Now().Add(patience)
	for {
		held := false
		r.do(func() { held = ok() })
		if held {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("it does not come about that %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// stop ends the shard, and looks for what was left behind.
func (r *rig) stop() {
	if r.halted {
		return
	}
	r.do(func() {
		r.s.CloseListeners()
		r.s.Each(func(c engine.Conn) { r.s.Abort(c) })
	})
	r.eventually("no connection is left", func() bool { return r.s.Stats().Open == 0 })
	r.do(func() {
		st := r.e.Stats()
		if st.Flights != 0 || st.Waiting != 0 || r.e.granted != 0 {
			r.t.Errorf("handshakes are left: %+v, %d granted", st, r.e.granted)
		}
		for i, c := range r.e.conns {
			if c != nil {
				r.t.Errorf("connection %d is left", i)
			}
		}
		r.s.Stop()
	})
	<-r.done
}

// halt ends the shard where it stands.
func (r *rig) halt() {
	r.halted = true
	r.do(func() { r.s.Stop() })
	select {
	case <-r.done:
	case <-time.After(patience):
		r.t.Fatal("the shard does not end")
	}
}

// errs are the errors of connections that the transform has ended.
func (r *rig) errs() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]error(nil), r.closed...)
}

// dial makes a client's connection without TLS.
func (r *rig) dial() *net.TCPConn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	r.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// client makes a TLS client with a finished handshake.
func (r *rig) client(change func(*tls.Config)) *tls.Conn {
	r.t.Helper()
	cfg := testClientConfig()
	if change != nil {
		change(cfg)
	}
	c := tls.Client(r.dial(), cfg)
	if err := c.Handshake(); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// only is the one connection there is.
func (r *rig) only() *Conn {
	var found *Conn
	for _, c := range r.e.conns {
		if c != nil {
			found = c
		}
	}
	return found
}

// testCert makes a certificate for names.
func testCert(kind string, names ...string) *tls.Certificate {
	var key crypto.Signer
	var err error
	switch kind {
	case "ecdsa":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

var testCerts = sync.OnceValue(func() map[string]*tls.Certificate {
	return map[string]*tls.Certificate{
		"ecdsa": testCert("ecdsa", "a.example", "b.example"), "rsa": testCert("rsa", "rsa.example"), "p384": testCert("p384", "p384.example"),
	}
})

// testServer is a server with a certificate of each kind, and tickets.
func testServer(testing.TB) *Server {
	certs := testCerts()
	table := NewTable([]*tls.Certificate{certs["ecdsa"], certs["rsa"], certs["p384"]})
	table.Default("a.example")
	tickets := new(TicketKeys)
	tickets.Replace([][32]byte{{1}, {2}})
	return &Server{
		Terms:        Terms{Config: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}, Tag: []byte("terms")},
		Certificates: NewStore(table), Tickets: tickets, Handshake: 10 * time.Second,
	}
}

func testClientConfig() *tls.Config {
	roots := x509.NewCertPool()
	for _, c := range testCerts() {
		roots.AddCert(c.Leaf)
	}
	return &tls.Config{RootCAs: roots, ServerName: "a.example", NextProtos: []string{"http/1.1"}}
}

// pattern is n bytes that no record boundary repeats.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13 + i>>16)
	}
	return b
}
