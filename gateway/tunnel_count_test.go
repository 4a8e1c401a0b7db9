package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/proxy"
)

// tunnelOrHTTP is an origin that agrees to a tunnel and answers anything else.
func tunnelOrHTTP() func(c *upstreamConn) {
	http := always(ok("http"))
	return func(c *upstreamConn) {
		switch head := string(c.in); {
		case c.state != nil:
			echoBack(c)
		case strings.Contains(head, "\r\nUpgrade: ") && strings.HasSuffix(head, "\r\n\r\n"):
			c.state, c.in = true, nil
			c.write(switching("x"))
		default:
			http(c)
		}
	}
}

// TestTunnelIsUnderWay counts a tunnel against the limits of its upstream, to
// its end.
func TestTunnelIsUnderWay(t *testing.T) {
	for name, l := range map[string]proxy.Limits{
		"connections": {Connections: 1, Queue: 10, Wait: time.Minute},
		"requests":    {Requests: 1, Queue: 10, Wait: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			for _, end := range []string{"in order", "client resets", "upstream resets"} {
				t.Run(end, func(t *testing.T) {
					forEachEngine(t, func(t *testing.T, w *world) {
						w.pooling = limited(l)
						u := w.upstream("up", tunnelOrHTTP())
						w.serve("/p/: http://up")
						c, other := w.client(), w.client()
						c.send(offering("/p/", "x"))
						c.expect(switched("x"))
						other.send(get("/p/"))
						w.waitingIn("up", 1)
						c.send("hello")
						c.expect("hello")
						switch end {
						case "in order":
							c.closeWrite()
							c.expect("bye")
							c.expectEnd()
						case "client resets":
							c.abort()
						case "upstream resets":
							u.locked(func() { u.conns[0].abort() })
							c.expectReset()
						}
						other.expect(relayed("http"))
						member := w.memberOf(w.shared("up"), u)
						w.eventually("nothing is under way", func() bool {
							cell := &member.Cells()[0]
							return cell.Active.Load() == 0 && w.pools["up"].Requests.Used() == 0
						})
					})
				})
			}
		})
	}
}

// TestTunnelIsASuccess counts a tunnel as served when it begins: it may last
// for hours, and how it ends says nothing of the member. A breaker that is half
// open lets others try meanwhile.
func TestTunnelIsASuccess(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", tunnelOrHTTP())
		w.serve("/p/: http://up")
		up := w.shared("up")
		cell := &w.memberOf(up, u).Cells()[0]
		counts := func(when string, successes uint64) {
			t.Helper()
			if s, f := cell.Successes.Load(), cell.Failures.Load(); s != successes || f != 0 {
				t.Errorf("%s: %d successes and %d failures, want %d and none", when, s, f, successes)
			}
		}
		up.SetBreaker(proxy.BreakerHalfOpen)
		c, other := w.client(), w.client()
		c.send(offering("/p/", "x"))
		c.expect(switched("x"))
		counts("in the tunnel", 1)
		other.send(get("/p/"))
		other.expect(relayed("http"))
		u.locked(func() { u.conns[0].abort() })
		c.expectReset()
		counts("behind it", 2)
	})
}
