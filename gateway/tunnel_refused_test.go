package gateway

import (
	"strings"
	"testing"
)

// TestTunnelEarlyBytes sends what is meant for the other protocol before it is
// known whether there is going to be one.
func TestTunnelEarlyBytes(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		var consent *upstreamConn
		u := w.upstream("up", func(c *upstreamConn) {
			if consent == nil {
				consent = c
			}
		})
		w.serve("/p/: http://up")
		c := w.client()
		early := numbered(10_000)
		c.send(offering("/p/", "x/1") + early[:100])
		w.waitFor("the request arrives", func() (ok bool) {
			u.locked(func() { ok = consent != nil && strings.Contains(string(consent.in), "\r\n\r\n") })
			return ok
		})
		c.send(early[100:])
		u.locked(func() {
			if _, behind, _ := strings.Cut(string(consent.in), "\r\n\r\n"); behind != "" {
				t.Errorf("%q has reached the origin before its answer", behind)
			}
			consent.in = nil
			consent.write(switching("x/1"))
		})
		c.expect(switched("x/1"))
		w.waitFor("the early bytes arrive", func() (ok bool) {
			u.locked(func() { ok = len(consent.in) >= len(early) })
			return ok
		})
		u.locked(func() {
			if string(consent.in) != early {
				t.Errorf("other bytes have arrived than were sent: %s", brief(string(consent.in)))
			}
		})
		c.abort()
	})
}

// TestTunnelEarlyEnd lets the client say all, and end its side, before it is
// known whether there is going to be a tunnel.
func TestTunnelEarlyEnd(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		var asked *upstreamConn
		u := w.upstream("up", func(c *upstreamConn) {
			switch {
			case asked == nil:
				asked = c
			case c.eof && c.state == nil:
				c.state = true
				_, got, _ := strings.Cut(string(c.in), "\r\n\r\n")
				c.write("it was " + got)
			}
		})
		w.serve("/p/: http://up")
		c := w.client()
		c.send(offering("/p/", "x") + "all there is")
		c.closeWrite()
		w.waitFor("the request arrives", func() (ok bool) {
			u.locked(func() { ok = asked != nil && strings.Contains(string(asked.in), "\r\n\r\n") })
			return ok
		})
		u.locked(func() { asked.write(switching("x")) })
		c.expect(switched("x") + "it was all there is")
		c.expectEnd()
	})
}

// TestTunnelRefusedEarlyBytes is the same when nothing comes of it: what was
// sent early may be somebody else's words, and is never taken for a request.
func TestTunnelRefusedEarlyBytes(t *testing.T) {
	evil := "GET /p/evil HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, tt := range []struct{ name, path, protocol, want string }{
		{"by the origin", "/p/", "x", relayed("no")},
		{"too long to be passed on", "/p/", strings.Repeat("x", 100), relayed("no")},
		{"by a fixed action", "/ping", "x", text(200, "pong")},
		{"by a redirect", "/old", "x", ""},
		{"no route", "/nowhere", "x", page(404)},
	} {
		for _, when := range []string{"together", "before the answer"} {
			t.Run(tt.name+", "+when, func(t *testing.T) {
				forEachEngine(t, func(t *testing.T, w *world) {
					asked := 0
					var first *upstreamConn
					u := w.upstream("up", func(c *upstreamConn) {
						asked += strings.Count(string(c.in), "\r\n\r\n")
						c.in = nil
						if first == nil && asked > 0 {
							first = c
							if when == "together" {
								c.write(ok("no"))
							}
						}
					})
					w.serve("/p/: http://up", "/ping: OK pong", "/old: FOUND /new")
					c := w.client()
					if when == "together" || tt.path != "/p/" {
						c.send(offering(tt.path, tt.protocol) + evil)
					} else {
						c.send(offering(tt.path, tt.protocol))
						w.waitFor("the request arrives", func() (ok bool) {
							u.locked(func() { ok = first != nil })
							return ok
						})
						c.send(evil)
						w.eventually("it has come", w.hasKept)
						u.locked(func() { first.write(ok("no")) })
					}
					if tt.want != "" {
						c.expect(closing(tt.want))
					}
					got := c.rest()
					if strings.Count(string(got), "HTTP/1.1 ") > 0 && tt.want != "" || strings.Contains(string(got), "evil") {
						t.Errorf("a further answer: %q", got)
					}
					u.locked(func() {
						if asked > 1 {
							t.Errorf("the origin was asked %d times", asked)
						}
					})
				})
			})
		}
	}
}

