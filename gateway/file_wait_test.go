package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/static"
)

// TestFileWaits holds back what is found in the file system, as a disk does that answers late:
// others are answered, nobody is kept waiting for ever, and those who have gone are no trouble
// when it comes.
func TestFileWaits(t *testing.T) {
	files := map[string]string{"index.html": "home"}
	for i := range 10 {
		files[fmt.Sprintf("f%d.txt", i)] = "a file"
	}
	dir := siteDir(t, files)
	w := newSimWorld(t, 1, engine.Faults{})
	w.sites = map[string]static.Options{dir + "/": {}}
	var held []engine.Message
	holding := true
	w.wrap = func(h *engine.Handler) {
		messages := h.Message
		h.Message = func(m engine.Message) {
			if holding && m.Kind == messageFile {
				held = append(held, m)
				return
			}
			messages(m)
		}
	}
	w.serve("/f/: "+dir+"/", "/ping: 200 pong")
	var waiting []*client
	for i := range 20 {
		c := w.client()
		c.send(fmt.Sprintf("GET /f/f%d.txt%s\r\n", i, req)) // half of them are not there
		waiting = append(waiting, c)
	}
	w.eventually("all have been looked for", func() bool { return len(held) == len(waiting) })
	other := w.client()
	if r := other.ask("GET /ping", ""); r.content != "pong" {
		t.Errorf("%d %s", r.status, r.content)
	}
	waiting[0].abort()
	w.advance(filePatience + time.Second)
	for _, c := range waiting[1:] {
		if r := c.response("GET"); r.status != 503 || r.fields.Get("Retry-After") != "1" {
			t.Errorf("%d %v", r.status, r.fields)
		}
		c.expectOpen()
	}
	holding = false
	for _, m := range held {
		w.g.message(m)
	}
	if len(w.g.waits) != 0 {
		t.Errorf("%d still wait", len(w.g.waits))
	}
	if r := waiting[1].ask("GET /f/f1.txt", ""); r.content != "a file" {
		t.Errorf("%d %s", r.status, r.content)
	}
}

// TestFileWaitsOfMany has many clients wait for the same few files, with requests of every
// kind behind each other, and some of them go away.
func TestFileWaitsOfMany(t *testing.T) {
	dir := siteDir(t, map[string]string{
		"a.txt": "file a", "large.bin": numbered(200_000), "index.html": "home", "404.html": "lost", "b.js": numbered(3000), "b.js.gz": "coded",
	})
	for _, name := range []string{"b.js", "b.js.gz"} {
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Unix(1_700_000_000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.sites = map[string]static.Options{dir + "/": {SPA: static.SPAOn}}
		w.serve("/f/: " + dir + "/")
		ask := func(line, fields string) string { return line + req + fields + "\r\n" }
		all := ask("GET /f/a.txt", "") + ask("GET /f/large.bin", "Range: bytes=5-9\r\n") + ask("GET /f/users/7", "Accept: text/html\r\n") +
			ask("GET /f/none.js", "") + ask("GET /f/b.js", "Accept-Encoding: gzip\r\n") + ask("HEAD /f/large.bin", "") + ask("GET /f/a.txt", "If-None-Match: *\r\n")
		for i := range 30 {
			c := w.client()
			c.send(all)
			if i%3 == 0 {
				c.abort()
				continue
			}
			for k, want := range []struct {
				method  string
				status  int
				content string
			}{
				{"GET", 200, "file a"},
				{"GET", 206, numbered(200_000)[5:10]},
				{"GET", 200, "home"},
				{"GET", 404, "lost"},
				{"GET", 200, "coded"},
				{"HEAD", 200, ""},
				{"GET", 304, ""},
			} {
				if r := c.response(want.method); r.status != want.status || r.content != want.content {
					t.Fatalf("response %d of client %d: %d %v %s", k, i, r.status, r.fields, brief(r.content))
				}
			}
			c.expectOpen()
		}
	})
}

// TestFileQueueFull has nobody take what is asked.
func TestFileQueueFull(t *testing.T) {
	dir := siteDir(t, map[string]string{"a.txt": "file a"})
	forEachEngine(t, func(t *testing.T, w *world) {
		var full atomic.Bool
		full.Store(true)
		w.asking = func(*static.Ask) bool { return !full.Load() }
		w.serve("/f/: " + dir + "/")
		c := w.client()
		if r := c.ask("GET /f/a.txt", ""); r.status != 503 || r.fields.Get("Retry-After") != "1" {
			t.Errorf("%d %v", r.status, r.fields)
		}
		full.Store(false)
		if r := c.ask("GET /f/a.txt", ""); r.content != "file a" {
			t.Errorf("%d %s", r.status, r.content)
		}
		// What is there is served whoever is busy.
		full.Store(true)
		if r := c.ask("GET /f/a.txt", ""); r.content != "file a" {
			t.Errorf("%d %s", r.status, r.content)
		}
		c.expectOpen()
	})
}

