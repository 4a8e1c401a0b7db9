package gateway

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
)

// resident is how many bytes of memory the process has.
func resident(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// TestProxySlowClients has a thousand clients that do not read what a fast
// upstream has for them. What waits for them is bounded by the shard's
// buffers, and others are served as before.
func TestProxySlowClients(t *testing.T) {
	const slow, size = 1000, 4 << 20
	body := []byte(strings.Repeat("0123456789abcdef", 64<<10/16))
	forEachLoop(t, func(t *testing.T, w *world) {
		w.limits = engine.Limits{Connections: 4096, Clients: 2048, SmallBuffers: 8192, LargeBuffers: 512} // 64 MiB
		w.upstream("quick", echoing())
		listen := w.upstream("fast", nil)
		// A server that writes from one piece of memory: what is measured is
		// to be the proxy's.
		listen.data = func(c *upstreamConn) {
			if c.state != nil || !strings.Contains(string(c.in), "\r\n\r\n") {
				return
			}
			c.state = true
			conn := c.conn
			go func() {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
				for left := size; left > 0; left -= len(body) {
					if _, err := conn.Write(body); err != nil {
						return
					}
				}
			}()
		}
		w.serve("/fast/: http://fast", "/quick/: http://quick")
		before := resident(t)
		for range slow {
			c := w.client()
			_ = c.conn.SetReadBuffer(4 << 10)
			c.send(get("/fast/"))
		}
		w.waitFor("all have asked", func() bool { return listen.count() == slow })
		var last int
		w.eventually("the relays have come to rest", func() bool {
			st := w.s.Stats()
			n := st.SmallInUse + st.LargeInUse*16
			rest := n == last && n > 0
			last = n
			return rest
		})
		quick := w.client()
		for range 20 {
			quick.send(get("/quick/"))
			quick.expect(relayed("GET /quick/ "))
		}
		st := w.s.Stats()
		held := int64(st.SmallInUse)*engine.SmallBuffer + int64(st.LargeInUse)*engine.LargeBuffer
		grown := resident(t) - before
		t.Logf("%d KiB of buffers in use, the process has grown by %d KiB", held>>10, grown>>10)
		if held > 64<<20 {
			t.Errorf("%d bytes of buffers", held)
		}
		// The test's own side has goroutines and a buffer of 64 KiB for each.
		if bound := int64(64<<20 + slow*(96<<10)); grown > bound {
			t.Errorf("the process has grown by %d bytes, and may by %d", grown, bound)
		}
		// A client that does read gets all of it.
		reader := http.Client{}
		r, err := reader.Get("http://" + w.addr.String() + "/fast/")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for buf := make([]byte, 64<<10); ; {
			k, err := r.Body.Read(buf)
			if n += k; err != nil {
				break
			}
		}
		_ = r.Body.Close()
		if n != size {
			t.Errorf("%d bytes of %d", n, size)
		}
		reader.CloseIdleConnections()
	})
}
