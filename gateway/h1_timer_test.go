package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// timerWorld is a simulation with short, distinct periods.
func timerWorld(t *testing.T) *world {
	w := newSimWorld(t, 1, engine.Faults{})
	s := &w.settings
	s.Header, s.BodyIdle, s.Write, s.Idle = 10*time.Second, 20*time.Second, 30*time.Second, 60*time.Second
	s.MinBody, s.MinWrite = 100, 100
	w.timeouts.FirstByte, w.timeouts.Idle = time.Hour, time.Hour
	return w
}

// pass lets time pass in steps of a quarter of a second, as it would.
func (w *world) pass(d time.Duration) {
	for ; d > 0; d -= 250 * time.Millisecond {
		w.advance(min(d, 250*time.Millisecond))
		w.steps(3)
	}
}

// over reports whether the gateway has ended the connection.
func (c *client) over() bool {
	c.pull()
	return c.ended
}

// stays checks that the connection goes on for d, ends that it ends a little
// later.
func (c *client) stays(d time.Duration) {
	c.w.t.Helper()
	for end := c.w.s.Now() + int64(d); c.w.s.Now() < end; {
		c.w.pass(250 * time.Millisecond)
		if c.over() {
			c.w.t.Fatalf("the connection ended %v too early, after %s", time.Duration(end-c.w.s.Now()), brief(string(c.got)))
		}
	}
}

func (c *client) ends(within time.Duration) {
	c.w.t.Helper()
	for end := c.w.s.Now() + int64(within); !c.over(); {
		if c.w.s.Now() > end {
			c.w.t.Fatalf("the connection goes on after %v", within)
		}
		c.w.pass(250 * time.Millisecond)
	}
}

func TestSilentClient(t *testing.T) {
	w := timerWorld(t)
	w.serve("/ping: OK pong")
	c := w.client()
	c.stays(9 * time.Second)
	c.ends(2 * time.Second)
	c.expectEnd()
}

func TestHeaderTimeout(t *testing.T) {
	w := timerWorld(t)
	w.serve("/ping: OK pong")
	c := w.client()
	c.stays(8 * time.Second)
	c.send("G")
	c.stays(9 * time.Second)
	c.ends(2 * time.Second)
	c.expect(closing(page(408)))
	c.expectEnd()
}

// TestSlowHead sends a head byte by byte: the time counts from its first.
func TestSlowHead(t *testing.T) {
	w := timerWorld(t)
	w.serve("/ping: OK pong")
	c := w.client()
	c.send("GET /ping" + req + "\r\n")
	c.expect(text(200, "pong"))
	c.stays(20 * time.Second)
	for _, b := range strings.Split("GET /ping HTTP", "")[:9] {
		c.send(b)
		c.stays(time.Second)
	}
	c.ends(2 * time.Second)
	c.expect(closing(page(408)))
	c.expectEnd()
}

func TestIdleTimeout(t *testing.T) {
	w := timerWorld(t)
	w.serve("/ping: OK pong")
	c := w.client()
	for range 3 {
		c.send("GET /ping" + req + "\r\n")
		c.expect(text(200, "pong"))
		c.stays(59 * time.Second)
	}
	c.ends(2 * time.Second)
	c.expectEnd()
}

func TestContentStalls(t *testing.T) {
	w := timerWorld(t)
	u := w.upstream("up", answering(tableUpstream))
	w.serve("/p/: http://up/", "/echo: *")
	for _, path := range []string{"/p/a", "/echo"} {
		c := w.client()
		c.send("POST " + path + req + "Content-Length: 10000\r\n\r\n" + numbered(9000))
		c.stays(39 * time.Second) // 9,000 bytes make good for the first period
		c.ends(2 * time.Second)
		c.expect(closing(page(408)))
		c.expectEnd()
	}
	w.eventually("the upstream's connection has ended", func() bool { return w.s.Stats().Open == 0 })
	if u.count() != 1 {
		t.Errorf("the upstream saw %d connections", u.count())
	}
}

// TestContentTrickles sends more than nothing and less than the least rate,
// then just enough.
func TestContentTrickles(t *testing.T) {
	w := timerWorld(t)
	w.upstream("up", answering(tableUpstream))
	w.serve("/p/: http://up/")
	c := w.client()
	c.send("POST /p/a" + req + "Content-Length: 100000\r\n\r\n")
	for range 19 {
		c.send(strings.Repeat("x", 90))
		c.stays(time.Second)
	}
	c.ends(2 * time.Second)
	c.expect(closing(page(408)))
	c = w.client()
	c.send("POST /p/a" + req + "Content-Length: 10000\r\n\r\n")
	for range 100 {
		c.send(strings.Repeat("x", 100))
		c.stays(time.Second)
	}
	c.expect(fromUp("POST /a 10000 bytes"))
	c.close()
}