// TestColdFileHoldsUpNobody has a file come from a disk that takes its time: who asks for it
// waits, and others are answered within milliseconds.
func TestColdFileHoldsUpNobody(t *testing.T) {
	large := numbered(300_000)
	dir := siteDir(t, map[string]string{"large.bin": large, "a.txt": "file a"})
	for _, secret := range []bool{false, true} {
		forEachEngine(t, func(t *testing.T, w *world) {
			if secret {
				w.sealing()
			}
			type read struct {
				token uint64
				done  func(uint64) bool
			}
			var warm atomic.Bool
			reads := make(chan read, 16)
			w.present = func(int32, int64, int64) bool { return warm.Load() }
			w.readAhead = func(_ int32, off, n int64, token uint64, done func(uint64) bool) bool {
				if off != 0 || n != int64(len(large)) {
					t.Errorf("%d bytes at %d are asked for", n, off)
				}
				reads <- read{token, done}
				return true
			}
			w.serve("/f/: "+dir+"/", "/ping: 200 pong")
			c, gone, other := w.client(), w.client(), w.client()
			c.send("GET /f/large.bin" + req + "\r\nGET /f/a.txt" + req + "\r\n")
			gone.send("GET /f/large.bin" + req + "\r\n")
			w.eventually("the disk is asked", func() bool { return len(reads) == 2 })
			var slowest time.Duration
			for range 50 {
				began := time.Now()
				if r := other.ask("GET /f/a.txt", ""); r.content != "file a" {
					t.Fatalf("%d %s", r.status, r.content)
				}
				if r := other.ask("GET /ping", ""); r.content != "pong" {
					t.Fatalf("%d %s", r.status, r.content)
				}
				slowest = max(slowest, time.Since(began))
			}
			if slowest > time.Second {
				t.Errorf("the others waited up to %v", slowest)
			}
			gone.abort()
			warm.Store(true)
			for range 2 {
				r := <-reads
				w.eventually("the shard is told", func() bool { return r.done(r.token) })
			}
			if r := c.response("GET"); r.content != large {
				t.Errorf("%d %v %s", r.status, r.fields, brief(r.content))
			}
			if r := c.response("GET"); r.content != "file a" {
				t.Errorf("%d %v %s", r.status, r.fields, brief(r.content))
			}
			c.expectOpen()
		})
	}
}

// TestFileTruncatedWhileSent cuts a file off that is on its way to a slow reader: that
// connection ends, and no other.
func TestFileTruncatedWhileSent(t *testing.T) {
	for _, secret := range []bool{false, true} {
		forEachLoop(t, func(t *testing.T, w *world) {
			const size = 64 << 20
			dir := siteDir(t, map[string]string{"a.txt": "file a"})
			path := filepath.Join(dir, "large.bin")
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			if secret {
				w.sealing()
			}
			w.serve("/f/: " + dir + "/")
			other := w.client()
			other.ask("GET /f/a.txt", "")
			c := w.client()
			c.send("GET /f/large.bin" + req + "\r\n")
			c.take(100)
			if err := os.Truncate(path, 1000); err != nil {
				t.Fatal(err)
			}
			if rest := c.rest(); len(rest) >= size {
				t.Errorf("%d bytes of a file that was cut off", len(rest))
			}
			if r := other.ask("GET /f/a.txt", ""); r.content != "file a" {
				t.Errorf("%d %s", r.status, r.content)
			}
			other.expectOpen()
		})
	}
}

// TestWholeResponses compares responses that were prepared with those that are put together,
// which connections get that have something of their own to say.
func TestWholeResponses(t *testing.T) {
	if want := string(http1.AppendStatusLine(nil, 200)) + serverLine + "Date: "; FileStart != want {
		t.Errorf("heads begin with %q, want %q", FileStart, want)
	}
	contents := map[string]string{"empty.txt": "", "short.txt": "short", "copied.txt": numbered(copyContent), "sent.txt": numbered(copyContent + 1), "memory.txt": numbered(32 << 10)}
	dir := siteDir(t, contents)
	for name := range contents {
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Unix(1_700_000_000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, secret := range []bool{false, true} {
		forEachEngine(t, func(t *testing.T, w *world) {
			if secret {
				w.sealing()
			}
			w.serve("/f/: " + dir + "/")
			for name, content := range contents {
				keep := w.client()
				var both []string
				for range 2 {
					for _, method := range []string{"GET", "HEAD"} {
						keep.send(method + " /f/" + name + req + "\r\n")
						n := 0
						keep.until("the head has come", func(got []byte) bool {
							n = strings.Index(string(got), "\r\n\r\n") + 4
							return n >= 4
						})
						if method == "GET" {
							n += len(content)
						}
						both = append(both, undated(keep.take(n)))
					}
				}
				keep.expectOpen()
				last := w.client()
				last.send("GET /f/" + name + req + "Connection: close\r\n\r\n")
				apart := strings.Replace(undated(last.rest()), "Connection: close\r\n", "", 1)
				head, _, _ := strings.Cut(apart, "\r\n\r\n")
				for i, got := range both {
					want := apart
					if i%2 == 1 {
						want = head + "\r\n\r\n"
					}
					if got != want {
						t.Errorf("%s: %s, want %s", name, brief(got), brief(want))
					}
				}
				old := w.client()
				old.send("GET /f/" + name + " HTTP/1.0\r\nHost: h\r\n\r\n")
				if got := string(old.rest()); !strings.HasSuffix(got, "\r\n\r\n"+content) {
					t.Errorf("HTTP/1.0: %s", brief(got))
				}
			}
		})
	}
}
