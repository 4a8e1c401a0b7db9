package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
)

const textField = "Content-Type: text/plain; charset=utf-8\r\n"

// lengthHead is a head of the toy protocol with a content length.
func lengthHead(status int, fields string, length int) string {
	return fmt.Sprintf("%d\n%sContent-Length: %d\r\n", status, fields, length)
}

// manyAtOnce runs a lot of exchanges of all actions over one connection.
func manyAtOnce(t testing.TB, w *world) {
	t.Helper()
	w.multiplexed()
	tableWorld(t, w)
	c := w.muxClient()
	var checks []func()
	add := func(e *muxExchange, head, content, trailers string) {
		checks = append(checks, func() { t.Helper(); e.want(t, head, content, trailers) })
	}
	static := func(e *muxExchange, content string) {
		checks = append(checks, func() {
			t.Helper()
			if !strings.HasPrefix(e.head, "200\n") || e.got != content || e.reset {
				t.Errorf("stream %d (seed %d): %q %s, want %s", e.id, w.seed, e.head, brief(e.got), brief(content))
			}
		})
	}
	upload := numbered(70_000)
	for i := range 4 {
		add(c.request("GET /ping", 'n', "", ""), lengthHead(200, textField, 4), "pong", "")
		add(c.request("GET /big", 'n', "", ""), lengthHead(200, textField, 100_000), numbered(100_000), "")
		static(c.request("GET /files/a.txt", 'n', "", ""), "file a")
		static(c.request("GET /files/middle.bin", 'n', "", ""), numbered(20_000))
		static(c.request("GET /files/large.bin", 'n', "", ""), numbered(300_000))
		path := fmt.Sprintf("/%d", i)
		body := fmt.Sprintf("GET %s \"\"", path)
		add(c.request("GET /p"+path, 'n', "", ""), lengthHead(200, "X-Up: 1\r\n", len(body)), body, "")
		body = fmt.Sprintf("POST %s 70000 bytes", path)
		add(c.request("POST /p"+path, 'l', upload, ""), lengthHead(200, "X-Up: 1\r\n", len(body)), body, "")
		body = fmt.Sprintf("POST %s \"some\" X-Sum=1", path)
		add(c.request("POST /p"+path, 'c', "some", "X-Sum: 1\r\n"), lengthHead(200, "X-Up: 1\r\n", len(body)), body, "")
		body = `GET /chunked ""`
		add(c.request("GET /p/chunked", 'n', "", ""), "200\nTrailer: X-T\r\n", body, "X-T: t\r\n")
		add(c.request("HEAD /p/x", 'n', "", ""), lengthHead(200, "", 1234), "", "")
		add(c.request("GET /p/hints", 'n', "", ""), "204\n", "", "")
		add(c.request("GET /nowhere", 'n', "", ""), lengthHead(404, textField, 14), "404 Not Found\n", "")
		// A response that is over before the request: its content is of no use
		// and nobody asks for it.
		add(c.request("POST /both", 'n', "", ""), lengthHead(201, textField, 4), "both", "")
		echoed := c.request("POST /echo", 'c', "what is this?", "")
		checks = append(checks, func() {
			t.Helper()
			if !strings.HasPrefix(echoed.got, "POST /echo MUX/1\r\n") || !strings.HasSuffix(echoed.got, "\r\n\r\nwhat is this?") {
				t.Errorf("the echo is %q", echoed.got)
			}
		})
	}
	c.finish(t)
	for _, check := range checks {
		check()
	}
	c.close()
}

func TestManyExchangesOnOneConnection(t *testing.T) {
	forEachEngine(t, manyAtOnceOn)
}

func manyAtOnceOn(t *testing.T, w *world) { manyAtOnce(t, w) }

func TestManyExchangesOnOneConnectionWithFaults(t *testing.T) {
	for seed := range uint64(12) {
		manyAtOnce(t, newSimWorld(t, seed, engine.Faults{Short: 0.5, Delay: 0.3, NoBufs: 0.1, Cancel: 0.1}))
	}
}

