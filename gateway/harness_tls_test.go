package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"iter"
	"math/big"
	"net"
	"sync"
	"time"

	"github.com/anygate/anygate/tlsedge"
)

// encrypting puts the world's client connections under TLS, with a certificate for
// the host of the tests' requests and for another.
func (w *world) encrypting(client *tls.Config) {
	table := tlsedge.NewTable([]*tls.Certificate{worldCert()})
	table.Default("h")
	tickets := new(tlsedge.TicketKeys)
	tickets.Replace([][32]byte{{1}})
	server := &tlsedge.Server{
		Terms:        tlsedge.Terms{Config: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{protocolH2, "http/1.1"}}},
		Certificates: tlsedge.NewStore(table), Tickets: tickets, Handshake: 5 * time.Second,
	}
	w.tls = client
	w.listener(Listener{TLS: server})
}

// listener is how the world's connections are taken.
func (w *world) listener(l Listener) {
	w.settings.Listeners = make([]Listener, 8)
	w.settings.Listeners[7] = l
}

var worldCert = sync.OnceValue(func() *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "h"}, DNSNames: []string{"h", "other.example", "admin.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
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
})

// tlsClient is TLS's far end in the hands of a test, which says when bytes move. Its
// handshake waits for them in a coroutine.
type tlsClient struct {
	c       *client
	tc      *tls.Conn
	in, out []byte
	yield   func(struct{}) bool // of the handshake in progress
	step    func() (struct{}, bool)
	stop    func()
	done    bool
	err     error
	pending []byte // plaintext that waits for the end of the handshake
}

// encrypt makes the client speak TLS.
func (c *client) encrypt() {
	x := c.tlsOf(insecure(c.w.tls))
	c.send("")
	c.until("the handshake has ended", func([]byte) bool { return x.done })
	if x.err != nil {
		c.w.t.Fatal(x.err)
	}
}

// tlsOf is the client's TLS before its handshake.
func (c *client) tlsOf(cfg *tls.Config) *tlsClient {
	x := &tlsClient{c: c}
	x.tc = tls.Client(x, cfg)
	x.step, x.stop = iter.Pull(func(yield func(struct{}) bool) {
		x.yield = yield
		x.err = x.tc.Handshake()
		x.yield, x.done = nil, true
	})
	c.w.t.Cleanup(x.stop)
	c.seal = func(plain []byte) []byte {
		x.pending = append(x.pending, plain...)
		x.proceed()
		return x.taken()
	}
	c.unseal = func(b []byte) (plain []byte) {
		x.in = append(x.in, b...)
		x.proceed()
		if x.done && x.err == nil {
			plain = x.read()
		}
		// A gateway that has gone takes nothing, and says so by what it sent.
		_ = c.write(x.taken())
		return plain
	}
	c.goodbye = func() []byte {
		_ = x.tc.CloseWrite()
		return x.taken()
	}
	return x
}

func insecure(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.InsecureSkipVerify = true
	if c.ServerName == "" {
		c.ServerName = "h"
	}
	return c
}

// proceed goes on with the handshake, and then sends what has waited.
func (x *tlsClient) proceed() {
	if !x.done {
		x.step()
	}
	if x.done && x.err == nil && len(x.pending) > 0 {
		_, x.err = x.tc.Write(x.pending)
		x.pending = nil
	}
}

func (x *tlsClient) taken() []byte {
	b := x.out
	x.out = nil
	return b
}

func (x *tlsClient) read() (plain []byte) {
	b := make([]byte, 64<<10)
	for {
		n, err := x.tc.Read(b)
		plain = append(plain, b[:n]...)
		if errors.Is(err, io.EOF) {
			x.c.notified = true
		}
		if err != nil {
			return plain
		}
	}
}

type noBytes struct{}

func (noBytes) Error() string   { return "no bytes" }
func (noBytes) Timeout() bool   { return true }
func (noBytes) Temporary() bool { return true }

func (x *tlsClient) Read(p []byte) (int, error) {
	for len(x.in) == 0 {
		if x.yield == nil {
			return 0, noBytes{}
		}
		if !x.yield(struct{}{}) {
			return 0, net.ErrClosed
		}
	}
	n := copy(p, x.in)
	x.in = x.in[n:]
	return n, nil
}

func (x *tlsClient) Write(p []byte) (int, error) {
	x.out = append(x.out, p...)
	return len(p), nil
}

func (*tlsClient) Close() error                     { return nil }
func (*tlsClient) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*tlsClient) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*tlsClient) SetDeadline(time.Time) error      { return nil }
func (*tlsClient) SetReadDeadline(time.Time) error  { return nil }
func (*tlsClient) SetWriteDeadline(time.Time) error { return nil }
