package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

const (
	bulk = 2 << 30
	// flat is by how much the server's memory may grow over 2 GiB that it passes on.
	flat = 32 << 20
)

// watchMemory runs a transfer and expects the server's memory to stay flat meanwhile.
func watchMemory(t *testing.T, s *product.Server, transfer func()) {
	t.Helper()
	s.ResetPeak(t)
	before := s.Memory(t)
	start := time.Now()
	transfer()
	after := s.Memory(t)
	if grown := after.Peak - before.Resident; grown > flat {
		t.Errorf("resident memory grew by %d MiB, from %d MiB", grown>>20, before.Resident>>20)
	}
	t.Logf("%.0f MB/s, resident memory %+d KiB at its peak", bulk/1e6/time.Since(start).Seconds(), (after.Peak-before.Resident)>>10)
}

// Two gibibytes through the proxy, each way: every octet in its place, and memory flat. Peers: a raw connection before,
// Go's net/http behind. Nothing of the content is stored anywhere.
func TestBulk(t *testing.T) {
	eachEngine(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: http://" + up.Addr + "\n"})
		wire.Dial(t, s.Addr).Get("/pattern/1000000", 200)

		t.Run("download", func(t *testing.T) {
			watchMemory(t, s, func() {
				c := bulkConn(t, s)
				fmt.Fprintf(c, "GET /pattern/%d HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", bulk)
				r, err := http.ReadResponse(bufio.NewReaderSize(c, 256<<10), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Body.Close()
				var content origin.Checker
				if n, err := io.CopyBuffer(&content, r.Body, make([]byte, 256<<10)); err != nil || n != bulk || r.ContentLength != bulk {
					t.Errorf("%d octets of %d: %v", n, r.ContentLength, err)
				}
			})
		})
		t.Run("upload", func(t *testing.T) {
			watchMemory(t, s, func() {
				c := bulkConn(t, s)
				fmt.Fprintf(c, "POST /check HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", bulk)
				if n, err := io.CopyBuffer(onlyWriter{c}, origin.NewPattern(bulk), make([]byte, 256<<10)); err != nil {
					t.Fatalf("after %d octets: %v", n, err)
				}
				if r := wire.New(t, c).Read("POST", 200); r.Body != fmt.Sprint(bulk) {
					t.Errorf("the upstream got %s octets", r.Body)
				}
			})
		})
		s.Stop(t)
	})
}

func bulkConn(t *testing.T, s *product.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// onlyWriter hides that a connection can read from a reader by itself, with a buffer of its own choice.
type onlyWriter struct{ io.Writer }

// A fast side and a slow one: what lies between is bounded by the server's windows, not by the content. Peers: raw
// connections before, Go's net/http behind.
func TestBackPressure(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: http://" + up.Addr + "\n"})
		before := s.Memory(t).Resident
		const clients = 20
		const size = 50_000_000
		var conns []*wire.Conn
		for range clients {
			c := wire.Dial(t, s.Addr)
			c.Send(fmt.Sprintf("GET /pattern/%d HTTP/1.1\r\nHost: test\r\n\r\n", size))
			conns = append(conns, c)
		}
		for _, c := range conns {
			if !c.Begun() {
				t.Fatal("no response")
			}
		}
		up.Quiet(t)
		// A gigabyte is on its way, and nobody reads.
		if grown := s.Memory(t).Resident - before; grown > clients<<20+flat {
			t.Errorf("resident memory grew by %d MiB", grown>>20)
		}
		if sent := up.Sent(); sent > clients*size/2 {
			t.Errorf("the upstream has sent %d MB", sent/1e6)
		}
		// One of them goes on, and gets everything.
		r := conns[0].Read("GET", 200)
		var content origin.Checker
		if n, err := io.WriteString(&content, r.Body); err != nil || n != size {
			t.Errorf("%d octets: %v", n, err)
		}
	})
}
