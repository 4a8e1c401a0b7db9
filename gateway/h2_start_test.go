package gateway

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
)

// begun is what a client with prior knowledge sends first, with a request.
func (c *h2Client) begun(path string) string {
	_ = c.framer.WriteSettings()
	e := &h2Exchange{c: c, id: c.next, sentEnd: true, window: c.initial}
	c.next += 2
	c.streams[e.id] = e
	_ = c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: e.id, EndStream: true, EndHeaders: true,
		BlockFragment: c.encode([2]string{":method", "GET"}, [2]string{":scheme", "http"}, [2]string{":authority", "h"}, [2]string{":path", path}),
	})
	s := h2.Preface + c.out.String()
	c.out.Reset()
	return s
}

// TestH2PriorKnowledge begins with the preface, cut in two at every byte.
func TestH2PriorKnowledge(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.muxed()
	w.serve("/ping: OK pong")
	for cut := 1; ; cut++ {
		c := newH2Client(w.client())
		all := c.begun("/ping")
		if cut == len(all) {
			break
		}
		c.send(all[:cut])
		w.steps(3)
		c.send(all[cut:])
		c.finish(t)
		c.streams[1].want(t, h2Head(200, h2Text, 4), "pong", "")
		c.close()
	}
	c := newH2Client(w.client())
	for _, b := range []byte(c.begun("/ping")) {
		c.send(string([]byte{b}))
		w.steps(2)
	}
	c.finish(t)
	c.streams[1].want(t, h2Head(200, h2Text, 4), "pong", "")
	c.close()
}

// TestH2NotThere sends the preface where it means nothing.
func TestH2NotThere(t *testing.T) {
	for _, tt := range []struct {
		name, in, out string
		off           bool
	}{
		{"off", h2.Preface, "", true},
		{"behind a request", get("/ping") + h2.Preface, text(200, "pong"), false},
		{"nearly", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rx", "", false},
		{"of another version", "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				if !tt.off {
					w.muxed()
				}
				w.serve("/ping: OK pong")
				c := w.client()
				c.send(tt.in)
				c.expect(tt.out)
				if got := string(c.rest()); !strings.HasPrefix(got, "HTTP/1.1 400 ") && !strings.HasPrefix(got, "HTTP/1.1 505 ") {
					t.Errorf("received %q", got)
				}
			})
		})
	}
}

// TestH2OnlyListener takes nothing but HTTP/2.
func TestH2OnlyListener(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.settings.Listeners = make([]Listener, 8)
		for i := range w.settings.Listeners {
			w.settings.Listeners[i].H2 = true
		}
		w.serve("/ping: OK pong")
		c := w.h2Client()
		e := c.request("GET /ping", 'n', "", "")
		c.finish(t)
		e.want(t, h2Head(200, h2Text, 4), "pong", "")
		c.close()
		other := newH2Client(w.client())
		other.strict = false
		other.send(get("/ping"))
		other.end(t)
		if len(other.goaways) != 1 || other.goaways[0].ErrCode != http2.ErrCodeProtocol {
			t.Errorf("HTTP/1.1 is answered with %v", other.goaways)
		}
	})
}

// TestH2BehindPreamble has a PROXY header before the preface.
func TestH2BehindPreamble(t *testing.T) {
	for _, only := range []bool{false, true} {
		w := newSimWorld(t, 1, engine.Faults{})
		w.muxed()
		w.settings.Listeners = make([]Listener, 8)
		for i := range w.settings.Listeners {
			w.settings.Listeners[i] = Listener{ProxyProtocol: true, H2: only}
		}
		w.serve("/echo: *")
		head := "PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n"
		for cut := range len(head) + 30 {
			c := newH2Client(w.client())
			all := head + c.begun("/echo")
			c.send(all[:cut])
			w.steps(3)
			c.send(all[cut:])
			c.finish(t)
			if got := c.streams[1].got; !strings.Contains(got, "Peer: 203.0.113.9:4711\r\n") {
				t.Errorf("the echo is %q", got)
			}
			c.close()
		}
	}
}

