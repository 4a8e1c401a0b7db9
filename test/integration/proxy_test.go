package integration

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// seen decodes what the upstream tells of a request.
func seen(t testing.TB, body string) origin.Seen {
	t.Helper()
	var got origin.Seen
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %.300q", err, body)
	}
	return got
}

// Peers: curl before, Go's net/http behind.
func TestProxyRewrites(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		socket := filepath.Join(t.TempDir(), "up.sock")
		origin.StartOn(t, "unix:"+socket)
		s := product.Start(t, product.Config{Engine: e, Env: []string{"UP=" + up.Addr, "SOCKET=unix:" + socket}, Text: `
upstreams:
  pool: ["${UP}"]
routes:
  "/plain/": http://${UP}
  "/v1/": http://${UP}/
  "/v2/": http://${UP}/base/
  "/v3/": http://${UP}/base
  "/exact": http://${UP}/elsewhere
  "/same": http://${UP}
  "/users/:id": http://${UP}/users/
  "/items/:id/parts/:part": http://${UP}/p/:part/of/:id
  "/pool/": http://pool/
  "/socket/": ${SOCKET}
  "api.example.com/": http://${UP}/by-host/
  "*.example.org/": http://${UP}/by-wildcard/
`})
		for _, c := range []struct{ name, args, want string }{
			{"unchanged", "/plain/a/b?q=1&r", "/plain/a/b?q=1&r"},
			{"prefix replaced", "/v1/a/b?q=1", "/a/b?q=1"},
			{"prefix without its slash", "/v1", "/"},
			{"prefix with base", "/v2/a/b", "/base/a/b"},
			{"prefix with base without slash", "/v3/a/b", "/base/a/b"},
			{"exact", "/exact?x", "/elsewhere?x"},
			{"exact unchanged", "/same", "/same"},
			{"parameter", "/users/7", "/users/7"},
			{"parameters", "/items/7/parts/9", "/p/9/of/7"},
			{"pool", "/pool/x", "/x"},
			{"unix socket", "/socket/x?y", "/socket/x?y"},
			{"host", "-H 'Host: api.example.com' /x", "/by-host/x"},
			{"host with port and capitals", "-H 'Host: API.Example.COM:8080' /x", "/by-host/x"},
			{"wildcard host", "-H 'Host: a.b.example.org' /x", "/by-wildcard/x"},
			{"the client's spelling", "--path-as-is /v1/a%2Fb/%7Euser//c%20d", "/a%2Fb/%7Euser//c%20d"},
			{"empty query", "/v1/a?", "/a?"},
		} {
			t.Run(c.name, func(t *testing.T) {
				a := ask(t, s, c.args)
				if a.Status != 200 {
					t.Fatalf("status %d: %s", a.Status, a.Body)
				}
				if got := seen(t, a.Body).Target; got != c.want {
					t.Errorf("upstream saw %q, want %q", got, c.want)
				}
			})
		}
		s.Stop(t)
	})
}

// Peers: curl before, Go's net/http behind.
func TestProxyFields(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: http://" + up.Addr + "\n"})
		a := peer.Curl(t,
			"-H", "X-Custom: kept", "-H", "Cookie: a=b", "-H", "Authorization: Bearer x", "-A", "agent",
			"-H", "Connection: x-private, close", "-H", "X-Private: dropped", "-H", "Keep-Alive: 5", "-H", "TE: trailers", "-H", "Upgrade: foo",
			"-H", "Proxy-Connection: keep-alive", "-H", "X-Forwarded-For: 6.6.6.6", "-H", "Forwarded: for=6.6.6.6", "-H", "X-Forwarded-Proto: https",
			s.URL("/x"))
		if a.Status != 200 {
			t.Fatalf("status %d: %s", a.Status, a.Body)
		}
		got := seen(t, a.Body)
		for name, want := range map[string]string{
			"X-Custom": "kept", "Cookie": "a=b", "Authorization": "Bearer x", "User-Agent": "agent", "Accept": "*/*",
			"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": s.Addr, "Forwarded": "~for=127.0.0.1", "Via": "1.1 anygate",
			"X-Private": "", "Keep-Alive": "", "Upgrade": "", "Proxy-Connection": "", "Connection": "TE", "Te": "trailers",
		} {
			checkField(t, got.Header, name, want)
		}
		for name, values := range got.Header {
			if strings.Contains(strings.Join(values, " "), "6.6.6.6") {
				t.Errorf("what the client claims about itself went through: %s: %q", name, values)
			}
		}
		if got.Host != s.Addr || got.Proto != "HTTP/1.1" || got.Method != "GET" {
			t.Errorf("%s %s to host %q, want the client's GET and host", got.Method, got.Proto, got.Host)
		}
		for name, want := range map[string]string{"X-Origin": "yes", "Content-Type": "application/json", "Date": "~GMT"} {
			checkField(t, a.Header, name, want)
		}
		if n := len(a.Header.Values("Date")); n != 1 {
			t.Errorf("%d Date fields", n)
		}
		s.Stop(t)
	})
}

