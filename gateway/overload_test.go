package gateway

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/policy/limiter"
)

func TestShedder(t *testing.T) {
	const most = 100 * time.Millisecond
	var d shedder
	for _, step := range []struct {
		name  string
		at    time.Duration
		lag   time.Duration
		short bool
		want  string
	}{
		{"idle", 1 * time.Second, time.Millisecond, false, ""},
		{"one long turn", 2 * time.Second, time.Second, false, ""},
		{"a short one behind it", 2*time.Second + time.Millisecond, time.Millisecond, false, ""},
		{"long again", 3 * time.Second, most, false, ""},
		{"and again", 3*time.Second + most, most, false, ""},
		{"for too long", 3*time.Second + lagPatience, most, false, shortOfTime},
		{"still", 4 * time.Second, most, false, shortOfTime},
		{"short", 5 * time.Second, most - 1, false, ""},
		{"no memory", 7 * time.Second, 0, true, shortOfMemory},
		{"neither", 7 * time.Second, 0, false, ""},
	} {
		if d.look(int64(step.at), step.lag, most, false, step.short); d.reason != step.want {
			t.Errorf("%s: %q, want %q", step.name, d.reason, step.want)
		}
	}
	for _, exhausted := range []bool{true, false} {
		if d.look(0, 0, most, exhausted, false); d.reason != "" || d.buffers != exhausted {
			t.Errorf("exhausted %t: %+v", exhausted, d)
		}
	}
	for at := range 10 {
		if d.look(int64(at)*int64(time.Second), time.Hour, 0, false, false); d.reason != "" {
			t.Error("sheds although it is off")
		}
	}
}

const turnedAway = "HTTP/1.1 503 Service Unavailable\r\nServer: anygate\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\nContent-Length: 24\r\n\r\n503 Service Unavailable\n"

// TestOverloadShedsNewWorkOnly is short of memory while a response is on its
// way, which is finished, and a connection is idle, which is kept.
func TestOverloadShedsNewWorkOnly(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.overload = new(Overload)
		u := w.upstream("up", func(c *upstreamConn) {
			if len(c.in) > 0 {
				c.in = nil
				c.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
			}
		})
		w.serve("/: http://up", "/ping: OK pong")
		slow, other := w.client(), w.client()
		slow.send(get("/slow"))
		slow.until("half has come", func(got []byte) bool { return len(got) > 4 && string(got[len(got)-4:]) == "half" })
		other.send(get("/ping"))
		other.expect(text(200, "pong"))

		w.overload.SetMemory(true)
		w.eventually("the shard has seen it", func() bool { return w.g.shedder.reason != "" })
		other.send(get("/ping") + get("/slow"))
		other.expect(turnedAway + turnedAway)
		if n := w.g.TurnedAway(); n != 2 {
			t.Errorf("%d requests were turned away, want 2", n)
		}
		u.locked(func() {
			for _, c := range u.conns {
				c.write("rest")
			}
		})
		slow.until("the rest has come", func(got []byte) bool { return string(got[max(len(got)-8, 0):]) == "halfrest" })

		w.overload.SetMemory(false)
		w.eventually("the shard has seen it", func() bool { return w.g.shedder.reason == "" })
		other.send(get("/ping"))
		other.expect(text(200, "pong"))
	})
}

