package integration

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// growth is by how much the server's memory may grow in a run of the length of which it has already seen: noise, no leak.
const growth = 16 << 20

var collection = regexp.MustCompile(`^gc \d+ @`)

// collections counts the cycles of the garbage collector, which GODEBUG=gctrace=1 reports line by line, but for the one
// that the runtime forces every two minutes without need.
func collections(s *product.Server) (n int) {
	for line := range strings.Lines(s.Stderr.String()) {
		if collection.MatchString(line) && !strings.Contains(line, "(forced)") {
			n++
		}
	}
	return n
}

// A thousand connections at once for some seconds: no error, no allocation that grows with the requests, no memory that
// grows with time. Peers: wrk before, nginx behind.
func TestLoad(t *testing.T) {
	eachEngine(t, func(t *testing.T, e product.Engine) {
		root := writeSite(t, map[string]string{"1k.txt": digits(1024)})
		nginx := peer.StartNginx(t, root, "", `location = /2b { return 200 "OK"; }`)
		s := product.Start(t, product.Config{
			Engine: e,
			// The heap may grow by 1 MiB from collection to collection, so that a few octets for each request show.
			Env:  []string{"GODEBUG=gctrace=1", "GOGC=25"},
			Text: "routes: {/fixed: OK hello, /static/: " + root + ", /proxy/: 'http://" + nginx.Addr + "/'}\n",
		})
		for _, c := range []struct {
			name, path string
			duration   time.Duration
		}{
			{"fixed", "/fixed", 10 * time.Second},
			{"static", "/static/1k.txt", 5 * time.Second},
			{"proxy", "/proxy/2b", 5 * time.Second},
		} {
			t.Run(c.name, func(t *testing.T) {
				// Tables and pools grow to what this load needs; that is not what is measured.
				peer.Wrk(t, 1000, 2*time.Second, s.URL(c.path))
				before, gc := s.Memory(t), collections(s)
				load := peer.Wrk(t, 1000, c.duration, s.URL(c.path))
				after := s.Memory(t)
				if load.Trouble != "" {
					t.Errorf("wrk reports trouble:\n%s", load.Report)
				}
				if least := int64(c.duration/time.Second) * 1000; load.Requests < least {
					t.Errorf("%d requests in %s", load.Requests, c.duration)
				}
				if grown := after.Resident - before.Resident; grown > growth {
					t.Errorf("resident memory grew by %d KiB to %d KiB", grown>>10, after.Resident>>10)
				}
				n := collections(s) - gc
				if n > 1 {
					t.Errorf("the garbage collector ran %d times during %d requests", n, load.Requests)
				}
				t.Logf("%d requests/s, resident %d KiB (%+d KiB), %d collections", load.Requests/int64(c.duration/time.Second), after.Resident>>10, (after.Resident-before.Resident)>>10, n)
			})
		}
		s.Stop(t)
		if n := s.Stderr.Count(" error "); n > 0 {
			t.Errorf("%d errors in the log", n)
		}
	})
}

// A flood of requests in one go from clients that read slowly, on many connections: memory stays bounded.
func TestPipelinedFlood(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		root := writeSite(t, map[string]string{"30k.txt": digits(30_000)})
		s := product.Start(t, product.Config{Engine: e, Text: "routes: {/static/: " + root + "}\n"})
		s.ResetPeak(t)
		before := s.Memory(t).Resident
		// Sixty megabytes are asked for on each connection, and hardly any are read.
		flood := strings.Repeat("GET /static/30k.txt HTTP/1.1\r\nHost: x\r\n\r\n", 2000)
		var clients []*wire.Conn
		for range 40 {
			c := wire.Dial(t, s.Addr)
			c.Send(flood)
			clients = append(clients, c)
		}
		for i, c := range clients {
			if !c.Begun() {
				t.Error("no response")
			}
			if i%2 == 0 {
				_ = c.Close()
			}
		}
		for range 10 {
			if a := ask(t, s, "/static/30k.txt"); a.Status != 200 || len(a.Body) != 30_000 {
				t.Errorf("another client: status %d, %d octets", a.Status, len(a.Body))
			}
		}
		if grown := s.Memory(t).Peak - before; grown > 64<<20 {
			t.Errorf("resident memory grew by %d KiB", grown>>10)
		}
		// One of them reads after all, and gets everything.
		for i := range 2000 {
			if r := clients[1].Read("GET", 200); len(r.Body) != 30_000 {
				t.Fatalf("response %d has %d octets", i, len(r.Body))
			}
		}
	})
}
