package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/tlsedge"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// TestOthersOverTLS runs tests of other files with upstreams under TLS.
func TestOthersOverTLS(t *testing.T) {
	everyWorld = func(w *world) { w.secureUpstreams(nil) }
	defer func() { everyWorld = nil }()
	for name, test := range map[string]func(*testing.T){
		"answer before the request":        TestProxyAnswerBeforeTheRequest,
		"breaker":                          TestProxyBreaker,
		"concurrency":                      TestProxyConcurrency,
		"counts":                           TestProxyCounts,
		"cut off":                          TestProxyCutOffResponses,
		"cut off for HTTP/1.0":             TestProxyCutOffForHTTP10,
		"early response":                   TestProxyEarlyResponse,
		"events":                           TestEventsArriveAsTheyAreWritten,
		"fresh connection":                 TestProxyFreshConnectionIsNotRetried,
		"idle connection ends":             TestProxyIdleConnectionEnds,
		"idle of another member":           TestProxyIdleOfAnotherMember,
		"idle timeout":                     TestProxyIdleTimeout,
		"interim flood":                    TestProxyInterimFlood,
		"keep-alive":                       TestProxyKeepAlive,
		"keep-alive limits":                TestProxyKeepAliveLimits,
		"large upload":                     TestProxyLargePost,
		"malformed heads":                  TestProxyMalformedHeads,
		"max idle":                         TestProxyMaxIdle,
		"next member":                      TestProxyNextMember,
		"out of buffers":                   TestProxyOutOfBuffers,
		"queue":                            TestProxyQueue,
		"request content":                  TestProxyRequestContent,
		"responses":                        TestProxyResponses,
		"retries":                          TestProxyRetries,
		"retry keeps the connection":       TestProxyRetryKeepsTheConnection,
		"slow reader":                      TestProxySlowReaderInTheSimulation,
		"faults":                           TestProxyFaults,
		"stale connection":                 TestProxyStaleConnection,
		"stale connection only once":       TestProxyStaleConnectionOnlyOnce,
		"stray bytes":                      TestProxyStrayBytes,
		"trailers":                         TestProxyTrailers,
		"tunnel":                           TestTunnel,
		"tunnel in pieces":                 TestTunnelInPieces,
		"tunnel refused":                   TestTunnelRefused,
		"tunnel under back-pressure":       TestTunnelBackPressure,
		"tunnel whose upstream ends first": TestTunnelUpstreamEndsFirst,
		"warm":                             TestProxyWarm,
	} {
		t.Run(name, test)
	}
}

// TestProxyOverTLS keeps a connection, and resumes sessions for the next ones.
func TestProxyOverTLS(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", echoing())
		u.secure(func(server, _ *tls.Config) { server.MaxVersion = tls.VersionTLS12 })
		w.serve("/p/: http://up")
		for range 3 {
			c := w.client()
			c.send(get("/p/a") + get("/p/b"))
			c.expect(relayed("GET /p/a ") + relayed("GET /p/b "))
		}
		w.do(func() {
			if st := w.g.edge.Stats(); st.Handshakes != 1 || u.count() != 1 {
				t.Errorf("%d handshakes on %d connections", st.Handshakes, u.count())
			}
		})
		for range 2 {
			w.do(func() { w.g.proxy.CloseIdle() })
			u.waitEnded(u.count() - 1)
			u.locked(func() {
				if last := u.conns[len(u.conns)-1]; !last.tls.ended {
					t.Error("an idle connection is not ended with a word of TLS")
				}
			})
			c := w.client()
			c.send(get("/p/c"))
			c.expect(relayed("GET /p/c "))
		}
		w.do(func() {
			if st := w.g.edge.Stats(); st.Handshakes != 3 || st.Resumed != 2 {
				t.Errorf("%d handshakes, %d resumed", st.Handshakes, st.Resumed)
			}
		})
	})
}

