package gateway

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/tlsedge"
)

// TestH2OverTLS runs tests of other files with upstreams of HTTP/2 under TLS.
func TestH2OverTLS(t *testing.T) {
	everyWorld = func(w *world) { w.secureUpstreams(nil) }
	defer func() { everyWorld = nil }()
	for name, test := range map[string]func(*testing.T){
		"exchanges":            TestProxyH2,
		"heads":                TestProxyH2Request,
		"sharing":              TestProxyH2Shares,
		"retries":              TestProxyH2Retries,
		"refusals":             TestProxyH2RefusedAlways,
		"cut off":              TestProxyH2CutOff,
		"clients that go":      TestProxyH2ClientGoes,
		"slow reader":          TestProxyH2SlowReader,
		"timeouts":             TestProxyH2Timeouts,
		"ping":                 TestProxyH2Ping,
		"limits":               TestProxyH2Limits,
		"both sides":           TestProxyH2Both,
		"both ways":            TestProxyH2BothBidirectional,
		"tunnel":               TestProxyH2BothTunnel,
		"CONNECT":              TestProxyH2Connect,
		"WebSocket":            TestProxyH2WebSocket,
		"WebSocket not taken":  TestProxyH2WebSocketNotTaken,
		"the ends of tunnels":  TestProxyH2TunnelEnds,
		"faults":               TestProxyH2Faults,
		"faults on both sides": TestProxyH2BothFaults,
		"starved shard":        TestProxyH2StarvedShard,
		"errors of gRPC":       TestGRPCErrors,
		"statuses of gRPC":     TestGRPCStatus,
	} {
		t.Run(name, test)
	}
}

// secureH2 makes the world speak HTTP/2 over TLS to its upstreams.
func (w *world) secureH2(change func(server, client *tls.Config)) {
	w.secureUpstreams(change)
	w.speaksH2(nil)
}

// TestProxyH2TLSFailures has upstreams with which TLS, or HTTP/2 over it, cannot be
// spoken: requests that wait for the same connection fail together, and the log has
// the cause once. No byte of a request reaches such an upstream.
func TestProxyH2TLSFailures(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(server, client *tls.Config)
		data   func(c *upstreamConn) // of an upstream without TLS
		code   string
		cause  string
	}{
		{"no ALPN", func(server, _ *tls.Config) { server.NextProtos = nil }, nil, "tls_handshake", "it does not speak HTTP/2: it has chosen no protocol by ALPN"},
		{"another protocol", func(server, _ *tls.Config) { server.NextProtos = []string{"http/1.1"} }, nil, "tls_handshake", "it refuses the handshake: no application protocol"},
		{"another name", func(_, client *tls.Config) { client.ServerName = "c.example" }, nil, "tls_certificate", "not for c.example"},
		{"no certificate of ours", func(server, _ *tls.Config) { server.ClientAuth = tls.RequireAnyClientCert }, nil, "tls_handshake", "it refuses the handshake: certificate required"},
		{"no certificate of ours, in TLS 1.2", func(server, _ *tls.Config) {
			server.ClientAuth, server.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		}, nil, "tls_handshake", "it refuses the handshake: "},
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
				w.secureH2(row.change)
				data, requests := row.data, 0
				if data == nil {
					data = (&origin{begin: func(*originRequest) { requests++ }}).data()
				}
				u := w.upstream("up", data)
				if row.data != nil {
					u.locked(func() { u.tls = nil })
				}
				log := w.errorLog()
				w.serve("/p/: http://up")
				const times = 3
				var clients []*client
				for range times {
					c := w.client()
					c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
					clients = append(clients, c)
				}
				for _, c := range clients {
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
					if requests != 0 {
						t.Errorf("the upstream has got %d requests", requests)
					}
				})
				w.eventually("no connection is left", func() bool { return w.s.Stats().Open == times })
			})
		})
	}
}

// TestProxyH2TLSNextMember has members with which nothing comes of it: the next one
// gets the request, whatever its method, and with its content as long as none of that
// was given to a member that refuses us after the handshake.
func TestProxyH2TLSNextMember(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.secureH2(nil)
		for name, change := range map[string]func(server, client *tls.Config){
			"a": func(_, client *tls.Config) { client.ServerName = "c.example" },
			"b": func(server, _ *tls.Config) { server.ClientAuth = tls.RequireAnyClientCert },
			"c": func(server, _ *tls.Config) { server.NextProtos = nil },
			"d": nil,
		} {
			w.upstream(name, (&origin{serve: tells}).data()).secure(change)
		}
		w.serve("/a/: http://a http://d", "/b/: http://b http://d", "/c/: http://c http://d")
		for range 3 {
			c := w.client()
			for _, path := range []string{"/a/", "/c/"} {
				c.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
				c.expect(chunkless("POST " + path + " hi"))
			}
			c.send("POST /b/ HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
			c.expect(chunkless("POST /b/ "))
		}
	})
}

