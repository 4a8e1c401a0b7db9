package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/anygate/anygate/engine"
)

// h2AtOnce runs a lot of exchanges of all actions over one connection.
func h2AtOnce(t testing.TB, w *world, settings ...http2.Setting) {
	t.Helper()
	w.muxed()
	tableWorld(t, w)
	c := w.h2Client(settings...)
	var checks []func()
	add := func(e *h2Exchange, head, content, trailers string) {
		checks = append(checks, func() { t.Helper(); e.want(t, head, content, trailers) })
	}
	static := func(e *h2Exchange, content string) {
		checks = append(checks, func() {
			t.Helper()
			if !strings.HasPrefix(e.head, "200\r\n") || e.got != content || e.reset {
				t.Errorf("stream %d (seed %d): %q %s, want %s", e.id, w.seed, e.head, brief(e.got), brief(content))
			}
		})
	}
	upload := numbered(70_000)
	for i := range 4 {
		add(c.request("GET /ping", 'n', "", ""), h2Head(200, h2Text, 4), "pong", "")
		add(c.request("GET /big", 'n', "", ""), h2Head(200, h2Text, 100_000), numbered(100_000), "")
		static(c.request("GET /files/a.txt", 'n', "", ""), "file a")
		static(c.request("GET /files/middle.bin", 'n', "", ""), numbered(20_000))
		static(c.request("GET /files/large.bin", 'n', "", ""), numbered(300_000))
		path := fmt.Sprintf("/%d", i)
		body := fmt.Sprintf("GET %s \"\"", path)
		add(c.request("GET /p"+path, 'n', "", ""), h2Head(200, "x-up: 1\r\n", len(body)), body, "")
		body = fmt.Sprintf("POST %s 70000 bytes", path)
		add(c.request("POST /p"+path, 'l', upload, ""), h2Head(200, "x-up: 1\r\n", len(body)), body, "")
		body = fmt.Sprintf("POST %s \"some\" X-Sum=1", path)
		add(c.request("POST /p"+path, 'c', "some", "X-Sum: 1\r\n"), h2Head(200, "x-up: 1\r\n", len(body)), body, "")
		body = fmt.Sprintf("POST %s \"\"", path)
		add(c.request("POST /p"+path, 'c', "", ""), h2Head(200, "x-up: 1\r\n", len(body)), body, "")
		body = `GET /chunked ""`
		add(c.request("GET /p/chunked", 'n', "", ""), "200\r\ntrailer: X-T\r\n", body, "x-t: t\r\n")
		add(c.request("HEAD /p/x", 'n', "", ""), h2Head(200, "", 1234), "", "")
		add(c.request("HEAD /ping", 'n', "", ""), h2Head(200, h2Text, 4), "", "")
		add(c.request("GET /none", 'n', "", ""), "204\r\n", "", "")
		add(c.request("GET /p/hints", 'n', "", ""), "204\r\n", "", "")
		add(c.request("GET /nowhere", 'n', "", ""), h2Head(404, h2Text, 14), "404 Not Found\n", "")
		// A response that is over before the request, whose content is of no use.
		add(c.request("POST /both", 'l', "hello", ""), h2Head(201, h2Text, 4), "both", "")
		add(c.request("POST /both", 'c', numbered(100_000), ""), h2Head(201, h2Text, 4), "both", "")
		echoed := c.request("POST /echo", 'c', "what is this?", "")
		checks = append(checks, func() {
			t.Helper()
			if !strings.HasPrefix(echoed.got, "POST /echo HTTP/2.0\r\n") || !strings.HasSuffix(echoed.got, "\r\n\r\nwhat is this?") {
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

func TestH2(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) { h2AtOnce(t, w) })
}

func TestH2UnderTransform(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.sealing()
		h2AtOnce(t, w)
	})
}

func TestH2WithSmallWindows(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	h2AtOnce(t, w, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
}

func TestH2WithFaults(t *testing.T) {
	for seed := range uint64(6) {
		w := newSimWorld(t, seed, engine.Faults{Short: 0.5, Delay: 0.3, NoBufs: 0.1, Cancel: 0.1})
		if seed%3 == 0 {
			w.sealing()
		}
		h2AtOnce(t, w)
	}
}

// h2Open is how many streams the gateway's connections have.
func (w *world) h2Open() (n int) {
	for _, h := range w.g.h2 {
		if h != nil {
			for st := h.streams; st != nil; st = st.next {
				n++
			}
		}
	}
	return n
}

// TestH2CancelOneStream resets streams in every state while others go on.
func TestH2CancelOneStream(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		silent := w.upstream("silent", func(*upstreamConn) {})
		w.upstream("up", func(c *upstreamConn) {
			if c.state == nil && len(c.in) > 0 {
				c.state = true
				c.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + numbered(50_000))
			}
		})
		w.serve("/silent/: http://silent/", "/half/: http://up/", "/echo: *", "/ping: OK pong", "/big: OK "+numbered(100_000))
		c := w.h2Client(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
		c.greedy = false
		awaiting := c.request("GET /silent/", 'n', "", "")
		uploading := c.request("POST /silent/", 'l', numbered(1_000_000), "")
		relaying := c.request("GET /half/", 'n', "", "")
		echoing := c.request("POST /echo", 'l', numbered(200_000), "")
		finished := c.request("GET /big", 'n', "", "") // waits for its window only
		echoing.hold, uploading.hold = 1000, 1000
		c.until(t, "all are under way", func() bool {
			n := 0
			w.do(func() { n = w.h2Open() })
			return n == 5 && relaying.head != "" && len(finished.got) == 1000 && len(echoing.left) < 150_000 && len(uploading.left) < 900_000 && silent.count() == 2
		})
		for i, e := range []*h2Exchange{awaiting, uploading, relaying, echoing, finished} {
			e.cancel()
			ping := c.request("GET /ping", 'n', "", "")
			c.until(t, "another exchange has ended", func() bool { return ping.ended })
			ping.want(t, h2Head(200, h2Text, 4), "pong", "")
			n := 0
			w.do(func() { n = w.h2Open() })
			if n != 4-i {
				t.Errorf("%d streams are open after %d of 5 were cancelled", n, i+1)
			}
		}
		w.eventually("the upstreams' connections have ended", func() bool { return w.s.Stats().Open == 1 })
		c.close()
	})
}

