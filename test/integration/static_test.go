package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// Peer: curl.
func TestStatic(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		root := plainSite(t)
		outside := filepath.Join(t.TempDir(), "outside.txt")
		if err := os.WriteFile(outside, []byte("outside"), 0o644); err != nil {
			t.Fatal(err)
		}
		for link, target := range map[string]string{"inside-link.txt": "notes.txt", "outside-link.txt": outside} {
			if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
				t.Fatal(err)
			}
		}
		if err := syscall.Mkfifo(filepath.Join(root, "fifo.txt"), 0o644); err != nil {
			t.Fatal(err)
		}
		s := product.Start(t, product.Config{Engine: e, Dir: filepath.Dir(root), Text: `
routes:
  "/": {dir: ` + root + `, spa: off}
  "/mounted/": ./` + filepath.Base(root) + `/dir/
  "/one-file": ` + root + `/notes.txt
  "/index/": {dir: ` + root + `/dir, index: [page.html, index.html]}
`})
		settle(t, s, "/notes.txt")
		html := map[string]string{"Content-Type": "text/html; charset=utf-8"}
		plain := map[string]string{"Content-Type": "text/plain; charset=utf-8"}
		check(t, s, []expectation{
			{"index", "/", 200, html, text("~home")},
			{"html", "/index.html", 200, html, text("~home")},
			{"css", "/style.css", 200, map[string]string{"Content-Type": "text/css; charset=utf-8", "X-Content-Type-Options": "nosniff"}, text("body{}")},
			{"js", "/app.js", 200, map[string]string{"Content-Type": "text/javascript; charset=utf-8"}, nil},
			{"json", "/data.json", 200, map[string]string{"Content-Type": "application/json"}, nil},
			{"svg", "/image.svg", 200, map[string]string{"Content-Type": "~image/svg+xml"}, nil},
			{"png", "/pixel.png", 200, map[string]string{"Content-Type": "image/png"}, nil},
			{"unknown type", "/no-extension", 200, map[string]string{"Content-Type": "application/octet-stream"}, text("octets")},
			{"validators", "/notes.txt", 200, map[string]string{"ETag": "~\"", "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT", "Accept-Ranges": "bytes", "Content-Length": "1000"}, text(digits(1000))},
			{"large text", "/large.txt", 200, map[string]string{"Content-Length": "200000"}, text(digits(200_000))},
			{"large octets", "/large.bin", 200, map[string]string{"Content-Length": "3000000"}, text(digits(3_000_000))},
			{"empty", "/empty.txt", 200, map[string]string{"Content-Length": "0"}, text("")},
			{"space", "/with%20space.txt", 200, plain, text("space")},
			{"utf-8", "/%C3%BCn%C3%AFcode.txt", 200, plain, text("unicode")},
			{"percent sign is decoded once", "/percent%2541.txt", 200, nil, text("percent")},
			{"query is no part of the name", "/notes.txt?v=2", 200, nil, text(digits(1000))},
			{"deep", "/a/very/deep/path/file.html", 200, html, text("~deep")},
			{"HEAD", "-I /notes.txt", 200, map[string]string{"Content-Length": "1000", "ETag": "~\""}, text("")},
			{"HEAD of a large file", "-I /large.bin", 200, map[string]string{"Content-Length": "3000000"}, text("")},
			{"mounted below a prefix", "/mounted/page.html", 200, html, text("~page")},
			{"index below a prefix", "/mounted/", 200, html, text("~dir")},
			{"one file", "/one-file", 200, plain, text(digits(1000))},
			{"own index", "/index/", 200, html, text("~page")},
			{"link inside", "/inside-link.txt", 200, nil, text(digits(1000))},
			{"well-known", "/.well-known/security.txt", 200, nil, text("~Contact")},

			{"directory without slash", "/dir", 301, map[string]string{"Location": "./dir/"}, nil},
			{"directory without slash, with query", "/dir?x=1", 301, map[string]string{"Location": "./dir/?x=1"}, nil},
			{"redirect can be followed", "-L /dir", 200, html, text("~dir")},
			{"mount without slash", "-L /mounted", 200, html, text("~dir")},
			{"directory without index", "/bare/", 404, nil, nil},

			{"missing", "/missing.html", 404, nil, nil},
			{"file as directory", "/notes.txt/", 404, nil, nil},
			{"dotfile", "/.env", 404, nil, nil},
			{"dot directory", "/.git/config", 404, nil, nil},
			{"deep dot directory", "/dir/.hidden/x.txt", 404, nil, nil},
			{"encoded dotfile", "--path-as-is /%2eenv", 404, nil, nil},
			{"link outside", "/outside-link.txt", 404, nil, nil},
			{"fifo", "/fifo.txt", 404, nil, nil},
			{"traversal", "--path-as-is /../../../../etc/passwd", 400, nil, nil},
			{"traversal behind the mount", "--path-as-is /mounted/../../etc/passwd", 400, nil, nil},
			{"encoded traversal", "--path-as-is /%2e%2e/%2e%2e/etc/passwd", 400, nil, nil},
			{"encoded slash", "--path-as-is /..%2f..%2fetc%2fpasswd", 404, nil, nil},
			{"double encoding", "--path-as-is /%252e%252e/etc/passwd", 404, nil, nil},
			{"dot segments inside", "--path-as-is /a/very/../../notes.txt", 200, nil, text(digits(1000))},
			{"name too long", "/" + strings.Repeat("n", 300), 404, nil, nil},
			{"POST", "-d x /notes.txt", 405, map[string]string{"Allow": "GET, HEAD"}, nil},
			{"OPTIONS", "-X OPTIONS /notes.txt", 204, map[string]string{"Allow": "~GET"}, nil},

			{"not modified since", "-H 'If-Modified-Since: Sun, 01 Mar 2026 12:00:00 GMT' /notes.txt", 304, map[string]string{"ETag": "~\"", "Content-Length": ""}, text("")},
			{"modified since", "-H 'If-Modified-Since: Sun, 01 Mar 2026 11:59:59 GMT' /notes.txt", 200, nil, nil},
			{"not unmodified since", "-H 'If-Unmodified-Since: Sun, 01 Mar 2026 11:59:59 GMT' /notes.txt", 412, nil, nil},
			{"unmodified since", "-H 'If-Unmodified-Since: Sun, 01 Mar 2026 12:00:00 GMT' /notes.txt", 200, nil, nil},
			{"any etag", "-H 'If-None-Match: *' /notes.txt", 304, nil, text("")},
			{"other etag", "-H 'If-None-Match: \"other\"' /notes.txt", 200, nil, nil},
			{"etag before date", "-H 'If-None-Match: \"other\"' -H 'If-Modified-Since: Sun, 01 Mar 2026 12:00:00 GMT' /notes.txt", 200, nil, nil},
			{"required etag missing", "-H 'If-Match: \"other\"' /notes.txt", 412, nil, nil},

			{"range", "-r 0-9 /notes.txt", 206, map[string]string{"Content-Range": "bytes 0-9/1000", "Content-Length": "10"}, text("0123456789")},
			{"range in the middle", "-r 15-17 /notes.txt", 206, map[string]string{"Content-Range": "bytes 15-17/1000"}, text("567")},
			{"open range", "-r 995- /notes.txt", 206, map[string]string{"Content-Range": "bytes 995-999/1000"}, text("56789")},
			{"suffix", "-r -3 /notes.txt", 206, map[string]string{"Content-Range": "bytes 997-999/1000"}, text("789")},
			{"range beyond the end is shortened", "-r 990-5000 /notes.txt", 206, map[string]string{"Content-Range": "bytes 990-999/1000"}, text("0123456789")},
			{"range outside", "-r 1000- /notes.txt", 416, map[string]string{"Content-Range": "bytes */1000"}, nil},
			{"range of a large file", "-r 2999990- /large.bin", 206, map[string]string{"Content-Range": "bytes 2999990-2999999/3000000"}, text("0123456789")},
			{"long range of a large file", "-r 5-2000004 /large.bin", 206, map[string]string{"Content-Length": "2000000"}, text(digits(2_000_005)[5:])},
			{"several ranges", "-r 0-1,500-501 /notes.txt", 206, map[string]string{"Content-Type": "~multipart/byteranges; boundary=", "Content-Range": ""}, text("~Content-Range: bytes 500-501/1000")},
			{"near ranges", "-r 0-1,5-6 /notes.txt", 206, map[string]string{"Content-Range": "bytes 0-6/1000"}, text("0123456")},
			{"a broken set of ranges", "-H 'Range: bytes=0-1,x' /notes.txt", 200, nil, text(digits(1000))},
			{"no range", "-H 'Range: bytes=5-1' /notes.txt", 200, nil, nil},
			{"other unit", "-H 'Range: lines=1-2' /notes.txt", 200, nil, nil},
			{"range with old validator", "-H 'If-Range: \"other\"' -r 0-9 /notes.txt", 200, nil, text(digits(1000))},
			{"range with the date", "-H 'If-Range: Sun, 01 Mar 2026 12:00:00 GMT' -r 0-9 /notes.txt", 206, nil, text("0123456789")},
		})
		t.Run("etag revalidates", func(t *testing.T) {
			first := ask(t, s, "/notes.txt")
			etag := first.Header.Get("ETag")
			if a := peer.Curl(t, "-H", "If-None-Match: "+etag, s.URL("/notes.txt")); a.Status != 304 || a.Body != "" || a.Header.Get("ETag") != etag {
				t.Errorf("status %d with %d octets, ETag %q", a.Status, len(a.Body), a.Header.Get("ETag"))
			}
			if a := peer.Curl(t, "-H", "If-Match: "+etag, s.URL("/notes.txt")); a.Status != 200 {
				t.Errorf("If-Match: status %d", a.Status)
			}
			if a := peer.Curl(t, "-H", "If-Range: "+etag, "-r", "0-9", s.URL("/notes.txt")); a.Status != 206 {
				t.Errorf("If-Range: status %d", a.Status)
			}
		})
		t.Run("curl resumes a download", func(t *testing.T) {
			if a := ask(t, s, "-C 2999995 /large.bin"); a.Exit != 0 || a.Body != "56789" {
				t.Errorf("exit code %d, content %q", a.Exit, a.Body)
			}
		})
		t.Run("a connection survives everything", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			for _, step := range []struct {
				path   string
				status int
				length int
			}{
				{"/large.bin", 200, 3_000_000},
				{"/missing.html", 404, -1},
				{"/notes.txt", 200, 1000},
				{"/dir", 301, -1},
				{"/large.txt", 200, 200_000},
			} {
				r := c.Get(step.path, step.status)
				if step.length >= 0 && r.Body != digits(step.length) {
					t.Errorf("%s: wrong content of %d octets", step.path, len(r.Body))
				}
			}
		})
		t.Run("a NUL is refused", func(t *testing.T) {
			c := wire.Dial(t, s.Addr)
			c.Send("GET /notes%00.txt HTTP/1.1\r\nHost: test\r\n\r\n")
			r, err := c.Next("GET")
			if err != nil || r.StatusCode != 400 && r.StatusCode != 404 {
				t.Errorf("status %v, %v", r, err)
			}
		})
		s.Stop(t)
	})
}