// hasKept reports whether bytes of a client wait to be looked at.
func (w *world) hasKept() bool {
	for _, block := range w.g.clients {
		if block == nil {
			continue
		}
		for i := range block {
			if len(block[i].queue) > 0 {
				return true
			}
		}
	}
	return false
}

// TestTunnelRefused lets the origin answer like to any request. The connection
// ends with that, because the client may have gone on in the other protocol.
func TestTunnelRefused(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", always(ok("no")))
		w.serve("/p/: http://up", "/ping: OK pong")
		for path, answer := range map[string]string{"/p/": relayed("no"), "/ping": text(200, "pong")} {
			c := w.client()
			c.send(offering(path, "websocket"))
			c.expect(closing(answer))
			c.expectEnd()
		}
	})
}

// TestOfferOfHTTP2 is no reason to end a connection: many clients offer it
// with their first request. What one that does not wait would send begins
// with what is no request.
func TestOfferOfHTTP2(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", always(ok("http")))
		w.serve("/p/: http://up", "/ping: OK pong")
		c := w.client()
		c.send(offering("/ping", "h2c, TLS/1.0") + offering("/p/", "h2c") + get("/ping"))
		c.expect(text(200, "pong") + relayed("http") + text(200, "pong"))
		c.send(offering("/ping", "h2c") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + get("/ping"))
		c.expect(text(200, "pong"))
		if got := string(c.rest()); !strings.HasPrefix(got, "HTTP/1.1 400 ") || strings.Count(got, "HTTP/1.1") != 1 {
			t.Errorf("the preface of HTTP/2 is answered with %q", got)
		}
	})
}

// TestTunnelUnasked lists answers that must not make a tunnel.
func TestTunnelUnasked(t *testing.T) {
	head := "GET /p/ HTTP/1.1\r\nHost: h\r\n"
	upgrade := "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
	for _, tt := range []struct{ name, request, answer string }{
		{"nobody has asked", head + "\r\n", switching("websocket")},
		{"the client did not nominate it", head + "Upgrade: websocket\r\n\r\n", switching("websocket")},
		{"to another protocol", head + upgrade, switching("websocket2")},
		{"to one more", head + upgrade, switching("websocket, tls/1.0")},
		{"to none", head + upgrade, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n"},
		{"to an empty one", head + upgrade, switching("")},
		{"to two in two fields", head + upgrade, switching("websocket\r\nUpgrade: websocket")},
		{"which is not nominated", head + upgrade, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"},
		{"in HTTP/1.0", head + upgrade, strings.Replace(switching("websocket"), "1.1", "1.0", 1)},
		{"with a length", head + upgrade, "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n" + upgrade + "hello"},
		{"chunked", head + upgrade, "HTTP/1.1 101 Switching Protocols\r\nTransfer-Encoding: chunked\r\n" + upgrade},
		{"asked for by HTTP/1.0", "GET /p/ HTTP/1.0\r\nHost: h\r\n" + upgrade, switching("websocket")},
		{"asked for with content", "POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n" + upgrade + "hi", switching("websocket")},
		{"asked for with chunked content", "POST /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" + upgrade + "0\r\n\r\n", switching("websocket")},
		{"to h2c", head + "Connection: upgrade, http2-settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nUpgrade: h2c\r\n\r\n", switching("h2c")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				u := w.upstream("up", tunnelOrigin(tt.answer+"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", nil))
				log := w.errorLog()
				w.serve("/p/: http://up")
				c := w.client()
				c.send(tt.request)
				c.until("there is an answer", func(got []byte) bool { return len(got) > 12 })
				if got := string(c.got); !strings.HasPrefix(got, "HTTP/1.1 502 ") || strings.Contains(got, "evil") {
					t.Errorf("the client got %q", got)
				}
				reason := "bad_response"
				if strings.Contains(tt.answer, "\r\nContent-Length: 5") || strings.Contains(tt.answer, "\r\nTransfer-Encoding:") {
					reason = "bad_framing"
				}
				expectReason(t, log(), reason, w.upstreams["up"].name, 502)
				u.waitEnded(0)
			})
		})
	}
}

// TestTunnelSwitchedOff keeps a route's requests in HTTP.
func TestTunnelSwitchedOff(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.noUpgrade = true
		u := w.upstream("up", tunnelOrigin(ok("http"), nil))
		w.serve("/p/: http://up")
		c := w.client()
		c.send(offering("/p/", "websocket"))
		c.expect(closing(relayed("http")))
		u.locked(func() {
			if head := strings.ToLower(u.conns[0].state.(string)); strings.Contains(head, "upgrade") || strings.Contains(head, "connection") {
				t.Errorf("the origin got %q", head)
			}
		})
		c.abort()
	})
}
