package static

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestCompileErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	pipe := filepath.Join(dir, "pipe")
	loop := filepath.Join(dir, "loop")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		title string
		o     Options
		want  string
	}{
		{"empty", Options{}, "the root is empty"},
		{"NUL", Options{Root: "a\x00b"}, "contains a NUL"},
		{"missing", Options{Root: filepath.Join(dir, "none")}, "does not exist"},
		{"missing file", Options{Root: filepath.Join(dir, "none"), File: true}, "does not exist"},
		{"below a file", Options{Root: filepath.Join(file, "x")}, "is not a directory"},
		{"a file for a directory", Options{Root: file}, "is a regular file, expected a directory"},
		{"a directory for a file", Options{Root: dir, File: true}, "is a directory, expected a regular file"},
		{"a FIFO", Options{Root: pipe}, "is not a directory"},
		{"a FIFO for a file", Options{Root: pipe, File: true}, "nothing else can be served"},
		{"a circle of links", Options{Root: loop}, "circle of symbolic links"},
		{"too long a path", Options{Root: filepath.Join(dir, strings.Repeat("x", 300))}, "longer than the file system allows"},
		{"an index with a slash", Options{Root: dir, Index: []string{"a/b"}}, "plain file name"},
		{"an empty index", Options{Root: dir, Index: []string{""}}, "index name is empty"},
		{"a hidden index", Options{Root: dir, Index: []string{".index"}}, "begins with a dot"},
		{"a long index", Options{Root: dir, Index: []string{strings.Repeat("x", 256)}}, "longer than 255"},
		{"many indexes", Options{Root: dir, Index: strings.Fields("a b c d e f g h i")}, "at most 8"},
		{"no shell", Options{Root: dir, SPA: SPAOn}, "has no index.html"},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			before := openDescriptors(t)
			s, err := Compile(test.o)
			if err == nil {
				s.Close()
				t.Fatal("compiled")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
			if after := openDescriptors(t); after != before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		})
	}
}

func TestSiteClose(t *testing.T) {
	before := openDescriptors(t)
	s, err := Compile(Options{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if got := openDescriptors(t); got != before+1 {
		t.Errorf("a site holds %d descriptors, want 1", got-before)
	}
	s.Close()
	s.Close()
	if got := openDescriptors(t); got != before {
		t.Errorf("%d descriptors are left", got-before)
	}
}

// TestSiteCollected shows that an old generation needs no bookkeeping: its
// descriptors go with it.
func TestSiteCollected(t *testing.T) {
	dir := t.TempDir()
	before := openDescriptors(t)
	func() {
		for range 8 {
			if _, err := Compile(Options{Root: dir}); err != nil {
				t.Fatal(err)
			}
		}
	}()
	for deadline := time.Now().Add(10 * time.Second); openDescriptors(t) > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors are left", openDescriptors(t)-before)
		}
		runtime.GC()
		runtime.Gosched()
	}
}

func TestFileSite(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	robots := filepath.Join(dir, "robots.txt")
	if err := os.WriteFile(robots, []byte("allow"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The operator may name a link that leads out of its directory.
	link := filepath.Join(dir, "etc", "link.txt")
	if err := os.Symlink("../robots.txt", link); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{robots, link} {
		f := newFixture(t, Options{Root: root, File: true}, nil)
		for _, path := range []string{"/", "", "/robots.txt", "/any/thing", "/.env", "/%00"} {
			a := f.get(path)
			expect(t, a, 200, "allow")
			if got := field(a, "Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("type %q", got)
			}
		}
		if got := f.store.Counts(); got.Files != 1 {
			t.Errorf("one file takes %d entries", got.Files)
		}
	}
}

func TestRelativeRoot(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("here"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	f := newFixture(t, Options{Root: "."}, nil)
	t.Chdir("/")
	expect(t, f.get("/a.txt"), 200, "here")
}

func TestIndexNames(t *testing.T) {
	f := newFixture(t, Options{Index: []string{"index.html", "index.txt"}}, map[string]string{
		"both/index.html": "html", "both/index.txt": "text",
		"second/index.txt":  "text",
		"odd/index.html/":   "",
		"odd/index.txt":     "behind a directory",
		"none/other.txt":    "",
		"nested/index.html": "nested",
	})
	expect(t, f.get("/both/"), 200, "html")
	expect(t, f.get("/second/"), 200, "text")
	expect(t, f.get("/odd/"), 200, "behind a directory")
	expect(t, f.get("/none/"), 404, "404 Not Found\n")
	expect(t, f.get("/"), 404, "404 Not Found\n")
	// An index that precedes the one in use takes its place.
	f.write("second/index.html", "html")
	f.now++
	expect(t, f.get("/second/"), 200, "html")
}
