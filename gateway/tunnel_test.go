package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/telemetry"
)

// offering is a request that offers to switch to a protocol.
func offering(path, protocol string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n"
}

// switching is the origin's consent, switched what the client gets of it.
func switching(protocol string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\nX-Accept: 1\r\n\r\n"
}

func switched(protocol string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nServer: anygate\r\nDate: D\r\nX-Accept: 1\r\nConnection: upgrade\r\nUpgrade: " + protocol + "\r\n\r\n"
}

// tunnelOrigin answers the first request of a connection with head, and gives
// what follows to talk. The request's head ends up in c.state.
func tunnelOrigin(head string, talk func(c *upstreamConn)) func(c *upstreamConn) {
	return func(c *upstreamConn) {
		if c.state == nil {
			request, rest, ok := strings.Cut(string(c.in), "\r\n\r\n")
			if !ok {
				return
			}
			c.state, c.in = request, []byte(rest)
			c.write(head)
		}
		if talk != nil {
			talk(c)
		}
	}
}

// echoBack returns all bytes, and the end with a farewell.
func echoBack(c *upstreamConn) {
	if len(c.in) > 0 {
		c.write(string(c.in))
		c.in = nil
	}
	if c.eof {
		c.write("bye")
	}
}

func TestTunnel(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogText
		w.settings.Body = 1000 // is about content, and a tunnel has none
		u := w.upstream("up", tunnelOrigin(switching("websocket")+"hello ", echoBack))
		w.serve("/p/: http://up")
		c := w.client()
		c.send(offering("/p/", "websocket"))
		c.expect(switched("websocket") + "hello ")
		u.locked(func() {
			if head := u.conns[0].state.(string); !strings.Contains(head, "\r\nConnection: upgrade\r\nUpgrade: websocket") {
				t.Errorf("the origin got %q", head)
			}
		})
		c.send("ping")
		c.expect("ping")
		// More than may wait anywhere, so that it goes by credit both ways.
		large := numbered(3 << 20)
		for i := 0; i < len(large); i += 60_000 {
			part := large[i:min(len(large), i+60_000)]
			c.send(part)
			c.expect(part)
		}
		c.closeWrite()
		c.expect("bye")
		c.expectEnd()
		w.eventually("the tunnel is over", func() bool { return w.g.Open() == 0 })
		want := fmt.Sprintf(" GET h /p/ HTTP/1.1 101 %d %d ", len(large)+4, len(large)+4+6+3)
		if log := logOf(t, w.access); strings.Count(log, "\n") != 1 || !strings.Contains(log, want) {
			t.Errorf("the access log is %q, want one line with %q", log, want)
		}
	})
}

// TestTunnelBehindInterim lets other responses come before the one that agrees.
func TestTunnelBehindInterim(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		hints := "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
		w.upstream("up", tunnelOrigin("HTTP/1.1 100 Continue\r\n\r\n"+hints+switching("x"), echoBack))
		w.serve("/p/: http://up")
		c := w.client()
		c.send(offering("/p/", "x"))
		c.expect(hints + switched("x"))
		c.send("ping")
		c.expect("ping")
		c.abort()
	})
}

// TestTunnelInPieces cuts the answer, and what follows it, in two at every
// byte.
func TestTunnelInPieces(t *testing.T) {
	whole := switching("x") + "hello"
	for cut := 1; cut < len(whole); cut++ {
		w := newSimWorld(t, uint64(cut), engine.Faults{})
		u := w.upstream("up", tunnelOrigin(whole[:cut], nil))
		w.serve("/p/: http://up")
		c := w.client()
		c.send(offering("/p/", "x"))
		w.eventually("the first piece is sent", func() bool { return u.count() > 0 && u.conns[0].state != nil })
		u.settled()
		u.conns[0].write(whole[cut:])
		c.expect(switched("x") + "hello")
		c.abort()
	}
}

// TestTunnelOverStaleConnection offers a protocol over a kept connection that
// the origin closes at that moment: the offer is made once more.
func TestTunnelOverStaleConnection(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		http := always(ok("http"))
		u := w.upstream("up", func(c *upstreamConn) {
			switch {
			case c.id > 0:
				tunnelOrigin(switching("x"), echoBack)(c)
			case strings.Contains(string(c.in), "Upgrade"):
				c.in = nil
				c.closeWrite()
			default:
				http(c)
			}
		})
		w.serve("/p/: http://up")
		c := w.client()
		c.send(get("/p/"))
		c.expect(relayed("http"))
		c.send(offering("/p/", "x"))
		c.expect(switched("x"))
		c.send("ping")
		c.expect("ping")
		if u.count() != 2 {
			t.Errorf("%d connections to the origin, want 2", u.count())
		}
		c.abort()
	})
}

// TestTunnelOfMultiplexedCodec runs tunnels next to other exchanges of one
// connection, as HTTP/2 is going to (RFC 8441).
func TestTunnelOfMultiplexedCodec(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.multiplexed()
		w.upstream("up", tunnelOrigin(switching("websocket"), echoBack))
		w.serve("/p/: http://up", "/ping: OK pong")
		c := w.muxClient()
		fields := " HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket"
		a := c.requestLine("GET /p/a"+fields, 't', numbered(50_000), "")
		b := c.requestLine("GET /p/b"+fields, 't', "b", "")
		a.hold = 1
		c.until(t, "all but a byte is back", func() bool { return len(a.got) == 49_999 })
		ping := c.request("GET /ping", 'n', "", "")
		c.until(t, "others are served", func() bool { return ping.ended && b.ended })
		a.hold = 0
		c.finish(t)
		head := "101\nX-Accept: 1\r\nProtocol: websocket\r\n"
		a.want(t, head, numbered(50_000)+"bye", "")
		b.want(t, head, "bbye", "")
		c.close()
	})
}
