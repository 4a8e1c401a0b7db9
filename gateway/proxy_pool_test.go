package gateway

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// idle waits until the pools keep n idle connections.
func (w *world) idle(n int) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%d upstream connections are idle", n), func() bool { return w.g.proxy.Idle() == n })
}

func TestProxyKeepAlive(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", echoing())
		w.serve("/p/: http://up")
		for k := range 5 {
			c := w.client()
			for i := range 5 {
				c.send(get(fmt.Sprintf("/p/%d/%d", k, i)))
				c.expect(relayed(fmt.Sprintf("GET /p/%d/%d ", k, i)))
			}
			c.close()
		}
		if n := u.count(); n != 1 {
			t.Errorf("%d connections for 25 requests, one after the other", n)
		}
		w.idle(1)
	})
}

// TestProxyConcurrency holds the answers back until as many requests have come
// as there are clients: each needs a connection of its own.
func TestProxyConcurrency(t *testing.T) {
	const clients = 10
	forEachEngine(t, func(t *testing.T, w *world) {
		var waiting []*upstreamConn
		u := w.upstream("up", answering(func(c *upstreamConn, r *http.Request, _ string) string {
			c.state = r.RequestURI
			if waiting = append(waiting, c); len(waiting) < clients {
				return ""
			}
			for _, c := range waiting {
				c.write(ok(c.state.(string)))
			}
			waiting = nil
			return ""
		}))
		w.serve("/p/: http://up")
		var all []*client
		for range clients {
			all = append(all, w.client())
		}
		for round := range 3 {
			for i, c := range all {
				c.send(get(fmt.Sprintf("/p/%d/%d", round, i)))
			}
			for i, c := range all {
				c.expect(relayed(fmt.Sprintf("/p/%d/%d", round, i)))
			}
		}
		if n := u.count(); n != clients {
			t.Errorf("%d connections, want %d", n, clients)
		}
		w.idle(clients)
	})
}

// TestProxyIdleConnectionEnds has the upstream close, reset, or speak on an idle
// connection: it is forgotten, and the next request gets a new one.
func TestProxyIdleConnectionEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(c *upstreamConn)
	}{
		{"closed", func(c *upstreamConn) { c.closeWrite() }},
		{"reset", func(c *upstreamConn) { c.abort() }},
		{"an answer to nothing", func(c *upstreamConn) { c.write(ok("evil")) }},
		{"one byte", func(c *upstreamConn) { c.write("\n") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				u := w.upstream("up", echoing())
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/a"))
				c.expect(relayed("GET /p/a "))
				w.idle(1)
				u.locked(func() { tt.end(u.conns[0]) })
				w.idle(0)
				c.send("POST /p/b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
				c.expect(relayed("POST /p/b x"))
				if n := u.count(); n != 2 {
					t.Errorf("%d connections, want 2", n)
				}
			})
		})
	}
}

