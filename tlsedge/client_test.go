package tlsedge

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
)

// upstreamOf serves connections of TLS by crypto/tls: each says a line about itself and
// then echoes, until a line "bye" or "cut".
func upstreamOf(t *testing.T, change func(*tls.Config)) netip.AddrPort {
	t.Helper()
	cfg := &tls.Config{Certificates: []tls.Certificate{*testCerts()["ecdsa"]}, NextProtos: []string{"http/1.1"}}
	if change != nil {
		change(cfg)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			raw, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer raw.Close()
				c := tls.Server(raw, cfg)
				if c.Handshake() != nil {
					return
				}
				st := c.ConnectionState()
				_, _ = fmt.Fprintf(c, "resumed %t, certificates %d, protocol %s\n", st.DidResume, len(st.PeerCertificates), st.NegotiatedProtocol)
				in := bufio.NewReaderSize(c, 1<<20)
				for {
					line, err := in.ReadSlice('\n')
					switch {
					case err != nil, string(line) == "cut\n":
						return
					case string(line) == "bye\n":
						_ = c.CloseWrite()
						_, _ = io.Copy(io.Discard, c)
						return
					}
					_, _ = c.Write(line)
				}
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

// up is a connection to an upstream, and what became of it.
type up struct {
	name   engine.Conn
	conn   *Conn
	got    bytes.Buffer
	events []string
}

// connect opens a connection, with something to be said on it.
func (r *rig) connect(addr netip.AddrPort, cl *Client, say string) *up {
	r.t.Helper()
	u := new(up)
	r.received = func(_ engine.Conn, p []byte) { u.got.Write(p) }
	r.ready = func(engine.Conn) { u.events = append(u.events, "ready") }
	r.eof = func(c engine.Conn) {
		u.events = append(u.events, fmt.Sprintf("end %t", u.conn.Ended()))
		r.s.Close(c)
	}
	r.do(func() {
		name, e := r.s.Connect(engine.TCPAddr(addr), 0)
		if e != 0 {
			r.t.Fatal(e)
		}
		u.name, u.conn = name, r.e.Client(name, cl)
		r.s.Append(name, []byte(say))
	})
	return u
}

func testUpstreamClient(change func(*tls.Config)) *Client {
	cfg := testClientConfig()
	if change != nil {
		change(cfg)
	}
	return &Client{Config: cfg, Sessions: 8}
}

func TestUpstream(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.workersFor(t, 1, 1)
		r.start()
		addr := upstreamOf(t, nil)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			cl := testUpstreamClient(func(c *tls.Config) { c.MaxVersion = version })
			long := strings.Repeat("x", 200_000) + "\n"
			for round := range 3 {
				u := r.connect(addr, cl, "hello\n"+long)
				want := fmt.Sprintf("resumed %t, certificates 0, protocol http/1.1\nhello\n%s", round > 0, long)
				r.eventually("it is echoed", func() bool { return u.got.Len() >= len(want) })
				r.do(func() {
					if u.got.String() != want || len(u.events) != 1 || u.conn.Protocol() != "http/1.1" || u.conn.Peer() == nil || u.conn.State().Version != version {
						t.Errorf("received %s, events %v, state %+v", brief(u.got.String()), u.events, u.conn.State())
					}
					r.s.Append(u.name, []byte("bye\n"))
				})
				r.eventually("it ends", func() bool { return r.s.Stats().Open == 0 })
				if got := fmt.Sprint(u.events); got != "[ready end true]" {
					t.Errorf("events %s", got)
				}
			}
		}
	})
}

// TestUpstreamCut tells an end that was said from one that was not.
func TestUpstreamCut(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		u := r.connect(upstreamOf(t, nil), testUpstreamClient(nil), "cut\n")
		r.eventually("it ends", func() bool { return r.s.Stats().Open == 0 })
		if got := fmt.Sprint(u.events); got != "[ready end false]" {
			t.Errorf("events %s", got)
		}
	})
}

// TestUpstreamWithoutTrust is not connected to.
func TestUpstreamWithoutTrust(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		for name, row := range map[string]struct {
			change func(*tls.Config)
			err    string
		}{
			"another name":  {func(c *tls.Config) { c.ServerName = "c.example" }, "not c.example"},
			"another root":  {func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }, "unknown authority"},
			"no TLS of his": {nil, "first record does not look like a TLS handshake"},
		} {
			addr := upstreamOf(t, nil)
			if row.change == nil {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				go func() {
					if c, err := ln.Accept(); err == nil {
						_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
						_, _ = io.Copy(io.Discard, c)
						_ = c.Close()
					}
				}()
				addr = ln.Addr().(*net.TCPAddr).AddrPort()
			}
			before := len(r.errs())
			u := r.connect(addr, testUpstreamClient(row.change), "hello\n")
			r.eventually("it ends", func() bool { return r.s.Stats().Open == 0 })
			if errs := r.errs(); len(errs) != before+1 || !strings.Contains(errs[before].Error(), row.err) {
				t.Errorf("%s: the errors are %v", name, errs[before:])
			}
			if len(u.events) != 0 || u.got.Len() != 0 {
				t.Errorf("%s: events %v, received %q", name, u.events, u.got.String())
			}
		}
	})
}

// TestUpstreamAsksForACertificate whose key signs on a worker.
func TestUpstreamAsksForACertificate(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.workersFor(t, 1, 1)
		r.start()
		roots := x509.NewCertPool()
		roots.AddCert(testCerts()["rsa"].Leaf)
		addr := upstreamOf(t, func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, roots })
		cl := testUpstreamClient(func(c *tls.Config) { c.Certificates = []tls.Certificate{*testCerts()["rsa"]} })
		u := r.connect(addr, cl, "hello\n")
		want := "resumed false, certificates 1, protocol http/1.1\nhello\n"
		r.eventually("it is echoed", func() bool { return u.got.String() == want })
		r.do(func() {
			if n := r.e.Stats().Signatures; n != 1 {
				t.Errorf("workers have signed %d times", n)
			}
			r.s.Abort(u.name)
		})
	})
}

// TestSilentUpstreams do not keep clients from their handshakes.
func TestSilentUpstreams(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		r.do(func() {
			cl := testUpstreamClient(nil)
			for range 2 * startsPerTurn {
				name, e := r.s.Connect(engine.TCPAddr(ln.Addr().(*net.TCPAddr).AddrPort()), 0)
				if e != 0 {
					t.Fatal(e)
				}
				r.e.Client(name, cl)
			}
		})
		echoes(t, r.client(nil), []byte("hello"))
		r.eventually("their handshakes are under way", func() bool { return r.e.Stats().Flights == 2*startsPerTurn })
	})
}