// TestProxyTLSFailures has upstreams with which TLS cannot be spoken. The client gets
// 502, the log a line for each request, and one with the cause for all of them.
func TestProxyTLSFailures(t *testing.T) {
	other := certtest.NewAuthority("Other")
	old := other.Server("P-256", []string{"h"}, certtest.Valid(time.Unix(1e9, 0), time.Unix(1e9+3600, 0)))
	trusting := func(a *certtest.Authority) *x509.CertPool {
		pool := x509.NewCertPool()
		pool.AddCert(a.Cert)
		return pool
	}
	for _, row := range []struct {
		name   string
		change func(server, client *tls.Config)
		data   func(c *upstreamConn) // of an upstream without TLS
		code   string
		cause  string
	}{
		{
			"another name", func(_, client *tls.Config) { client.ServerName = "c.example" }, nil,
			"tls_certificate", "its certificate is for h, other.example, admin.example.com, not for c.example",
		},
		{
			"an address that the certificate does not name", func(_, client *tls.Config) { client.ServerName = "192.0.2.1" }, nil,
			"tls_certificate", "192.0.2.1",
		},
		{
			"another authority", func(_, client *tls.Config) { client.RootCAs = trusting(other) }, nil,
			"tls_certificate", `its certificate is issued by \"h\", whom nobody known vouches for`,
		},
		{
			"no authority", func(_, client *tls.Config) { client.RootCAs = nil }, nil,
			"tls_certificate", "whom nobody known vouches for",
		},
		{
			"no name", func(_, client *tls.Config) { client.ServerName = "" }, nil,
			"tls_handshake", "there is no name to verify the certificate for",
		},
		{"expired", func(server, client *tls.Config) {
			server.Certificates, client.RootCAs = []tls.Certificate{*old.TLS()}, trusting(other)
		}, nil, "tls_certificate", `is valid from 2001-09-09 01:46:40 to 2001-09-09 02:46:40`},
		{"no certificate of ours", func(server, _ *tls.Config) { server.ClientAuth = tls.RequireAnyClientCert }, nil, "tls_handshake", "it refuses the handshake: certificate required"},
		{"no certificate of ours, in TLS 1.2", func(server, _ *tls.Config) {
			server.ClientAuth, server.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		}, nil, "tls_handshake", "it refuses the handshake: "},
		{"no version in common", func(server, client *tls.Config) {
			server.MaxVersion, client.MinVersion = tls.VersionTLS12, tls.VersionTLS13
		}, nil, "tls_handshake", "it refuses the handshake: protocol version not supported"},
		{"no TLS", nil, func(c *upstreamConn) {
			if len(c.in) > 0 {
				c.in = nil
				c.write("HTTP/1.1 400 Bad Request\r\n\r\n")
			}
		}, "tls_handshake", "it does not speak TLS"},
		{"closed", nil, func(c *upstreamConn) {
			if len(c.in) > 0 {
				c.in = nil
				c.closeWrite()
			}
		}, "tls_handshake", "it has closed the connection in the middle of the handshake"},
	} {
		t.Run(row.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				data := row.data
				if data == nil {
					data = echoing()
				}
				u := w.upstream("up", data)
				u.secure(row.change)
				if row.data != nil {
					u.locked(func() { u.tls = nil })
				}
				log := w.errorLog()
				w.serve("/p/: http://up")
				const times = 3
				for range times {
					c := w.client()
					c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
					c.expect(page(502))
				}
				text := log()
				if n := strings.Count(text, " reason="+row.code+" upstream=up route=/p/ status=502 "); n != times {
					t.Errorf("%d lines of requests\n%s", n, text)
				}
				if n := strings.Count(text, "upstream fails over TLS"); n != 1 || !strings.Contains(text, row.cause) {
					t.Errorf("%d lines with a cause, which is to be %s\n%s", n, row.cause, text)
				}
				u.locked(func() {
					for _, c := range u.conns {
						if row.data == nil && len(c.in) > 0 {
							t.Errorf("the upstream has got %q", c.in)
						}
					}
				})
				w.do(func() {
					if n := w.g.proxy.FailureCount(proxy.TLSCertificate) + w.g.proxy.FailureCount(proxy.TLSHandshake); n != times {
						t.Errorf("%d failures are counted", n)
					}
				})
			})
		})
	}
}

// TestProxyTLSWorksAgain tells of it when an upstream is believed again, and of the next
// trouble.
func TestProxyTLSWorksAgain(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", echoing())
		u.secure(nil)
		good := u.client
		log := w.errorLog()
		w.serve("/p/: http://up")
		bad := &tlsedge.Client{Config: worldClient()}
		bad.Config.ServerName = "c.example"
		m := w.memberOf(w.shared("up"), u)
		for _, cl := range []*tlsedge.Client{good, bad, bad, good, good, bad} {
			m.SetTLS(cl)
			c := w.client()
			c.send(get("/p/"))
			if cl == good {
				c.expect(relayed("GET /p/ "))
			} else {
				c.expect(page(502))
			}
		}
		text := log()
		if fails, works := strings.Count(text, "upstream fails over TLS"), strings.Count(text, "upstream works over TLS again"); fails != 2 || works != 1 {
			t.Errorf("failures are told of %d times, and %d times that it works again\n%s", fails, works, text)
		}
		// What was connected before the first change was not used behind it.
		if n := u.count(); n != 5 {
			t.Errorf("%d connections", n)
		}
	})
}

