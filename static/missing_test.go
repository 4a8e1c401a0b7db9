package static

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMissingPage(t *testing.T) {
	const page, home, text = "<h1>nothing here</h1>", "home", "404 Not Found\n"
	browser := func(path string) Request { return Request{GET: true, Path: []byte(path), Accept: []byte("text/html")} }
	tool := func(path string) Request { return Request{GET: true, Path: []byte(path)} }
	tests := []struct {
		title   string
		o       Options
		index   bool
		r       Request
		status  int
		content string
	}{
		{"a site with pages", Options{}, true, browser("/deep"), 404, page},
		{"to a tool as well", Options{}, true, tool("/deep"), 404, page},
		{"an asset", Options{}, true, tool("/none.js"), 404, page},
		{"a hidden file", Options{}, true, browser("/.env"), 404, page},
		{"an encoded slash", Options{}, true, browser("/a%2Fb"), 404, page},
		{"without an index", Options{}, false, browser("/"), 404, page},
		{"no fallback", Options{SPA: SPAOff}, true, browser("/deep"), 404, page},
		{"an application that insists", Options{SPA: SPAOn}, true, browser("/deep"), 200, home},
		{"to a tool", Options{SPA: SPAOn}, true, tool("/deep"), 404, page},
		{"an asset of an application", Options{SPA: SPAOn}, true, browser("/none.js"), 404, page},
		{"a precondition that is not asked", Options{}, true, Request{GET: true, Path: []byte("/x"), IfMatch: []byte(`"x"`), IfNoneMatch: []byte("*")}, 404, page},
		{"a range that is not asked", Options{}, true, Request{GET: true, Path: []byte("/x"), Range: []byte("bytes=0-1")}, 404, page},
		{"the page itself", Options{}, true, tool("/404.html"), 200, page},
		{"a method", Options{}, true, Request{Path: []byte("/x")}, 405, "405 Method Not Allowed\n"},
		{"no path at all", Options{}, true, tool("/%"), 400, "400 Bad Request\n"},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			files := map[string]string{"404.html": page, "app.js": "1", ".env": "secret"}
			if test.index {
				files["index.html"] = home
			}
			f := newFixture(t, test.o, files)
			a := f.serve(test.r)
			expect(t, a, test.status, test.content)
			if test.status != 404 {
				return
			}
			for name, want := range map[string]string{
				"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff",
				"ETag": "", "Last-Modified": "", "Accept-Ranges": "", "Cache-Control": "",
			} {
				if got := field(a, name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if wants, got := test.o.SPA == SPAOn && string(test.r.Path) == "/deep", field(a, "Vary"); wants != (got != "") {
				t.Errorf("Vary %q", got)
			}
			head := test.r
			head.GET, head.HEAD = false, true
			if got := f.serve(head); got.Status != 404 || got.Length != int64(len(page)) {
				t.Errorf("HEAD: %d, length %d", got.Status, got.Length)
			}
		})
	}
	f := newFixture(t, Options{}, map[string]string{"index.html": home})
	expect(t, f.serve(browser("/deep")), 200, home)
	f.write("404.html", page)
	f.now++
	expect(t, f.serve(browser("/deep")), 404, page)
	f.write("404.html", large)
	f.now++
	expect(t, f.serve(browser("/deep")), 404, large)
	f.remove("404.html")
	f.now++
	expect(t, f.serve(browser("/deep")), 200, home)
	expect(t, f.serve(tool("/deep")), 404, text)
}

// TestMissingOfFile shows that a site of one file, whose directory may hold anything,
// does not look around there.
func TestMissingOfFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"file.txt", "404.html"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := newFixture(t, Options{Root: filepath.Join(dir, "file.txt"), File: true}, nil)
	expect(t, f.get("/"), 200, "file.txt")
	if err := os.Remove(filepath.Join(dir, "file.txt")); err != nil {
		t.Fatal(err)
	}
	f.now++
	expect(t, f.get("/"), 404, "404 Not Found\n")
}

func TestNoSymlinks(t *testing.T) {
	f := newFixture(t, Options{NoSymlinks: true, Listing: true}, map[string]string{"a.txt": "a", "dir/index.html": "dir", "real/x.txt": "x"})
	f.link("a.txt", "link.txt")
	f.link("dir", "linked")
	f.link("../a.txt", "real/index.html")
	for path, status := range map[string]int{
		"/a.txt": 200, "/dir/": 200, "/link.txt": 404, "/linked": 404, "/linked/": 404, "/linked/index.html": 404,
	} {
		if a := f.get(path); a.Status != status {
			t.Errorf("%s: %d, want %d", path, a.Status, status)
		}
	}
	// An index that is a link is none, and the listing does not show links.
	if got := string(f.list("/real/", "application/json").Content); !strings.Contains(got, "x.txt") || strings.Contains(got, "index") {
		t.Errorf("%s", got)
	}
	// The root may be reached through a link: the operator has named it.
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(f.dir, link); err != nil {
		t.Fatal(err)
	}
	through := newFixture(t, Options{Root: link, NoSymlinks: true}, nil)
	expect(t, through.get("/a.txt"), 200, "a")
}
