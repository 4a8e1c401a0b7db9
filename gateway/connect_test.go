package gateway

import (
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
)

// TestConnect passes CONNECT on where a route names it.
func TestConnect(t *testing.T) {
	connect := "CONNECT tunnel.test:22 HTTP/1.1\r\nHost: tunnel.test:22\r\n\r\n"
	refusal := "HTTP/1.1 405 Method Not Allowed\r\nServer: anygate\r\nDate: D\r\n"
	for _, tt := range []struct{ name, route, request, answer, want string }{
		{
			"taken", "CONNECT tunnel.test/", connect, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n",
			"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nX: y\r\n\r\n",
		},
		{
			"taken with any 2xx, which may say what it likes of content", "CONNECT /", connect, "HTTP/1.1 299\r\nTransfer-Encoding: chunked\r\n\r\n",
			"HTTP/1.1 299 \r\nServer: anygate\r\nDate: D\r\n\r\n",
		},
		{
			"from HTTP/1.0", "CONNECT *.test/", "CONNECT tunnel.test:22 HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
			"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\n\r\n",
		},
		{"refused", "GET CONNECT tunnel.test/", connect, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "-HTTP/1.1 403 Forbidden\r\nServer: anygate\r\nDate: D\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"},
		{"switched instead", "CONNECT tunnel.test/", connect, switching("x"), "-" + closing(page(502))},
		{"no route names it", "tunnel.test/", connect, "", "!" + refusal},
		{"another host's", "CONNECT other.test/", connect, "", "!" + refusal},
		{"a route for a part of the host", "CONNECT tunnel.test/a/", connect, "", "!" + refusal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				u := w.upstream("up", tunnelOrigin(tt.answer, echoBack))
				w.serve(tt.route + ": http://up")
				c := w.client()
				c.send(tt.request + "early")
				switch want := tt.want; want[0] {
				case '!':
					if got := undated(c.rest()); !strings.HasPrefix(got, want[1:]) || !strings.Contains(got, "Connection: close\r\n") || u.count() != 0 {
						t.Errorf("the client got %q", got)
					}
				case '-':
					c.expect(want[1:])
					c.expectEnd()
				default:
					c.expect(want + "early")
					c.send("late")
					c.expect("late")
					u.locked(func() {
						if head := u.conns[0].state.(string); !strings.HasPrefix(head, "CONNECT tunnel.test:22 HTTP/1.1\r\nHost: tunnel.test:22\r\n") {
							t.Errorf("the origin got %q", head)
						}
					})
					c.closeWrite()
					c.expect("bye")
					c.expectEnd()
				}
			})
		})
	}
}

// TestConnectToOtherActions answers CONNECT without an upstream: never with
// what a client would take for a tunnel.
func TestConnectToOtherActions(t *testing.T) {
	for action, want := range map[string]string{"OK": "405", "FORBIDDEN": "403", "*": "405", "FOUND /x": "405"} {
		w := newSimWorld(t, 1, engine.Faults{})
		w.serve("CONNECT h/: " + action)
		c := w.client()
		c.send("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n")
		if got := string(c.rest()); !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
			t.Errorf("%s: %q", action, got)
		}
	}
}