// TestProxyH2TLSReplaced changes how TLS is spoken while a request is under way: it
// ends where it is, those behind it get a connection of the new kind, and the old one
// is ended with a GOAWAY and a word of TLS.
func TestProxyH2TLSReplaced(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.secureH2(nil)
		var held *originRequest
		u := w.upstream("up", (&origin{serve: func(r *originRequest) {
			if r.get(":path") == "/p/held" {
				held = r
				return
			}
			tells(r)
		}}).data())
		log := w.errorLog()
		w.serve("/p/: http://up")
		m := w.memberOf(w.shared("up"), u)
		first, c := w.client(), w.client()
		first.send(get("/p/held"))
		c.send(get("/p/a"))
		c.expect(chunkless("GET /p/a "))
		w.eventually("the request is there", func() (there bool) {
			u.locked(func() { there = held != nil })
			return there
		})
		m.SetTLS(&tlsedge.Client{Config: u.client.Config.Clone(), Sessions: 1})
		c.send(get("/p/b"))
		c.expect(chunkless("GET /p/b "))
		if n := u.count(); n != 2 {
			t.Errorf("%d connections", n)
		}
		u.locked(func() { tells(held) })
		first.expect(chunkless("GET /p/held "))
		u.waitEnded(0)
		u.locked(func() {
			if old := u.h2conn(0); !old.goaway || !old.tls.ended {
				t.Errorf("the old connection ends with GOAWAY %t and a word of TLS %t", old.goaway, old.tls.ended)
			}
		})
		// What nobody uses at the time is not used any more, either.
		m.SetTLS(u.client)
		c.send(get("/p/c"))
		c.expect(chunkless("GET /p/c "))
		if n := u.count(); n != 3 {
			t.Errorf("%d connections", n)
		}
		bad := &tlsedge.Client{Config: u.client.Config.Clone()}
		bad.Config.ServerName = "c.example"
		for _, cl := range []*tlsedge.Client{bad, bad, u.client} {
			m.SetTLS(cl)
			c := w.client()
			c.send(get("/p/"))
			if cl == bad {
				c.expect(page(502))
			} else {
				c.expect(chunkless("GET /p/ "))
			}
		}
		text := log()
		if fails, works := strings.Count(text, "upstream fails over TLS"), strings.Count(text, "upstream works over TLS again"); fails != 1 || works != 1 {
			t.Errorf("failures are told of %d times, and %d times that it works again\n%s", fails, works, text)
		}
		w.do(func() {
			if st := w.g.edge.Stats(); st.Handshakes != 4 || st.Flights != 0 {
				t.Errorf("%d handshakes, and %d are left", st.Handshakes, st.Flights)
			}
		})
	})
}

// TestProxyH2TLSSilence has an upstream that accepts and says nothing: the handshake is
// over when the time to connect is.
func TestProxyH2TLSSilence(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.secureH2(nil)
	u := w.upstream("up", func(*upstreamConn) {})
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

// TestProxyH2TLSWarm opens connections beforehand, and has those fail that cannot be
// used for HTTP/2.
func TestProxyH2TLSWarm(t *testing.T) {
	for _, good := range []bool{true, false} {
		w := newSimWorld(t, 1, engine.Faults{})
		w.secureUpstreams(func(server, _ *tls.Config) {
			if !good {
				server.NextProtos = nil
			}
		})
		w.speaksH2(func(s *proxy.Settings) { s.KeepAlive.Warm = 2 })
		u := w.upstream("up", (&origin{serve: tells}).data())
		w.serve("/p/: http://up")
		for range 5 {
			w.advance(time.Second)
			w.steps(50)
		}
		if n := w.g.proxy.Idle(); good && (n != 2 || u.count() != 2) || !good && (n != 0 || u.count() < 2 || u.count() > 12) {
			t.Errorf("good %t: %d idle connections of %d", good, n, u.count())
		}
		if st := w.s.Stats(); !good && st.Open != 0 {
			t.Errorf("%d connections are open", st.Open)
		}
	}
}
