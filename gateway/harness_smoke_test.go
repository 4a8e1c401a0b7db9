package gateway

import (
	"fmt"
	"net/http"
	"testing"
)

func TestHarness(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", answering(func(c *upstreamConn, r *http.Request, content string) string {
			body := fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, content)
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}))
		w.serve("GET /ping: OK pong", "/p/: http://up/q/")
		c := w.client()
		c.send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expect(text(200, "pong"))
		c.send("POST /p/a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
		c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 13\r\n\r\nPOST /q/a abc")
		c.expectOpen()
		c.close()
	})
}
