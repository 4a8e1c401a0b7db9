package explain

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
)

var update = flag.Bool("update", false, "write the golden files")

const sample = `
upstreams:
  api: [backend.test:80, 192.0.2.9:8080]
  full:
    members: [192.0.2.1 weight 3, 192.0.2.2, srv:_http._tcp.app.test backup]
    balance: hash cookie session
    health: /healthz
    passive: 3
    breaker: 40%
    limits: {connections: 100}
routes:
  "static.test/":           ./site/
  "static.test/app/":       {dir: ./app, listing: on, early-hints: on}
  "GET /healthz":           OK
  "GET POST /mock/rude":    'FORBIDDEN {"msg":"no"}'
  "GET /none":              NO_CONTENT
  "GET /old/*":             MOVED /new/*
  "/echo":                  418 *
  "/api/":                  http://api http://api/v2
  "/users/:id":             unix:/run/users.sock
  "/users/:id/posts/:post": http://[2001:db8::1]:81/p/:post/
  "*.example.com/only":     OK
  "PROPFIND dav.test/*":    OK
  "/rpc/":                  h2c://192.0.2.5:50051
  "/full":                  {to: http://full/x, retry: {attempts: 2, on: [connect, 503]}, errors: {404: ./site/index.html, 5xx: "later", intercept: on}}
  "/rules":                 http://192.0.2.9 | headers req ~Host=inner -User-Agent | headers -Server | allow 10.0.0.0/8 | limit 10/s
`

// TestGolden explains one request of every kind. What depends on the machine is masked.
func TestGolden(t *testing.T) {
	tests := []struct {
		name, method, url string
		fields            []string
	}{
		{"fixed", "GET", "http://www.test/healthz", nil},
		{"fixed-json", "POST", "/mock/rude", nil},
		{"fixed-without-content", "HEAD", "/none", nil},
		{"redirect", "GET", "https://www.test/old/a%20b?q=1", nil},
		{"echo", "DELETE", "/echo", nil},
		{"proxy-h2", "POST", "/rpc/Get", []string{"Content-Type: application/grpc"}},
		{"static-index", "GET", "/", nil},
		{"static-file", "GET", "/a%20b.txt", []string{"Range: bytes=1-2"}},
		{"static-fallback", "GET", "/deep/link", []string{"Accept: text/html"}},
		{"static-listing", "GET", "/app/sub/", []string{"Accept: application/json"}},
		{"static-hints", "GET", "/app/", []string{"Sec-Fetch-Mode: navigate"}},
		{"static-missing", "GET", "/no.css", nil},
		{"static-method", "PUT", "/", nil},
		{"proxy", "POST", "http://WWW.test:8080/api/x/../y?q=%41#part", []string{"Content-Length: 3", "Connection: close, X-Hop", "X-Hop: 1", "X-Keep:  2 "}},
		{"proxy-parameter", "GET", "/users/7", []string{"Host: users.test", "User-Agent: mine"}},
		{"proxy-two-parameters", "GET", "/users/7/posts/9", nil},
		{"proxy-secure", "GET", "HTTPS://www.test/api/", []string{"X-Client-Cert-Subject: CN=me"}},
		{"proxy-settings", "GET", "/full", nil},
		{"proxy-policies", "GET", "http://www.test/rules", []string{"User-Agent: mine"}},
		{"wildcard-host", "GET", "http://a.b.example.com/only", nil},
		{"method-not-allowed", "GET", "http://dav.test/x", nil},
		{"not-found", "GET", "/none/of/these", nil},
		{"options", "OPTIONS", "/healthz", nil},
		{"malformed", "GET", "/a b", nil},
		{"above-the-root", "GET", "/../x", nil},
		{"bad-escape", "GET", "http://www.test/%zz?a=%zz", nil},
		{"server", "OPTIONS", "*", nil},
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"site/index.html": "<!doctype html>", "site/a b.txt": "text",
		"app/index.html": "<script type=module src=app.js></script>", "app/sub/x.txt": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cfg, diagnostics := config.Parse("anygate.yml", []byte(sample), config.Options{BaseDir: dir, Stat: os.Stat, ReadFile: os.ReadFile})
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	gen, err := control.Compile(cfg, control.NewRegistry(Offline{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := tt.url
			if strings.HasPrefix(tt.name, "static") {
				url = "http://static.test" + url
			}
			var b strings.Builder
			if err := Write(&b, cfg, gen, Request{Method: tt.method, URL: url, Fields: tt.fields}, time.Unix(1_700_000_000, 0)); err != nil {
				t.Fatal(err)
			}
			got := mask(b.String(), dir)
			file := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestOwnCertificates leaves out what a client says of its certificate where it is not passed on.
func TestOwnCertificates(t *testing.T) {
	cfg, _ := config.Parse("anygate.yml", []byte(`routes: {"/": "http://192.0.2.9"}`), config.Options{})
	gen, err := control.Compile(cfg, control.NewRegistry(Offline{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, own := range []bool{false, true} {
		gen.Settings.OwnCertificates = own
		var b strings.Builder
		if err := Write(&b, cfg, gen, Request{Method: "GET", URL: "https://h/", Fields: []string{"Client-Cert: :AA==:"}}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "Client-Cert") == own {
			t.Errorf("TLS ends here: %v:\n%s", own, b.String())
		}
	}
}

var changing = regexp.MustCompile(`(ETag|Last-Modified): .*`)

func mask(s, dir string) string {
	return changing.ReplaceAllString(strings.ReplaceAll(s, dir, "DIR"), "$1: …")
}

func TestRequestErrors(t *testing.T) {
	cfg, _ := config.Parse("anygate.yml", []byte("routes: {\"/\": OK}"), config.Options{})
	gen, err := control.Compile(cfg, control.NewRegistry(Offline{}))
	if err != nil {
		t.Fatal(err)
	}
	for want, r := range map[string]Request{
		"neither an http or https URL nor a path": {Method: "GET", URL: "ftp://x/"},
		"names no host": {Method: "GET", URL: "http:///x"},
		"is not a URL":  {Method: "GET", URL: "http://[::1/"},
		"has no colon":  {Method: "GET", URL: "/", Fields: []string{"Accept text"}},
	} {
		var b strings.Builder
		if err := Write(&b, cfg, gen, r, time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
			t.Errorf("%+v: %v, want %q", r, err, want)
		}
	}
}

// TestManyRoutes keeps the list of other routes short.
func TestManyRoutes(t *testing.T) {
	var text strings.Builder
	text.WriteString("routes:\n  \"/asked\": OK\n")
	for i := range 100 {
		text.WriteString("  \"/other/" + strings.Repeat("x", i+1) + "\": OK\n")
	}
	cfg, diagnostics := config.Parse("anygate.yml", []byte(text.String()), config.Options{})
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	gen, err := control.Compile(cfg, control.NewRegistry(Offline{}))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, cfg, gen, Request{Method: "GET", URL: "/asked"}, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.Contains(got, "/other/") || !strings.Contains(got, "the host or path of 100 differs") {
		t.Errorf("unrelated routes are listed beside the one that answers:\n%s", got)
	}
	b.Reset()
	if err := Write(&b, cfg, gen, Request{Method: "GET", URL: "/none"}, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "the path differs"); n != maxOthers || !strings.Contains(b.String(), "and 81 more") {
		t.Errorf("%d routes are listed:\n%s", n, b.String())
	}
}
