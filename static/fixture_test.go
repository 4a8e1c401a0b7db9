package static

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fixture is a directory with a site and a cache on it.
type fixture struct {
	t     testing.TB
	dir   string
	site  *Site
	cache *Cache
	now   int64
}

// newFixture writes the files (paths that end in a slash become directories) and
// compiles a site on them. Its clock starts far enough after the files' change times
// that they count as settled.
func newFixture(t testing.TB, o Options, files map[string]string) *fixture {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, dir: dir, now: time.Now().Unix() + 10}
	for name, content := range files {
		f.write(name, content)
	}
	if o.Root == "" {
		o.Root = dir
	}
	site, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	f.site = site
	f.cache = NewCache(256, 4<<20)
	t.Cleanup(func() {
		if held := f.cache.Close(); held != 0 {
			t.Errorf("%d entries were never released", held)
		}
		site.Close()
	})
	return f
}

// write puts a file in place, creating its directories.
func (f *fixture) write(name, content string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if strings.HasSuffix(name, "/") {
		if err := os.MkdirAll(path, 0o755); err != nil {
			f.t.Fatal(err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// replace puts a new file in the place of an old one, by a rename.
func (f *fixture) replace(name, content string) {
	f.t.Helper()
	f.write(name+".new", content)
	if err := os.Rename(filepath.Join(f.dir, name+".new"), filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

// serve answers a request at the fixture's time.
func (f *fixture) serve(r Request) *Answer {
	f.t.Helper()
	r.Now = f.now
	a := new(Answer)
	f.cache.Serve(f.site, &r, a)
	check(f.t, &r, a)
	return a
}

// get answers a GET of a path that is normalised already.
func (f *fixture) get(path string) *Answer {
	f.t.Helper()
	return f.serve(Request{GET: true, Path: []byte(path), RawPath: []byte(path)})
}

// check asserts what holds for every answer.
func check(t testing.TB, r *Request, a *Answer) {
	t.Helper()
	if a.Listing != nil {
		if a.Status != 0 {
			t.Errorf("%q: a listing, and status %d", r.Path, a.Status)
		}
		return
	}
	places := 0
	for _, used := range []bool{a.Mem != nil, a.FD >= 0 && a.Parts == nil, a.Text != nil} {
		if used {
			places++
		}
	}
	switch {
	case places > 1:
		t.Errorf("%q: the content is in %d places", r.Path, places)
	case a.Length < 0 && a.Status != 304 && a.Status != 204:
		t.Errorf("%q: status %d without a length", r.Path, a.Status)
	case r.HEAD && places > 0:
		t.Errorf("%q: HEAD has content", r.Path)
	case (a.Mem != nil || a.FD >= 0 || a.Parts != nil) != (a.Entry != nil):
		t.Errorf("%q: content of a file without its entry, or the reverse", r.Path)
	case r.GET && a.Length > 0 && places == 0:
		t.Errorf("%q: %d octets are promised and none are there", r.Path, a.Length)
	case a.Mem != nil && int64(len(a.Mem)) != a.Length, a.Text != nil && int64(len(a.Text))+partsLength(a) != a.Length:
		t.Errorf("%q: length %d for %d octets", r.Path, a.Length, len(a.Mem)+len(a.Text))
	}
	for line := range strings.SplitAfterSeq(string(a.Block), "\r\n") {
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\r\n"), ": ")
		if !ok || !strings.HasSuffix(line, "\r\n") || name == "" || strings.ContainsAny(value, "\r\n\x00") {
			t.Errorf("%q: field line %q", r.Path, line)
		}
		switch name {
		case "Content-Length", "Date", "Server", "Connection":
			t.Errorf("%q: %s is not for this package to send", r.Path, name)
		}
	}
}

// partsLength is the length of the parts of an answer.
func partsLength(a *Answer) (n int64) {
	for _, p := range a.Parts {
		n += int64(len(p.Head)) + p.Length
	}
	return n
}

// body is the content of an answer.
func body(t testing.TB, a *Answer) string {
	t.Helper()
	if a.Parts != nil {
		var b strings.Builder
		for _, p := range a.Parts {
			b.Write(p.Head)
			b.WriteString(body(t, &Answer{Mem: p.Mem, FD: a.FD, Off: p.Off, Length: p.Length}))
		}
		return b.String() + string(a.Text)
	}
	switch {
	case a.Mem != nil:
		return string(a.Mem)
	case a.Text != nil:
		return string(a.Text)
	case a.FD >= 0:
		b := make([]byte, a.Length)
		for done := 0; done < len(b); {
			n, err := unix.Pread(int(a.FD), b[done:], a.Off+int64(done))
			if err != nil || n == 0 {
				t.Fatalf("reading the answer: %d of %d octets, %v", done, len(b), err)
			}
			done += n
		}
		return string(b)
	}
	return ""
}

// field is the value of a field of an answer, or "".
func field(a *Answer, name string) string {
	for line := range strings.SplitSeq(string(a.Block), "\r\n") {
		if got, value, ok := strings.Cut(line, ": "); ok && got == name {
			return value
		}
	}
	return ""
}

// expect asserts the status and the content of an answer.
func expect(t testing.TB, a *Answer, status int, content string) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d (%q)", a.Status, status, a.Block)
	}
	if got := body(t, a); got != content {
		t.Fatalf("content %.60q, want %.60q", got, content)
	}
}

// openDescriptors counts this process's descriptors.
func openDescriptors(t testing.TB) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// link makes a symbolic link below the fixture's root.
func (f *fixture) link(target, name string) {
	f.t.Helper()
	if err := os.Symlink(target, filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

// numbered is the content of the n-th file of a series, of the given size.
func numbered(n, size int) string {
	s := fmt.Sprintf("file %d|", n)
	return strings.Repeat(s, size/len(s)+1)[:size]
}
