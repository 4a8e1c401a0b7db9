package gateway

import (
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// TestRetire gives every connection a last response, and none an end that its client has not been told of.
func TestRetire(t *testing.T) {
	forEachLoop(t, func(t *testing.T, w *world) {
		g := w.gated("up")
		w.serve("/p/: http://up/", "/ping: OK pong")
		idle, partial, busy := w.client(), w.client(), w.client()
		idle.send("GET /ping" + req + "\r\n")
		idle.expect(text(200, "pong"))
		partial.send("GET /ping HTTP/1.1\r\nHo")
		busy.send("GET /p/a" + req + "\r\n")
		g.waiting(1)
		w.eventually("all have come", func() bool {
			n := 0
			w.s.Each(func(c engine.Conn) {
				if w.s.User(c) == userClient && w.g.client(c).bytesIn > 0 {
					n++
				}
			})
			return n == 3
		})
		w.do(func() { w.g.RetireAll(); w.g.RetireAll() })
		idle.send("GET /ping" + req + "\r\n")
		idle.expect(closing(text(200, "pong")))
		idle.expectEnd()
		partial.send("st: h\r\n\r\n")
		partial.expect(closing(text(200, "pong")))
		partial.expectEnd()
		g.answer()
		busy.expect(closing(fromUp(`GET /a ""`)))
		busy.expectEnd()
		w.eventually("the shard is drained", func() bool { return w.g.Open() == 0 })
	})
}

// TestRetireListener leaves the connections of other listeners alone, and removes what was announced with the id.
func TestRetireListener(t *testing.T) {
	forEachLoop(t, func(t *testing.T, w *world) {
		w.serve("/ping: OK pong")
		one := w.client()
		one.send("GET /ping" + req + "\r\n")
		one.expect(text(200, "pong"))
		w.do(func() {
			w.s.Each(func(c engine.Conn) {
				if w.s.User(c) == userClient {
					w.g.client(c).listener = 77
				}
			})
		})
		other := w.client()
		other.send("GET /ping" + req + "\r\n")
		other.expect(text(200, "pong"))
		w.do(func() { w.g.RetireListener(77) })
		other.send("GET /ping" + req + "\r\n")
		other.expect(text(200, "pong"))
		one.send("GET /ping" + req + "\r\n")
		one.expect(closing(text(200, "pong")))
		one.expectEnd()
		other.expectOpen()
		other.close()
	})
}

// TestRetireSilent closes a connection on which nothing comes, in its own time.
func TestRetireSilent(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.serve("/ping: OK pong")
	c, late := w.client(), w.client()
	for _, c := range []*client{c, late} {
		c.send("GET /ping" + req + "\r\n")
		c.expect(text(200, "pong"))
	}
	w.do(func() { w.g.RetireAll() })
	w.advance(retireQuiet - time.Second)
	if c.pull(); c.ended {
		t.Error("it is closed too early")
	}
	late.send("GET /ping" + req + "\r\n")
	late.expect(closing(text(200, "pong")))
	late.expectEnd()
	w.advance(2 * time.Second)
	c.expectEnd()
}

// TestRetireWhileResponding does not close behind a response that began without saying so.
func TestRetireWhileResponding(t *testing.T) {
	forEachLoop(t, func(t *testing.T, w *world) {
		w.serve("/ping: OK pong")
		c := w.client()
		c.send("GET /ping" + req + "\r\n")
		c.expect(text(200, "pong"))
		w.do(func() {
			w.s.Each(func(conn engine.Conn) {
				if w.s.User(conn) != userClient {
					return
				}
				// As it is in the middle of a response whose head was sent.
				h := w.g.client(conn)
				h.x = w.g.newExchange()
				h.x.start(h, 0)
				h.x.state |= responseHead
				h.retire()
				if h.flags.has(h1Close) || !h.flags.has(h1Retired) {
					t.Error("the connection would end behind a response that does not say so")
				}
				w.g.freeExchange(h.x)
				h.x = nil
			})
		})
		c.send("GET /ping" + req + "\r\n")
		c.expect(closing(text(200, "pong")))
		c.expectEnd()
	})
}
