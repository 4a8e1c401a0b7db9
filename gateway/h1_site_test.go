package gateway

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/static"
)

// siteDir makes a directory of files.
func siteDir(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ranges reads a multipart/byteranges response: the content of each part by its
// Content-Range.
func (r *response) ranges(t *testing.T) map[string]string {
	t.Helper()
	media, parameters, err := mime.ParseMediaType(r.fields.Get("Content-Type"))
	if r.status != 206 || err != nil || media != "multipart/byteranges" {
		t.Fatalf("%d %v, %v", r.status, r.fields, err)
	}
	got := map[string]string{}
	for parts := multipart.NewReader(strings.NewReader(r.content), parameters["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		got[p.Header.Get("Content-Range")] = string(content)
	}
}

// TestMultipleRanges asks for parts of files that are copied, sent from memory and
// sent by descriptor, also when they are pipelined, sealed and HEAD.
func TestMultipleRanges(t *testing.T) {
	files := map[string]string{"small.bin": numbered(2_000), "middle.bin": numbered(20_000), "large.bin": numbered(600_000)}
	sets := []struct {
		file  string
		parts [][2]int
	}{
		{"small.bin", [][2]int{{1500, 1502}, {0, 0}}},
		{"middle.bin", [][2]int{{0, 5999}, {7000, 7001}, {12_000, 19_999}}},
		{"large.bin", [][2]int{{0, 99_999}, {599_999, 599_999}, {200_000, 500_000}}},
		{"large.bin", [][2]int{{1000, 1000}, {2000, 2000}, {3000, 3000}, {4000, 300_000}, {400_000, 400_000}}},
	}
	for _, secret := range []bool{false, true} {
		forEachEngine(t, func(t *testing.T, w *world) {
			if secret {
				w.sealing()
			}
			w.serve("/f/: " + siteDir(t, files) + "/")
			c := w.client()
			var all strings.Builder
			for _, set := range sets {
				value := ""
				for _, p := range set.parts {
					value += fmt.Sprintf("%d-%d,", p[0], p[1])
				}
				all.WriteString("GET /f/" + set.file + req + "Range: bytes=" + value + "\r\n\r\n")
				all.WriteString("HEAD /f/" + set.file + req + "Range: bytes=" + value + "\r\n\r\n")
			}
			for range 3 {
				c.send(all.String())
				for _, set := range sets {
					got := c.response("GET").ranges(t)
					content := files[set.file]
					for _, p := range set.parts {
						name := fmt.Sprintf("bytes %d-%d/%d", p[0], p[1], len(content))
						if got[name] != content[p[0]:p[1]+1] {
							t.Errorf("%s: %s is %s", set.file, name, brief(got[name]))
						}
					}
					if len(got) != len(set.parts) {
						t.Errorf("%s: %d parts, want %d", set.file, len(got), len(set.parts))
					}
					if r := c.response("HEAD"); r.status != 200 || r.fields.Get("Content-Length") != fmt.Sprint(len(content)) {
						t.Errorf("HEAD: %d %v", r.status, r.fields)
					}
				}
			}
			c.expectOpen()
			c.close()
		})
	}
}

// TestMultipleRangesLost has the client go while parts wait: all their retained
// files are given back, which the end of every world checks.
func TestMultipleRangesLost(t *testing.T) {
	dir := siteDir(t, map[string]string{"large.bin": numbered(600_000)})
	forEachEngine(t, func(t *testing.T, w *world) {
		w.serve("/f/: " + dir + "/")
		for range 5 {
			c := w.client()
			c.send("GET /f/large.bin" + req + "Range: bytes=0-99999,200000-299999,400000-\r\n\r\n")
			c.take(1000)
			c.abort()
		}
	})
}

func TestMultipleRangesBeyond4GiB(t *testing.T) {
	dir := t.TempDir()
	const size = 6 << 30
	f, err := os.Create(filepath.Join(dir, "huge.iso"))
	if err != nil {
		t.Fatal(err)
	}
	for at, content := range map[int64]string{0: "first", 5 << 30: "fifth", size - 4: "last"} {
		if _, err := f.WriteAt([]byte(content), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.serve("/f/: " + dir + "/")
		c := w.client()
		got := c.ask("GET /f/huge.iso", "Range: bytes=5368709120-5368709124,-4,0-4\r\n").ranges(t)
		for name, want := range map[string]string{
			"bytes 5368709120-5368709124/6442450944": "fifth",
			"bytes 6442450940-6442450943/6442450944": "last",
			"bytes 0-4/6442450944":                   "first",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q", name, got[name], want)
			}
		}
		if r := c.ask("HEAD /f/huge.iso", ""); r.fields.Get("Content-Length") != "6442450944" {
			t.Errorf("%v", r.fields)
		}
		c.expectOpen()
		c.close()
	})
}

func TestEarlyHints(t *testing.T) {
	const page = `<script type=module src=/assets/app-4f2a9c0b.js></script>`
	dir := siteDir(t, map[string]string{"index.html": page})
	forEachEngine(t, func(t *testing.T, w *world) {
		w.sites = map[string]static.Options{dir + "/": {EarlyHints: true}}
		w.serve("/f/: " + dir + "/")
		c := w.client()
		navigation := "Sec-Fetch-Mode: navigate\r\n\r\n"
		c.send("GET /f/" + req + navigation + "GET /f/deep/link" + req + navigation)
		for range 2 {
			c.expect("HTTP/1.1 103 Early Hints\r\nLink: </assets/app-4f2a9c0b.js>; rel=modulepreload\r\n\r\n")
			if r := c.response("GET"); r.status != 200 || r.content != page || r.fields.Get("Link") != "" {
				t.Errorf("%d %v %s", r.status, r.fields, r.content)
			}
		}
		if r := c.ask("GET /f/", ""); r.status != 200 {
			t.Errorf("%d for a client that may not know what 103 is", r.status)
		}
		if r := c.ask("HEAD /f/", "Sec-Fetch-Mode: navigate\r\n"); r.status != 200 {
			t.Errorf("HEAD: %d", r.status)
		}
		c.close()
		c = w.client()
		c.send("GET /f/ HTTP/1.0\r\nHost: h\r\n" + navigation)
		if got := c.rest(); !bytes.HasPrefix(got, []byte("HTTP/1.1 200")) {
			t.Errorf("HTTP/1.0: %s", brief(string(got)))
		}
	})
}

func TestMissingPage(t *testing.T) {
	dir := siteDir(t, map[string]string{"404.html": "<h1>gone</h1>", "index.html": "home"})
	forEachEngine(t, func(t *testing.T, w *world) {
		w.sites = map[string]static.Options{dir + "/": {}}
		w.serve("/f/: " + dir + "/")
		c := w.client()
		for _, fields := range []string{"", "Accept: text/html\r\n", "Range: bytes=0-1\r\n"} {
			if r := c.ask("GET /f/nowhere", fields); r.status != 404 || r.content != "<h1>gone</h1>" {
				t.Errorf("%q: %d %s", fields, r.status, r.content)
			}
		}
		if r := c.ask("HEAD /f/nowhere", ""); r.status != 404 || r.fields.Get("Content-Length") != "13" {
			t.Errorf("HEAD: %d %v", r.status, r.fields)
		}
		c.expectOpen()
		c.close()
	})
}

func TestListing(t *testing.T) {
	files := map[string]string{"a.txt": "a", "sub/b.txt": "b"}
	for i := range 2000 {
		files[fmt.Sprintf("many/%s-%04d.txt", strings.Repeat("n", 100), i)] = ""
	}
	dir := siteDir(t, files)
	for _, secret := range []bool{false, true} {
		forEachEngine(t, func(t *testing.T, w *world) {
			if secret {
				w.sealing()
			}
			w.sites = map[string]static.Options{dir + "/": {Listing: true}}
			w.serve("/f/: "+dir+"/", "/ping: OK pong")
			c := w.client()
			// What is pipelined behind a listing waits for it.
			c.send("GET /f/many/" + req + "\r\nHEAD /f/many/" + req + "\r\nGET /f/sub/" + req + "Accept: application/json\r\n\r\nGET /ping" + req + "\r\n")
			r := c.response("GET")
			if r.status != 200 || r.fields.Get("Content-Type") != "text/html; charset=utf-8" || strings.Count(r.content, ".txt\">") != 2000 {
				t.Errorf("%d %v %s", r.status, r.fields, brief(r.content))
			}
			if head := c.response("HEAD"); head.fields.Get("Content-Length") != fmt.Sprint(len(r.content)) {
				t.Errorf("HEAD: %v, GET had %d", head.fields, len(r.content))
			}
			if r := c.response("GET"); !strings.Contains(r.content, `"name":"b.txt"`) || r.fields.Get("Content-Type") != "application/json" {
				t.Errorf("%v %s", r.fields, brief(r.content))
			}
			if r := c.response("GET"); r.content != "pong" {
				t.Errorf("%s", r.content)
			}
			c.expectOpen()
			if r := c.ask("GET /f/sub", ""); r.status != 301 || r.fields.Get("Location") != "./sub/" {
				t.Errorf("%d %v", r.status, r.fields)
			}
			c.close()
		})
	}
}

// TestListingLost has clients go while directories are read, and while a listing is
// sent.
func TestListingLost(t *testing.T) {
	files := map[string]string{}
	for i := range 3000 {
		files[fmt.Sprintf("%s-%04d.txt", strings.Repeat("n", 200), i)] = ""
	}
	dir := siteDir(t, files)
	forEachEngine(t, func(t *testing.T, w *world) {
		w.sites = map[string]static.Options{dir + "/": {Listing: true}}
		w.serve("/f/: " + dir + "/")
		for i := range 12 {
			c := w.client()
			c.send("GET /f/" + req + "\r\n")
			if i%2 == 0 {
				c.take(100)
			}
			c.abort()
		}
	})
}

// TestListingBusy holds back the results of readings, as a disk does that answers
// late: the places for listings fill, clients are not kept waiting for ever, and when
// the results come, the places are free.
func TestListingBusy(t *testing.T) {
	dir := siteDir(t, map[string]string{"a.txt": "a"})
	w := newSimWorld(t, 1, engine.Faults{})
	w.sites = map[string]static.Options{dir + "/": {Listing: true}}
	var held []engine.Message
	holding := true
	w.wrap = func(h *engine.Handler) {
		messages := h.Message
		h.Message = func(m engine.Message) {
			if holding && m.Kind == messageListed {
				held = append(held, m)
				return
			}
			messages(m)
		}
	}
	w.serve("/f/: " + dir + "/")
	busy := func(c *client) {
		t.Helper()
		if r := c.response("GET"); r.status != 503 || r.fields.Get("Retry-After") != "1" {
			t.Errorf("%d %v", r.status, r.fields)
		}
		c.expectOpen()
	}
	var waiting []*client
	for range listings {
		c := w.client()
		c.send("GET /f/" + req + "\r\n")
		waiting = append(waiting, c)
	}
	w.eventually("all directories have been read", func() bool { return len(held) == listings })
	c := w.client()
	c.send("GET /f/" + req + "\r\n")
	busy(c)
	w.advance(listingPatience + time.Second)
	for _, c := range waiting {
		busy(c)
	}
	c.send("GET /f/" + req + "\r\n")
	busy(c)
	holding = false
	for _, m := range held {
		w.g.message(m)
	}
	if r := c.ask("GET /f/", ""); r.status != 200 || !strings.Contains(r.content, "a.txt") {
		t.Errorf("%d %s", r.status, r.content)
	}
}
