package static

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzResolve asks a site for arbitrary paths. Beside the root, above it and in
// hidden places inside it lie files with a mark; whatever the path, however it is
// encoded and whichever links it goes through, no answer may contain the mark, and
// only files of the site may be answered at all.
func FuzzResolve(f *testing.F) {
	const mark = "SENTINEL"
	fixture := newFixture(f, Options{}, map[string]string{
		"index.html": "site home", "a.txt": "site a", "dir/b.txt": "site b", "dir/index.html": "site dir",
		"we ird%41.txt": "site odd", ".env": mark, ".git/config": mark, "dir/.hidden/x": mark,
		".well-known/x": "site known",
	})
	above := filepath.Dir(fixture.dir)
	for _, name := range []string{"secret.txt", "root2/secret.txt", "index.html"} {
		path := filepath.Join(above, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(mark), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"up": "..", "updir/x": "../..", "out.txt": "../secret.txt", "absolute.txt": filepath.Join(above, "secret.txt"),
		"loop": "loop", "proc": "/proc/self/cwd", "in.txt": "dir/b.txt", "sibling": "../root2", "dir/back": "..",
		"slash": "/",
	} {
		fixture.write(filepath.Dir(name)+"/", "")
		fixture.link(target, name)
	}
	for _, seed := range []string{
		"/", "/a.txt", "/dir/", "/dir/b.txt", "/up/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt",
		"/%2e%2e%2fsecret.txt", "/..%2fsecret.txt", "/..%5csecret.txt", "/dir/../../secret.txt", "/out.txt",
		"/absolute.txt", "/updir/x/secret.txt", "/slash/etc/passwd", "/proc/secret.txt", "/.env", "/%2Eenv",
		"/dir/.hidden/x", "/sibling/secret.txt", "/dir/back/up/secret.txt", "/we%20ird%2541.txt", "//secret.txt",
		"/%252e%252e/secret.txt", "/.well-known/../.env", "/a.txt%00.html", "/..;/secret.txt", "/dir/back/a.txt",
		"../secret.txt", "secret.txt", "/\xc0\xae\xc0\xae/secret.txt", "/.well-known/x", "/up", "/up/",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		// A cache of its own makes an input's course independent of earlier ones.
		fixture.t = t
		fixture.open(StoreOptions{Entries: minEntries})
		for _, accept := range []string{"", "text/html"} {
			r := Request{GET: true, Path: path, RawPath: path, Accept: []byte(accept)}
			a := fixture.serveBy(fixture.cache, fixture.site, r)
			check(t, &r, a)
			content := body(t, a)
			switch {
			case strings.Contains(content, mark):
				t.Fatalf("%q leads out: %q", path, content)
			case a.Status == 200 && !strings.HasPrefix(content, "site "):
				t.Fatalf("%q is answered with %q", path, content)
			case a.Status >= 500:
				t.Fatalf("%q is answered with %d", path, a.Status)
			}
		}
		name, _, v := appendName(nil, path)
		if v != nameFine {
			return
		}
		for segment := range strings.SplitSeq(string(name), "/") {
			if segment == ".." || segment == "." || strings.IndexByte(segment, 0) >= 0 {
				t.Fatalf("%q names %q", path, name)
			}
		}
		if len(name) > 0 && (name[0] == '/' || len(name) >= nameLimit) {
			t.Fatalf("%q names %q", path, name)
		}
	})
}
