package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/product"
)

// tunnelOrigin serves on a free port: it agrees to everything that a request offers to switch to, and to every CONNECT, and
// returns what then comes.
func tunnelOrigin(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				in := bufio.NewReader(c)
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				answer := "HTTP/1.1 200 OK\r\n\r\n"
				if r.Method != http.MethodConnect {
					answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\n\r\n"
				}
				if _, err := io.WriteString(c, answer); err == nil {
					_, _ = io.Copy(c, in)
				}
			}()
		}
	}()
	return l.Addr().String()
}

// openTunnel sends a request and expects to get a tunnel.
func openTunnel(t *testing.T, addr, request string, status int) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReaderSize(c, 1024)
	r, err := http.ReadResponse(in, &http.Request{Method: strings.Fields(request)[0]})
	if err != nil || r.StatusCode != status {
		t.Fatalf("%v, %+v, want status %d", err, r, status)
	}
	return c, in
}

// back sends a text and expects it back.
func back(t *testing.T, c net.Conn, in io.Reader, text string) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(in, got); err != nil || string(got) != text {
		t.Fatalf("%q came back as %q: %v", text, got, err)
	}
}

// CONNECT goes where a route names it, and only there. Peers: raw connections before, Go's net/http parser behind.
func TestConnect(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := tunnelOrigin(t)
		s := product.Start(t, product.Config{Engine: e, Text: fmt.Sprintf(`
log: {access: stdout}
routes:
  /: http://%[1]s
  "CONNECT tunnel.example.com/": http://%[1]s
`, up)})
		c, in := openTunnel(t, s.Addr, "CONNECT tunnel.example.com:443 HTTP/1.1\r\nHost: tunnel.example.com:443\r\n\r\n", 200)
		back(t, c, in, "not HTTP at all")
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
			t.Errorf("%q, %v, want the end", rest, err)
		}
		refused, _ := openTunnel(t, s.Addr, "CONNECT other.example.com:443 HTTP/1.1\r\nHost: other.example.com:443\r\n\r\n", 405)
		_ = refused.Close()
		s.Stop(t)
		if s.Stdout.Count("CONNECT", "tunnel.example.com:443", " 200 15 15 ") != 1 || s.Stdout.Count("CONNECT", " 405 ") != 1 {
			t.Errorf("the log is\n%s", s.Stdout)
		}
	})
}

// A thousand tunnels in which nothing moves cost little memory, with a busy past or without. Peers: raw connections.
func TestIdleTunnelsCostLittle(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		const n, most = 1000, 8 << 10
		up := tunnelOrigin(t)
		s := product.Start(t, product.Config{Engine: e, Server: "shards: 1", Text: "log: {access: off}\nroutes:\n  /: http://" + up + "\n"})
		request := "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
		c, in := openTunnel(t, s.Addr, request, 101)
		back(t, c, in, strings.Repeat("x", 20_000))
		before := s.Memory(t).Resident
		for k := range n {
			c, in := openTunnel(t, s.Addr, request, 101)
			if k%2 == 0 {
				back(t, c, in, strings.Repeat("y", 20_000))
			}
		}
		back(t, c, in, "once more")
		each := (s.Memory(t).Resident - before) / n
		if each > most {
			t.Errorf("an idle tunnel costs %d bytes, want %d at most", each, most)
		}
		t.Logf("an idle tunnel costs %d bytes", each)
		s.Signal(t, 9)
		s.Wait(t)
	})
}
