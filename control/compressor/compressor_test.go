package compressor

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
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

// site is a directory of files, and what its shards share.
type site struct {
	t     *testing.T
	dir   string
	site  *static.Site
	shelf *static.Shelf
	c     *Compressor
}

func newSite(t *testing.T, room int64, files map[string]string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), shelf: static.NewShelf(room, 8)}
	for name, content := range files {
		s.write(name, content)
	}
	var err error
	if s.site, err = static.Compile(static.Options{Root: s.dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.site.Close)
	if s.c, err = New(s.shelf, 2*processorsPerWorker); err != nil {
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

// shard is a cache with an inbox.
type shard struct {
	s      *site
	cache  *static.Cache
	inbox  chan static.Coded
	submit func(*static.Job) bool
}

func (s *site) shard() *shard {
	sh := &shard{s: s, cache: static.NewCache(64, 4<<20), inbox: make(chan static.Coded, 64), submit: s.c.Submit}
	sh.cache.Compressor(func(j *static.Job) bool { return sh.submit(j) }, s.shelf, func(o static.Coded) bool {
		select {
		case sh.inbox <- o:
			return true
		default:
			return false
		}
	})
	return sh
}

// get asks for a file and returns what it came as.
func (sh *shard) get(path, accept string) (content []byte, name string) {
	sh.s.t.Helper()
	var a static.Answer
	sh.cache.Serve(sh.s.site, &static.Request{
		GET: true, Path: []byte(path), RawPath: []byte(path), AcceptEncoding: []byte(accept), Now: time.Now().Unix() + 10,
	}, &a)
	if a.Status != 200 {
		sh.s.t.Fatalf("%s: %d", path, a.Status)
	}
	for line := range strings.SplitSeq(string(a.Block), "\r\n") {
		if value, ok := strings.CutPrefix(line, "Content-Encoding: "); ok {
			name = value
		}
	}
	return bytes.Clone(a.Mem), name
}

// deliver takes one reply.
func (sh *shard) deliver() static.Coded {
	sh.s.t.Helper()
	select {
	case o := <-sh.inbox:
		sh.cache.Deliver(o)
		return o
	case <-time.After(patience):
		sh.s.t.Fatal("no reply")
		panic("unreachable")
	}
}

// end closes everything, and wants nothing left.
func (s *site) end(shards ...*shard) {
	s.t.Helper()
	s.c.Close()
	for _, sh := range shards {
		for len(sh.inbox) > 0 {
			sh.deliver()
		}
		sh.cache.Abandon()
		if n := sh.cache.Close(); n != 0 {
			s.t.Errorf("%d entries are retained", n)
		}
	}
	if n := s.shelf.Bytes(); n != 0 {
		s.t.Errorf("forms of %d bytes are left", n)
	}
}

func TestForms(t *testing.T) {
	s := newSite(t, 1<<20, map[string]string{"small.html": small, "large.html": large})
	sh := s.shard()
	for path, content := range map[string]string{"/small.html": small, "/large.html": large} {
		for _, c := range []coding.Coding{coding.Brotli, coding.Zstd, coding.Gzip} {
			if _, name := sh.get(path, c.String()); name != "" {
				t.Fatalf("%s is %s at once", path, name)
			}
			if o := sh.deliver(); o.Form == nil || o.Useless {
				t.Fatalf("%s: %+v", path, o)
			}
			form, name := sh.get(path, c.String())
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
	if n := s.c.Stats().Made.Load(); n != 6 {
		t.Errorf("%d forms were made", n)
	}
	s.end(sh)
}

// TestOnceForAllShards has four shards want the same forms at the same time.
func TestOnceForAllShards(t *testing.T) {
	s := newSite(t, 1<<20, map[string]string{"a.html": small, "b.html": large})
	var shards []*shard
	for range 4 {
		shards = append(shards, s.shard())
	}
	for _, sh := range shards {
		sh.get("/a.html", "br")
		sh.get("/b.html", "br")
	}
	for _, sh := range shards {
		for _, path := range []string{"/a.html", "/b.html"} {
			// Whoever asked late has found the form on the shelf, and gets no reply.
			for {
				if _, name := sh.get(path, "br"); name == "br" {
					break
				}
				sh.deliver()
			}
		}
	}
	if n := s.c.Stats().Made.Load(); n != 2 {
		t.Errorf("%d forms were made", n)
	}
	s.end(shards...)
}

func TestOutcomesWithoutAForm(t *testing.T) {
	tests := []struct {
		name    string
		room    int64
		content string
		meddle  func(s *site)
		useless bool
		count   func(*Stats) uint64
	}{
		{"noise", 1 << 20, noise(100_000), func(*site) {}, true, func(s *Stats) uint64 { return s.Useless.Load() }},
		{"no room", 100, large, func(*site) {}, false, func(s *Stats) uint64 { return s.Failed.Load() }},
		{"no room for what seemed to fit", 30_000, fmt.Sprintf("%x", noise(50_000)), func(*site) {}, false, func(s *Stats) uint64 { return s.Failed.Load() }},
		{"overwritten", 1 << 20, large, func(s *site) { s.write("a.html", strings.ToUpper(large)) }, false, func(s *Stats) uint64 { return s.Failed.Load() }},
		{"cut off", 1 << 20, large, func(s *site) { s.write("a.html", "x") }, false, func(s *Stats) uint64 { return s.Failed.Load() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, test.room, map[string]string{"a.html": test.content})
			sh := s.shard()
			sh.submit = func(j *static.Job) bool {
				test.meddle(s)
				return s.c.Submit(j)
			}
			sh.get("/a.html", "gzip")
			if o := sh.deliver(); o.Form != nil || o.Useless != test.useless {
				t.Errorf("%+v", o)
			}
			if test.count(s.c.Stats()) != 1 {
				t.Error("it is not counted")
			}
			s.end(sh)
		})
	}
}

// TestNoiseInEveryCoding has the encoders meet an output that takes no more, and go on
// with other content.
func TestNoiseInEveryCoding(t *testing.T) {
	for _, c := range []string{"br", "zstd", "gzip"} {
		s := newSite(t, 1<<20, map[string]string{"noise.html": noise(300_000), "small.html": small})
		sh := s.shard()
		for range 2 {
			sh.get("/noise.html", c)
			if o := sh.deliver(); o.Form != nil || !o.Useless {
				t.Errorf("%s: %+v", c, o)
			}
			sh.get("/small.html", c)
			sh.deliver()
			if _, name := sh.get("/small.html", c); name != c {
				t.Errorf("%s: %q", c, name)
			}
			sh.cache.Close()
			s.shelf.Clear()
			sh = s.shard()
		}
		s.end(sh)
	}
}

// TestFullInbox has the shard take a reply at the third attempt.
func TestFullInbox(t *testing.T) {
	s := newSite(t, 1<<20, map[string]string{"a.html": small})
	sh := s.shard()
	sh.inbox = make(chan static.Coded)
	sh.get("/a.html", "br")
	sh.deliver()
	if _, name := sh.get("/a.html", "br"); name != "br" {
		t.Errorf("it is %q", name)
	}
	s.end(sh)
}

// TestCloseInTheMiddle closes while jobs wait, are made, and cannot be replied to.
func TestCloseInTheMiddle(t *testing.T) {
	files := map[string]string{}
	for i := range 20 {
		files[string(rune('a'+i))+".html"] = large + string(rune('a'+i))
	}
	s := newSite(t, 1<<20, files)
	sh := s.shard()
	sh.inbox = make(chan static.Coded)
	for name := range files {
		sh.get("/"+name, "br")
	}
	began := time.Now()
	s.end(sh)
	if took := time.Since(began); took > patience/2 {
		t.Errorf("closing took %v", took)
	}
}
