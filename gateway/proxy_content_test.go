package gateway

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// TestProxyTrailers has trailers passed on in both directions, from clients of HTTP/1.1 and HTTP/2, without those that would
// say who the client is.
func TestProxyTrailers(t *testing.T) {
	const trailers = "X-Sum: 7\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Port: 1\r\nX_Forwarded_For: 10.0.0.1\r\n" +
		"X-Client-Cert-Subject: CN=admin\r\nClient-Cert: :AA==:\r\nAuthorization: x\r\n"
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, content string) string {
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\nX-Got: %s %s %v\r\n\r\n", content, r.Trailer.Get("X-Sum"), len(r.Trailer))
		}))
		w.serve("/p/: http://up")
		c := w.client()
		for range 2 {
			c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
				"3\r\nabc\r\n0\r\nContent-Length: 3\r\n" + trailers + "\r\n")
			c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\nX-Got: abc 7 1\r\n\r\n")
		}
		over2 := w.h2Client()
		e := over2.request("POST /p/", 'c', "abc", trailers)
		over2.finish(t)
		if e.got != "!" || e.gotTrailers != "x-got: abc 7 1\r\n" {
			t.Errorf("%q %q %q", e.head, e.got, e.gotTrailers)
		}
		over2.close()
	})
}

// TestProxyTrailersOfEditedNames has nothing come behind the content that was
// taken out before it: an upstream may join the two, and what a route says of
// the client is not for the client to say.
func TestProxyTrailersOfEditedNames(t *testing.T) {
	const trailers = "X-Sum: 7\r\nX-User: admin\r\nx-secret: 1\r\n"
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, content string) string {
			return ok(fmt.Sprintf("%s %s %v %q", content, r.Trailer.Get("X-Sum"), len(r.Trailer), r.Header.Get("X-User")))
		}))
		w.edits = new(http1.Edits)
		w.edits.Remove("X-User")
		w.edits.Remove("X-Secret")
		w.lines = linesOf(t, "X-User: {user}")
		w.serve("/p/: http://up")
		c := w.client()
		for range 2 {
			c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" + trailers + "\r\n")
			c.expect(relayed(`abc 7 1 ""`))
		}
		over2 := w.h2Client()
		e := over2.request("POST /p/", 'c', "abc", trailers)
		over2.finish(t)
		if e.got != `abc 7 1 ""` {
			t.Errorf("%q %q", e.head, e.got)
		}
		over2.close()
	})
}

// TestProxyRequestContent sends content in each framing, in one piece and byte
// by byte, and has the upstream say what it got.
func TestProxyRequestContent(t *testing.T) {
	for _, tt := range []struct{ name, request, want string }{
		{"a length", "POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "POST /p/ hello"},
		{"a length of 0", "POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "POST /p/ "},
		{"no length", "POST /p/ HTTP/1.1\r\nHost: h\r\n\r\n", "POST /p/ "},
		{"chunked", "PUT /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "PUT /p/ hello"},
		{"chunked, empty", "PUT /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "PUT /p/ "},
		{"GET with content", "GET /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", "GET /p/ hi"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.upstream("up", echoing())
				w.serve("/p/: http://up")
				c := w.client()
				c.send(tt.request)
				c.expect(relayed(tt.want))
				c.send(tt.request + tt.request)
				c.expect(relayed(tt.want) + relayed(tt.want))
				for i := range len(tt.request) {
					c.send(tt.request[i : i+1])
					if w.onSim() {
						w.step()
					}
				}
				c.expect(relayed(tt.want))
			})
		})
	}
}

// TestProxyLargePost has content right behind the head, more than a buffer of
// it in the first receive.
func TestProxyLargePost(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", answering(func(_ *upstreamConn, _ *http.Request, content string) string {
			return ok(fmt.Sprintf("%d %x", len(content), sha256.Sum256([]byte(content))))
		}))
		w.serve("/p/: http://up")
		c := w.client()
		for _, n := range []int{1, 4 << 10, 60 << 10, 64 << 10, 300 << 10} {
			body := numbers(n)
			c.send(fmt.Sprintf("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", n, body))
			c.expect(relayed(fmt.Sprintf("%d %x", n, sha256.Sum256([]byte(body)))))
		}
	})
}

// numbers is content of n bytes in which no part looks like another.
func numbers(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()[:n]
}

