package explain

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
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
  "/told/:id":            http://192.0.2.9/:id | headers req ~Host={host} ~X-Real-IP={client} ~X-Subject={client-cert-subject} +X-Asked="{method} {scheme}://{authority}{uri}" ~X-Request-ID={request-id} ~X-TLS={tls-version} +X-Brace={{x} | headers +X-Request-ID={request-id}
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
		{"proxy-variables", "GET", "https://WWW.test:8443/told/7?q", []string{"X-Subject: CN=admin"}},
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

// TestFilesAreAskedForAsServed has a route for one path only, and a field of two lines.
func TestFilesAreAskedForAsServed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("index"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("routes: {/v1: %s/, /list/: {dir: %s, listing: on}}", dir, t.TempDir())
	cfg, diagnostics := config.Parse("anygate.yml", []byte(text), config.Options{})
	if len(diagnostics) > 0 {
		t.Fatal(diagnostics)
	}
	gen, err := control.Compile(cfg, control.NewRegistry(Offline{}))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		url    string
		fields []string
		want   string
	}{
		{"/v1", nil, "answer     200 OK\n"},
		{"/list/", []string{"Accept: text/html;q=0.5", "Accept: application/json"}, "    Content-Type: application/json\n"},
	}
	for _, c := range tests {
		var b strings.Builder
		if err := Write(&b, cfg, gen, Request{Method: "GET", URL: c.url, Fields: c.fields}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.want) {
			t.Errorf("the explanation lacks %q:\n%s", c.want, b.String())
		}
	}
}

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

// TestHSTS explains what browsers are told of TLS, which is told over TLS only.
func TestHSTS(t *testing.T) {
	dir := t.TempDir()
	site := certtest.NewAuthority("root").Server("P-256", []string{"www.test"})
	for name, text := range map[string][]byte{"site.pem": site.Chain, "site.key": site.KeyPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const text = `
listen: ":443 tls"
tls: {certificates: {cert: site.pem, key: site.key}, hsts: {max-age: 1h, subdomains: on}}
routes: {"GET /ok": OK, "/up/": http://192.0.2.1}
`
	cfg, diagnostics := config.Parse("anygate.yml", []byte(text), config.Options{BaseDir: dir, Stat: os.Stat, ReadFile: os.ReadFile})
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	gen, err := control.Compile(cfg, control.NewRegistry(Offline{}))
	if err != nil {
		t.Fatal(err)
	}
	const want = "over TLS   unless the response has one of its own:\n    Strict-Transport-Security: max-age=3600; includeSubDomains\n"
	for _, tt := range []struct {
		method, url string
		told        int
	}{
		{"GET", "https://www.test/ok", 1},
		{"GET", "https://www.test/up/", 1},
		{"GET", "https://www.test/nothing", 1},
		{"PUT", "https://www.test/ok", 1},
		{"GET", "http://www.test/ok", 0},
		{"GET", "http://www.test/nothing", 0},
	} {
		var b strings.Builder
		if err := Write(&b, cfg, gen, Request{Method: tt.method, URL: tt.url}, time.Unix(1_700_000_000, 0)); err != nil {
			t.Fatal(err)
		}
		if strings.Count(b.String(), want) != tt.told {
			t.Errorf("%s %s:\n%s", tt.method, tt.url, b.String())
		}
	}
}