// TestContentStallsInResponse stops sending when the response has begun: what
// can be told is a reset.
func TestContentStallsInResponse(t *testing.T) {
	w := timerWorld(t)
	w.upstream("up", func(c *upstreamConn) {
		if c.state == nil && len(c.in) > 0 {
			c.state = true
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		}
	})
	w.serve("/p/: http://up/")
	c := w.client()
	c.send("POST /p/a" + req + "Content-Length: 100000\r\n\r\nhello")
	c.expect(okLine + served + "Content-Length: 10\r\n\r\nhello")
	c.ends(45 * time.Second)
	c.expectReset()
}

// TestClientIsNotBlamedForUpstream lets an upstream take no content for a
// long time: the client, which could not send, has its time afterwards.
func TestClientIsNotBlamedForUpstream(t *testing.T) {
	w := timerWorld(t)
	u := w.upstream("up", answering(tableUpstream))
	w.serve("/p/: http://up/")
	c := w.client()
	c.send("GET /p/a" + req + "\r\n")
	c.expect(fromUp(`GET /a ""`))
	p := u.conns[0].peer
	p.Window = len(p.FromShard)
	c.send("POST /p/a" + req + "Content-Length: 1000000\r\n\r\n" + numbered(600_000))
	// The deadline of the client comes every 20 seconds; the upstream goes on
	// shortly before one.
	c.stays(59*time.Second + 500*time.Millisecond)
	if c.peer.Unread() == 0 {
		t.Fatal("the client was not stopped")
	}
	p.Window = -1
	c.stays(15 * time.Second)
	c.send(numbered(400_000))
	c.expect(fromUp("POST /a 1000000 bytes"))
	c.close()
}

// TestSlowReader takes less than the least rate, nothing, or enough.
func TestSlowReader(t *testing.T) {
	for _, row := range []struct {
		name   string
		rate   int // bytes a second
		resets bool
	}{{"nothing", 0, true}, {"too little", 80, true}, {"enough", 120, false}} {
		for _, path := range []string{"/big", "/p/a", "/files/large.bin"} {
			t.Run(row.name+path, func(t *testing.T) {
				w := timerWorld(t)
				tableWorld(t, w)
				w.upstreams["up"].data = answering(func(*upstreamConn, *http.Request, string) string {
					return "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + numbered(300_000)
				})
				c := w.client()
				c.peer.Window = 1000
				c.send("GET " + path + req + "\r\n")
				for range 200 {
					w.pass(time.Second)
					c.peer.Window += row.rate
					if c.over() {
						break
					}
				}
				if c.ended != row.resets || c.reset != row.resets {
					t.Errorf("the connection ended %t, reset %t, want %t", c.ended, c.reset, row.resets)
				}
			})
		}
	}
}

// TestSlowEvents relays a response that comes in small pieces far apart, read
// at once: no rate is held against the client.
func TestSlowEvents(t *testing.T) {
	w := timerWorld(t)
	u := w.upstream("up", answering(func(*upstreamConn, *http.Request, string) string {
		return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
	}))
	w.serve("/p/: http://up/")
	c := w.client()
	c.send("GET /p/" + req + "\r\n")
	c.expect(okLine + served + "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
	for range 20 {
		u.conns[0].write("data: 1\n\n")
		c.expect("9\r\ndata: 1\n\n\r\n")
		c.stays(14 * time.Second)
		// A piece that arrives in the very turn of the timer.
		u.conns[0].write("data: 2\n\n")
		w.advance(time.Second)
		c.expect("9\r\ndata: 2\n\n\r\n")
	}
	u.conns[0].closeWrite()
	c.expect("0\r\n\r\n")
	c.expectOpen()
	c.close()
}

// TestPatientClient waits for a response as long as the upstream's time lets
// it; the client's periods pass without consequence.
func TestPatientClient(t *testing.T) {
	w := timerWorld(t)
	g := w.gated("up")
	w.serve("/p/: http://up/")
	c := w.client()
	c.send("GET /p/a" + req + "\r\n")
	c.stays(10 * time.Minute)
	g.answer()
	c.expect(fromUp(`GET /a ""`))
	c.close()
}

// TestDiscardedContentStalls stops in content that nobody reads.
func TestDiscardedContentStalls(t *testing.T) {
	w := timerWorld(t)
	w.serve("/ping: OK pong")
	c := w.client()
	c.send("POST /ping" + req + "Content-Length: 10000\r\n\r\nhello")
	c.expect(text(200, "pong"))
	c.stays(19 * time.Second)
	c.ends(2 * time.Second)
	c.expectEnd()
}
