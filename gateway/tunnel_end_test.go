package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/telemetry"
)

// TestTunnelUpstreamEndsFirst lets the client go on when the origin has ended
// its side.
func TestTunnelUpstreamEndsFirst(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		content := numbered(100_000)
		u := w.upstream("up", tunnelOrigin(switching("x"), func(c *upstreamConn) {
			if c.in == nil || len(c.in) > 0 || c.eof {
				return
			}
			c.write(content)
			c.closeWrite()
			c.in = nil
		}))
		w.serve("/p/: http://up")
		c := w.client()
		c.send(offering("/p/", "x"))
		c.expect(switched("x") + content)
		c.until("the origin's end has come", func([]byte) bool { return false })
		if c.reset || len(c.got) > 0 {
			t.Fatalf("reset %t, %q behind the content", c.reset, c.got)
		}
		c.send("still here, ")
		c.send("and now not")
		c.close()
		w.eventually("the tunnel is over", func() bool { return w.g.Open() == 0 && w.s.Stats().Open == 0 })
		w.waitFor("the rest arrives", func() (ok bool) {
			u.locked(func() { ok = string(u.conns[0].in) == "still here, and now not" })
			return ok
		})
	})
}

// TestTunnelResets breaks one side off: the other learns of it.
func TestTunnelResets(t *testing.T) {
	for _, who := range []string{"client", "upstream", "client while it waits"} {
		t.Run(who, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				head := switching("x")
				if who == "client while it waits" {
					head = ""
				}
				u := w.upstream("up", tunnelOrigin(head, nil))
				w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogText
				w.serve("/p/: http://up")
				c := w.client()
				c.send(offering("/p/", "x"))
				w.waitFor("the request arrives", func() (ok bool) {
					u.locked(func() { ok = len(u.conns) > 0 && u.conns[0].state != nil })
					return ok
				})
				if head != "" {
					c.expect(switched("x"))
				}
				reason := "client_closed"
				if who == "upstream" {
					reason = "upstream_reset"
					u.locked(func() { u.conns[0].abort() })
					c.expectReset()
				} else {
					c.abort()
					u.waitEnded(0)
				}
				w.eventually("the tunnel is over", func() bool { return w.g.Open() == 0 })
				if line := logOf(t, w.access); !strings.Contains(line, reason) {
					t.Errorf("the access log does not say %s: %s", reason, line)
				}
			})
		})
	}
}

// TestTunnelUpstreamGone lets the origin close both ways, as most do: what it
// said last reaches the client although the client's bytes reach nobody.
func TestTunnelUpstreamGone(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	u := w.upstream("up", tunnelOrigin(switching("x")+"farewell", nil))
	w.serve("/p/: http://up")
	c := w.client()
	c.send(offering("/p/", "x"))
	c.expect(switched("x") + "farewell")
	u.conns[0].closeWrite()
	c.until("the end has come", func([]byte) bool { return false })
	c.send("too late")
	w.steps(3)
	u.conns[0].abort()
	w.steps(5)
	c.peer.CloseWrite()
	w.eventually("the tunnel is over", func() bool { return w.g.Open() == 0 && w.s.Stats().Open == 0 })
	if c.peer.WasReset {
		t.Error("the client was reset")
	}
}

// TestTunnelSlowClient resets a client that takes nothing of what waits for it,
// as it does in HTTP.
func TestTunnelSlowClient(t *testing.T) {
	w := newSimWorld(t, 7, engine.Faults{})
	u := w.upstream("up", tunnelOrigin(switching("x"), nil))
	w.serve("/p/: http://up")
	c := w.client()
	c.send(offering("/p/", "x"))
	c.expect(switched("x"))
	w.advance(10 * time.Minute) // nothing waits for it
	w.steps(3)
	c.peer.Window = len(c.peer.FromShard)
	u.conns[0].write("hello")
	w.steps(5)
	w.advance(31 * time.Second)
	w.steps(3)
	w.advance(31 * time.Second)
	w.steps(3)
	c.expectReset()
}

// TestTunnelIdle lets a tunnel be silent.
func TestTunnelIdle(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogText
	errors := w.errorLog()
	u := w.upstream("up", tunnelOrigin(switching("x"), nil))
	w.serve("/p/: http://up")
	c := w.client()
	c.send(offering("/p/", "x"))
	c.expect(switched("x"))
	for _, who := range []string{"client", "upstream", "client", "upstream"} {
		w.advance(59 * time.Minute)
		if who == "client" {
			c.send("x")
		} else {
			u.conns[0].write("x")
		}
		w.steps(6)
	}
	c.expect("xx")
	w.advance(59 * time.Minute)
	w.steps(6)
	if w.g.Open() != 1 {
		t.Fatal("the tunnel has ended before its time")
	}
	w.advance(2 * time.Minute)
	c.expectEnd()
	u.waitEnded(0)
	w.eventually("the tunnel is over", func() bool { return w.g.Open() == 0 })
	if line := logOf(t, w.access); !strings.Contains(line, "tunnel_idle") || !strings.Contains(line, " 101 ") {
		t.Errorf("the access log is %q", line)
	}
	if log := errors(); log != "" {
		t.Errorf("the error log is %q", log)
	}
}

// TestTunnelOutlivesReload keeps a tunnel through a new configuration and a
// drain, which ends everything else.
func TestTunnelOutlivesReload(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", tunnelOrigin(switching("x"), echoBack))
		w.serve("/p/: http://up")
		c, idle := w.client(), w.client()
		idle.expectOpen()
		c.send(offering("/p/", "x"))
		c.expect(switched("x"))
		w.current.Store(w.generation("/other: OK"))
		idle.expectOpen()
		c.send("one")
		c.expect("one")
		w.do(func() { w.g.drain() })
		idle.expectEnd()
		c.send("two")
		c.expect("two")
		c.closeWrite()
		c.expect("bye")
		c.expectEnd()
	})
}