// A file that is replaced is served anew, with new validators, without a restart.
func TestStaticFileChanges(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		root := writeSite(t, map[string]string{"page.txt": "before", "other.txt": "x"})
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: " + root + "\n"})
		before := ask(t, s, "/page.txt")
		path := filepath.Join(root, "page.txt")
		if err := os.WriteFile(path+"~", []byte("afterwards"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+"~", path); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; {
			after := ask(t, s, "/page.txt")
			if after.Body == "afterwards" {
				if after.Header.Get("ETag") == before.Header.Get("ETag") {
					t.Error("the ETag is still the same")
				}
				break
			}
			if after.Body != "before" || time.Now().After(deadline) {
				t.Fatalf("content %q", after.Body)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ask(t, s, "/page.txt").Status != 404; {
			if time.Now().After(deadline) {
				t.Fatal("a file that was removed is still served")
			}
		}
		s.Stop(t)
	})
}

// Paths that only the page's router knows get the page, files that are missing are missing.
func TestStaticSinglePage(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		root := writeSite(t, map[string]string{"index.html": "<!doctype html><title>app</title>", "assets/app.js": "1"})
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: " + root + "\n  /app/: " + root + "\n"})
		check(t, s, []expectation{
			{"root", "/", 200, nil, text("~app")},
			{"deep link", "-H 'Accept: text/html,application/xhtml+xml' /orders/7", 200, map[string]string{"Content-Type": "~text/html", "Cache-Control": "no-cache"}, text("~app")},
			{"deep link by fetch metadata", "-H 'Sec-Fetch-Mode: navigate' /orders/7?x=1", 200, nil, text("~app")},
			{"deep link below a prefix", "-H 'Accept: text/html' /app/orders/7", 200, nil, text("~app")},
			{"HEAD of a deep link", "-I -H 'Accept: text/html' /orders/7", 200, nil, text("")},
			{"asset", "/assets/app.js", 200, nil, text("1")},
			{"missing asset", "-H 'Accept: text/html' /assets/gone.js", 404, nil, nil},
			{"missing asset of a script", "-H 'Accept: */*' /assets/gone.js", 404, nil, nil},
			{"missing data", "-H 'Accept: application/json' /orders/7", 404, map[string]string{"Vary": "~Accept"}, nil},
			{"dotfile", "-H 'Accept: text/html' /.env", 404, nil, nil},
			{"POST to a deep link", "-H 'Accept: text/html' -d x /orders/7", 405, nil, nil},
		})
		s.Stop(t)
	})
}

