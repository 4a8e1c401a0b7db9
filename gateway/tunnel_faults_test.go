package gateway

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/telemetry"
)

// TestTunnelBackPressure floods a side that does not read.
func TestTunnelBackPressure(t *testing.T) {
	const size = 4 << 20
	w := newSimWorld(t, 7, engine.Faults{Short: 0.2})
	u := w.upstream("up", tunnelOrigin(switching("x"), nil))
	w.serve("/p/: http://up")
	c := w.client()
	c.send(offering("/p/", "x"))
	c.expect(switched("x"))
	up := u.conns[0]
	content := numbered(size)
	c.peer.Window = len(c.peer.FromShard)
	up.peer.Window = len(up.peer.FromShard)
	up.write(content)
	c.send(content)
	w.steps(2000)
	if n := size - up.peer.Unread(); n > 512<<10 {
		t.Errorf("%d bytes of the origin were read for a client that takes none", n)
	}
	if n := size - c.peer.Unread(); n > 512<<10 {
		t.Errorf("%d bytes of the client were read for an origin that takes none", n)
	}
	c.peer.Window, up.peer.Window = -1, -1
	c.expect(content)
	w.eventually("all has arrived", func() bool { return len(up.in) >= size })
	if string(up.in) != content {
		t.Error("other bytes have arrived than were sent")
	}
	c.abort()
}

// TestTunnelSeeds runs tunnels through an unkind network. What arrives on
// either side is the beginning of what was sent on the other, and all of it
// where both ends were orderly.
func TestTunnelSeeds(t *testing.T) {
	whole := 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		w := newSimWorld(t, seed, engine.Faults{Short: 0.5, Delay: 0.2, Reset: 0.0005, NoBufs: 0.1, Cancel: 0.1, Refused: 0.05})
		if seed%3 == 0 {
			w.sealing()
		}
		w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogJSON
		type talk struct {
			c          *client
			up         *upstreamConn
			sent       string
			arrived    []byte
			answer     string
			origin, in int
		}
		talks := map[string]*talk{}
		w.upstream("up", func(c *upstreamConn) {
			if c.state == nil {
				request, rest, ok := strings.Cut(string(c.in), "\r\n\r\n")
				if !ok {
					return
				}
				k := talks[strings.Fields(request)[1]]
				k.up, c.state, c.in = c, k, []byte(rest)
				c.write(switching("x"))
			}
			k := c.state.(*talk)
			k.arrived = append(k.arrived, c.in...)
			c.in = nil
		})
		w.serve("/p/: http://up")
		for i := range 3 {
			k := &talk{sent: numbered(rng.IntN(200_000)), answer: strings.Repeat(fmt.Sprint(i), rng.IntN(200_000))}
			talks[fmt.Sprintf("/p/%d", i)] = k
			k.c = w.client()
			k.c.send(offering(fmt.Sprintf("/p/%d", i), "x"))
		}
		for range 1500 {
			w.step()
			for _, k := range talks {
				if k.c.pull(); k.c.ended {
					continue
				}
				if n := min(rng.IntN(9000), len(k.sent)-k.in); n > 0 {
					k.c.send(k.sent[k.in : k.in+n])
					if k.in += n; k.in == len(k.sent) && rng.IntN(2) == 0 {
						k.c.closeWrite()
					}
				}
				if k.up == nil {
					continue
				}
				if n := min(rng.IntN(9000), len(k.answer)-k.origin); n > 0 {
					k.up.write(k.answer[k.origin : k.origin+n])
					if k.origin += n; k.origin == len(k.answer) && rng.IntN(2) == 0 {
						k.up.closeWrite()
					}
				}
			}
		}
		for path, k := range talks {
			_, got, _ := strings.Cut(string(k.c.got), "\r\n\r\n")
			if k.up == nil || !strings.HasPrefix(string(k.c.got), "HTTP/1.1 101") {
				continue
			}
			if !strings.HasPrefix(k.answer, got) || !strings.HasPrefix(k.sent, string(k.arrived)) {
				t.Errorf("%s (seed %d): bytes that were not sent", path, seed)
			}
			if got == k.answer && string(k.arrived) == k.sent {
				whole++
			} else if !k.c.ended {
				t.Errorf("%s (seed %d): %d of %d and %d of %d bytes have come, and nobody has ended", path, seed, len(got), len(k.answer), len(k.arrived), len(k.sent))
			}
		}
	}
	if whole < 500 {
		t.Errorf("only %d of 900 tunnels brought everything", whole)
	}
	t.Logf("%d of 900 tunnels brought everything", whole)
}