// TestProxyStaleConnection has the upstream end a kept connection at the moment
// it is used again: without an answer to the second request on it.
func TestProxyStaleConnection(t *testing.T) {
	const small = " /p/x HTTP/1.1\r\nHost: h\r\n"
	ends := map[string]func(*upstreamConn, *http.Request, string) string{"closed": hangUp(""), "reset": cutOff()}
	for _, tt := range []struct {
		name, request string
		want          string // what the upstream says to the repeated request
	}{
		{"GET", "GET" + small + "\r\n", "GET /p/x "},
		{"HEAD", "HEAD" + small + "\r\n", "HEAD /p/x "},
		{"PUT without content", "PUT" + small + "Content-Length: 0\r\n\r\n", "PUT /p/x "},
		{"DELETE", "DELETE" + small + "\r\n", "DELETE /p/x "},
		{"POST that was sent", "POST" + small + "Content-Length: 0\r\n\r\n", ""},
		{"PATCH that was sent", "PATCH" + small + "\r\n", ""},
		{"a method nobody knows", "FETCH" + small + "\r\n", ""},
		{"POST with content", "POST" + small + "Content-Length: 2\r\n\r\nhi", ""},
		{"PUT whose content is gone", "PUT" + small + "Content-Length: 2\r\n\r\nhi", ""},
		{"PUT of empty chunked content", "PUT" + small + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
	} {
		for how, end := range ends {
			t.Run(tt.name+", "+how, func(t *testing.T) {
				forEachEngine(t, func(t *testing.T, w *world) {
					u := w.upstream("up", answers(say(ok("first")), end, func(_ *upstreamConn, r *http.Request, content string) string {
						return ok(r.Method + " " + r.RequestURI + " " + content)
					}))
					log := w.errorLog()
					w.serve("/p/: http://up")
					c := w.client()
					c.send(get("/p/"))
					c.expect(relayed("first"))
					w.idle(1)
					c.send(tt.request)
					switch {
					case tt.want == "":
						c.expect(page(502))
						code := "upstream_closed"
						if how == "reset" {
							code = "upstream_reset"
						}
						expectReason(t, log(), code, u.name, 502)
						return
					case strings.HasPrefix(tt.request, "HEAD"):
						c.expect(headOf(relayed(tt.want)))
					default:
						c.expect(relayed(tt.want))
					}
					if n := u.count(); n != 2 {
						t.Errorf("%d connections, want 2", n)
					}
					if got := log(); got != "" {
						t.Errorf("a retry that worked is logged: %s", got)
					}
				})
			})
		}
	}
}

func headOf(response string) string {
	head, _, _ := strings.Cut(response, "\r\n\r\n")
	return head + "\r\n\r\n"
}

// TestProxyStaleConnectionOnlyOnce has the new connection end in the same way:
// that is a failure.
func TestProxyStaleConnectionOnlyOnce(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", answers(say(ok("first")), hangUp("")))
		log := w.errorLog()
		w.serve("/p/: http://up")
		c := w.client()
		c.send(get("/p/"))
		c.expect(relayed("first"))
		c.send(get("/p/"))
		c.expect(page(502))
		expectReason(t, log(), "upstream_closed", u.name, 502)
		if n := u.count(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
	})
}

// TestProxyStaleTwice meets a stale connection of a second member, because the
// first could not be connected to again.
func TestProxyStaleTwice(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	a := w.upstream("a", answers(say(ok("a")), hangUp("")))
	b := w.upstream("b", answers(say(ok("b")), hangUp("")))
	log := w.errorLog()
	w.serve("/p/: http://a http://b")
	c := w.client()
	c.send(get("/p/") + get("/p/"))
	c.expect(relayed("a") + relayed("b"))
	a.refuse(true)
	c.send(get("/p/"))
	c.expect(page(502))
	expectReason(t, log(), "upstream_closed", b.name, 502)
	if n := b.count(); n != 1 {
		t.Errorf("%d connections to the second member, want 1", n)
	}
}

// TestProxyFreshConnectionIsNotRetried has a new connection end without an
// answer, or in the middle of a head.
func TestProxyFreshConnectionIsNotRetried(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		end        func(*upstreamConn, *http.Request, string) string
	}{
		{"closed", "upstream_closed", hangUp("")},
		{"reset", "upstream_reset", cutOff()},
		{"closed inside the head", "upstream_closed", hangUp("HTTP/1.1 200 OK\r\nContent-Le")},
		{"closed behind an interim response", "upstream_closed", hangUp("HTTP/1.1 100 Continue\r\n\r\n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				u := w.upstream("up", answers(tt.end))
				log := w.errorLog()
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/"))
				c.expect(page(502))
				expectReason(t, log(), tt.code, u.name, 502)
				if n := u.count(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			})
		})
	}
}

