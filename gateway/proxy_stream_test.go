package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
)

// streams are the ways in which an origin frames what it writes bit by bit.
var streams = []struct {
	name, head, end string
	frame           func(event string) string
	wantHead        string
	want            func(event string) string
	wantEnd         string
}{
	{
		"chunked", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n", chunkOf,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", chunkOf, "0\r\n\r\n",
	},
	{
		"until the end", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", "", asIs,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", chunkOf, "0\r\n\r\n",
	},
	{
		"with a length", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", strings.Repeat("x", 1_000_000-3*len(event(0))), asIs,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 1000000\r\n\r\n", asIs, strings.Repeat("x", 1_000_000-3*len(event(0))),
	},
}

func event(i int) string          { return fmt.Sprintf("data: %d\n\n", i) }
func asIs(event string) string    { return event }
func chunkOf(event string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(event), event) }

// TestEventsArriveAsTheyAreWritten lets an origin write an event only when the
// client has the one before: each has to go on without a word behind it.
func TestEventsArriveAsTheyAreWritten(t *testing.T) {
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				u := w.upstream("up", tunnelOrigin(tt.head, nil))
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/"))
				c.expect(tt.wantHead)
				for i := range 3 {
					u.locked(func() { u.conns[0].write(tt.frame(event(i))) })
					c.expect(tt.want(event(i)))
				}
				u.locked(func() {
					u.conns[0].write(tt.end)
					u.conns[0].closeWrite()
				})
				c.expect(tt.wantEnd)
				c.expectOpen()
			})
		})
	}
}

// TestEventsTakeOneTurn counts: what is received in a turn is on its way to
// the client at its end.
func TestEventsTakeOneTurn(t *testing.T) {
	for _, tt := range streams {
		w := newSimWorld(t, 3, engine.Faults{})
		u := w.upstream("up", tunnelOrigin(tt.head, nil))
		w.serve("/p/: http://up")
		c := w.client()
		c.send(get("/p/"))
		c.expect(tt.wantHead)
		var conn engine.Conn
		w.s.Each(func(k engine.Conn) {
			if w.s.User(k) == userClient {
				conn = k
			}
		})
		for i := range 20 {
			before := w.s.SentBytes(conn)
			u.conns[0].write(tt.frame(event(i)))
			w.step()
			if w.s.SentBytes(conn) == before {
				t.Errorf("%s: event %d was received and not sent on", tt.name, i)
			}
			w.eventually("it is sent", func() bool { return w.s.Queued(conn) == 0 })
		}
		c.abort()
	}
}

// TestLongPolling lets an answer come long after its request, while others are
// served.
func TestLongPolling(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		var waiting *upstreamConn
		u := w.upstream("up", answering(func(c *upstreamConn, r *http.Request, _ string) string {
			if r.URL.Path == "/p/poll" {
				waiting = c
				return ""
			}
			return ok("now")
		}))
		w.serve("/p/: http://up")
		c, other := w.client(), w.client()
		c.send(get("/p/poll"))
		w.waitFor("the request arrives", func() (ok bool) {
			u.locked(func() { ok = waiting != nil })
			return ok
		})
		for range 20 {
			other.send(get("/p/"))
			other.expect(relayed("now"))
		}
		u.locked(func() { waiting.write(ok("later")) })
		c.expect(relayed("later"))
		c.expectOpen()
	})
}
