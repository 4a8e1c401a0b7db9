package control

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/config"
)

// TestErrorPages asks a server for errors of every level.
func TestErrorPages(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "404.html", "<p>not here</p>")
	write(t, dir, "site/index.html", "hello")
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Origin", "1")
		http.Error(w, "origin", http.StatusServiceUnavailable)
	}))
	defer up.Close()
	const htmlType = "text/html; charset=utf-8"
	r := start(t, dir, `
listen: "127.0.0.1:0"
server: {shards: 1}
errors: {404: ./404.html, 4xx: yours, 5xx: our fault, intercept: on}
routes:
  "/site/":    ./site/
  "/origin/":  `+up.URL+`/
  "/off/":     {to: "`+up.URL+`", errors: {intercept: off}}
  "/json/":    {dir: ./site/, errors: {4xx: '{"a": 1}'}}
  "/gone/":    {to: "http://127.0.0.1:1", errors: {5xx: class, 502: "502 itself"}}
  "/fixed":    404
  "/text":     NOT_FOUND here
  "/unnamed":  499
groups:
  g:
    errors: {404: group}
    routes: {"/group/": ./site/}
`)
	for _, tt := range []struct {
		path           string
		status         int
		media, content string
	}{
		{"/", 404, htmlType, "<p>not here</p>"},
		{"/site/no", 404, htmlType, "<p>not here</p>"},
		{"/site/", 200, htmlType, "hello"},
		{"/origin/", 503, textType, "our fault"},
		{"/off/", 503, textType, "origin\n"},
		{"/json/no", 404, jsonType, `{"a": 1}`},
		{"/gone/", 502, textType, "502 itself"},
		{"/group/no", 404, textType, "group"},
		{"/fixed", 404, htmlType, "<p>not here</p>"},
		{"/text", 404, textType, "here"},
		{"/unnamed", 499, textType, "yours"},
	} {
		resp, err := http.Get("http://" + r.Addresses()[0] + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if media := resp.Header.Get("Content-Type"); err != nil || resp.StatusCode != tt.status || media != tt.media || string(b) != tt.content {
			t.Errorf("%s: %d %s %q, %v; want %d %s %q", tt.path, resp.StatusCode, media, b, err, tt.status, tt.media, tt.content)
		}
		if up := strings.HasPrefix(tt.path, "/o"); (resp.Header.Get("X-Origin") != "") != up {
			t.Errorf("%s: fields %v", tt.path, resp.Header)
		}
	}
}

// TestErrorPagesThatCannotBeRead compiles pages whose files have changed since the configuration was read.
func TestErrorPagesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.html", "a")
	write(t, dir, "b.html", "b")
	cfg := parse(t, dir, "errors:\n  404: ./a.html\nroutes:\n  \"/\": {answer: OK, errors: {500: ./b.html}}\n")
	if err := os.Remove(filepath.Join(dir, "a.html")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "b.html", strings.Repeat("b", config.MaxPageBytes+1))
	_, err := Compile(cfg, NewRegistry(nil))
	if err == nil {
		t.Fatal("it compiles")
	}
	wantIn(t, err.Error(), "test.yml:2:8: cannot read the page", "no such file", "test.yml:4:", "is larger than 64KiB")
}
