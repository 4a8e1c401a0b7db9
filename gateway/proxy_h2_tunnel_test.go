package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// The example of RFC 6455, section 1.3.
const (
	webSocketRequest = "GET /p/chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	webSocketAnswer  = "HTTP/1.1 101 Switching Protocols\r\nServer: anygate\r\nDate: D\r\nx-a: 1\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
)

// chat answers an extended CONNECT and sends everything back.
func chat(settings ...uint32) *origin {
	return &origin{
		settings: settings,
		begin: func(r *originRequest) {
			if r.get(":protocol") != "" {
				r.head(false, ":status", "200", "x-a", "1")
			}
		},
		part: func(r *originRequest, b []byte) { r.add(b, false) },
		serve: func(r *originRequest) {
			if r.get(":protocol") == "" {
				r.answer("426", "", "x-upgrade", r.get("upgrade")+r.get("connection"))
				return
			}
			r.add([]byte("bye"), true)
		},
	}
}

// TestProxyH2WebSocket has a client of HTTP/1.1 talk to a WebSocket that an
// upstream serves over HTTP/2.
func TestProxyH2WebSocket(t *testing.T) {
	forEachH2(t, chat(settingConnect, 1), func(t *testing.T, w *world, u *upstream) {
		w.serve("/p/: http://up/x/")
		c := w.client()
		c.send(webSocketRequest)
		c.expect(webSocketAnswer)
		c.send("hello")
		c.expect("hello")
		long := strings.Repeat("0123456789", 30_000)
		c.send(long)
		c.expect(long)
		c.closeWrite()
		c.expect("bye")
		c.expectEnd()
		u.locked(func() {
			r := u.h2conn(0).order[0]
			sameSet(t, []string{r.get(":method"), r.get(":protocol"), r.get(":path"), strings.TrimSuffix(r.get(":scheme"), "s"), r.get(":authority"), r.get("sec-websocket-version"), r.get("sec-websocket-key")},
				[]string{"CONNECT", "websocket", "/x/chat", "http", "h", "13", ""})
		})
		// The connection carries other requests besides.
		d := w.client()
		d.send(get("/p/"))
		d.expect("HTTP/1.1 426 Upgrade Required\r\nServer: anygate\r\nDate: D\r\nx-upgrade: \r\nContent-Length: 0\r\n\r\n")
		if n := u.count(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// TestProxyH2WebSocketNotTaken has upstreams that do not know of it, or
// decline: their answer is the client's.
func TestProxyH2WebSocketNotTaken(t *testing.T) {
	forEachH2(t, chat(), func(t *testing.T, w *world, u *upstream) {
		w.serve("/p/: http://up")
		c := w.client()
		c.send(webSocketRequest)
		c.until("an answer has come", func(got []byte) bool { return strings.Contains(string(got), "\r\n\r\n") })
		if !strings.HasPrefix(string(c.got), "HTTP/1.1 426 ") {
			t.Errorf("received %s", brief(string(c.got)))
		}
	})
	declining := &origin{settings: []uint32{settingConnect, 1}, begin: func(r *originRequest) { r.answer("403", "no", "content-length", "2") }}
	forEachH2(t, declining, func(t *testing.T, w *world, u *upstream) {
		w.serve("/p/: http://up")
		c := w.client()
		c.send(webSocketRequest)
		c.until("an answer has come", func(got []byte) bool { return strings.HasSuffix(string(got), "\r\n\r\nno") })
		if !strings.HasPrefix(string(c.got), "HTTP/1.1 403 ") {
			t.Errorf("received %s", brief(string(c.got)))
		}
	})
}

// TestProxyH2TunnelEnds ends tunnels from either side, in each way.
func TestProxyH2TunnelEnds(t *testing.T) {
	begin := func(t *testing.T, w *world) *client {
		t.Helper()
		w.serve("/p/: http://up")
		c := w.client()
		c.send(webSocketRequest)
		c.expect(webSocketAnswer)
		c.send("x")
		c.expect("x")
		return c
	}
	t.Run("the upstream resets it", func(t *testing.T) {
		forEachH2(t, chat(settingConnect, 1), func(t *testing.T, w *world, u *upstream) {
			c := begin(t, w)
			u.locked(func() { u.h2conn(0).order[0].cut(8) })
			c.expectReset()
		})
	})
	t.Run("the client resets it", func(t *testing.T) {
		forEachH2(t, chat(settingConnect, 1), func(t *testing.T, w *world, u *upstream) {
			c := begin(t, w)
			c.abort()
			w.waitFor("the stream is reset", func() (done bool) {
				u.locked(func() { done = u.h2conn(0).resets == 1 })
				return done
			})
			w.idle(1)
		})
	})
	t.Run("nothing moves", func(t *testing.T) {
		w := newSimWorld(t, 1, engine.Faults{})
		w.speaksH2(nil)
		w.upstream("up", chat(settingConnect, 1).data())
		c := begin(t, w)
		w.advance(2 * time.Hour)
		c.expectEnd()
	})
	t.Run("the upstream goes", func(t *testing.T) {
		forEachH2(t, chat(settingConnect, 1), func(t *testing.T, w *world, u *upstream) {
			c := begin(t, w)
			u.locked(func() { u.conns[0].abort() })
			c.expectReset()
		})
	})
}
