package integration

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// The specification's own tests, on a listener of HTTP/2 only: on one that speaks HTTP/1.1 too, what is no preface is a
// bad request of that. Peer: h2spec.
func TestH2Conformance(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		for _, action := range []string{`OK "hello"`, absolute(t, "testdata/spa"), "http://" + up.Addr + "/", `"*"`} {
			s := product.Start(t, product.Config{Engine: e, Listen: `"127.0.0.1:0 h2c"`, Text: "routes: {/: " + action + "}\n"})
			conforms(t, action, peer.H2spec(t, s.Addr, 2*time.Second))
			s.Stop(t)
		}
	})
}

// conforms expects that all of h2spec's cases have passed.
func conforms(t *testing.T, action string, c peer.Conformance) {
	t.Helper()
	for _, failed := range c.Failed {
		t.Errorf("%s: %s", action, failed)
	}
	if c.Passed != 145 {
		t.Errorf("%s: %d cases of 145 passed", action, c.Passed)
	}
}

// Peers: curl, nghttp and h2load before, Go's net/http behind.
func TestH2Clients(t *testing.T) {
	content := strings.Repeat("0123456789", 30_000)
	_, large := write(t, "large.txt", content)
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: `
log: {access: stdout json}
routes:
  "/": ` + absolute(t, "testdata/spa") + `
  "/ping": OK pong
  "/large": ` + large + `
  "/api/": http://` + up.Addr + `/
  "/echo": "*"
`})
		t.Run("curl with prior knowledge", func(t *testing.T) {
			a := peer.Curl(t, "--http2-prior-knowledge", s.URL("/ping"), "-w", "%{http_version}")
			if a.Status != 200 || a.Body != "pong" {
				t.Errorf("%+v", a)
			}
		})
		t.Run("curl with Upgrade", func(t *testing.T) {
			out, err := exec.Command(peer.Find(t, "curl"), "--noproxy", "*", "-s", "--http2", "-w", " %{http_version}", s.URL("/ping"), "-o", "-", s.URL("/ping"), "-o", "-").CombinedOutput()
			if err != nil || string(out) != "pong 2pong 2" {
				t.Errorf("%q, %v", out, err)
			}
		})
		t.Run("curl with Upgrade, and more than it holds of what follows the 101", func(t *testing.T) {
			if a := peer.Curl(t, "--http2", s.URL("/large")); a.Exit != 0 || a.Proto != "HTTP/2" || a.Body != content {
				t.Errorf("exit code %d (%s), %s, %d bytes", a.Exit, a.Message, a.Proto, len(a.Body))
			}
		})
		t.Run("curl uploads", func(t *testing.T) {
			_, file := write(t, "upload", strings.Repeat("0123456789", 300_000))
			a := peer.Curl(t, "--http2-prior-knowledge", "--data-binary", "@"+file, s.URL("/echo"))
			if a.Status != 200 || !strings.Contains(a.Body, "more bytes") {
				t.Errorf("%d %.200q", a.Status, a.Body)
			}
		})
		t.Run("nghttp gets a page with what belongs to it", func(t *testing.T) {
			out := peer.Nghttp(t, "-nas", s.URL("/"))
			for _, path := range []string{"/assets/app.js"} {
				if !strings.Contains(out, path) {
					t.Errorf("%s was not asked for:\n%s", path, out)
				}
			}
		})
		t.Run("nghttp takes trailers and sends them", func(t *testing.T) {
			out := peer.Nghttp(t, "-v", "--trailer=x-sum: 1", "-d", absolute(t, "testdata/spa/index.html"), s.URL("/echo"))
			if !strings.Contains(out, "POST /echo HTTP/2.0") {
				t.Errorf("the echo is not there:\n%s", out)
			}
		})
		t.Run("h2load", func(t *testing.T) {
			for _, path := range []string{"/ping", "/assets/app.js", "/api/x"} {
				if n := peer.H2load(t, 2000, 4, 32, s.URL(path)); n != 2000 {
					t.Errorf("%s: %d of 2000 requests succeeded", path, n)
				}
			}
		})
		s.Stop(t)
		if log := s.Stdout.String(); !strings.Contains(log, `"HTTP/2.0"`) {
			t.Errorf("the access log does not tell of HTTP/2:\n%.2000s", log)
		}
	})
}
