package integration

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// drip sends octets one by one, until they are all sent or the connection takes no more. It ends with the test.
func drip(t *testing.T, c *wire.Conn, octets string, every time.Duration) {
	t.Helper()
	var done sync.WaitGroup
	done.Go(func() {
		for i := range len(octets) {
			if c.TrySend(octets[i:i+1]) != nil {
				return
			}
			time.Sleep(every) // Slowness is what is tested.
		}
	})
	t.Cleanup(func() {
		_ = c.Close()
		done.Wait()
	})
}

// between fails unless the time since start is what it should be, generously at the upper end.
func between(t *testing.T, start time.Time, least, most time.Duration) {
	t.Helper()
	if d := time.Since(start); d < least || d > most {
		t.Errorf("after %s, want between %s and %s", d, least, most)
	}
}

// watchOthers asks for pages while the test runs; all of them have to come, and soon. An idle connection may be closed after
// the time given.
func watchOthers(t *testing.T, s *product.Server, idle time.Duration) {
	t.Helper()
	stop := make(chan struct{})
	var done sync.WaitGroup
	before := time.Now()
	c := wire.Dial(t, s.Addr)
	done.Go(func() {
		for {
			begin := time.Now()
			_ = c.TrySend("GET /fixed HTTP/1.1\r\nHost: test\r\n\r\n")
			sent := time.Now()
			r, err := c.Next("GET")
			if errors.Is(err, net.ErrClosed) {
				return // The test has ended.
			}
			if err != nil && sent.Sub(before) > idle*3/4 {
				// The machine did not let us run in time, and the server closed an idle connection: what came before this
				// request on it began that long ago.
				_ = c.Close()
				before = time.Now()
				c = wire.Dial(t, s.Addr)
				continue
			}
			if err != nil || r.StatusCode != 200 {
				t.Errorf("another client: %v, %v", r, err)
				return
			}
			before = begin
			if d := time.Since(begin); d > 5*time.Second {
				t.Errorf("another client waited for %s", d)
			}
			select {
			case <-stop:
				_ = c.Close()
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		done.Wait()
	})
}

// Peer: raw connections.
func TestSlowClients(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		const timeout = 1500 * time.Millisecond // more than a busy machine keeps a client waiting that is not slow
		const late = 15 * time.Second           // far more than any of the timeouts, as the machine may be busy
		up := origin.Start(t)
		root := writeSite(t, map[string]string{"large.bin": digits(20_000_000)})
		s := product.Start(t, product.Config{Engine: e, Server: "timeouts: {header: 1500ms, body: 1500ms, idle: 1500ms, write: 1500ms}, min-rate: {body: 1KiB/s, write: 1MiB/s}", Text: `
routes:
  "/fixed": OK
  "/echo": "*"
  "/up/": http://` + up.Addr + `/
  "/static/": ` + root + `
`})
		watchOthers(t, s, timeout)

		// The subtests sit and wait: at the same time. Run returns when all of them have ended.
		t.Run("clients", func(t *testing.T) {
			clients := func(name string, f func(t *testing.T, c *wire.Conn)) {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					f(t, wire.Dial(t, s.Addr))
				})
			}
			clients("a head octet by octet", func(t *testing.T, c *wire.Conn) {
				start := time.Now()
				drip(t, c, "GET /fixed HTTP/1.1\r\nHost: test\r\nX: "+strings.Repeat("y", 2000), 50*time.Millisecond)
				c.Read("GET", 408)
				between(t, start, timeout/2, late)
			})
			clients("a head that stops", func(t *testing.T, c *wire.Conn) {
				start := time.Now()
				c.Send("GET /fixed HTTP/1.1\r\nHost:")
				if r := c.Read("GET", 408); !r.Close {
					t.Error("the answer does not say close")
				}
				c.ExpectClosed()
				between(t, start, timeout/2, late)
			})
			clients("a second head that stops", func(t *testing.T, c *wire.Conn) {
				c.Get("/fixed", 200)
				c.Send("GET /fixed HTTP/1.1\r\n")
				c.Read("GET", 408)
				c.ExpectClosed()
			})
			clients("nothing at all", func(t *testing.T, c *wire.Conn) {
				start := time.Now()
				c.ExpectClosed()
				between(t, start, timeout/2, late)
			})
			clients("nothing after a request", func(t *testing.T, c *wire.Conn) {
				c.Get("/fixed", 200)
				start := time.Now()
				c.ExpectClosed()
				between(t, start, timeout/2, late)
			})
			for _, path := range []string{"/echo", "/up/x"} {
				head := "POST " + path + " HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n"
				clients("content that stops, to "+path, func(t *testing.T, c *wire.Conn) {
					start := time.Now()
					c.Send(head + "some content")
					c.Read("POST", 408)
					c.ExpectClosed()
					between(t, start, timeout/2, late)
				})
				clients("content octet by octet, to "+path, func(t *testing.T, c *wire.Conn) {
					drip(t, c, head+strings.Repeat("x", 10_000), 10*time.Millisecond)
					c.Read("POST", 408)
				})
				clients("content that is slow, but not too slow, to "+path, func(t *testing.T, c *wire.Conn) {
					_ = c.Close()
					for !uploadSlowly(t, s, path, timeout/2) {
						continue // The machine did not let us run in time: nothing is shown.
					}
				})
			}
			for _, path := range []string{"/static/large.bin", "/up/pattern/20000000"} {
				clients("a reader that stops, of "+path, func(t *testing.T, c *wire.Conn) {
					small(t, c)
					c.Send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n")
					start := time.Now()
					// The server gives up by itself: the connection is gone from its table, not only from ours.
					gone(t, s, c)
					between(t, start, timeout/2, late)
				})
				clients("a reader that is slow, of "+path, func(t *testing.T, c *wire.Conn) {
					small(t, c)
					c.Send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n")
					buf := make([]byte, 1024)
					total := 0
					for {
						n, err := c.Conn.Read(buf)
						total += n
						if err != nil {
							if total > 10_000_000 || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
								t.Errorf("after %d octets: %v", total, err)
							}
							return
						}
						time.Sleep(20 * time.Millisecond) // Slowness is what is tested.
					}
				})
			}
		})
		s.Running(t)
	})
}

// uploadSlowly sends content with pauses that the server has to put up with, and expects it to be taken. If a pause has
// become longer than most, it reports false.
func uploadSlowly(t *testing.T, s *product.Server, path string, most time.Duration) bool {
	t.Helper()
	begin := time.Now()
	c := wire.Dial(t, s.Addr)
	err := c.TrySend("POST " + path + " HTTP/1.1\r\nHost: test\r\nContent-Length: 20000\r\n\r\n")
	for left := 20; ; left-- {
		if time.Since(begin) > most {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			c.Read("POST", 200)
			return true
		}
		begin = time.Now()
		err = c.TrySend(strings.Repeat("x", 1000))
		time.Sleep(100 * time.Millisecond) // Slowness is what is tested.
	}
}

// small makes the kernel take little for a client that does not read.
func small(t *testing.T, c *wire.Conn) {
	t.Helper()
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(8 << 10); err != nil {
		t.Fatal(err)
	}
}
