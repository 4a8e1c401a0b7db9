package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// gate is an upstream that answers when the test says so.
type gate struct {
	u    *upstream
	w    *world
	held []func()
}

// gated makes an upstream whose responses wait.
func (w *world) gated(name string) *gate {
	g := &gate{w: w}
	g.u = w.upstream(name, answering(func(c *upstreamConn, r *http.Request, content string) string {
		g.held = append(g.held, func() {
			body := fmt.Sprintf("%s %s %q", r.Method, r.RequestURI, content)
			c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Up: 1\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		})
		return ""
	}))
	return g
}

// waiting waits until n requests have come that are not answered.
func (g *gate) waiting(n int) {
	g.w.t.Helper()
	g.w.eventually("the upstream has the requests", func() (ok bool) {
		g.u.locked(func() { ok = len(g.held) == n })
		return ok
	})
}

// answer answers them.
func (g *gate) answer() {
	g.u.locked(func() {
		for _, f := range g.held {
			f()
		}
		g.held = nil
	})
}

// TestHalfClosedClient answers what a client asked for before it closed its
// side, pipelined requests included.
func TestHalfClosedClient(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		g := w.gated("up")
		w.serve("/p/: http://up/", "/ping: OK pong")
		c := w.client()
		c.send("GET /p/a" + req + "\r\n" + "GET /ping" + req + "\r\n" + "GET /p/b" + req + "\r\n" + "GET /ping" + req + "\r\n")
		c.closeWrite()
		g.waiting(1)
		g.answer()
		c.expect(fromUp(`GET /a ""`) + text(200, "pong"))
		g.waiting(1)
		g.answer()
		c.expect(fromUp(`GET /b ""`) + text(200, "pong"))
		c.expectEnd()
	})
}

// TestHalfClosedClients covers the ends of connections at which no request, or
// only a part of one, has come.
func TestHalfClosedClients(t *testing.T) {
	table := []struct{ name, in, out string }{
		{"nothing", "", ""},
		{"an empty line", "\r\n", ""},
		{"a part of a head", "GET /ping HTTP/1.1\r\nHost: ", ""},
		{"a request", "GET /ping" + req + "\r\n", text(200, "pong")},
		{"a request and a part of one", "GET /ping" + req + "\r\nGET /pi", text(200, "pong")},
		{"a part of its content", "POST /p/a" + req + "Content-Length: 10\r\n\r\nhello", ""},
		{"a part of a chunk", "POST /p/a" + req + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", ""},
		{"a part of content that nobody reads", "POST /ping" + req + "Content-Length: 10\r\n\r\nhello", text(200, "pong")},
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", answering(tableUpstream))
		w.serve("/p/: http://up/", "/ping: OK pong")
		for _, row := range table {
			c := w.client()
			c.send(row.in)
			c.closeWrite()
			c.expect(row.out)
			c.expectEnd()
		}
		w.eventually("nothing is under way", func() bool { return w.g.Open() == 0 })
	})
}

// TestClientAborts resets the connection of a request that waits for its
// upstream: the upstream's connection ends too.
func TestClientAborts(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		g := w.gated("up")
		w.serve("/p/: http://up/", "/ping: OK pong")
		c := w.client()
		c.send("GET /p/a" + req + "\r\n")
		g.waiting(1)
		c.abort()
		w.eventually("the upstream's connection has ended", func() bool { return w.s.Stats().Open == 0 })
		if w.g.Open() != 0 {
			t.Errorf("%d clients are open", w.g.Open())
		}
	})
}

// TestContinueOnlyWhenWanted holds the 100 back until the upstream has a
// connection, and the content until then.
func TestContinueOnlyWhenWanted(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	u := w.upstream("up", answering(tableUpstream))
	u.refuse(true)
	w.serve("/p/: http://up/")
	c := w.client()
	c.send("POST /p/a" + req + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	c.expect(closing(page(502)))
	c.expectEnd()
}

// TestUnreadContent answers requests whose content nobody wants, with more of
// it than is worth reading.
func TestUnreadContent(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.serve("/ping: OK pong")
		c := w.client()
		chunk := "10000\r\n" + numbered(65536) + "\r\n"
		c.send("POST /ping" + req + "Transfer-Encoding: chunked\r\n\r\n" + chunk)
		c.expect(text(200, "pong"))
		c.send(strings.Repeat(chunk, 3)) // 256 KiB in all
		c.send("0\r\n\r\n")
		c.expectOpen()
		c.send("POST /ping" + req + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk, 5))
		c.expect(text(200, "pong"))
		c.expectEnd()
	})
}