// TestProxyEarlyResponse answers before the content has come. The client gets
// the answer at once, and may go on after the content it has announced.
func TestProxyEarlyResponse(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", func(c *upstreamConn) {
			if _, _, ok := strings.Cut(string(c.in), "\r\n\r\n"); ok && c.state == nil {
				c.state = true
				c.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!")
			}
		})
		w.serve("/p/: http://up", "GET /ping: OK pong")
		want := "HTTP/1.1 413 Content Too Large\r\nServer: anygate\r\nDate: D\r\nContent-Length: 3\r\n\r\nno!"

		c := w.client()
		c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nfirst")
		c.expect(want)
		u.waitEnded(0) // it cannot carry another request
		c.send(strings.Repeat("x", 100_000-len("first")) + get("/ping"))
		c.expect(text(200, "pong"))

		// More than would be read for nothing: the connection ends.
		c = w.client()
		c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\nfirst")
		c.expect(closing(want))
		c.expectEnd()
		u.waitEnded(1)
	})
}

// TestProxyEarlyResponseThatGoesOn begins its answer before the content has
// come, and ends it after that: both directions are open at once.
func TestProxyEarlyResponseThatGoesOn(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", func(c *upstreamConn) {
			switch in := string(c.in); {
			case c.state == nil && strings.Contains(in, "\r\n\r\n"):
				c.state = 1
				c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
			case c.state == 1 && strings.HasSuffix(in, "the end"):
				c.state = nil
				c.in = nil
				c.write("world")
			}
		})
		w.serve("/p/: http://up")
		c := w.client()
		for range 3 {
			c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\nfirst")
			c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 10\r\n\r\nhello")
			c.send("the end")
			c.expect("world")
		}
		if n := u.count(); n != 1 {
			t.Errorf("%d connections, want one for all: the request was complete before the response", n)
		}
	})
}

// TestProxyStalledUpload has an upstream that reads nothing behind the head: what
// the gateway takes from the client is bounded by its window and the sockets.
func TestProxyStalledUpload(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	u := w.upstream("up", func(c *upstreamConn) {})
	w.serve("/p/: http://up")
	c := w.client()
	const size = 4 << 20
	c.send(fmt.Sprintf("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", size))
	w.eventually("the request arrives", func() bool {
		return u.count() > 0 && strings.Contains(string(u.conns[0].in), "\r\n\r\n")
	})
	p := u.conns[0].peer
	p.Window = len(p.FromShard)
	body := numbers(size)
	c.send(body)
	w.steps(5000)
	taken := size - c.peer.Unread()
	if taken > 512<<10 {
		t.Errorf("%d bytes are taken from the client and none by the upstream", taken)
	}
	if st := w.s.Stats(); st.LargeInUse > 16 || st.SmallInUse > 200 {
		t.Errorf("%d large and %d small buffers in use", st.LargeInUse, st.SmallInUse)
	}
	if taken < 128<<10 {
		t.Errorf("only %d bytes are taken from the client: the window is not used", taken)
	}
	// It goes on where it stopped.
	for step := 1; p.Window < size+4096; step++ {
		p.Window += 100_000
		w.steps(20)
	}
	w.eventually("the content arrives", func() bool { return strings.HasSuffix(string(u.conns[0].in), body[size-1000:]) })
	_, got, _ := strings.Cut(string(u.conns[0].in), "\r\n\r\n")
	if got != body {
		t.Error("the content is damaged")
	}
	u.conns[0].write(ok("done"))
	c.expect(relayed("done"))
}

// TestProxySlowReader has a client that reads nothing: the upstream is stopped
// after what the sockets and the output limit hold, and goes on later.
func TestProxySlowReader(t *testing.T) {
	const size = 256 << 20
	forEachLoop(t, func(t *testing.T, w *world) {
		var sent atomic.Int64
		chunk := []byte(numbers(64 << 10))
		w.upstream("up", func(c *upstreamConn) {
			if c.state != nil || !strings.Contains(string(c.in), "\r\n\r\n") {
				return
			}
			c.state = true
			c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
			go func() {
				for sent.Load() < size {
					n, err := c.conn.Write(chunk)
					if sent.Add(int64(n)); err != nil {
						return
					}
				}
			}()
		})
		w.serve("/p/: http://up")
		c := w.client()
		c.send(get("/p/"))
		// The exact bound is TestProxySlowReaderInTheSimulation's; here the
		// kernel holds some on both sides as well.
		w.eventually("the client's side is full", func() bool { return full(w) })
		if n := sent.Load(); n >= size/2 {
			t.Errorf("the upstream could send %d bytes to a client that reads none", n)
		}
		w.do(func() {
			if st := w.s.Stats(); st.LargeInUse-w.base.LargeInUse > 16 || st.SmallInUse-w.base.SmallInUse > 200 {
				t.Errorf("%d large and %d small buffers in use", st.LargeInUse, st.SmallInUse)
			}
		})
		want := sha256.New()
		for range size / len(chunk) {
			_, _ = want.Write(chunk)
		}
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: %d\r\n\r\n", size)
		c.expect(head)
		got := sha256.New()
		n, err := io.Copy(got, io.MultiReader(strings.NewReader(string(c.got)), io.LimitReader(c.conn, size-int64(len(c.got)))))
		if c.got = nil; n != size || err != nil || string(got.Sum(nil)) != string(want.Sum(nil)) {
			t.Errorf("%d bytes of %d came (%v), or they are damaged", n, size, err)
		}
		c.expectOpen()
	})
}