// TestH2ResponseEndsBeforeRequest lets actions answer while content of the
// request is still to come.
func TestH2ResponseEndsBeforeRequest(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.upstream("up", func(c *upstreamConn) {
			if c.state == nil && len(c.in) > 100_000 {
				c.state = true
				c.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
			}
		})
		w.serve("/p/: http://up/", "/ping: OK pong")
		c := w.h2Client()
		fixed := c.request("POST /ping", 'l', "never asked for", "")
		long := c.request("POST /ping", 'c', numbered(1_000_000), "")
		refused := c.request("POST /p/", 'l', numbered(1_000_000), "")
		refused.hold = 1000
		c.until(t, "all responses have come", func() bool { return fixed.ended && refused.ended && long.ended })
		fixed.want(t, h2Head(200, h2Text, 4), "pong", "")
		long.want(t, h2Head(200, h2Text, 4), "pong", "")
		refused.want(t, h2Head(413, "", 2), "no", "")
		refused.hold = 0
		c.finish(t)
		if len(long.left) == 0 || len(refused.left) == 0 {
			t.Errorf("%d and %d bytes of what nobody wants are left", len(long.left), len(refused.left))
		}
		if long.code != http2.ErrCodeNo {
			t.Errorf("the client is told %v", long.code)
		}
		ping := c.request("GET /ping", 'n', "", "")
		c.finish(t)
		ping.want(t, h2Head(200, h2Text, 4), "pong", "")
		n := 1
		w.eventually("no stream is left", func() bool { n = w.h2Open(); return n == 0 })
		c.close()
	})
}

