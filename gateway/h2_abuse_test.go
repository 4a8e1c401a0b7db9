package gateway

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/anygate/anygate/engine"
)

// Each of these mounts an attack on one connection while another is served. The
// attacker is held to what a connection may cost: either it gets nowhere and
// holds little, or its connection ends. That the other one's requests are
// answered is checked all along.

// attack is one of them: burst sends some of it, and is called again until the
// connection ends or rounds are over.
type attack struct {
	name     string
	settings []http2.Setting
	burst    func(c *h2Client, round int)
	rounds   int
	calm     bool // the connection has to end with ENHANCE_YOUR_CALM
	ends     bool // or with any other error
	deaf     bool // the attacker reads nothing
	buffers  int  // 4 KiB buffers that it may hold
}

func attacks() []attack {
	head := func(c *h2Client, end bool, fields ...[2]string) uint32 {
		id := c.next
		c.next += 2
		all := append([][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/slow/"}}, fields...)
		_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.encode(all...), EndStream: end, EndHeaders: true})
		return id
	}
	many := func(n int, f func(c *h2Client)) func(*h2Client, int) {
		return func(c *h2Client, _ int) {
			for range n {
				f(c)
			}
		}
	}
	return []attack{
		{
			name: "rapid reset", rounds: 400, calm: true,
			burst: many(50, func(c *h2Client) { _ = c.framer.WriteRSTStream(head(c, true), http2.ErrCodeCancel) }),
		},
		{
			// The client's own mistakes have the server reset its streams.
			name: "made to reset", rounds: 400, calm: true,
			burst: many(50, func(c *h2Client) { _ = c.framer.WriteWindowUpdate(head(c, true), 0) }),
		},
		{
			name: "made to reset by content", rounds: 400, calm: true,
			burst: many(50, func(c *h2Client) {
				id := head(c, false, [2]string{"content-length", "1"})
				_ = c.framer.WriteData(id, false, []byte("more"))
			}),
		},
		{
			name: "malformed requests", rounds: 400, calm: true,
			burst: many(50, func(c *h2Client) { head(c, true, [2]string{"connection", "close"}) }),
		},
		{
			name: "CONTINUATION without an end", rounds: 400, ends: true,
			burst: func(c *h2Client, round int) {
				if round == 0 {
					_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.encode([2]string{":method", "GET"}), EndStream: true})
				}
				_ = c.framer.WriteContinuation(1, false, c.encode([2]string{"x-" + fmt.Sprint(round), strings.Repeat("x", 10_000)}))
			},
		},
		{
			name: "empty CONTINUATION", rounds: 400, calm: true,
			burst: func(c *h2Client, round int) {
				if round == 0 {
					_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.encode([2]string{":method", "GET"}), EndStream: true})
				}
				for range 100 {
					_ = c.framer.WriteContinuation(1, false, nil)
				}
			},
		},
		{
			name: "PING", rounds: 400, calm: true, deaf: true,
			burst: many(100, func(c *h2Client) { _ = c.framer.WritePing(false, [8]byte{}) }),
		},
		{
			name: "SETTINGS", rounds: 400, calm: true, deaf: true,
			burst: many(100, func(c *h2Client) { _ = c.framer.WriteSettings() }),
		},
		{
			name: "PRIORITY", rounds: 400, calm: true,
			burst: many(100, func(c *h2Client) { _ = c.framer.WritePriority(1, http2.PriorityParam{StreamDep: 3}) }),
		},
		{
			name: "WINDOW_UPDATE of one", rounds: 400, calm: true,
			burst: func(c *h2Client, round int) {
				if round == 0 {
					head(c, true)
				}
				for range 100 {
					_ = c.framer.WriteWindowUpdate(1, 1)
				}
			},
		},
		{
			name: "empty DATA", rounds: 400, calm: true,
			burst: func(c *h2Client, round int) {
				if round == 0 {
					head(c, false)
				}
				for range 100 {
					_ = c.framer.WriteData(1, false, nil)
				}
			},
		},
		{
			// A small block that decodes to a large head, again and again.
			name: "references to a large field", rounds: 400, buffers: 600,
			burst: func(c *h2Client, round int) {
				field := [2]string{"cookie", strings.Repeat("x", 3500)}
				fields := make([][2]string, 50)
				for i := range fields {
					fields[i] = field
				}
				head(c, true, fields...)
			},
		},
		{
			name: "requests with closed windows", rounds: 40, buffers: 800, deaf: false,
			settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 0}},
			burst: many(50, func(c *h2Client) {
				id := c.next
				c.next += 2
				_ = c.framer.WriteHeaders(http2.HeadersFrameParam{
					StreamID: id, EndStream: true, EndHeaders: true,
					BlockFragment: c.encode([2]string{":method", "GET"}, [2]string{":scheme", "http"}, [2]string{":authority", "h"}, [2]string{":path", "/large/"}),
				})
			}),
		},
		{
			name: "answers that nobody reads", rounds: 400, deaf: true, buffers: 400,
			settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}},
			burst: many(20, func(c *h2Client) {
				id := c.next
				c.next += 2
				_ = c.framer.WriteHeaders(http2.HeadersFrameParam{
					StreamID: id, EndStream: true, EndHeaders: true,
					BlockFragment: c.encode([2]string{":method", "GET"}, [2]string{":scheme", "http"}, [2]string{":authority", "h"}, [2]string{":path", "/big"}),
				})
			}),
		},
		{
			name: "content that nobody asks for", rounds: 100, buffers: 600,
			burst: func(c *h2Client, round int) {
				id := c.next
				if round < 100 {
					c.next += 2
					_ = c.framer.WriteHeaders(http2.HeadersFrameParam{
						StreamID: id, EndHeaders: true,
						BlockFragment: c.encode([2]string{":method", "POST"}, [2]string{":scheme", "http"}, [2]string{":authority", "h"}, [2]string{":path", "/slow/"}),
					})
				}
				if c.window > 10_000 {
					c.window -= 10_000
					_ = c.framer.WriteData(id, false, make([]byte, 10_000))
				}
			},
		},
	}
}