// TestFewBuffersShedWhatIsPassedOn uses up the buffers of a shard: those that
// content may take, without which requests are still passed on, and then the rest.
func TestFewBuffersShedWhatIsPassedOn(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.upstream("up", always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	w.serve("/: http://up", "/ping: OK pong")
	c := w.client()
	c.send(get("/x"))
	c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 5\r\n\r\nhello")
	var hoard []engine.Buf
	take := func(enough func() bool) {
		for !enough() {
			b := w.s.Buffer(engine.SmallBuffer)
			if b == 0 {
				t.Fatal("no buffer, and not enough are taken")
			}
			hoard = append(hoard, b)
		}
		w.step()
	}
	take(func() bool { return w.s.Pressure() == mostPressure })
	c.send(get("/x"))
	c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 5\r\n\r\nhello")
	take(w.s.Exhausted)
	c.send(get("/x") + get("/ping"))
	c.expect(turnedAway + text(200, "pong"))
	for _, b := range hoard {
		w.s.ReleaseBuffer(b)
	}
	w.step()
	c.send(get("/x"))
	c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 5\r\n\r\nhello")
}

// TestLongTurnsShed keeps a loop busy in every turn.
func TestLongTurnsShed(t *testing.T) {
	forEachLoop(t, func(t *testing.T, w *world) {
		w.settings.LoopLatency = 5 * time.Millisecond
		busy := false
		w.wrap = func(h *engine.Handler) {
			turn := h.Turn
			h.Turn = func() {
				turn()
				if busy {
					for begin := time.Now(); time.Since(begin) < 6*time.Millisecond; {
					}
				}
			}
		}
		w.serve("/ping: OK pong")
		c := w.client()
		c.send(get("/ping"))
		c.expect(text(200, "pong"))
		w.do(func() { busy = true })
		w.eventually("requests are shed", func() bool { return w.g.shedder.reason == shortOfTime })
		c.send(get("/ping"))
		c.expect(turnedAway)
		w.do(func() { busy = false })
		w.eventually("no longer", func() bool { return w.g.shedder.reason == "" })
		c.send(get("/ping"))
		c.expect(text(200, "pong"))
	})
}

// TestConnectionsPerAddress opens one too many, and another when one is gone.
func TestConnectionsPerAddress(t *testing.T) {
	forEachLoop(t, func(t *testing.T, w *world) {
		tally := limiter.NewTally(2, 64)
		w.settings.PerAddress = tally
		w.serve("/ping: OK pong")
		served := func() *client {
			c := w.client()
			c.send(get("/ping"))
			c.expect(text(200, "pong"))
			return c
		}
		first, second := served(), served()
		refusedClient(t, w)
		w.eventually("one was refused", func() bool { return w.g.RefusedClients() == 1 })
		first.close()
		w.eventually("one has gone", func() bool { return w.g.Open() == 1 })
		fourth := served()
		second.abort()
		fourth.abort()
		w.eventually("all have gone", func() bool { return w.g.Open() == 0 })
		w.clients = nil
		served()
		served()
	})
}

// refusedClient connects and expects nothing but the end, which may be there
// before the test has got its socket.
func refusedClient(t *testing.T, w *world) {
	t.Helper()
	c, err := net.Dial("tcp", w.addr.String())
	if err != nil {
		return
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("one too many has received %d bytes", n)
	}
	_ = c.Close()
}

// TestConnectionsPerAddressBehindProxies counts whom the PROXY header names,
// and does not count proxies.
func TestConnectionsPerAddressBehindProxies(t *testing.T) {
	forEachLoop(t, func(t *testing.T, w *world) {
		w.settings.PerAddress = limiter.NewTally(1, 64)
		w.settings.Trust = NewTrust([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
		w.settings.Listeners = make([]Listener, 8)
		w.serve("/ping: OK pong")
		for range 3 {
			c := w.client()
			c.send(get("/ping"))
			c.expect(text(200, "pong"))
		}
		gen := *w.current.Load()
		gen.Settings.Listeners = make([]Listener, 8)
		gen.Settings.Listeners[7].ProxyProtocol = true
		w.current.Store(&gen)
		w.eventually("it is taken up", func() bool { return w.g.gen == &gen })
		from := func(source string) *client {
			c := w.client()
			c.send("PROXY TCP4 " + source + " 192.0.2.80 1000 80\r\n" + get("/ping"))
			return c
		}
		from("198.51.100.1").expect(text(200, "pong"))
		from("198.51.100.2").expect(text(200, "pong"))
		from("198.51.100.1").expectReset()
	})
}
