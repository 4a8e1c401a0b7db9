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

// fixture is a directory with a site, a store, and a reader whose questions are answered
// before Submit returns.
type fixture struct {
	t      testing.TB
	dir    string
	site   *Site
	store  *Store
	cache  *Cache
	loader *Loader
	waits  []*Wait
	now    int64 // seconds
	ms     int64 // and milliseconds
	began  int64 // when the store's clock began
	deaf   bool  // the reader does not hear of grace periods
	lost   bool  // and is not answered
}

// testStart is what heads begin with in tests.
const testStart = "HTTP/1.1 200 OK\r\nDate: "

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
	f.began = f.now - 1000
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
	f.open(StoreOptions{Bytes: 4 << 20, Entries: 256, Descriptors: 64})
	t.Cleanup(func() {
		f.close()
		site.Close()
	})
	return f
}

// open gives the fixture a store, in the place of the one that it had.
func (f *fixture) open(o StoreOptions) {
	f.t.Helper()
	f.close()
	o.Lock, o.Start = alone{}, testStart
	o.Clock = func() int64 { return f.clock() }
	o.Unix = func() int64 { return f.now }
	st, err := NewStore(o)
	if err != nil {
		f.t.Fatal(err)
	}
	f.store, f.loader = st, NewLoader()
	f.cache = f.reader()
}

// reader makes a further reader.
func (f *fixture) reader() *Cache {
	f.t.Helper()
	var c *Cache
	c, err := f.store.NewCache(ReaderOptions{
		Submit: func(a *Ask) bool {
			if f.lost {
				return false
			}
			f.store.Handle(f.loader, a)
			return true
		},
		Reply: func(w *Wait, token uint32) bool { c.Deliver(w, token); return true },
		Tell: func(b *Farewell) bool {
			if !f.deaf {
				c.Pass(b)
			}
			return true
		},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// close ends the store, and wants nothing held and everything given up.
func (f *fixture) close() {
	f.t.Helper()
	if f.store == nil {
		return
	}
	f.finish()
	if n := f.cache.Close(); n != 0 {
		f.t.Errorf("%d holds were never released", n)
	}
	f.store.Close()
	f.store = nil
}

// clock is the store's clock.
func (f *fixture) clock() int64 { return (f.now-f.began)*1000 + f.ms }

// finish lets go of what answers so far came from, and gives up what was dropped.
func (f *fixture) finish() {
	for _, w := range f.waits {
		f.cache.Finish(w)
	}
	f.waits = nil
	f.store.Sweep()
}

// pass lets n passes of Age go over all entries.
func (f *fixture) pass(n int) {
	f.finish()
	for range n {
		f.now += passSeconds
		// The second round of a pass is what comes after the last entry.
		f.store.Age(1)
		f.store.cursor = 0
	}
	f.store.Sweep()
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
	a := f.serveBy(f.cache, f.site, r)
	check(f.t, &r, a)
	return a
}

// serveBy has a reader answer, and asks what it needs for that.
func (f *fixture) serveBy(c *Cache, s *Site, r Request) *Answer {
	f.t.Helper()
	r.Now = f.clock()
	a := new(Answer)
	c.Serve(s, &r, a)
	if !a.Wanted {
		return a
	}
	w := new(Wait)
	w.Keep(&r)
	for range waitMost {
		if !c.Submit(w) {
			return &Answer{Status: 503, Block: unavailableBlock, Text: textOf(503), Length: int64(len(textOf(503))), FD: -1}
		}
		if c.Resume(s, w, f.clock(), a); !a.Wanted {
			if c == f.cache {
				f.waits = append(f.waits, w)
			} else {
				c.Finish(w)
			}
			return a
		}
	}
	f.t.Fatalf("%q: no answer after %d questions", r.Path, waitMost)
	return nil
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
	if a.Whole != nil {
		// The response in one piece says the same.
		head := fmt.Sprintf("%s%s\r\n%sContent-Length: %d\r\n\r\n", testStart, a.Whole[a.Date:a.Date+29], a.Block, a.Length)
		if a.Status != 200 || string(a.Whole[:a.Head]) != head || !r.HEAD && string(a.Whole[a.Head:]) != body(t, a) {
			t.Errorf("%q: in one piece it is %q", r.Path, a.Whole)
		}
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