func TestH2Attacks(t *testing.T) {
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			w := newSimWorld(t, 1, engine.Faults{})
			w.muxed()
			w.upstream("slow", func(*upstreamConn) {})
			w.upstream("large", func(c *upstreamConn) {
				if c.state == nil {
					c.state = true
					c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 100_000, numbered(100_000)))
				}
			})
			w.serve("/slow/: http://slow/", "/large/: http://large/", "/ping: OK pong", "/big: OK "+numbered(100_000))
			victim := w.h2Client()
			victim.until(t, "the connection stands", func() bool { return victim.settings })
			base := w.s.Stats()
			c := w.h2Client(a.settings...)
			c.strict, c.greedy = false, false
			if a.deaf {
				c.peer.Window = len(c.peer.FromShard) + 4096
			} else {
				c.until(t, "the attacker is connected", func() bool { return c.settings })
			}
			most, largest := 0, 0
			for round := 0; round < a.rounds && !c.ended; round++ {
				a.burst(c, round)
				c.flush()
				w.steps(3)
				if c.receive(patience); !a.deaf {
					c.attackerTakesIn()
				}
				if round%10 == 0 {
					ping := victim.request("GET /ping", 'n', "", "")
					victim.until(t, "another client is answered", func() bool { return ping.over() })
					ping.want(t, h2Head(200, h2Text, 4), "pong", "")
				}
				st := w.s.Stats()
				most = max(most, st.SmallInUse-base.SmallInUse+(st.LargeInUse-base.LargeInUse)*engine.LargeBuffer/engine.SmallBuffer)
				largest = max(largest, w.h2Open())
			}
			t.Logf("%d buffers and %d streams at the most; GOAWAY %v, ended %t; %+v", most, largest, c.goaways, c.ended, w.g.mux.scratch.Stats)
			if a.buffers == 0 {
				a.buffers = 100
			}
			if most > a.buffers || largest > 130 {
				t.Errorf("%d buffers of 4 KiB were held, %d streams", most, largest)
			}
			switch stats := w.g.H2Stats(); {
			case a.calm && stats.Calm != 1:
				t.Errorf("the attack goes on: %+v", stats)
			case a.ends && stats.Fatal != 1:
				t.Errorf("the attack goes on: %+v", stats)
			}
		})
	}
}

// attackerTakesIn looks for what ends the connection, and for windows; what
// else comes is of no interest to an attacker.
func (c *h2Client) attackerTakesIn() {
	c.in = append(c.in, c.got...)
	c.got = nil
	for {
		n := wholeFrame(c.in)
		if n == 0 {
			return
		}
		if kind := http2.FrameType(c.in[3]); kind == http2.FrameGoAway || kind == http2.FrameWindowUpdate {
			c.pending.Reset(c.in[:n])
			if f, err := c.reader.ReadFrame(); err == nil {
				c.take(f)
			}
		}
		c.in = c.in[n:]
	}
}