// TestEarlyResponse relays a response that begins while a lot of the request
// is still to come: the connection ends with it, and says so.
func TestEarlyResponse(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", func(c *upstreamConn) {
			if c.state == nil && len(c.in) > 1000 {
				c.state = true
				c.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
			}
		})
		w.serve("/p/: http://up/")
		c := w.client()
		c.send("POST /p/" + req + "Content-Length: 1000000\r\n\r\n" + numbered(100_000))
		c.expect(closing("HTTP/1.1 413 Content Too Large\r\n" + served + "Content-Length: 2\r\n\r\nno"))
		c.expectEnd()
	})
}

// TestTinyChunks sends and receives content in pieces of one byte.
func TestTinyChunks(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		const n = 3000
		w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, content string) string {
			if content != strings.Repeat("x", n) {
				t.Errorf("the upstream got %s", brief(content))
			}
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\ny\r\n", n) + "0\r\n\r\n"
		}))
		w.serve("/p/: http://up/")
		c := w.client()
		c.send("POST /p/" + req + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;a=\"b\"\r\nx\r\n", n) + "0\r\n\r\n" + "GET /.sentinel" + req + "Connection: close\r\n\r\n")
		want := fmt.Sprintf(okLine+served+"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", n, strings.Repeat("y", n)) + closing(page(404))
		if got := oneChunk(undated(c.rest())); got != want {
			t.Errorf("received %s", brief(got))
		}
		c.close()
	})
}

// TestFloodOfRequests pipelines requests without reading the responses: what
// the gateway holds stays bounded, and when the client reads, all responses
// are there.
func TestFloodOfRequests(t *testing.T) {
	for _, row := range []struct {
		name, path, response string
		n                    int
	}{
		{"fixed", "/ping", text(200, "pong"), 5000},
		{"large", "/big", text(200, numbered(100_000)), 300},
		{"redirect", "/old/x", redirected("/new/x"), 5000},
		{"proxied", "/p/a", fromUp(`GET /a ""`), 2000},
		{"refused", "/nowhere", page(404), 5000},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newSimWorld(t, 1, engine.Faults{})
			tableWorld(t, w)
			c := w.client()
			c.peer.Window = 0
			request := "GET " + row.path + req + "X-Padding: " + strings.Repeat("x", 1000) + "\r\n\r\n"
			c.send(strings.Repeat(request, row.n))
			most := 0
			for range 3000 {
				w.step()
				st := w.s.Stats()
				most = max(most, st.SmallInUse*engine.SmallBuffer+st.LargeInUse*engine.LargeBuffer)
			}
			if most > 1<<20 || c.peer.Unread() == 0 {
				t.Fatalf("%d bytes of buffers are in use for a client that does not read; %d bytes of its requests are unread", most, c.peer.Unread())
			}
			c.peer.Window = -1
			for range row.n {
				c.expect(row.response)
			}
			c.expectOpen()
			c.close()
		})
	}
}

// TestDrain ends idle connections, and the others with their response.
func TestDrain(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		g := w.gated("up")
		w.serve("/p/: http://up/", "/ping: OK pong")
		fresh, idle, partial, busy, uploading, discarding := w.client(), w.client(), w.client(), w.client(), w.client(), w.client()
		idle.send("GET /ping" + req + "\r\n")
		idle.expect(text(200, "pong"))
		partial.send("GET /ping HTTP/1.1\r\nHo")
		busy.send("GET /p/a" + req + "\r\n" + "GET /ping" + req + "\r\n")
		discarding.send("POST /ping" + req + "Content-Length: 5\r\n\r\nab")
		discarding.expect(text(200, "pong"))
		g.waiting(1)
		uploading.send("POST /p/b" + req + "Content-Length: 5\r\n\r\nab")
		w.eventually("all have come", func() bool {
			n := 0
			w.s.Each(func(c engine.Conn) {
				if w.s.User(c) == userClient && w.g.client(c).bytesIn > 0 {
					n++
				}
			})
			return n == 5 && w.g.Open() == 6 && g.u.count() == 2
		})
		w.do(func() { w.g.drain(); w.g.drain() })
		fresh.expectEnd()
		idle.expectEnd()
		partial.send("st: h\r\n\r\n")
		partial.expect(closing(text(200, "pong")))
		partial.expectEnd()
		discarding.send("cde")
		discarding.expectEnd()
		g.answer()
		busy.expect(closing(fromUp(`GET /a ""`)))
		busy.expectEnd()
		uploading.send("cde")
		g.waiting(1)
		g.answer()
		uploading.expect(closing(fromUp(`POST /b "abcde"`)))
		uploading.expectEnd()
		w.eventually("the shard is drained", func() bool { return w.g.Open() == 0 })
	})
}

