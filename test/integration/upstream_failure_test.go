package integration

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// scripted is an upstream that answers every connection with the same octets, whatever it is asked, and then holds or
// closes it.
func scripted(t *testing.T, octets string, hold bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				if _, err := c.Read(buf); err != nil {
					return
				}
				_, _ = io.WriteString(c, octets)
				if hold {
					<-end
				}
			}()
		}
	}()
	t.Cleanup(func() {
		close(end)
		_ = l.Close()
	})
	return l.Addr().String()
}

// Each way to fail: what the client gets, and what the log says. Peers: curl before, scripted upstreams behind.
func TestUpstreamFailures(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		for _, c := range []struct {
			name, octets string
			hold         bool
			status       int
			exit         int // curl's: 18 is a transfer cut short
			reason       string
		}{
			{"nothing, then closed", "", false, 502, 0, "upstream_closed"},
			{"nothing, for too long", "", true, 504, 0, "first_byte_timeout"},
			{"half a head, then closed", "HTTP/1.1 200 OK\r\nContent-", false, 502, 0, "upstream_closed"},
			{"half a head, for too long", "HTTP/1.1 200 OK\r\nContent-", true, 504, 0, "first_byte_timeout"},
			{"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", true, 502, 0, "bad_response"},
			{"both framings", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true, 502, 0, "bad_framing"},
			{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", true, 502, 0, "bad_framing"},
			{"head too large", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 100_000) + "\r\n\r\n", true, 502, 0, "response_head_too_large"},
			{"content cut short", head + "beginning", false, 200, 18, "truncated_response"},
			{"content that stops", head + "beginning", true, 200, 18, "upstream_idle_timeout"},
			{"chunks cut short", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n", false, 200, 18, "truncated_response"},
			{"chunks that are none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\nxyz\r\n", true, 200, 18, "bad_framing"},
		} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				up := scripted(t, c.octets, c.hold)
				s := product.Start(t, product.Config{Engine: e, Server: "shards: 1", Text: `
routes:
  "/route/": {to: 'http://` + up + `', timeouts: {connect: 10s, first-byte: 3s, idle: 3s}}
  "/fixed": OK
`})
				a := ask(t, s, "/route/x")
				if a.Status != c.status || a.Exit != c.exit && !(c.exit == 18 && a.Exit == 56) {
					t.Errorf("status %d, curl's exit code %d (%s); want %d and %d", a.Status, a.Exit, a.Message, c.status, c.exit)
				}
				line := s.Stderr.Line(t, " error ", "reason="+c.reason, "upstream="+up, "route=/route/")
				if strings.Contains(line, "\n") {
					t.Errorf("the log line has a line break: %q", line)
				}
				if a := ask(t, s, "/fixed"); a.Status != 200 {
					t.Errorf("another route: status %d", a.Status)
				}
				s.Stop(t)
				if n := s.Stderr.Count(" error "); n != 1 {
					t.Errorf("%d errors in the log, want one:\n%s", n, s.Stderr)
				}
			})
		}
	})
}

// An upstream that is killed, and started again. Peers: raw connections before, Go's net/http behind.
func TestUpstreamKilled(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		address := peer.FreePort(t)
		up := origin.StartOn(t, address)
		s := product.Start(t, product.Config{Engine: e, Server: "shards: 1", Text: "routes:\n  /: http://" + address + "\n"})
		c := wire.Dial(t, s.Addr)
		c.Get("/x", 200)

		c.Send("GET /hold?begin HTTP/1.1\r\nHost: test\r\n\r\n")
		up.Arrived(t)
		killed := make(chan struct{})
		go func() {
			up.Kill()
			close(killed)
		}()
		if r, err := c.Next("GET"); err == nil {
			t.Errorf("a response cut short looks whole: %q", r.Body)
		}
		<-killed
		s.Stderr.Line(t, "truncated_response")

		c = wire.Dial(t, s.Addr)
		c.Get("/x", 502)
		c.Get("/x", 502)
		s.Stderr.Line(t, "reason=connect_refused", "status=502", "upstream="+address)

		origin.StartOn(t, address)
		c.Get("/x", 200)
		_ = c.Close()
		s.Stop(t)
	})
}

// A pool with members that are down: no client notices. Peers: raw connections before, Go's net/http behind.
func TestUpstreamMemberDown(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		dead := peer.FreePort(t)
		s := product.Start(t, product.Config{Engine: e, Text: "upstreams:\n  pool: [" + dead + ", " + up.Addr + ", unix:/nowhere/up.sock]\nroutes:\n  /: http://pool\n"})
		c := wire.Dial(t, s.Addr)
		for range 20 {
			c.Get("/x", 200)
		}
		c.Send("POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 7\r\n\r\ncontent")
		if got := seen(t, c.Read("POST", 200).Body); got.Body != "content" {
			t.Errorf("upstream got %q", got.Body)
		}
		_ = c.Close()
		s.Stop(t)
	})
}

// What a client that has gone asked for is not waited for. Peers: raw connections before, Go's net/http behind.
func TestClientGone(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Server: "timeouts: {drain: 10s}", Text: "routes:\n  /: http://" + up.Addr + "\n"})
		for range 10 {
			c := wire.Dial(t, s.Addr)
			c.Send("GET /hold?begin HTTP/1.1\r\nHost: test\r\n\r\n")
			up.Arrived(t)
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
		// The upstream sees its clients go: none is held any more, long before it would answer.
		up.Abandoned(t, 10)
		start := time.Now()
		s.Stop(t)
		if d := time.Since(start); d > 9*time.Second {
			t.Errorf("draining took %s, with no client left", d)
		}
	})
}
