package integration

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// h2cClient is a client of Go's that speaks HTTP/2 in cleartext.
func h2cClient(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// http1Client is one that does not.
func http1Client(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// Peers: Go's net/http before and behind, in all four combinations of HTTP/1.1 and h2c.
func TestH2Translation(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		for _, scheme := range []string{"http", "h2c"} {
			for name, client := range map[string]func(*testing.T) *http.Client{"HTTP/1.1": http1Client, "h2c": h2cClient} {
				t.Run(name+" to "+scheme, func(t *testing.T) {
					t.Parallel()
					up := origin.Start(t)
					s := product.Start(t, product.Config{Engine: e, Text: "routes: {\"/\": \"" + scheme + "://" + up.Addr + "\"}"})
					translate(t, s.URL(""), client(t), scheme == "h2c")
					s.Stop(t)
				})
			}
		}
	})
}

// translate makes requests of all kinds of a product at a URL, whose upstream is an origin that speaks h2c or HTTP/1.1.
func translate(t *testing.T, at string, c *http.Client, h2c bool) {
	t.Helper()
	scheme, host, _ := strings.Cut(at, "://")
	get := func(r *http.Request) (*http.Response, []byte) {
		t.Helper()
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%s: %v", r.URL.Path, err)
		}
		_ = resp.Body.Close()
		return resp, body
	}
	request := func(method, path string, body io.Reader) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, at+path, body)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}

	r := request("POST", "/a/b?q=1", strings.NewReader("hello"))
	r.Header.Set("X-Up", "A")
	r.Header.Add("Cookie", "a=1; b=2")
	r.Header.Set("Te", "trailers")
	resp, body := get(r)
	got := seen(t, string(body))
	proto := "HTTP/1.1"
	if h2c {
		proto = "HTTP/2.0"
	}
	if resp.StatusCode != 200 || got.Method != "POST" || got.Target != "/a/b?q=1" || got.Body != "hello" || got.Length != 5 || got.Host != host || got.Proto != proto {
		t.Errorf("%d: the upstream saw %+v", resp.StatusCode, got)
	}
	if got.Header.Get("X-Up") != "A" || got.Header.Get("Cookie") != "a=1; b=2" || got.Header.Get("Te") != "trailers" || got.Header.Get("X-Forwarded-For") != "127.0.0.1" || got.Header.Get("X-Forwarded-Proto") != scheme {
		t.Errorf("the upstream saw %v", got.Header)
	}

	// Content without a length, with trailers.
	r = request("PUT", "/see", io.NopCloser(strings.NewReader("streamed")))
	r.ContentLength = -1
	r.Trailer = http.Header{"X-Sum": {"7"}}
	_, body = get(r)
	if got = seen(t, string(body)); got.Body != "streamed" || got.Trailer.Get("X-Sum") != "7" || got.Length != -1 {
		t.Errorf("the upstream saw %+v", got)
	}

	// Large content each way, of which windows hold a small part.
	const size = 3_000_001
	r = request("POST", "/check", origin.NewPattern(size))
	r.ContentLength = size
	if _, body = get(r); string(body) != strconv.Itoa(size) {
		t.Errorf("the upstream got %s bytes of %d", body, size)
	}
	_, body = get(request("GET", "/pattern/"+strconv.Itoa(size), http.NoBody))
	var check origin.Checker
	if _, err := io.Copy(&check, bytes.NewReader(body)); err != nil || check.Length() != size {
		t.Errorf("%d bytes of %d came: %v", check.Length(), size, err)
	}

	resp, body = get(request("GET", "/trailers", http.NoBody))
	if string(body) != "content" || resp.Trailer.Get("X-Checksum") != "abc123" {
		t.Errorf("%q with trailers %v", body, resp.Trailer)
	}
	if _, body = get(request("GET", "/drip", http.NoBody)); string(body) != "drop by drop" {
		t.Errorf("%q", body)
	}
	if _, body = get(request("GET", "/hints", http.NoBody)); string(body) != "after hints" {
		t.Errorf("%q", body)
	}
	for _, status := range []int{204, 304, 404, 500} {
		if resp, _ = get(request("GET", "/status/"+strconv.Itoa(status), http.NoBody)); resp.StatusCode != status {
			t.Errorf("status %d, want %d", resp.StatusCode, status)
		}
	}
	if resp, body = get(request("HEAD", "/pattern/100", http.NoBody)); len(body) > 0 || resp.ContentLength != 100 {
		t.Errorf("HEAD: %d bytes, length %d", len(body), resp.ContentLength)
	}
}

