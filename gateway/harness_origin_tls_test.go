package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"iter"

	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/tlsedge"
)

// secure puts an upstream's connections under TLS. The upstream has the world's
// certificate, and the gateway trusts it, as far as change says nothing else.
func (u *upstream) secure(change func(server, client *tls.Config)) {
	server := &tls.Config{Certificates: []tls.Certificate{*worldCert()}, NextProtos: []string{"http/1.1"}}
	client := worldClient()
	if s := u.w.pooling; s != nil && s.Protocol == proxy.H2 {
		server.NextProtos = []string{"h2"}
		client.NextProtos = server.NextProtos
	}
	if change != nil {
		change(server, client)
	}
	u.client = &tlsedge.Client{Config: client, Sessions: 1}
	u.locked(func() { u.tls = server })
}

// worldClient is the gateway's side of an upstream with the world's certificate.
func worldClient() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(worldCert().Leaf)
	return &tls.Config{RootCAs: roots, ServerName: "h", NextProtos: []string{"http/1.1"}}
}

// secureUpstreams puts all upstreams of the world under TLS, before they are made.
func (w *world) secureUpstreams(change func(server, client *tls.Config)) {
	w.securing = func(u *upstream) { u.secure(change) }
}

// originTLS is the TLS of an upstream's connection: that of a client, the other way
// round.
type originTLS struct {
	tlsClient
	ended    bool // the gateway has said that it ends
	resumed  bool
	preamble []byte // what came before the first record
	opened   bool
}

// secured makes the connection one under TLS, if its upstream's are.
func (c *upstreamConn) secured() *upstreamConn {
	if c.u.tls == nil {
		return c
	}
	x := &originTLS{}
	x.tc = tls.Server(&x.tlsClient, c.u.tls)
	x.step, x.stop = iter.Pull(func(yield func(struct{}) bool) {
		x.yield = yield
		x.err = x.tc.Handshake()
		x.yield, x.done = nil, true
	})
	c.u.w.t.Cleanup(func() {
		c.u.mu.Lock()
		defer c.u.mu.Unlock()
		x.stop()
	})
	c.tls = x
	return c
}

// open makes what the upstream reads of what has come, and answers as TLS wants it.
func (c *upstreamConn) open(b []byte) []byte {
	x := c.tls
	if x == nil {
		return b
	}
	x.in = append(x.in, b...)
	if !x.begins() {
		return nil
	}
	x.proceed()
	var plain []byte
	if x.done && x.err == nil {
		x.resumed = x.tc.ConnectionState().DidResume
		plain = x.contents()
	}
	c.writeRaw(string(x.taken()))
	if x.done && x.err != nil && !x.ended {
		x.ended = true
		c.closeRaw()
	}
	return plain
}

// begins takes what stands before the ClientHello.
func (x *originTLS) begins() bool {
	for !x.opened && len(x.in) > 0 {
		if x.opened = x.in[0] == 22; !x.opened {
			x.preamble, x.in = append(x.preamble, x.in[0]), x.in[1:]
		}
	}
	return x.opened
}

func (x *originTLS) contents() (plain []byte) {
	b := make([]byte, 64<<10)
	for {
		n, err := x.tc.Read(b)
		plain = append(plain, b[:n]...)
		if err != nil {
			x.ended = x.ended || errors.Is(err, io.EOF)
			return plain
		}
	}
}

// seal makes records of what the upstream writes.
func (c *upstreamConn) seal(s string) string {
	x := c.tls
	if x == nil || s == "" {
		return s
	}
	x.pending = append(x.pending, s...)
	if !x.done {
		return ""
	}
	x.proceed()
	return string(x.taken())
}

// goodbye says that the upstream ends, as TLS wants it.
func (c *upstreamConn) goodbye() {
	if x := c.tls; x != nil && x.done && x.err == nil {
		_ = x.tc.CloseWrite()
		c.writeRaw(string(x.taken()))
	}
}
