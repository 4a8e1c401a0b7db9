package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/product"
)

// modified is when all files of a site were.
var modified = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// writeSite makes a directory with files.
func writeSite(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// digits is content in which each position tells where it is.
func digits(n int) string { return strings.Repeat("0123456789", n/10+1)[:n] }

// plainSite has files of many kinds and sizes: in memory, by sendfile, empty.
func plainSite(t testing.TB) string {
	t.Helper()
	return writeSite(t, map[string]string{
		"index.html":                 "<!doctype html><title>home</title>",
		"style.css":                  "body{}",
		"app.js":                     "export {}",
		"data.json":                  `{"a":1}`,
		"image.svg":                  "<svg xmlns='http://www.w3.org/2000/svg'/>",
		"pixel.png":                  "\x89PNG\r\n\x1a\n",
		"notes.txt":                  digits(1000),
		"large.txt":                  digits(200_000),
		"large.bin":                  digits(3_000_000),
		"empty.txt":                  "",
		"no-extension":               "octets",
		"with space.txt":             "space",
		"ünïcode.txt":                "unicode",
		"percent%41.txt":             "percent",
		"dir/index.html":             "<!doctype html><title>dir</title>",
		"dir/page.html":              "<!doctype html><title>page</title>",
		"bare/file.txt":              "in a directory without index",
		".env":                       "SECRET=1",
		".git/config":                "secret",
		".well-known/security.txt":   "Contact: mailto:a@example.com",
		"dir/.hidden/x.txt":          "secret",
		"a/very/deep/path/file.html": "<!doctype html><title>deep</title>",
	})
}

// settle waits until a file is so old that its entity tag is strong (docs/static.md).
func settle(t testing.TB, s *product.Server, path string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); strings.HasPrefix(ask(t, s, path).Header.Get("ETag"), "W/"); {
		if time.Now().After(deadline) {
			t.Fatalf("the entity tag of %s stays weak", path)
		}
	}
}

// absolute is the path of a file of this package.
func absolute(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