// TestCancelOneExchange resets exchanges in every state while others go on.
func TestCancelOneExchange(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		m := w.multiplexed()
		silent := w.upstream("silent", func(*upstreamConn) {})
		w.upstream("up", func(c *upstreamConn) {
			if c.state == nil && len(c.in) > 0 {
				c.state = true
				c.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + numbered(50_000))
			}
		})
		w.serve("/silent/: http://silent/", "/half/: http://up/", "/echo: *", "/ping: OK pong", "/big: OK "+numbered(100_000))
		c := w.muxClient()
		c.greedy = false
		awaiting := c.request("GET /silent/", 'n', "", "")
		uploading := c.request("POST /silent/", 'l', numbered(1_000_000), "")
		relaying := c.request("GET /half/", 'n', "", "")
		echoing := c.request("POST /echo", 'l', numbered(200_000), "")
		finished := c.request("GET /big", 'n', "", "") // waits for its window only
		echoing.hold, uploading.hold = 1000, 1000
		c.until(t, "all are under way", func() bool {
			n := 0
			w.do(func() { n = m.open() })
			return n == 4 && relaying.head != "" && len(finished.got) == muxWindowStart && len(echoing.left) < 150_000 && len(uploading.left) < 900_000 && silent.count() == 2
		})
		for i, e := range []*muxExchange{awaiting, uploading, relaying, echoing, finished} {
			e.cancel()
			ping := c.request("GET /ping", 'n', "", "")
			c.until(t, "another exchange has ended", func() bool { return ping.ended })
			ping.want(t, lengthHead(200, textField, 4), "pong", "")
			n := 0
			w.do(func() { n = m.open() })
			if n != max(0, 3-i) {
				t.Errorf("%d exchanges are open after %d of 5 were cancelled", n, i+1)
			}
		}
		w.eventually("the upstreams' connections have ended", func() bool { return w.s.Stats().Open == 1 })
		c.close()
	})
}

// TestResponseEndsBeforeRequest lets actions answer while content of the
// request is still to come.
func TestResponseEndsBeforeRequest(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.multiplexed()
		w.upstream("up", func(c *upstreamConn) {
			if c.state == nil && len(c.in) > 100_000 {
				c.state = true
				c.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
			}
		})
		w.serve("/p/: http://up/", "/ping: OK pong")
		c := w.muxClient()
		fixed := c.request("POST /ping", 'l', "never asked for", "")
		refused := c.request("POST /p/", 'l', numbered(1_000_000), "")
		refused.hold = 1000
		c.until(t, "both responses have come", func() bool { return fixed.ended && refused.ended })
		fixed.want(t, lengthHead(200, textField, 4), "pong", "")
		refused.want(t, lengthHead(413, "", 2), "no", "")
		// What was granted already may still come, and the end of it too.
		fixed.left, refused.left, refused.hold = "", "", 0
		c.finish(t)
		ping := c.request("GET /ping", 'n', "", "")
		c.finish(t)
		ping.want(t, lengthHead(200, textField, 4), "pong", "")
		c.close()
	})
}

// TestStreamWindowStopsItsSourceOnly lets one exchange's window stay shut:
// its upstream is stopped, the others are served.
func TestStreamWindowStopsItsSourceOnly(t *testing.T) {
	const size = 5 << 20
	w := newSimWorld(t, 3, engine.Faults{})
	w.multiplexed()
	var up *upstreamConn
	w.upstream("up", func(c *upstreamConn) {
		if c.state == nil {
			c.state, up = true, c
			c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, numbered(size)))
		}
	})
	w.serve("/p/: http://up/", "/big: OK "+numbered(100_000))
	c := w.muxClient()
	stalled := c.request("GET /p/", 'n', "", "")
	c.until(t, "the response has begun", func() bool { return len(stalled.got) >= muxWindowStart })
	c.greedy = true
	for range 5 {
		c.request("GET /big", 'n', "", "")
	}
	c.until(t, "the others are served", func() bool {
		for _, e := range c.streams {
			if e != stalled && !e.ended {
				return false
			}
		}
		return true
	})
	// The stalled one is stopped from the start: nothing opens its window.
	c.greedy = false
	for range 200 {
		c.work()
	}
	st := w.s.Stats()
	if read := size - up.peer.Unread(); read > 1<<20 || st.LargeInUse > 8 {
		t.Errorf("%d bytes of the upstream were read for a client that takes %d; %+v", read, len(stalled.got), st)
	}
	c.greedy = true
	stalled.open(1 << 20)
	c.finish(t)
	if stalled.got != numbered(size) {
		t.Errorf("the content is not what the upstream sent")
	}
	c.close()
}