// TestProxyStaleBeforeItWasSent has the end of a kept connection and the next
// request for it in the same turn. Whichever is first, a POST is served: the
// connection is looked at before it is used for what cannot be repeated.
func TestProxyStaleBeforeItWasSent(t *testing.T) {
	orders := map[string]int{}
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newSimWorld(t, seed, engine.Faults{})
			u := w.upstream("up", echoing())
			order := ""
			w.wrap = func(h *engine.Handler) {
				received, eof := h.Received, h.EOF
				h.Received = func(c engine.Conn, p []byte) { order += "r"; received(c, p) }
				h.EOF = func(c engine.Conn) { order += "e"; eof(c) }
			}
			w.serve("/p/: http://up")
			c := w.client()
			c.send(get("/p/a"))
			c.expect(relayed("GET /p/a "))
			w.steps(5)
			order = ""
			c.send("POST /p/b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
			u.conns[0].closeWrite()
			w.step()
			orders[order]++
			c.expect(relayed("POST /p/b "))
			if n := u.count(); n != 2 || len(u.conns[0].in) > 0 {
				t.Errorf("%d connections, the first has seen %q", n, u.conns[0].in)
			}
		})
	}
	if orders["r"] == 0 || orders["er"] == 0 {
		t.Errorf("the order of events was always the same: %v", orders)
	}
}

// TestProxyAnswerBeforeTheRequest has bytes come on a kept connection in the turn
// in which it is used again, before the request has left: they answer nothing,
// and must not reach the client.
func TestProxyAnswerBeforeTheRequest(t *testing.T) {
	orders := map[string]int{}
	for seed := range uint64(40) {
		for method, content := range map[string]string{"GET": "", "POST": "hi"} {
			t.Run(fmt.Sprint(method, seed), func(t *testing.T) {
				w := newSimWorld(t, seed, engine.Faults{})
				u := w.upstream("up", echoing())
				order := ""
				w.wrap = func(h *engine.Handler) {
					received := h.Received
					h.Received = func(c engine.Conn, p []byte) {
						order += string(p[0])
						received(c, p)
					}
				}
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/a"))
				c.expect(relayed("GET /p/a "))
				w.steps(5)
				order = ""
				c.send(fmt.Sprintf("%s /p/b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", method, len(content), content))
				u.conns[0].write(ok("evil"))
				w.step()
				orders[order]++
				c.expect(relayed(method + " /p/b " + content))
			})
		}
	}
	// The connection that a POST would be sent on is looked at beforehand, and
	// what it has brought is not received any more.
	for _, order := range []string{"GH", "HG", "P", "HP"} {
		if orders[order] == 0 {
			t.Errorf("no case of %s in %v", order, orders)
		}
	}
}

// TestProxyIdleTime lets kept connections grow old.
func TestProxyIdleTime(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	u := w.upstream("up", echoing())
	w.settings.Idle = time.Hour
	w.serve("/p/: http://up")
	c := w.client()
	c.send(get("/p/"))
	c.expect(relayed("GET /p/ "))
	w.idle(1)
	w.advance(59 * time.Second)
	w.idle(1)
	c.send(get("/p/"))
	c.expect(relayed("GET /p/ "))
	w.advance(59 * time.Second)
	w.idle(1)
	w.advance(2 * time.Second)
	w.idle(0)
	u.waitEnded(0)
}

// TestProxyMaxIdle has more calls at once than connections are kept.
func TestProxyMaxIdle(t *testing.T) {
	const clients, kept = 530, 512
	w := newSimWorld(t, 1, engine.Faults{})
	w.limits = engine.Limits{Connections: 1200, Clients: 600, SmallBuffers: 8192, LargeBuffers: 64}
	u := w.upstream("up", func(*upstreamConn) {})
	w.serve("/p/: http://up")
	for range clients {
		w.client().send(get("/p/"))
	}
	w.eventually("all requests are there", func() bool {
		n := 0
		for _, c := range u.conns {
			if strings.Contains(string(c.in), "\r\n\r\n") {
				n++
			}
		}
		return n == clients
	})
	for _, c := range u.conns {
		c.write(ok("x"))
	}
	for _, c := range w.clients {
		c.expect(relayed("x"))
	}
	w.idle(kept)
	w.eventually("the others are closed", func() bool { return w.s.Stats().Open == clients+kept })
}

