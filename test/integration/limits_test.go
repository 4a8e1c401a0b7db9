package integration

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// Peers: curl and raw connections.
func TestMessageLimits(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Server: "limits: {body: 1KiB, request-line: 100, header-bytes: 1KiB, header-fields: 8}", Text: `
routes:
  "/fixed": OK
  "/echo": "*"
  "/up/": http://` + up.Addr + `/
`})
		for _, path := range []string{"/fixed", "/echo", "/up/x"} {
			for _, c := range []struct {
				name   string
				args   []string
				status int
			}{
				{"largest", []string{"--data-binary", digits(1024)}, 200},
				{"largest, chunked", []string{"-H", "Transfer-Encoding: chunked", "--data-binary", digits(1024)}, 200},
				{"too large", []string{"--data-binary", digits(1025)}, 413},
				{"too large, with 100 (Continue)", []string{"-H", "Expect: 100-continue", "--data-binary", digits(5000)}, 413},
			} {
				t.Run(path+", "+c.name, func(t *testing.T) {
					a := peer.Curl(t, append(c.args, s.URL(path))...)
					if a.Status != c.status || a.Status == 413 && len(a.Interim) > 0 {
						t.Errorf("status %v %d, want %d", a.Interim, a.Status, c.status)
					}
				})
			}
		}
		for _, path := range []string{"/echo", "/up/x"} {
			t.Run(path+", too large, chunked", func(t *testing.T) {
				c := wire.Dial(t, s.Addr)
				c.Send("POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
				for range 3 {
					c.Send("200\r\n" + digits(0x200) + "\r\n")
				}
				c.Read("POST", 413)
			})
		}
		for _, c := range []struct {
			name, octets string
			status       int
		}{
			{"longest line", "GET /fixed?" + strings.Repeat("a", 80) + " HTTP/1.1\r\nHost: x\r\n\r\n", 200},
			{"line too long", "GET /fixed?" + strings.Repeat("a", 81) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
			{"most fields", "GET /fixed HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 7) + "\r\n", 200},
			{"too many fields", "GET /fixed HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 8) + "\r\n", 431},
			{"longest head", "GET /fixed HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 1024-37) + "\r\n\r\n", 200},
			{"head too long", "GET /fixed HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 1024-36) + "\r\n\r\n", 431},
		} {
			t.Run(c.name, func(t *testing.T) {
				conn := wire.Dial(t, s.Addr)
				conn.Send(c.octets)
				conn.Read("GET", c.status)
			})
		}
		s.Stop(t)
	})
}

// At the limit further connections wait, and get their turn when others end. Peer: raw connections.
func TestConnectionLimit(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		s := product.Start(t, product.Config{Engine: e, Server: "shards: 1, limits: {connections: 4}", Text: "routes: {/: OK}\n"})
		var inside, outside []*wire.Conn
		for range 4 {
			c := wire.Dial(t, s.Addr)
			c.Get("/", 200)
			inside = append(inside, c)
		}
		for range 4 {
			c := wire.Dial(t, s.Addr)
			c.Send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
			outside = append(outside, c)
		}
		for i, c := range outside {
			if !c.Silent(100 * time.Millisecond) {
				t.Errorf("connection %d beyond the limit is served", i)
			}
		}
		for _, c := range inside {
			c.Get("/", 200) // Those inside do not suffer.
		}
		for i := range inside {
			_ = inside[i].Close()
		}
		for _, c := range outside {
			c.Read("GET", 200)
		}
		for _, c := range outside {
			_ = c.Close()
		}
		for range 20 {
			c := wire.Dial(t, s.Addr)
			c.Get("/", 200)
			_ = c.Close()
		}
		s.Stop(t)
	})
}

// Many clients at a small limit: all are served in the end, none sees an error.
func TestConnectionLimitUnderLoad(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		s := product.Start(t, product.Config{Engine: e, Server: "limits: {connections: 8}", Text: "routes: {/: OK}\n"})
		var clients sync.WaitGroup
		var served atomic.Int64
		for range 100 {
			clients.Go(func() {
				client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
				for range 5 {
					r, err := client.Get(s.URL("/"))
					if err != nil {
						t.Error(err)
						return
					}
					_ = r.Body.Close()
					if r.StatusCode == 200 {
						served.Add(1)
					}
				}
			})
		}
		clients.Wait()
		if served.Load() != 500 {
			t.Errorf("%d of 500 requests were served", served.Load())
		}
		s.Stop(t)
	})
}