// The settings of a site, as far as TestStatic has not seen them.
func TestStaticSettings(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		pages := writeSite(t, map[string]string{
			"index.html": "<title>home</title>", "404.html": "<title>lost</title>", "app.js": "1", "main.3f2a9c0b.js": "1",
			"bare/b.txt": "b", "bare/a.txt": "a", "assets/index-BZ0vHKyV.js": "1",
		})
		if err := os.Symlink("app.js", filepath.Join(pages, "link.js")); err != nil {
			t.Fatal(err)
		}
		s := product.Start(t, product.Config{Engine: e, Text: `
routes:
  "/": ` + pages + `
  "/app/": {dir: ` + pages + `, spa: on, cache-control: off}
  "/files/": {dir: ` + pages + `, listing: on, symlinks: never}
`})
		check(t, s, []expectation{
			{"page", "/", 200, map[string]string{"Cache-Control": "no-cache"}, text("~home")},
			{"fingerprint", "/main.3f2a9c0b.js", 200, map[string]string{"Cache-Control": "max-age=31536000, immutable"}, nil},
			{"short fingerprint", "/assets/index-BZ0vHKyV.js", 200, map[string]string{"Cache-Control": "max-age=31536000, immutable"}, nil},
			{"no fingerprint", "/app.js", 200, map[string]string{"Cache-Control": ""}, nil},
			{"page for what is missing", "-H 'Accept: text/html' /orders/7", 404, map[string]string{"Content-Type": "~text/html"}, text("~lost")},
			{"and to tools", "/gone.js", 404, nil, text("~lost")},
			{"no cache control", "/app/main.3f2a9c0b.js", 200, map[string]string{"Cache-Control": ""}, nil},
			{"fallback that is on", "-H 'Accept: text/html' /app/orders/7", 200, map[string]string{"Cache-Control": ""}, text("~home")},
			{"page for what is missing beside a fallback", "/app/gone.js", 404, nil, text("~lost")},
			{"listing", "/files/bare/", 200, map[string]string{"Content-Type": "~text/html"}, text("~./a.txt")},
			{"listing as JSON", "-H 'Accept: application/json' /files/bare/", 200, map[string]string{"Content-Type": "application/json"}, text("~\"name\":\"b.txt\"")},
			{"listing without its slash", "-L /files/bare", 200, nil, text("~./a.txt")},
			{"no links", "/files/link.js", 404, nil, nil},
			{"links elsewhere", "/link.js", 200, nil, text("1")},
		})
		s.Stop(t)
	})
}