// TestTunnelStarved runs tunnels with hardly any buffers.
func TestTunnelStarved(t *testing.T) {
	for _, small := range []int{2, 4, 6, 8, 12, 20} {
		w := newSimWorld(t, uint64(small), engine.Faults{Short: 0.3})
		w.limits.SmallBuffers, w.limits.LargeBuffers = small, 1
		w.upstream("up", tunnelOrigin(switching("x"), echoBack))
		w.serve("/p/: http://up")
		content := numbered(50_000)
		for range 6 {
			c := w.client()
			c.send(offering("/p/", "x"))
			c.send(content)
			for range 300 {
				w.step()
				c.pull()
			}
			if _, got, ok := strings.Cut(string(c.got), "\r\n\r\n"); ok && strings.HasPrefix(string(c.got), "HTTP/1.1 101") && !strings.HasPrefix(content, got) {
				t.Errorf("with %d buffers: %s", small, brief(got))
			}
			c.abort()
			w.steps(5)
		}
	}
}

// TestIdleTunnelsHoldNoBuffers opens a thousand tunnels.
func TestIdleTunnelsHoldNoBuffers(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		const n = 1000
		w.limits.Connections, w.limits.Clients = 2*n+64, n+32
		w.upstream("up", tunnelOrigin(switching("x"), echoBack))
		w.serve("/p/: http://up")
		clients := make([]*client, n)
		for i := range clients {
			clients[i] = w.client()
			clients[i].send(offering("/p/", "x"))
			clients[i].expect(switched("x"))
			clients[i].send("hello")
			clients[i].expect("hello")
		}
		w.eventually("the buffers are back", func() bool {
			st := w.s.Stats()
			return st.SmallInUse <= w.base.SmallInUse && st.LargeInUse <= w.base.LargeInUse
		})
		for _, c := range clients[:n/2] {
			c.send("again")
			c.expect("again")
		}
	})
}

// TestTunnelAllocations counts the allocations of the whole process while
// bytes go both ways.
func TestTunnelAllocations(t *testing.T) {
	forEachLoop(t, func(t *testing.T, w *world) {
		w.upstream("up", func(c *upstreamConn) {
			if c.state == nil {
				if !strings.HasSuffix(string(c.in), "\r\n\r\n") {
					return
				}
				c.state = true
				c.write(switching("x"))
			} else {
				_, _ = c.conn.Write(c.in)
			}
			c.in = c.in[:0]
		})
		w.serve("/p/: http://up")
		c := w.client()
		c.send(offering("/p/", "x"))
		c.expect(switched("x"))
		message, in := []byte(numbered(6000)), make([]byte, 8000)
		round := func() {
			if _, err := c.conn.Write(message); err != nil {
				t.Fatal(err)
			}
			for got := 0; got < len(message); {
				n, err := c.conn.Read(in[got:])
				if err != nil {
					t.Fatal(err)
				}
				got += n
			}
		}
		for range 100 {
			round()
		}
		const rounds = 5000
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			round()
		}
		runtime.ReadMemStats(&after)
		if n := after.Mallocs - before.Mallocs; n > 300 {
			t.Errorf("%d allocations for %d messages there and back", n, rounds)
		}
		c.close()
	})
}