// upgrading is a request that asks for HTTP/2.
func upgrading(path string, settings []byte) string {
	return "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: " +
		base64.RawURLEncoding.EncodeToString(settings) + "\r\n\r\n"
}

func TestH2Upgrade(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		tableWorld(t, w)
		const consent = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
		for _, tt := range []struct{ path, content string }{
			{"/ping", "pong"},
			{"/files/large.bin", numbered(300_000)},
			{"/p/a", `GET /a ""`},
		} {
			c := newH2Client(w.client())
			c.send(get("/ping")) // it need not be the first request
			c.expect(text(200, "pong"))
			// SETTINGS_INITIAL_WINDOW_SIZE, 2000
			c.send(upgrading(tt.path, []byte{0, 4, 0, 0, 7, 208}))
			c.expect(consent)
			c.streams[1] = &h2Exchange{c: c, id: 1, sentEnd: true}
			c.next = 3
			c.begin(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 2000})
			ping := c.request("GET /ping", 'n', "", "")
			c.finish(t)
			if e := c.streams[1]; !strings.HasPrefix(e.head, "200\r\n") || e.got != tt.content {
				t.Errorf("%s: %q %s", tt.path, e.head, brief(e.got))
			}
			ping.want(t, h2Head(200, h2Text, 4), "pong", "")
			c.close()
		}
	})
}