// TestProxyUnixSocket has an upstream behind a unix socket.
func TestProxyUnixSocket(t *testing.T) {
	forEachLoop(t, func(t *testing.T, w *world) {
		path := filepath.Join(t.TempDir(), "app.sock")
		lis, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		served := http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(rw, "%s %s", r.Host, r.Header.Get("X-Forwarded-For"))
		})}
		go func() { _ = served.Serve(lis) }()
		t.Cleanup(func() { _ = served.Close() })
		for name, path := range map[string]string{"app": path, "gone": path + ".gone"} {
			addr, err := engine.UnixAddr(path)
			if err != nil {
				t.Fatal(err)
			}
			w.upstreamAt(name, addr)
		}
		log := w.errorLog()
		w.serve("/p/: http://app", "/gone/: http://gone")
		c := w.client()
		for range 3 {
			c.send(get("/p/"))
			head := string(c.untilHead())
			if !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") {
				t.Fatalf("%q", head)
			}
			c.expect("h 127.0.0.1")
		}
		w.idle(1)
		c.send(get("/gone/"))
		c.expect(page(502))
		expectReason(t, log(), "connect_refused", w.upstreams["gone"].name, 502)
	})
}

// untilHead receives the head of a response.
func (c *client) untilHead() []byte {
	c.w.t.Helper()
	c.until("a head has come", func(got []byte) bool { return strings.Contains(string(got), "\r\n\r\n") })
	i := strings.Index(string(c.got), "\r\n\r\n")
	if i < 0 {
		c.w.t.Fatalf("no head in %s", brief(string(c.got)))
	}
	return c.take(i + 4)
}

// TestProxyContentDuringReconnect has content come while a request that met a
// stale connection is being connected again. It goes out behind the head; if
// the connection is refused it is gone, and no other member may get the head
// without it.
func TestProxyContentDuringReconnect(t *testing.T) {
	during := 0
	for seed := range uint64(60) {
		refuse := seed%2 == 0
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newSimWorld(t, seed, engine.Faults{})
			a, b := w.upstream("a", echoing()), w.upstream("b", echoing())
			order := ""
			w.wrap = func(h *engine.Handler) {
				received, eof := h.Received, h.EOF
				h.Received = func(c engine.Conn, p []byte) { order += "r"; received(c, p) }
				h.EOF = func(c engine.Conn) { order += "e"; eof(c) }
			}
			w.serve("/p/: http://a http://b")
			c := w.client()
			c.send(get("/p/1") + get("/p/2"))
			c.expect(relayed("GET /p/1 ") + relayed("GET /p/2 "))
			w.steps(5)
			c.send("PUT /p/3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
			w.steps(5)
			a.conns[0].closeWrite()
			a.refuse(refuse)
			order = ""
			c.send([]string{"5\r\nhello\r\n0\r\n\r\n", "0\r\n\r\n"}[seed/2%2])
			w.step()
			if order == "er" {
				during++
			}
			head := string(c.untilHead())
			want := "HTTP/1.1 200 "
			if order == "re" || refuse {
				want = "HTTP/1.1 502 "
			}
			if !strings.HasPrefix(head, want) {
				t.Errorf("order %s, refused %t: %q", order, refuse, head)
			}
			if n := b.count(); n != 1 || len(b.conns[0].in) > 0 {
				t.Errorf("the other member has %d connections, and got %q", n, b.conns[0].in)
			}
		})
	}
	if during < 10 {
		t.Errorf("the content came during the reconnect in %d of 60 runs", during)
	}
}