// TestDateIsRenewed looks at the Date fields of both kinds of responses.
func TestDateIsRenewed(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.serve("/ping: OK pong", "GET /old/*: MOVED /new/*")
	c := w.client()
	for range 5 {
		now := time.Unix(w.s.Unix(), 0).UTC().Format(http.TimeFormat)
		for _, line := range []string{"GET /ping", "GET /old/x"} {
			if r := c.ask(line, ""); r.fields.Get("Date") != now {
				t.Errorf("%s has the date %q at %q", line, r.fields.Get("Date"), now)
			}
		}
		w.advance(time.Second)
	}
	c.close()
}

// TestReload gives new exchanges the new configuration, and lets the old ones
// end with theirs.
func TestReload(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		g := w.gated("up")
		w.serve("/p/: http://up/", "/ping: OK old")
		busy, c := w.client(), w.client()
		busy.send("GET /p/a" + req + "\r\nGET /ping" + req + "\r\n")
		c.send("GET /ping" + req + "\r\n")
		c.expect(text(200, "old"))
		g.waiting(1)
		w.current.Store(w.generation("/ping: OK new"))
		c.send("GET /ping" + req + "\r\n")
		c.expect(text(200, "new"))
		c.send("GET /p/a" + req + "\r\n")
		c.expect(page(404))
		g.answer()
		busy.expect(fromUp(`GET /a ""`) + text(200, "new"))
		busy.close()
		c.close()
	})
}

// TestEcho compares the echo's answers, whose peer is the simulation's.
func TestEcho(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.serve("/echo/denied: FORBIDDEN *", "/echo: *")
	c := w.client()
	c.send("POST /echo?a=1&b=%20" + req + "Authorization: Basic Zm9v\r\nCookie: a=b\r\nX-Api-Key: k\r\nX-A: \"1\"\r\nContent-Length: 5\r\n\r\nhello")
	body := "POST /echo?a=1&b=%20 HTTP/1.1\r\nPeer: 192.0.2.1:1\r\nHost: h\r\nAuthorization: ***\r\nCookie: ***\r\nX-Api-Key: ***\r\nX-A: \"1\"\r\nContent-Length: 5\r\n\r\nhello"
	const fields = "Cache-Control: no-store\r\nVary: Accept\r\nX-Content-Type-Options: nosniff\r\n"
	c.expect(fmt.Sprintf(okLine+served+textField+fields+"Content-Length: %d\r\n\r\n%s", len(body), body))
	c.send("GET /echo/denied?x HTTP/1.1\r\nHost: h\r\nAccept: text/html, application/json;q=0.5\r\nAuthorization: Basic Zm9v\r\n\r\n")
	body = `{"method":"GET","path":"/echo/denied","query":"x","protocol":"HTTP/1.1","peer":"192.0.2.1:1","headers":[["Host","h"],["Accept","text/html, application/json;q=0.5"],["Authorization","***"]],"body":"","body_bytes":0}` + "\n"
	c.expect(fmt.Sprintf("HTTP/1.1 403 Forbidden\r\n"+served+"Content-Type: application/json\r\n"+fields+"Content-Length: %d\r\n\r\n%s", len(body), body))
	long := numbered(10_000)
	c.send("PUT /echo" + req + "Content-Length: 10000\r\n\r\n" + long)
	body = "PUT /echo HTTP/1.1\r\nPeer: 192.0.2.1:1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n" + long[:4096] + "\n... 5904 more bytes\n"
	c.expect(fmt.Sprintf(okLine+served+textField+fields+"Content-Length: %d\r\n\r\n%s", len(body), body))
	c.send("HEAD /echo" + req + "\r\n")
	body = "HEAD /echo HTTP/1.1\r\nPeer: 192.0.2.1:1\r\nHost: h\r\n"
	c.expect(fmt.Sprintf(okLine+served+textField+fields+"Content-Length: %d\r\n\r\n", len(body)))
	c.expectOpen()
	c.close()
}