// full reports whether output of some connection is over its limit.
func full(w *world) (is bool) {
	w.s.Each(func(c engine.Conn) {
		is = is || w.s.User(c) == userClient && w.g.client(c).flags.has(h1Full)
	})
	return is
}

// TestSlowReadersLeaveRoomForOthers has more clients that read nothing of a
// large response than there are buffers for: the others are served.
func TestSlowReadersLeaveRoomForOthers(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.limits.SmallBuffers, w.limits.LargeBuffers = 512, 128
	body := numbers(1 << 20)
	w.upstream("up", always(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)))
	w.upstream("small", always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmall"))
	w.serve("/p/: http://up", "/s/: http://small", "/ping: OK pong")
	var slow []*client
	for range 60 {
		c := w.client()
		c.peer.Window = 0
		c.send(get("/p/"))
		slow = append(slow, c)
		w.steps(20)
	}
	w.steps(500)
	for range 20 {
		c := w.client()
		c.send(get("/ping"))
		c.expect(text(200, "pong"))
		c.send(get("/s/"))
		c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 5\r\n\r\nsmall")
	}
	for _, c := range slow {
		c.abort()
	}
	w.steps(50)
}

// TestProxySlowReaderInTheSimulation is exact about what may wait.
func TestProxySlowReaderInTheSimulation(t *testing.T) {
	const size = 4 << 20
	w := newSimWorld(t, 1, engine.Faults{})
	body := numbers(size)
	u := w.upstream("up", always(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body)))
	w.serve("/p/: http://up")
	c := w.client()
	c.peer.Window = 1000
	c.send(get("/p/"))
	w.eventually("the answer begins", func() bool { return len(c.peer.FromShard) == 1000 })
	w.steps(2000)
	if waits := size - u.conns[0].peer.Unread() - 1000; waits > outputMost+2*(64<<10) {
		t.Errorf("%d bytes wait for the client", waits)
	}
	c.peer.Window = -1
	c.expect(fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: %d\r\n\r\n", size))
	if string(c.take(size)) != body {
		t.Error("the content is damaged")
	}
}

// TestProxyBothDirections moves 64 MiB up and down at the same time, through an
// upstream that sends back what it gets: chunked content is a chunked answer.
func TestProxyBothDirections(t *testing.T) {
	const size = 64 << 20
	for _, framing := range []string{fmt.Sprintf("Content-Length: %d", size), "Transfer-Encoding: chunked"} {
		t.Run(framing, func(t *testing.T) {
			forEachLoop(t, func(t *testing.T, w *world) {
				w.upstream("up", func(c *upstreamConn) {
					if c.state == nil {
						_, rest, ok := strings.Cut(string(c.in), "\r\n\r\n")
						if !ok {
							return
						}
						c.state = true
						c.write("HTTP/1.1 200 OK\r\n" + framing + "\r\n\r\n")
						c.in = []byte(rest)
					}
					c.write(string(c.in))
					c.in = c.in[:0]
				})
				w.serve("/p/: http://up")
				c := w.client()
				chunked := strings.Contains(framing, "chunked")
				part := numbers(100 << 10)
				sum, got := sha256.New(), sha256.New()
				written := make(chan error, 1)
				go func() {
					_, err := io.WriteString(c.conn, "POST /p/ HTTP/1.1\r\nHost: h\r\n"+framing+"\r\n\r\n")
					for left := size; left > 0 && err == nil; {
						piece := part[:min(left, len(part))]
						left -= len(piece)
						_, _ = io.WriteString(sum, piece)
						if chunked {
							piece = fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
						}
						_, err = io.WriteString(c.conn, piece)
					}
					if chunked && err == nil {
						_, err = io.WriteString(c.conn, "0\r\n\r\n")
					}
					written <- err
				}()
				in := bufio.NewReaderSize(c.conn, 64<<10)
				r, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				n, err := io.Copy(got, r.Body)
				if e := <-written; e != nil {
					t.Fatal(e)
				}
				if n != size || err != nil || string(got.Sum(nil)) != string(sum.Sum(nil)) {
					t.Errorf("%d bytes of %d came back (%v), or they are damaged", n, size, err)
				}
				w.do(func() {
					if st := w.s.Stats(); st.LargeInUse-w.base.LargeInUse > 64 {
						t.Errorf("%d large buffers in use", st.LargeInUse)
					}
				})
				c.expectOpen()
			})
		})
	}
}
