package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// Peer: curl.
func TestKeepAlive(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		s := product.Start(t, product.Config{Engine: e, Text: "routes: {/: OK hello}\n"})
		t.Run("curl uses its connection again", func(t *testing.T) {
			cmd := exec.Command(peer.Find(t, "curl"), "--noproxy", "*", "-v", "-s", s.URL("/1"), s.URL("/2"), s.URL("/3"))
			var out, trace bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &trace
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			if out.String() != "hellohellohello" || strings.Count(trace.String(), "Re-using existing connection") != 2 {
				t.Errorf("output %q; trace:\n%s", out.String(), trace.String())
			}
		})
		t.Run("HTTP/1.1 stays", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			for range 3 {
				if c.Get("/", 200).Close {
					t.Error("the response says close")
				}
			}
		})
		for _, c := range []struct {
			name, request string
			stays         bool
		}{
			{"HTTP/1.1 with close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
			{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", false},
			{"HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
			{"close among other options", "GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\nFoo: 1\r\n\r\n", false},
		} {
			t.Run(c.name, func(t *testing.T) {
				conn := wire.Dial(t, s.Addr)
				conn.Send(c.request)
				if r := conn.Read("GET", 200); r.Close == c.stays || r.Body != "hello" {
					t.Errorf("the response says close: %t, content %q", r.Close, r.Body)
				}
				if c.stays {
					conn.Get("/", 200)
					return
				}
				conn.ExpectClosed()
			})
		}
		t.Run("pipelined requests are answered in order", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			const many = 200
			c.Send(strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", many-1) + "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			for i := range many {
				if r := c.Read("GET", 200); r.Body != "hello" {
					t.Fatalf("response %d: %q", i, r.Body)
				}
			}
			c.ExpectClosed()
		})
		t.Run("a request in single octets", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			for _, b := range []byte("GET /bytes HTTP/1.1\r\nHost: x\r\n\r\n") {
				c.Send(string(b))
			}
			c.Read("GET", 200)
		})
		t.Run("a client that closes its side is answered", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			c.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			c.CloseWrite()
			c.Read("GET", 200)
			c.ExpectClosed()
		})
		t.Run("absolute-form", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			c.Send("GET http://example.com/x HTTP/1.1\r\nHost: example.com\r\n\r\n")
			c.Read("GET", 200)
		})
		t.Run("OPTIONS *", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			c.Send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
			if r := c.Read("OPTIONS", 204); r.Header.Get("Allow") == "" {
				t.Error("no Allow field")
			}
		})
		t.Run("content nobody reads does not end the connection", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			c.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 20_000))
			c.Read("POST", 200)
			c.Get("/", 200)
		})
		s.Stop(t)
	})
}

// Peer: curl.
func TestListeners(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		socket := filepath.Join(t.TempDir(), "any.sock")
		s := product.Start(t, product.Config{Engine: e, Listen: `["127.0.0.1:0", "127.0.0.2:0", "[::1]:0", "unix:` + socket + `"]`, Text: `
routes:
  "/": OK any host
  "one.example/": OK one
  "*.example/": OK wildcard
  "*.deep.example/": OK deep wildcard
  "/who": "*"
`})
		if len(s.Addrs) != 4 || s.Addrs[0] == s.Addrs[1] {
			t.Fatalf("listens on %q", s.Addrs)
		}
		for _, addr := range s.Addrs[:3] {
			if a := peer.Curl(t, "http://"+addr+"/"); a.Status != 200 || a.Body != "any host" {
				t.Errorf("%s: status %d, %q", addr, a.Status, a.Body)
			}
		}
		if a := peer.Curl(t, "--unix-socket", socket, "http://one.example/"); a.Status != 200 || a.Body != "one" {
			t.Errorf("unix socket: status %d, %q", a.Status, a.Body)
		}
		if a := peer.Curl(t, "--unix-socket", socket, "http://x/who"); !strings.Contains(a.Body, "Peer: unix") {
			t.Errorf("unix socket: %q", a.Body)
		}
		if a := peer.Curl(t, "http://"+s.Addrs[2]+"/who"); !strings.Contains(a.Body, "Peer: [::1]:") {
			t.Errorf("IPv6: %q", a.Body)
		}
		check(t, s, []expectation{
			{"exact host", "-H 'Host: one.example' /", 200, nil, text("one")},
			{"capitals and a port", "-H 'Host: ONE.example:81' /", 200, nil, text("one")},
			{"wildcard", "-H 'Host: two.example' /", 200, nil, text("wildcard")},
			{"wildcard of two labels", "-H 'Host: a.b.example' /", 200, nil, text("wildcard")},
			{"longest wildcard", "-H 'Host: a.deep.example' /", 200, nil, text("deep wildcard")},
			{"no wildcard without a label", "-H 'Host: example' /", 200, nil, text("any host")},
		})
		s.Stop(t)
		if _, err := os.Lstat(socket); !os.IsNotExist(err) {
			t.Errorf("the unix socket is left behind: %v", err)
		}
	})
}

// CONFIG.md's table of priorities. Peer: curl.
func TestRouting(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		s := product.Start(t, product.Config{Engine: e, Text: `
routes:
  "GET /path": OK get
  "* /path": FORBIDDEN others
  "/api/items": OK literal
  "/api/:res": OK parameter
  "/api/*": OK rest
  "PROPFIND SEARCH /dav/*": OK dav
  "/v1/": OK prefix
  "GET /back/:x": OK only get
  "POST /back/*": OK only post
`})
		check(t, s, []expectation{
			{"listed method", "/path", 200, nil, text("get")},
			{"any method", "-X POST /path", 403, nil, text("others")},
			{"literal", "/api/items", 200, nil, text("literal")},
			{"parameter", "/api/orders", 200, nil, text("parameter")},
			{"rest", "/api/a/b", 200, nil, text("rest")},
			{"rest may be empty", "/api/", 200, nil, text("rest")},
			{"own methods", "-X SEARCH /dav/x", 200, nil, text("dav")},
			{"method not allowed", "/dav/x", 405, map[string]string{"Allow": "PROPFIND, SEARCH"}, nil},
			{"methods are case-sensitive", "-X propfind /dav/x", 405, nil, nil},
			{"prefix without slash", "/v1", 200, nil, text("prefix")},
			{"no prefix of a word", "/v10", 404, nil, nil},
			{"best path first", "/back/x", 200, nil, text("only get")},
			{"next path for the method", "-X POST /back/x", 200, nil, text("only post")},
			{"encoded unreserved characters", "/%61pi/it%65ms", 200, nil, text("literal")},
			{"dot segments", "--path-as-is /x/../api/./items", 200, nil, text("literal")},
			{"encoded slash is no separator", "/api%2Fitems", 404, nil, nil},
			{"double slash is kept", "--path-as-is //path", 404, nil, nil},
		})
		s.Stop(t)
	})
}
