package gateway

import (
	"strings"
	"testing"
)

// TestH2Tunnel opens tunnels by CONNECT and extended CONNECT on a connection
// that serves other requests beside them.
func TestH2Tunnel(t *testing.T) {
	for _, tt := range []struct {
		name, route, answer, want, asked string
		fields                           [][2]string
	}{
		{
			"CONNECT", "CONNECT tunnel.test/: http://up", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", "200\r\nx: y\r\n", "CONNECT tunnel.test:22 HTTP/1.1\r\n",
			[][2]string{{":method", "CONNECT"}, {":authority", "tunnel.test:22"}},
		},
		{
			"WebSocket", "/p/: http://up", switching("websocket"), "200\r\nx-accept: 1\r\n", "\r\nConnection: upgrade\r\nUpgrade: websocket",
			[][2]string{{":method", "CONNECT"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/p/"}, {":protocol", "websocket"}, {"sec-websocket-version", "13"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.muxed()
				w.settings.Body = 1000 // is about content, and a tunnel has none
				u := w.upstream("up", tunnelOrigin(tt.answer+"hello ", echoBack))
				w.serve(tt.route, "/ping: OK pong")
				c := w.h2Client()
				c.until(t, "the settings have come", func() bool { return c.settings })
				if !c.extended {
					t.Error("extended CONNECT is not announced")
				}
				large := numbered(1 << 20)
				e := c.fields(tt.fields, true, "early "+large, "")
				e.hold = len(large)
				c.until(t, "the tunnel stands", func() bool { return e.got == "hello early " })
				ping := c.request("GET /ping", 'n', "", "")
				c.until(t, "another request is answered", func() bool { return ping.ended })
				e.hold = 0
				c.finish(t)
				e.want(t, tt.want, "hello early "+large+"bye", "")
				u.locked(func() {
					if head := u.conns[0].state.(string); !strings.Contains(head, tt.asked) {
						t.Errorf("the origin got %q", head)
					}
				})
				c.close()
			})
		})
	}
}

// TestH2TunnelRefused has the origin decline: the stream is one with an
// ordinary response.
func TestH2TunnelRefused(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.upstream("up", tunnelOrigin("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", nil))
		w.serve("/p/: http://up", "/ping: OK pong")
		c := w.h2Client()
		socket := func(path string) *h2Exchange {
			return c.fields([][2]string{{":method", "CONNECT"}, {":scheme", "http"}, {":authority", "h"}, {":path", path}, {":protocol", "websocket"}}, true, "early", "")
		}
		refused, fixed := socket("/p/"), socket("/ping")
		refused.hold, fixed.hold = 2, 2
		c.finish(t)
		refused.want(t, h2Head(403, "", 2), "no", "")
		fixed.want(t, h2Head(200, h2Text, 4), "pong", "")
		c.close()
	})
}
