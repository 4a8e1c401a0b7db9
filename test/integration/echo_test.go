package integration

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// echoed is the JSON form of an echo.
type echoed struct {
	Method, Path, Query, Protocol, Peer string
	Headers                             [][2]string
	Body                                string
	BodyBytes                           int `json:"body_bytes"`
}

// Peer: curl.
func TestEcho(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		s := product.Start(t, product.Config{Engine: e, Text: `
routes:
  "/debug": "*"
  "/denied": "FORBIDDEN *"
  "/full": {echo: CREATED}
`})
		t.Run("text", func(t *testing.T) {
			a := peer.Curl(t, "-H", "X-One: 1", "-A", "test-agent", s.URL("/debug?a=b&c"))
			if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("status %d, type %q", a.Status, a.Header.Get("Content-Type"))
			}
			for _, part := range []string{"GET /debug?a=b&c HTTP/1.1", "X-One: 1", "User-Agent: test-agent", "Host: " + s.Addr, "127.0.0.1:"} {
				if !strings.Contains(a.Body, part) {
					t.Errorf("%q is missing in:\n%s", part, a.Body)
				}
			}
		})
		t.Run("json", func(t *testing.T) {
			a := peer.Curl(t, "-H", "Accept: application/json", "-H", `X-Quote: a "b" \c`, "--data-binary", "line\nand \"quote\"", s.URL("/debug?q=1"))
			if got := a.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("type %q", got)
			}
			var got echoed
			if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
				t.Fatalf("%v in %q", err, a.Body)
			}
			if got.Method != "POST" || got.Path != "/debug" || got.Query != "q=1" || got.Protocol != "HTTP/1.1" || !strings.HasPrefix(got.Peer, "127.0.0.1:") {
				t.Errorf("echo of %+v", got)
			}
			if got.Body != "line\nand \"quote\"" || got.BodyBytes != len(got.Body) {
				t.Errorf("content %q, %d octets", got.Body, got.BodyBytes)
			}
			if !contains(got.Headers, "X-Quote", `a "b" \c`) {
				t.Errorf("headers %q", got.Headers)
			}
		})
		t.Run("credentials are masked", func(t *testing.T) {
			for _, accept := range []string{"text/plain", "application/json"} {
				a := peer.Curl(t, "-H", "Accept: "+accept, "-u", "ann:hunter2", "-b", "session=s3cret", "-H", "Proxy-Authorization: Basic Zm9vOmJhcg==", s.URL("/debug"))
				for _, secret := range []string{"YW5uOmh1bnRlcjI", "s3cret", "Zm9vOmJhcg"} {
					if strings.Contains(a.Body, secret) {
						t.Errorf("%s: %q shows in:\n%s", accept, secret, a.Body)
					}
				}
				for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
					if !strings.Contains(a.Body, name) {
						t.Errorf("%s: the field %s is not shown:\n%s", accept, name, a.Body)
					}
				}
			}
		})
		t.Run("chunked content", func(t *testing.T) {
			a := peer.Curl(t, "-H", "Transfer-Encoding: chunked", "-H", "Accept: application/json", "--data-binary", "in chunks", s.URL("/debug"))
			if !strings.Contains(a.Body, `"body":"in chunks"`) {
				t.Errorf("echo:\n%s", a.Body)
			}
		})
		t.Run("long content is cut", func(t *testing.T) {
			a := peer.Curl(t, "-H", "Accept: application/json", "--data-binary", strings.Repeat("x", 100_000), s.URL("/debug"))
			var got echoed
			if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
				t.Fatal(err)
			}
			if got.BodyBytes != 100_000 || len(got.Body) == 0 || len(got.Body) > 10_000 {
				t.Errorf("%d octets shown of %d", len(got.Body), got.BodyBytes)
			}
		})
		check(t, s, []expectation{
			{"status", "/denied", 403, nil, text("~GET /denied")},
			{"full form", "/full", 201, nil, text("~GET /full")},
			{"HEAD", "-I /debug", 200, nil, text("")},
			{"HTTP/1.0", "--http1.0 /debug", 200, nil, text("~HTTP/1.0")},
		})
		s.Stop(t)
	})
}

func contains(fields [][2]string, name, value string) bool {
	for _, f := range fields {
		if f[0] == name && f[1] == value {
			return true
		}
	}
	return false
}