// TestH2WindowStopsItsSourceOnly lets one stream's window stay shut: its
// upstream is stopped, the others are served.
func TestH2WindowStopsItsSourceOnly(t *testing.T) {
	const size = 5 << 20
	w := newSimWorld(t, 3, engine.Faults{})
	w.muxed()
	var up *upstreamConn
	w.upstream("up", func(c *upstreamConn) {
		if c.state == nil {
			c.state, up = true, c
			c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, numbered(size)))
		}
	})
	w.serve("/p/: http://up/", "/big: OK "+numbered(100_000))
	c := w.h2Client(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
	c.greedy = false
	stalled := c.request("GET /p/", 'n', "", "")
	c.until(t, "the response has begun", func() bool { return len(stalled.got) >= 1000 })
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

// TestH2CreditFollowsUpstream lets an upstream take nothing: the client may
// send a bounded number of bytes, and no more; others are served.
func TestH2CreditFollowsUpstream(t *testing.T) {
	w := newSimWorld(t, 4, engine.Faults{})
	w.muxed()
	u := w.upstream("up", answering(tableUpstream))
	w.serve("/p/: http://up/", "/ping: OK pong")
	c := w.h2Client()
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
	ping := c.request("GET /ping", 'n', "", "")
	c.until(t, "another request is answered", func() bool { return ping.ended })
	u.conns[0].peer.Window = -1
	c.finish(t)
	body := fmt.Sprintf("POST /a %d bytes", size)
	e.want(t, h2Head(200, "x-up: 1\r\n", len(body)), body, "")
	c.close()
}

// TestH2BodyLimit holds content without a length to its limit.
func TestH2BodyLimit(t *testing.T) {
	w := newSimWorld(t, 5, engine.Faults{})
	w.muxed()
	w.settings.Body = 100_000
	w.upstream("up", func(c *upstreamConn) {})
	w.upstream("early", func(c *upstreamConn) {
		if c.state == nil && len(c.in) > 1000 {
			c.state = true
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		}
	})
	w.serve("/p/: http://up/", "/early/: http://early/")
	c := w.h2Client()
	large := c.request("POST /p/", 'c', numbered(200_000), "")
	early := c.request("POST /early/", 'c', numbered(200_000), "")
	c.until(t, "both have ended", func() bool { return large.ended && early.reset })
	large.want(t, h2Head(413, h2Text, 22), "413 Content Too Large\n", "")
	if early.got != "hello" {
		t.Errorf("%q came of a response whose request is too large", early.got)
	}
	c.close()
}

// TestH2ConnectionFails ends connections with streams in every state.
func TestH2ConnectionFails(t *testing.T) {
	for seed := range uint64(12) {
		w := newSimWorld(t, seed, engine.Faults{Short: 0.5, Delay: 0.2, Reset: 0.002, Refused: 0.1, NoBufs: 0.1, Cancel: 0.1})
		w.muxed()
		tableWorld(t, w)
		for range 3 {
			c := w.h2Client()
			for range 8 {
				c.request("GET /big", 'n', "", "")
				c.request("GET /files/large.bin", 'n', "", "")
				c.request("GET /files/middle.bin", 'n', "", "")
				c.request("POST /p/a", 'l', numbered(70_000), "")
				c.request("POST /echo", 'l', numbered(70_000), "")
			}
			for n := 0; n < 300+int(seed)*100 && !c.ended; n++ {
				c.work()
			}
			c.abort()
		}
		w.eventually("all streams are over", func() bool { return w.h2Open() == 0 && w.s.Stats().Clients == 0 })
	}
}

// TestH2Priorities has several files that do not fit the output at once: they
// come in the order of their urgency (RFC 9218), and share their turns where
// that is asked for.
func TestH2Priorities(t *testing.T) {
	const size = 2 << 20
	request := func(c *h2Client, path, priority string) *h2Exchange {
		return c.fields([][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}, {":path", path}, {"priority", priority}}, false, "", "")
	}
	for _, tt := range []struct {
		name       string
		priorities [3]string
		check      func(e []*h2Exchange) bool // when the last one of them has ended
	}{
		{"urgent", [3]string{"u=7", "u=5", "u=0"}, func(e []*h2Exchange) bool {
			return len(e[0].got) < size/2 && len(e[1].got) < size/2
		}},
		{"in order", [3]string{"", "", ""}, func(e []*h2Exchange) bool { return e[0].ended && e[1].ended }},
		{"incremental", [3]string{"i", "i", "i"}, func(e []*h2Exchange) bool {
			return len(e[0].got) > size/2 && len(e[1].got) > size/2
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newSimWorld(t, 1, engine.Faults{})
			w.muxed()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "large"), []byte(numbered(size)), 0o644); err != nil {
				t.Fatal(err)
			}
			w.serve("/: " + dir + "/")
			c := w.h2Client(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
			_ = c.framer.WriteWindowUpdate(0, 1<<30)
			var all []*h2Exchange
			for _, priority := range tt.priorities {
				all = append(all, request(c, "/large", priority))
			}
			c.until(t, "the last one has come", func() bool { return all[2].ended })
			if !tt.check(all) {
				t.Errorf("%d and %d bytes of the others have come", len(all[0].got), len(all[1].got))
			}
			c.finish(t)
			for _, e := range all {
				if e.got != numbered(size) {
					t.Error("the content is not that of the file")
				}
			}
			c.close()
		})
	}
}
