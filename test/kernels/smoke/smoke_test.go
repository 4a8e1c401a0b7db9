package smoke

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

const (
	// smallFile fits into the cache of contents, largeFile is sent by sendfile(2).
	smallFile = 1000
	largeFile = 1_000_000
	// transfer is more than all buffers on its way hold.
	transfer = 8_000_000
)

func TestMain(m *testing.M) {
	remove, err := product.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	code := m.Run()
	remove()
	os.Exit(code)
}

func octets(t *testing.T, size int64) string {
	t.Helper()
	b, err := io.ReadAll(origin.NewPattern(size))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestEngine holds the three places in which the product speaks of its engine against each other: the version, the line
// that says it serves, and the warning, which is there exactly when the engine is not the first choice.
func TestEngine(t *testing.T) {
	version := product.Run(t, product.Command{Args: []string{"version"}})
	var engine string
	for line := range strings.Lines(version.Stdout) {
		if rest, ok := strings.CutPrefix(line, "engine"); ok {
			engine = strings.TrimSpace(rest)
		}
	}
	s := product.Start(t, product.Config{Engine: "auto", Server: "user: 0:0", Text: "routes: {/: OK}\n"})
	c := wire.Dial(t, s.Addr)
	c.Get("/", 200)
	_ = c.Close() // The server waits for its clients a while.
	s.Stop(t)
	reason, fell := strings.CutPrefix(engine, "epoll, because ")
	switch {
	case fell && (s.Engine != product.Epoll || !strings.Contains(s.Stderr.String(), "serving with epoll: "+reason)):
		t.Errorf("the version says %q, but on %s standard error is:\n%s", engine, s.Engine, s.Stderr)
	case !fell && (s.Engine != product.IOUring || !strings.HasPrefix(engine, "io_uring: ") || s.Stderr.Count(" warn ") != 0):
		t.Errorf("the version says %q, but on %s standard error is:\n%s", engine, s.Engine, s.Stderr)
	}
}

func TestServes(t *testing.T) {
	root := t.TempDir()
	files := map[string]string{"small": octets(t, smallFile), "large": octets(t, largeFile)}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	up := origin.Start(t)
	s := product.Start(t, product.Config{Engine: "auto", Text: `
routes:
  "/": OK hello
  "/files/": ` + root + `/
  "/up/": http://` + up.Addr + `/
`})
	t.Run("fixed", func(t *testing.T) {
		if r := wire.Dial(t, s.Addr).Get("/", 200); r.Body != "hello" {
			t.Errorf("content %q", r.Body)
		}
	})
	for name, content := range files {
		t.Run("static "+name, func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			for range 3 { // From the file, and from the cache.
				r := c.Get("/files/"+name, 200)
				if sha256.Sum256([]byte(r.Body)) != sha256.Sum256([]byte(content)) {
					t.Errorf("%d octets of %d, or others", len(r.Body), len(content))
				}
			}
		})
	}
	t.Run("keep-alive", func(t *testing.T) {
		c := wire.Dial(t, s.Addr)
		for range 20 {
			if r := c.Get("/", 200); r.Close || r.Body != "hello" {
				t.Fatalf("the response says close: %t, content %q", r.Close, r.Body)
			}
		}
	})
	t.Run("pipelined", func(t *testing.T) {
		const many = 100
		c := wire.Dial(t, s.Addr)
		c.Send(strings.Repeat("GET / HTTP/1.1\r\nHost: test\r\n\r\nGET /files/small HTTP/1.1\r\nHost: test\r\n\r\n", many))
		for range many {
			if r := c.Read("GET", 200); r.Body != "hello" {
				t.Fatalf("content %q", r.Body)
			}
			if r := c.Read("GET", 200); len(r.Body) != smallFile {
				t.Fatalf("%d octets", len(r.Body))
			}
		}
	})
	t.Run("connection close", func(t *testing.T) {
		c := wire.Dial(t, s.Addr)
		c.Send("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
		if r := c.Read("GET", 200); !r.Close {
			t.Error("the response does not say close")
		}
		c.ExpectClosed()
	})
	t.Run("connection per request", func(t *testing.T) {
		for range 20 {
			c := wire.Dial(t, s.Addr)
			c.Get("/", 200)
			_ = c.Close()
		}
	})
	t.Run("many connections", func(t *testing.T) {
		var conns []*wire.Conn
		for range 100 {
			conns = append(conns, wire.Dial(t, s.Addr))
		}
		for _, c := range conns {
			c.Send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
		}
		for _, c := range conns {
			c.Read("GET", 200)
		}
	})
	t.Run("proxied", func(t *testing.T) {
		c := wire.Dial(t, s.Addr)
		before := up.Connections()
		for range 20 {
			if r := c.Get("/up/x", 200); r.Header.Get("X-Origin") != "yes" {
				t.Fatalf("content %q", r.Body)
			}
		}
		if n := up.Connections() - before; n > 1 {
			t.Errorf("%d connections to the upstream for requests one after the other", n)
		}
	})
	t.Run("download", func(t *testing.T) {
		r := wire.Dial(t, s.Addr).Get(fmt.Sprintf("/up/pattern/%d", transfer), 200)
		var content origin.Checker
		if n, err := io.WriteString(&content, r.Body); err != nil || n != transfer {
			t.Errorf("%d octets: %v", n, err)
		}
	})
	t.Run("upload", func(t *testing.T) {
		c := wire.Dial(t, s.Addr)
		c.Send(fmt.Sprintf("POST /up/check HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n", transfer))
		if _, err := io.Copy(c, origin.NewPattern(transfer)); err != nil {
			t.Fatal(err)
		}
		if r := c.Read("POST", 200); r.Body != strconv.Itoa(transfer) {
			t.Errorf("the upstream got %s octets", r.Body)
		}
		c.Get("/", 200)
	})
	t.Run("upload in chunks", func(t *testing.T) {
		c := wire.Dial(t, s.Addr)
		c.Send("POST /up/check HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
		content := octets(t, 200_000)
		for part := range 20 {
			c.Send("2710\r\n" + content[part*10_000:(part+1)*10_000] + "\r\n")
		}
		c.Send("0\r\n\r\n")
		if r := c.Read("POST", 200); r.Body != "200000" {
			t.Errorf("the upstream got %s octets", r.Body)
		}
	})
	t.Run("upstream that is not there", func(t *testing.T) {
		dead := origin.Start(t)
		other := product.Start(t, product.Config{Engine: "auto", Text: "routes:\n  /: http://" + dead.Addr + "\n"})
		dead.Kill()
		c := wire.Dial(t, other.Addr)
		c.Get("/", 502)
		_ = c.Close()
		other.Stop(t)
	})
	t.Run("deadline", func(t *testing.T) {
		slow := product.Start(t, product.Config{Engine: "auto", Server: "timeouts: {header: 600ms}", Text: "routes: {/: OK}\n"})
		c := wire.Dial(t, slow.Addr)
		c.Send("GET / HTTP/1.1\r\n")
		if _, ending := c.Rest(10 * time.Second); ending == wire.StillOpen {
			t.Error("a head that never ends keeps its connection")
		}
		_ = c.Close()
		slow.Stop(t)
	})
	t.Run("drain", func(t *testing.T) {
		held := wire.Dial(t, s.Addr)
		held.Send("GET /up/hold HTTP/1.1\r\nHost: test\r\n\r\n")
		up.Arrived(t)
		s.Signal(t, syscall.SIGTERM)
		refused(t, s.Addr)
		up.Release()
		if r := held.Read("GET", 200); r.Body != "released" {
			t.Errorf("content %q", r.Body)
		}
		_ = held.Close()
		if code := s.Wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// refused waits until nobody accepts connections any more: the shards do not stop at the same moment.
func refused(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		c, err := net.Dial("tcp", address)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			return
		case err == nil:
			_ = c.Close()
		case !errors.Is(err, syscall.ECONNRESET):
			t.Fatal(err)
		}
	}
	t.Fatal("connections are still accepted while draining")
}