// TestH2UpgradeLeft has requests that cannot be the first stream of an HTTP/2
// connection: they are answered as they came.
func TestH2UpgradeLeft(t *testing.T) {
	good := upgrading("/ping", nil)
	for name, in := range map[string]string{
		"no settings":        strings.Replace(good, "HTTP2-Settings: \r\n", "", 1),
		"two settings":       strings.Replace(good, "HTTP2-Settings: \r\n", "HTTP2-Settings: \r\nHTTP2-Settings: \r\n", 1),
		"not nominated":      strings.Replace(good, "Upgrade, HTTP2-Settings", "Upgrade", 1),
		"malformed settings": upgrading("/ping", []byte{0, 4, 0, 0, 7}),
		"another protocol":   strings.Replace(good, "h2c", "h2", 1),
		"content":            strings.Replace(good, "\r\n\r\n", "\r\nContent-Length: 1\r\n\r\nx", 1),
		"chunked content":    strings.Replace(good, "\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1),
	} {
		t.Run(name, func(t *testing.T) {
			w := newSimWorld(t, 1, engine.Faults{})
			w.muxed()
			w.serve("/ping: OK pong")
			c := w.client()
			c.send(in)
			c.expect(text(200, "pong"))
			c.expectOpen()
			c.close()
		})
	}
}

// TestH2Drain lets requests that are on their way, or under way, end.
func TestH2Drain(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		u := w.upstream("up", func(*upstreamConn) {})
		w.serve("/p/: http://up/", "/ping: OK pong")
		c := w.h2Client()
		slow := c.request("GET /p/", 'n', "", "")
		idle := w.h2Client()
		c.until(t, "the request is under way", func() bool { return u.count() == 1 })
		idle.until(t, "the connection stands", func() bool { return idle.settings })
		w.do(func() { w.g.drain() })
		// The client does not know of it yet.
		late := c.request("GET /ping", 'n', "", "")
		c.until(t, "the last request is named", func() bool { return len(c.goaways) == 2 && late.ended })
		late.want(t, h2Head(200, h2Text, 4), "pong", "")
		if c.goaways[0].LastStreamID != 1<<31-1 || c.goaways[1].LastStreamID > 3 || c.ended {
			t.Errorf("GOAWAY of %d and %d, ended %t", c.goaways[0].LastStreamID, c.goaways[1].LastStreamID, c.ended)
		}
		idle.end(t)
		u.locked(func() { u.conns[0].write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate") })
		c.end(t)
		slow.want(t, h2Head(200, "", 4), "late", "")
	})
}

func TestH2Timers(t *testing.T) {
	begin := func(t *testing.T) (*world, *h2Client) {
		w := timerWorld(t)
		w.muxed()
		w.upstream("silent", func(*upstreamConn) {})
		w.serve("/ping: OK pong", "/big: OK "+numbered(200_000), "/p/: http://silent/")
		c := w.h2Client()
		c.strict = false
		c.until(t, "the settings are acknowledged", func() bool { return c.settings })
		return w, c
	}
	// passes lets time pass while the client takes in what comes.
	passes := func(c *h2Client, d time.Duration) {
		for end := c.w.s.Now() + int64(d); c.w.s.Now() < end && !c.ended; {
			c.w.pass(250 * time.Millisecond)
			c.work()
		}
	}
	goaway := func(t *testing.T, c *h2Client, code http2.ErrCode) {
		t.Helper()
		if !c.ended || len(c.goaways) != 1 || c.goaways[0].ErrCode != code {
			t.Errorf("ended %t with %v, want %v", c.ended, c.goaways, code)
		}
	}
	t.Run("idle", func(t *testing.T) {
		_, c := begin(t)
		passes(c, 50*time.Second)
		c.request("GET /ping", 'n', "", "")
		passes(c, 55*time.Second)
		if c.ended {
			t.Fatal("the connection ended too early")
		}
		passes(c, 10*time.Second)
		goaway(t, c, http2.ErrCodeNo)
	})
	t.Run("idle with signs of life", func(t *testing.T) {
		_, c := begin(t)
		for range 11 {
			passes(c, 5*time.Second)
			_ = c.framer.WritePing(false, [8]byte{})
		}
		if c.pings < 10 || c.ended {
			t.Fatalf("%d answers, ended %t", c.pings, c.ended)
		}
		passes(c, 10*time.Second)
		goaway(t, c, http2.ErrCodeNo)
	})
	t.Run("slow head", func(t *testing.T) {
		_, c := begin(t)
		head := c.begun("/ping")[len(h2.Preface)+9:]
		for _, b := range []byte(head[:9]) {
			passes(c, time.Second)
			c.send(string([]byte{b}))
		}
		if c.ended {
			t.Fatal("the connection ended too early")
		}
		passes(c, 3*time.Second)
		goaway(t, c, http2.ErrCodeNo)
	})
	t.Run("no settings", func(t *testing.T) {
		w := timerWorld(t)
		w.muxed()
		w.serve("/ping: OK pong")
		c := newH2Client(w.client())
		c.strict = false
		c.send(h2.Preface)
		c.stays(9 * time.Second)
		c.ends(2 * time.Second)
		c.takeIn()
		goaway(t, c, http2.ErrCodeSettingsTimeout)
	})
	t.Run("no content", func(t *testing.T) {
		_, c := begin(t)
		e := c.request("POST /p/", 'l', "hello", "")
		e.hold = 1000
		passes(c, 19*time.Second)
		if e.ended {
			t.Fatal("the stream ended too early")
		}
		passes(c, 25*time.Second)
		e.want(t, h2Head(408, h2Text, 20), "408 Request Timeout\n", "")
		ping := c.request("GET /ping", 'n', "", "")
		passes(c, time.Second)
		ping.want(t, h2Head(200, h2Text, 4), "pong", "")
	})
	t.Run("closed window", func(t *testing.T) {
		_, c := begin(t)
		c.greedy = false
		e := c.request("GET /big", 'n', "", "")
		passes(c, 19*time.Second)
		if e.reset || len(e.got) != 65535 {
			t.Fatalf("the stream ended too early, or %d bytes came", len(e.got))
		}
		passes(c, 45*time.Second)
		if !e.reset || e.code != http2.ErrCodeCancel {
			t.Errorf("reset %t with %v", e.reset, e.code)
		}
	})
	t.Run("nobody reads", func(t *testing.T) {
		w, c := begin(t)
		c.peer.Window = len(c.peer.FromShard) + 100
		c.request("GET /big", 'n', "", "")
		w.pass(70 * time.Second)
		if c.pull(); !c.ended {
			t.Error("the connection goes on")
		}
	})
	t.Run("slow upstream", func(t *testing.T) {
		w, c := begin(t)
		e := c.request("GET /p/", 'n', "", "")
		passes(c, 5*time.Minute)
		if e.over() || c.ended {
			t.Error("the client is held to what it cannot do")
		}
		w.steps(1)
		e.cancel()
	})
}