// Peers: Go's net/http before and behind. Many requests share few connections, and a client that goes away ends its own
// request only.
func TestH2UpstreamShares(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Server: "shards: 1", Text: "routes: {\"/\": \"h2c://" + up.Addr + "\"}"})
		// Each takes part of its requests over one connection.
		clients := []*http.Client{h2cClient(t), h2cClient(t)}
		const n = 160
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				resp, err := clients[i%len(clients)].Get(s.URL("/hold"))
				if err != nil {
					t.Error(err)
					return
				}
				if body, err := io.ReadAll(resp.Body); string(body) != "released" || err != nil {
					t.Errorf("%q, %v", body, err)
				}
				_ = resp.Body.Close()
			})
		}
		for range n {
			up.Arrived(t)
		}
		gone, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(gone, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n")
		up.Arrived(t)
		_ = gone.(*net.TCPConn).SetLinger(0) // an end alone would not say that it wants no answer
		_ = gone.Close()
		up.Abandoned(t, 1)
		up.Release()
		wait.Wait()
		if got := up.Connections(); got > 2 {
			t.Errorf("%d connections for %d requests", got, n)
		}
		s.Stop(t)
	})
}

// Peers: curl before, nghttpd behind, without TLS and with it.
func TestH2UpstreamNghttpd(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		root := t.TempDir()
		content := bytes.Repeat([]byte("0123456789abcdef\n"), 200_000)
		for name, b := range map[string][]byte{"large.bin": content, "small.txt": []byte("small\n"), "empty.txt": nil} {
			if err := os.WriteFile(filepath.Join(root, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for pool, args := range map[string][]string{
			"protocol: h2c": {"--no-tls"},
			"protocol: h2, tls: {ca: root.pem, server-name: test.local}": {k.path("site.key"), k.path("site.pem")},
		} {
			port := startNghttpd(t, root, args...)
			s := product.Start(t, product.Config{Engine: e, Dir: k.dir, Text: "upstreams: {up: {members: 127.0.0.1:" + port + ", " + pool + "}}\nroutes: {/f/: http://up/}\n"})
			for range 3 {
				if a := peer.Curl(t, s.URL("/f/small.txt")); a.Status != 200 || a.Body != "small\n" {
					t.Errorf("%s: %d %q", pool, a.Status, a.Body)
				}
				if a := peer.Curl(t, s.URL("/f/large.bin")); a.Status != 200 || sha256.Sum256([]byte(a.Body)) != sha256.Sum256(content) {
					t.Errorf("%s: %d with %d bytes of %d", pool, a.Status, len(a.Body), len(content))
				}
				if a := peer.Curl(t, s.URL("/f/empty.txt")); a.Status != 200 || a.Body != "" {
					t.Errorf("%s: %d %q", pool, a.Status, a.Body)
				}
				if a := peer.Curl(t, s.URL("/f/nothing")); a.Status != 404 {
					t.Errorf("%s: %d %q", pool, a.Status, a.Body)
				}
			}
			s.Stop(t)
		}
	})
}

// startNghttpd serves a directory, over TLS if args are a key and a certificate, and over h2c if they say so.
func startNghttpd(t *testing.T, root string, args ...string) (port string) {
	t.Helper()
	_, port, _ = strings.Cut(peer.FreePort(t), ":")
	args = append([]string{"-a", "127.0.0.1", "-d", root, "-n", "1", port}, args...)
	cmd := exec.CommandContext(t.Context(), peer.Find(t, "nghttpd"), args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
			return port
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("nghttpd does not listen: %v", err)
		}
	}
}