// TestRequestCreditFollowsUpstream lets an upstream take nothing: the client
// is granted a bounded number of bytes, and no more.
func TestRequestCreditFollowsUpstream(t *testing.T) {
	w := newSimWorld(t, 4, engine.Faults{})
	w.multiplexed()
	u := w.upstream("up", answering(tableUpstream))
	w.serve("/p/: http://up/", "/ping: OK pong")
	c := w.muxClient()
	c.request("GET /p/x", 'n', "", "")
	c.finish(t) // there is a connection now
	u.conns[0].peer.Window = len(u.conns[0].peer.FromShard) + 100
	const size = 2 << 20
	e := c.request("POST /p/a", 'l', strings.Repeat("x", size), "")
	for range 2000 {
		c.work()
	}
	if sent := size - len(e.left); sent > 512<<10 {
		t.Errorf("the client was granted %d bytes by an upstream that takes 100", sent)
	}
	u.conns[0].peer.Window = -1
	c.finish(t)
	body := fmt.Sprintf("POST /a %d bytes", size)
	e.want(t, lengthHead(200, "X-Up: 1\r\n", len(body)), body, "")
	c.close()
}

// TestMuxBodyLimit holds content without a length to its limit.
func TestMuxBodyLimit(t *testing.T) {
	w := newSimWorld(t, 5, engine.Faults{})
	w.multiplexed()
	w.settings.Body = 100_000
	w.upstream("up", func(c *upstreamConn) {})
	w.upstream("early", func(c *upstreamConn) {
		if c.state == nil && len(c.in) > 1000 {
			c.state = true
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		}
	})
	w.serve("/p/: http://up/", "/early/: http://early/")
	c := w.muxClient()
	large := c.request("POST /p/", 'c', numbered(200_000), "")
	early := c.request("POST /early/", 'c', numbered(200_000), "")
	c.until(t, "both have ended", func() bool { return large.ended && early.reset })
	large.want(t, lengthHead(413, textField, 22), "413 Content Too Large\n", "")
	if early.got != "hello" {
		t.Errorf("%q came of a response whose request is too large", early.got)
	}
	c.close()
}

// TestMuxConnectionFails ends a connection with exchanges in every state.
func TestMuxConnectionFails(t *testing.T) {
	for seed := range uint64(30) {
		w := newSimWorld(t, seed, engine.Faults{Short: 0.5, Delay: 0.2, Reset: 0.002, Refused: 0.1, NoBufs: 0.1, Cancel: 0.1})
		m := w.multiplexed()
		tableWorld(t, w)
		for range 3 {
			c := w.muxClient()
			for range 8 {
				c.request("GET /big", 'n', "", "")
				c.request("GET /files/large.bin", 'n', "", "")
				c.request("GET /files/middle.bin", 'n', "", "")
				c.request("POST /p/a", 'l', numbered(70_000), "")
				c.request("POST /echo", 'l', numbered(70_000), "")
			}
			for n := 0; n < 300+int(seed)*40 && !c.ended; n++ {
				c.work()
			}
			c.abort()
		}
		w.eventually("all exchanges are over", func() bool { return m.open() == 0 && w.s.Stats().Clients == 0 })
	}
}