// With few descriptors the server does what it can with them, and recovers. Peers: raw connections, Go's net/http
// behind, prlimit.
func TestDescriptorLimit(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		files := map[string]string{}
		const many = 100
		content := digits(50_000) // sent from a descriptor, not from memory
		for i := range many {
			files[fmt.Sprintf("%d.bin", i)] = content
		}
		root := writeSite(t, files)
		s := product.Start(t, product.Config{
			Engine: e, Server: "shards: 1, timeouts: {header: 1m}",
			Wrapper: []string{peer.Find(t, "prlimit"), "--nofile=160:160"},
			Text:    "routes: {/fixed: OK, /static/: " + root + ", /up/: 'http://" + up.Addr + "/'}\n",
		})
		statuses := map[int]int{}
		for round := range 2 {
			var clients []*wire.Conn
			for i := range 200 {
				c := wire.Dial(t, s.Addr)
				c.Send(fmt.Sprintf("GET /static/%d.bin HTTP/1.1\r\nHost: test\r\n\r\n", i%many))
				clients = append(clients, c)
			}
			for i, c := range clients {
				if i >= 16 && c.Silent(2*time.Second) {
					break // The rest waits for those that were served, who stay.
				}
				r, err := c.Next("GET")
				if err != nil {
					t.Fatalf("round %d: only %d connections were served: %v", round, i, err)
				}
				statuses[r.StatusCode]++
				if r.StatusCode == 200 && r.Body != content {
					t.Errorf("wrong content of %d octets", len(r.Body))
				}
			}
			s.Running(t)
			for _, c := range clients {
				_ = c.Close()
			}
		}
		t.Logf("responses by status: %v", statuses)
		for status := range statuses {
			if status != 200 && status != 503 {
				t.Errorf("responses by status: %v", statuses)
			}
		}
		// Nobody is left: everything is served again.
		for i := range many {
			c := wire.Dial(t, s.Addr)
			if r := c.Get(fmt.Sprintf("/static/%d.bin", i), 200); r.Body != content {
				t.Errorf("file %d: wrong content of %d octets", i, len(r.Body))
			}
			c.Get("/up/x", 200)
			_ = c.Close()
		}
		s.Stop(t)
	})
}

// The files that a site keeps open take no descriptors from connections: those who come later are served. Peers: raw
// connections, prlimit.
func TestFilesLeaveDescriptors(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		files := map[string]string{}
		const many = 200
		for i := range many {
			files[fmt.Sprintf("%d.bin", i)] = digits(50_000) // sent from a descriptor, not from memory
		}
		root := writeSite(t, files)
		for _, read := range []int{130, 140, 150, 200} { // around the point where no descriptor would be left
			s := product.Start(t, product.Config{
				Engine: e, Server: "shards: 1",
				Wrapper: []string{peer.Find(t, "prlimit"), "--nofile=160:160"},
				Text:    "routes: {/static/: " + root + "}\n",
			})
			c := wire.Dial(t, s.Addr)
			for i := range read {
				c.Get(fmt.Sprintf("/static/%d.bin", i), 200)
			}
			_ = c.Close()
			var clients []*wire.Conn
			for i := range 30 {
				c := wire.Dial(t, s.Addr)
				c.Send("GET /static/0.bin HTTP/1.1\r\nHost: test\r\n\r\n")
				if r, err := c.Next("GET"); err != nil || r.StatusCode != 200 {
					t.Errorf("with %d files read, %d clients are served and the next is not: %v", read, i, err)
					break
				}
				clients = append(clients, c)
			}
			for _, c := range clients {
				_ = c.Close()
			}
			s.Stop(t)
		}
	})
}

// Too few descriptors to begin with: that is said, with the cure.
func TestDescriptorLimitTooLow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/anygate.yml", []byte("listen: 127.0.0.1:0\nserver: {shards: 2}\nroutes: {/: OK}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := product.Run(t, product.Command{Args: []string{"serve"}, Dir: dir, Wrapper: []string{peer.Find(t, "prlimit"), "--nofile=64:64"}})
	if r.Code != 1 || !strings.Contains(r.Stderr, "open files") || !strings.Contains(r.Stderr, "ulimit -n") {
		t.Errorf("exit code %d, standard error:\n%s", r.Code, r.Stderr)
	}
}