// Peers: curl before, Go's net/http behind.
func TestProxyMethodsAndStatuses(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: http://" + up.Addr + "\n"})
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "X-OWN"} {
			if a := peer.Curl(t, "-X", method, s.URL("/m")); a.Status != 200 || seen(t, a.Body).Method != method {
				t.Errorf("%s: status %d, %s", method, a.Status, a.Body)
			}
		}
		check(t, s, []expectation{
			{"HEAD", "-I /x", 200, map[string]string{"X-Origin": "yes"}, text("")},
			{"created", "/status/201", 201, nil, text("")},
			{"no content", "/status/204", 204, map[string]string{"Content-Length": "", "Transfer-Encoding": ""}, text("")},
			{"not modified", "/status/304", 304, nil, text("")},
			{"client error", "/status/404", 404, nil, nil},
			{"upstream's own error", "/status/503", 503, nil, nil},
			{"status nobody knows", "/status/299", 299, nil, nil},
			{"chunked response", "/drip", 200, map[string]string{"Transfer-Encoding": "chunked", "Content-Length": ""}, text("drop by drop")},
			{"chunked response to HTTP/1.0", "--http1.0 /drip", 200, map[string]string{"Transfer-Encoding": "", "Connection": "close"}, text("drop by drop")},
			{"early hints", "/hints", 200, nil, text("after hints")},
			{"large response", "/pattern/1000000", 200, map[string]string{"Content-Length": "1000000"}, nil},
		})
		t.Run("early hints are passed on", func(t *testing.T) {
			if a := ask(t, s, "/hints"); len(a.Interim) != 1 || a.Interim[0] != 103 {
				t.Errorf("statuses before the last: %v", a.Interim)
			}
		})
		t.Run("trailers are passed on", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			if r := c.Get("/trailers", 200); r.Body != "content" || r.Trailer.Get("X-Checksum") != "abc123" {
				t.Errorf("content %q, trailers %v", r.Body, r.Trailer)
			}
		})
		s.Stop(t)
	})
}

// Peers: curl before, Go's net/http behind.
func TestProxyUploads(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: http://" + up.Addr + "\n"})
		content := digits(300_000)
		file := filepath.Join(t.TempDir(), "upload")
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			args   []string
			method string
			body   string
			length int64
		}{
			{"small", []string{"--data-binary", "a=1&b=2"}, "POST", "a=1&b=2", 7},
			{"empty", []string{"-d", ""}, "POST", "", 0},
			{"from a file", []string{"--data-binary", "@" + file}, "POST", content, 300_000},
			{"PUT with a file", []string{"-T", file}, "PUT", content, 300_000},
			{"chunked", []string{"-T", file, "-H", "Transfer-Encoding: chunked"}, "PUT", content, -1},
			{"small, chunked", []string{"-d", "tiny", "-H", "Transfer-Encoding: chunked"}, "POST", "tiny", -1},
			{"after 100 (Continue)", []string{"--data-binary", "@" + file, "-H", "Expect: 100-continue", "--expect100-timeout", "25"}, "POST", content, 300_000},
			{"form", []string{"-F", "part=text", "-F", "file=@" + file}, "POST", "", 300_000},
			{"in HTTP/1.0", []string{"--http1.0", "--data-binary", "old"}, "POST", "old", 3},
		} {
			t.Run(c.name, func(t *testing.T) {
				a := peer.Curl(t, append(c.args, s.URL("/upload"))...)
				if a.Exit != 0 || a.Status != 200 {
					t.Fatalf("exit code %d (%s), status %d", a.Exit, a.Message, a.Status)
				}
				got := seen(t, a.Body)
				switch {
				case c.name == "form":
					if got.Length < c.length || !strings.Contains(got.Body, content) {
						t.Errorf("upstream got %d octets", len(got.Body))
					}
				case got.Method != c.method || got.Body != c.body || got.Length != c.length:
					t.Errorf("upstream got %s with %d octets (Content-Length %d), want %s with %d (%d)", got.Method, len(got.Body), got.Length, c.method, len(c.body), c.length)
				}
				checkField(t, got.Header, "Expect", "")
			})
		}
		t.Run("100 (Continue) comes before the content", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			c.Send("POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
			c.Read("POST", http.StatusContinue)
			c.Send("body")
			if got := seen(t, c.Read("POST", 200).Body); got.Body != "body" {
				t.Errorf("upstream got %q", got.Body)
			}
		})
		t.Run("trailers are passed on", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			c.Send("POST /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n")
			got := seen(t, c.Read("POST", 200).Body)
			if got.Body != "hello world" || got.Trailer.Get("X-Sum") != "42" {
				t.Errorf("upstream got %q with trailers %v", got.Body, got.Trailer)
			}
			c.Get("/next", 200)
		})
		s.Stop(t)
	})
}

// Peers: curl and raw connections before, Go's net/http behind.
func TestProxyReusesConnections(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Server: "shards: 1", Text: "routes:\n  /: http://" + up.Addr + "\n"})
		c := wire.Dial(t, s.Addr)
		for range 50 {
			c.Get("/x", 200)
		}
		// The server need not wait for this one when it stops.
		_ = c.Close()
		for range 5 {
			ask(t, s, "/x")
		}
		if n := up.Connections(); n != 1 {
			t.Errorf("%d connections to the upstream, for requests one after the other, want 1", n)
		}
		s.Stop(t)
	})
}

// Round robin over members: each gets its share.
func TestProxyRoundRobin(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		a, b, c := origin.Start(t), origin.Start(t), origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Server: "shards: 1", Text: `
upstreams:
  three: [` + a.Addr + ", " + b.Addr + ", " + c.Addr + `]
routes:
  "/": http://three
  "/inline/": http://` + a.Addr + `/first/ http://` + b.Addr + `/second/
`})
		client := wire.Dial(t, s.Addr)
		for range 30 {
			client.Get("/x", 200)
		}
		for i, up := range []*origin.Server{a, b, c} {
			if n := up.Connections(); n != 1 {
				t.Errorf("member %d got %d connections, want 1", i, n)
			}
		}
		targets := map[string]int{}
		for range 20 {
			targets[seen(t, client.Get("/inline/x", 200).Body).Target]++
		}
		if targets["/first/x"] != 10 || targets["/second/x"] != 10 {
			t.Errorf("requests by target: %v", targets)
		}
		_ = client.Close()
		s.Stop(t)
	})
}
