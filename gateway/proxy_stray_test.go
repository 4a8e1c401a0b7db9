package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
)

// TestProxyStrayBytes has an upstream send a second answer right behind the
// first. However the first one ends, at the end of a receive, of a buffer or
// of what went through a pipe, nobody gets the second.
func TestProxyStrayBytes(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: %7d\r\n\r\n"
	room := len(fmt.Sprintf(head, 0))
	sizes := map[string]int{
		"short":                    300,
		"a small receive buffer":   engine.SmallBuffer - room,
		"a large receive buffer":   engine.LargeBuffer - room,
		"more than a large buffer": engine.LargeBuffer + 100,
		"two large buffers":        2*engine.LargeBuffer - room,
		"through a pipe":           1 << 20,
	}
	stray := ok("poison")
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				body := strings.Repeat("x", size)
				w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, _ string) string {
					if r.URL.Path == "/p/more" {
						return fmt.Sprintf(head, size) + body + stray
					}
					return ok("fine")
				}))
				w.serve("/p/: http://up")
				for range 3 {
					c := w.client()
					c.send(get("/p/more") + get("/p/next"))
					c.until("both answers are there", func(got []byte) bool {
						return strings.HasSuffix(string(got), "fine") || strings.Contains(string(got), "poison")
					})
					got := string(c.got)
					if strings.Contains(got, "poison") {
						t.Fatal("a client got what was not meant for it")
					}
					if n := strings.Count(got, "x"); n != size {
						t.Errorf("%d bytes of content, want %d", n, size)
					}
					c.close()
				}
			})
		})
	}
}
