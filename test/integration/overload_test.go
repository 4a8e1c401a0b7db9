package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// shed reports whether a request is turned away as overload has it.
func shed(t *testing.T, c *wire.Conn) bool {
	t.Helper()
	c.Send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	r, err := c.Next("GET")
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case r.StatusCode == 200:
		return false
	case r.StatusCode == 503 && r.Header.Get("Retry-After") == "1" && !r.Close:
		return true
	}
	t.Fatalf("%s, %v", r.Status, r.Header)
	return false
}

// under makes the server overloaded while a response has begun and another request waits for an upstream. Both are finished; new
// requests are turned away, with the reason in the access log, on connections that stay; when it is over they are served.
func under(t *testing.T, s *product.Server, up *origin.Server, reason string, begin, end func()) {
	t.Helper()
	c, begun, waiting := wire.Dial(t, s.Addr), wire.Dial(t, s.Addr), wire.Dial(t, s.Addr)
	if shed(t, c) {
		t.Error("a server that is not overloaded turns a request away")
	}
	begun.Send("GET /up/hold?begin HTTP/1.1\r\nHost: test\r\n\r\n")
	waiting.Send("GET /up/hold HTTP/1.1\r\nHost: test\r\n\r\n")
	up.Arrived(t)
	up.Arrived(t)
	begin()
	until(t, "requests are turned away", func() bool { return shed(t, c) })
	s.Stdout.Line(t, `"status":503`, `"reason":"`+reason+`"`)
	up.Release()
	if r := begun.Read("GET", 200); r.Body != "begun released" {
		t.Errorf("%q", r.Body)
	}
	if r := waiting.Read("GET", 200); r.Body != "released" {
		t.Errorf("%q", r.Body)
	}
	end()
	until(t, "requests are served again", func() bool { return !shed(t, c) })
}

// A configuration is loaded that takes more than the memory there is for the Go heap, and then one that does not. Peers: raw
// connections before, Go's net/http behind.
func TestShortMemory(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		dir := t.TempDir()
		s := product.Start(t, product.Config{
			Engine: e, Server: "shards: 1", Dir: dir, Env: []string{"GOMEMLIMIT=32MiB"},
			Text: "log: {access: stdout json}\nroutes:\n  /: OK\n  /up/: http://" + up.Addr + "/\n",
		})
		path := filepath.Join(dir, "anygate.yml")
		small, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		large := string(small)
		for i := range 14 {
			large += fmt.Sprintf("  /large/%d: OK %s\n", i, strings.Repeat(fmt.Sprintf("x%02d ", i), 200_000))
		}
		load := func(text string) func() {
			return func() {
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if r := product.Run(t, product.Command{Args: []string{"reload", "-c", path}}); r.Code != 0 {
					t.Fatalf("reload: %d, %s", r.Code, r.Stderr)
				}
			}
		}
		under(t, s, up, "overload_memory", load(large), load(string(small)))
		s.Stderr.Line(t, "memory is short: new requests are answered with 503", "of=heap")
		s.Stderr.Line(t, "memory is no longer short: requests are served again")
		s.Stop(t)
	})
}

// Clients ask for more in each turn of the loop than it may take. Peers: raw connections before, Go's net/http behind.
func TestLongTurns(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{
			Engine: e, Server: "shards: 1, limits: {loop-latency: 1ms}",
			Text: "log: {access: stdout json}\nroutes: {/: {answer: OK, use: log off}, /up/: 'http://" + up.Addr + "/'}\n",
		})
		var stop atomic.Bool
		var clients sync.WaitGroup
		flood := func() {
			requests := []byte(strings.Repeat("GET / HTTP/1.1\r\nHost: t\r\n\r\n", 2000))
			for range 16 {
				c := wire.Dial(t, s.Addr)
				clients.Go(func() {
					defer c.Close()
					answers := make([]byte, 1<<20)
					clients.Go(func() {
						for {
							if _, err := c.Conn.Read(answers); err != nil {
								return
							}
						}
					})
					for !stop.Load() {
						_ = c.SetDeadline(time.Now().Add(20 * time.Second))
						if _, err := c.Write(requests); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
		}
		under(t, s, up, "overload_latency", flood, func() {
			stop.Store(true)
			clients.Wait()
		})
		s.Stop(t)
	})
}
