package gateway

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/static"
)

// gzipped codes content.
func gzipped(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// decoded is the content of a response, which has to be coded with gzip.
func (r *response) decoded(t testing.TB) string {
	t.Helper()
	if got := r.fields.Get("Content-Encoding"); r.status != 200 || got != "gzip" {
		t.Fatalf("%d %v", r.status, r.fields)
	}
	z, err := gzip.NewReader(strings.NewReader(r.content))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// sparse is content that shrinks to a half, so that large content has a large form.
func sparse(n int) string {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = "0123456789abcdef"[x>>28]
	}
	return string(b)
}

const codingFields = "Accept-Encoding: deflate\r\nAccept-Encoding: gzip, br;q=0\r\n"

// TestFormsBesideFiles sends forms that are copied, sent from memory and from a
// descriptor, alone and in a pipeline.
func TestFormsBesideFiles(t *testing.T) {
	contents := map[string]string{"small.js": sparse(2000), "middle.js": sparse(30_000), "large.js": sparse(300_000)}
	files := map[string]string{}
	for name, content := range contents {
		files[name] = content
		files[name+".gz"] = gzipped(t, content)
	}
	dir := siteDir(t, files)
	for name := range files {
		// A form that is older than its file is not sent.
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Unix(1_700_000_000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.sites = map[string]static.Options{dir: {Compress: static.CompressPrecompressed}}
		w.serve("/files/: " + dir)
		c := w.client()
		for name, content := range contents {
			r := c.ask("GET /files/"+name, codingFields)
			if r.decoded(t) != content || r.fields.Get("Vary") != "Accept-Encoding" || r.fields.Get("Accept-Ranges") != "" {
				t.Errorf("%s: %v", name, r.fields)
			}
			tag := r.fields.Get("ETag")
			if r := c.ask("GET /files/"+name, codingFields+"If-None-Match: "+tag+"\r\n"); r.status != 304 || r.fields.Get("ETag") != tag {
				t.Errorf("%s, not modified: %d %v", name, r.status, r.fields)
			}
			if r := c.ask("HEAD /files/"+name, codingFields); r.fields.Get("Content-Encoding") != "gzip" || r.fields.Get("ETag") != tag {
				t.Errorf("HEAD %s: %v", name, r.fields)
			}
			if r := c.ask("GET /files/"+name, codingFields+"Range: bytes=10-19\r\n"); r.status != 206 || r.content != content[10:20] {
				t.Errorf("a part of %s: %d %v", name, r.status, r.fields)
			}
			if r := c.ask("GET /files/"+name, ""); r.content != content || r.fields.Get("Content-Encoding") != "" {
				t.Errorf("%s as it is: %v", name, r.fields)
			}
		}
		var all strings.Builder
		names := []string{"large.js", "small.js", "middle.js", "large.js"}
		for _, name := range names {
			all.WriteString("GET /files/" + name + req + codingFields + "\r\n")
		}
		c.send(all.String())
		for _, name := range names {
			if c.response("GET").decoded(t) != contents[name] {
				t.Errorf("%s, pipelined, is another", name)
			}
		}
		c.expectOpen()
		c.close()
	})
}

// TestFormsMadeWhileServing asks until the form is there, which another goroutine
// makes and posts.
func TestFormsMadeWhileServing(t *testing.T) {
	contents := map[string]string{"/small.js": sparse(2000), "/large.js": sparse(300_000)}
	dir := siteDir(t, map[string]string{"small.js": contents["/small.js"], "large.js": contents["/large.js"]})
	forEachLoop(t, func(t *testing.T, w *world) {
		jobs := make(chan *static.Job, 16)
		made := make(chan struct{})
		go func() {
			defer close(made)
			for j := range jobs {
				content := make([]byte, j.Size())
				if _, err := j.ReadAt(content, 0); err != nil {
					t.Error(err)
				}
				j.Reply(static.Coded{Content: []byte(gzipped(t, string(content)))})
			}
		}()
		w.making = func(j *static.Job) bool {
			jobs <- j
			return true
		}
		w.sites = map[string]static.Options{dir: {}}
		w.serve("/files/: " + dir)
		c := w.client()
		begin := time.Now()
		for path, content := range contents {
			for {
				r := c.ask("GET /files"+path, codingFields)
				if r.fields.Get("Vary") != "Accept-Encoding" {
					t.Fatalf("%s: %v", path, r.fields)
				}
				if r.fields.Get("Content-Encoding") != "" {
					if r.decoded(t) != content || !strings.HasSuffix(r.fields.Get("ETag"), `-gzip"`) {
						t.Errorf("%s: %v", path, r.fields)
					}
					break
				}
				if r.content != content {
					t.Fatalf("%s as it is: %s", path, brief(r.content))
				}
				if time.Since(begin) > patience {
					t.Fatalf("%s is never coded", path)
				}
				// A file is coded when it has not changed for two seconds.
				time.Sleep(20 * time.Millisecond)
			}
		}
		var all strings.Builder
		for range 20 {
			all.WriteString("GET /files/large.js" + req + codingFields + "\r\n")
		}
		c.send(all.String())
		for range 20 {
			if c.response("GET").decoded(t) != contents["/large.js"] {
				t.Fatal("another content")
			}
		}
		c.expectOpen()
		c.close()
		close(jobs)
		<-made
	})
}