// TestProxyTLSNextMember has a member that cannot be believed, whatever the method of
// the request: the next one gets it, with its content.
func TestProxyTLSNextMember(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		for name, change := range map[string]func(server, client *tls.Config){
			"a": func(_, client *tls.Config) { client.ServerName = "c.example" },
			"b": func(server, _ *tls.Config) { server.ClientAuth = tls.RequireAnyClientCert },
			"c": nil,
		} {
			w.upstream(name, echoing()).secure(change)
		}
		w.serve("/a/: http://a http://c", "/b/: http://b http://c")
		for range 3 {
			c := w.client()
			c.send("POST /a/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
			c.expect(relayed("POST /a/ hi"))
			c.send(get("/b/"))
			c.expect(relayed("GET /b/ "))
		}
	})
}

// TestProxyTLSTruncation has content that lasts until the connection ends: it is whole
// only if TLS says so.
func TestProxyTLSTruncation(t *testing.T) {
	for _, whole := range []bool{true, false} {
		t.Run(fmt.Sprint(whole), func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				u := w.upstream("up", func(c *upstreamConn) {
					if r, _, n := nextRequest(c.in); r != nil {
						c.in = c.in[n:]
						c.write("HTTP/1.1 200 OK\r\n\r\nall there is")
						if whole {
							c.closeWrite()
						} else {
							c.closeRaw()
						}
					}
				})
				u.secure(nil)
				log := w.errorLog()
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/"))
				if whole {
					c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nall there is\r\n0\r\n\r\n")
					if text := log(); text != "" {
						t.Errorf("logged: %s", text)
					}
					return
				}
				if got := c.rest(); !c.ended || strings.HasSuffix(string(got), "0\r\n\r\n") {
					t.Errorf("the client takes it for whole: %q", got)
				}
				if text := log(); !strings.Contains(text, "reason=truncated_response") {
					t.Errorf("logged: %s", text)
				}
			})
		})
	}
}

// TestProxyTLSSilence has an upstream that accepts and says nothing: the handshake is
// over when the time to connect is.
func TestProxyTLSSilence(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	u := w.upstream("up", func(*upstreamConn) {})
	u.secure(nil)
	u.locked(func() { u.tls = nil })
	log := w.errorLog()
	w.serve("/p/: http://up")
	c := w.client()
	c.send(get("/p/"))
	w.eventually("the handshake begins", func() bool { return u.count() == 1 && len(u.conns[0].in) > 0 })
	w.advance(4900 * time.Millisecond)
	if c.pull(); len(c.got) > 0 {
		t.Errorf("received %q too soon", c.got)
	}
	w.advance(200 * time.Millisecond)
	c.expect(page(504))
	expectReason(t, log(), "connect_timeout", "up", 504)
	if st := w.g.edge.Stats(); st.Flights != 0 {
		t.Errorf("%d handshakes are left", st.Flights)
	}
}

// TestProxyTLSWarm opens connections beforehand, with the handshake, and counts those
// right that fail of it.
func TestProxyTLSWarm(t *testing.T) {
	for _, good := range []bool{true, false} {
		t.Run(fmt.Sprint(good), func(t *testing.T) {
			w := newSimWorld(t, 1, engine.Faults{})
			settings := proxy.DefaultSettings
			settings.KeepAlive.Warm = 2
			w.pooling = &settings
			u := w.upstream("up", echoing())
			u.secure(func(server, client *tls.Config) {
				if !good {
					client.ServerName = "c.example"
				}
			})
			w.serve("/p/: http://up")
			for range 5 {
				w.advance(time.Second)
				w.steps(50)
			}
			if n := w.g.proxy.Idle(); good && (n != 2 || u.count() != 2) || !good && (n != 0 || u.count() < 2 || u.count() > 12) {
				t.Errorf("%d idle connections of %d", n, u.count())
			}
			if st := w.s.Stats(); !good && st.Open != 0 {
				t.Errorf("%d connections are open", st.Open)
			}
		})
	}
}

// TestProxyTLSPreamble has the PROXY header come before TLS, and not again in it.
func TestProxyTLSPreamble(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		settings := proxy.DefaultSettings
		settings.ProxyProtocol = 1
		w.pooling = &settings
		u := w.upstream("up", echoing())
		u.secure(nil)
		w.serve("/p/: http://up")
		for range 2 {
			c := w.client()
			c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
			c.expect(relayed("POST /p/ hi"))
		}
		u.locked(func() {
			if len(u.conns) != 2 {
				t.Errorf("%d connections", len(u.conns))
			}
			for _, c := range u.conns {
				if p := string(c.tls.preamble); !strings.HasPrefix(p, "PROXY ") || strings.Index(p, "\r\n") != len(p)-2 {
					t.Errorf("before TLS there is %q", p)
				}
			}
		})
	})
}
