package compressor

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anygate/anygate/static"
	"github.com/anygate/anygate/static/coding"
	"github.com/anygate/anygate/static/encoder"
)

// patience bounds every wait; nothing takes that long unless it is broken.
const patience = 20 * time.Second

var (
	small = strings.Repeat("<p>a line of a page that repeats itself</p>\n", 100)
	large = strings.Repeat("<p>a line of a long page that repeats itself</p>\n", 6000)
)

// noise is content that no coding shortens.
func noise(n int) string {
	random := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = random.Read(b)
	return string(b)
}

// site is a directory of files, with a store and somebody who asks.
type site struct {
	t     *testing.T
	dir   string
	site  *static.Site
	store *static.Store
	cache *static.Cache
	c     *Compressor
	make  func(*static.Job) bool
}

func newSite(t *testing.T, forms int64, files map[string]string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), c: New(2 * processorsPerWorker)}
	s.make = s.c.Submit
	for name, content := range files {
		s.write(name, content)
	}
	var err error
	if s.site, err = static.Compile(static.Options{Root: s.dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.site.Close)
	s.store, err = static.NewStore(static.StoreOptions{
		Lock: new(sync.Mutex), Bytes: 1 << 20, Descriptors: 64, FormBytes: forms, FormDescriptors: 8,
		Clock: func() int64 { return 1 }, Unix: func() int64 { return time.Now().Unix() + 10 },
		Make: func(j *static.Job) bool { return s.make(j) },
	})
	if err != nil {
		t.Fatal(err)
	}
	loader := static.NewLoader()
	s.cache, err = s.store.NewCache(static.ReaderOptions{
		Submit: func(a *static.Ask) bool { s.store.Handle(loader, a); return true },
		Reply:  func(w *static.Wait, token uint32) bool { s.cache.Deliver(w, token); return true },
		Tell:   func(f *static.Farewell) bool { s.cache.Pass(f); return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// get asks for a file and returns what it came as.
func (s *site) get(path, accept string) (content []byte, name string) {
	s.t.Helper()
	r := static.Request{GET: true, Path: []byte(path), RawPath: []byte(path), AcceptEncoding: []byte(accept), Now: 1}
	var a static.Answer
	if s.cache.Serve(s.site, &r, &a); a.Wanted {
		w := new(static.Wait)
		w.Keep(&r)
		if !s.cache.Submit(w) {
			s.t.Fatal("refused")
		}
		s.cache.Resume(s.site, w, 1, &a)
		defer s.cache.Finish(w)
	}
	if a.Status != 200 {
		s.t.Fatalf("%s: %d", path, a.Status)
	}
	for line := range strings.SplitSeq(string(a.Block), "\r\n") {
		if value, ok := strings.CutPrefix(line, "Content-Encoding: "); ok {
			name = value
		}
	}
	return bytes.Clone(a.Mem), name
}

// until waits for a condition.
func (s *site) until(what string, f func() bool) {
	s.t.Helper()
	for began := time.Now(); !f(); time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			s.t.Fatalf("in vain until %s", what)
		}
	}
}

// end closes everything, and wants nothing left.
func (s *site) end() {
	s.t.Helper()
	s.c.Close()
	if s.store.Sweep() {
		s.t.Errorf("something is still held: %+v", s.store.Counts())
	}
	s.cache.Close()
	s.store.Close()
}

func TestForms(t *testing.T) {
	s := newSite(t, 1<<20, map[string]string{"small.html": small, "large.html": large})
	for path, content := range map[string]string{"/small.html": small, "/large.html": large} {
		for _, c := range []coding.Coding{coding.Brotli, coding.Zstd, coding.Gzip} {
			before := s.store.Counts().Forms
			_, name := s.get(path, c.String())
			if name == c.String() && s.store.Counts().Forms == before {
				t.Fatalf("%s is %s before that was made", path, name)
			}
			s.until("the form is there", func() bool { return s.store.Counts().Forms > before })
			form, name := s.get(path, c.String())
			if name != c.String() {
				t.Fatalf("%s is %q, want %v", path, name, c)
			}
			r, err := encoder.NewReader(bytes.NewReader(form), c)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != content {
				t.Errorf("%s, %v: %d bytes, %v", path, c, len(got), err)
			}
			r.Close()
		}
	}
	s.end()
	if n := s.c.Stats().Made.Load(); n != 6 {
		t.Errorf("%d forms were made", n)
	}
}

// TestOnce has the same forms asked for over and over while they are being made.
func TestOnce(t *testing.T) {
	s := newSite(t, 1<<20, map[string]string{"a.html": small, "b.html": large})
	for _, path := range []string{"/a.html", "/b.html"} {
		s.until("the form is there", func() bool {
			_, name := s.get(path, "br")
			return name == "br"
		})
	}
	s.end()
	if n := s.c.Stats().Made.Load(); n != 2 {
		t.Errorf("%d forms were made", n)
	}
}

func TestOutcomesWithoutAForm(t *testing.T) {
	// sparse is text that does not shrink to less than what is kept in memory.
	sparse := fmt.Sprintf("%x", noise(50_000))
	tests := []struct {
		name    string
		forms   int64
		content string
		meddle  func(s *site)
		count   func(*Stats) uint64
	}{
		{"noise", 1 << 20, noise(100_000), func(*site) {}, func(s *Stats) uint64 { return s.Useless.Load() }},
		{"no room for what seemed to fit", 30_000, sparse, func(*site) {}, func(s *Stats) uint64 { return s.Failed.Load() }},
		{"overwritten", 1 << 20, large, func(s *site) { s.write("a.html", strings.ToUpper(large)) }, func(s *Stats) uint64 { return s.Failed.Load() }},
		{"cut off", 1 << 20, large, func(s *site) { s.write("a.html", "x") }, func(s *Stats) uint64 { return s.Failed.Load() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, test.forms, map[string]string{"a.html": test.content})
			s.make = func(j *static.Job) bool {
				test.meddle(s)
				return s.c.Submit(j)
			}
			s.get("/a.html", "gzip")
			s.until("it is counted", func() bool { return test.count(s.c.Stats()) == 1 })
			if _, name := s.get("/a.html", "gzip"); name != "" {
				t.Errorf("it is %q", name)
			}
			s.end()
		})
	}
}

// TestNoiseInEveryCoding has the encoders meet an output that takes no more, and go on
// with other content.
func TestNoiseInEveryCoding(t *testing.T) {
	for _, c := range []string{"br", "zstd", "gzip"} {
		s := newSite(t, 1<<20, map[string]string{
			"noise1.html": noise(300_000), "small1.html": small, "noise2.html": noise(300_000), "small2.html": small,
		})
		for _, n := range []string{"1", "2"} {
			before := s.c.Stats().Useless.Load()
			s.get("/noise"+n+".html", c)
			s.until("the noise is useless", func() bool { return s.c.Stats().Useless.Load() > before })
			s.until("the page is coded", func() bool {
				_, name := s.get("/small"+n+".html", c)
				return name == c
			})
		}
		s.end()
	}
}

// TestCloseInTheMiddle closes while jobs wait and are made.
func TestCloseInTheMiddle(t *testing.T) {
	files := map[string]string{}
	for i := range 20 {
		files[string(rune('a'+i))+".html"] = large + string(rune('a'+i))
	}
	s := newSite(t, 1<<20, files)
	for name := range files {
		s.get("/"+name, "br")
	}
	began := time.Now()
	s.c.Close()
	if took := time.Since(began); took > patience/2 {
		t.Errorf("closing took %v", took)
	}
	s.cache.Close()
	s.store.Close()
}
