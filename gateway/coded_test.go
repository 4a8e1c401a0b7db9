package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/anygate/anygate/static/coding"
	"github.com/anygate/anygate/static/encoder"
)

// unchunk takes chunked content apart.
func unchunk(t testing.TB, c *client) []byte {
	t.Helper()
	var out []byte
	for {
		n := 0
		c.until("a chunk's size has come", func(got []byte) bool { return bytes.Contains(got, crlf) })
		line, _, _ := bytes.Cut(c.got, crlf)
		if _, err := fmt.Sscanf(string(line), "%x", &n); err != nil {
			t.Fatalf("the size of a chunk is %q", line)
		}
		c.take(len(line) + 2)
		out = append(out, c.take(n)...)
		c.take(2)
		if n == 0 {
			return out
		}
	}
}

func decoded(t testing.TB, name string, b []byte) string {
	t.Helper()
	c := coding.Gzip
	if name == "zstd" {
		c = coding.Zstd
	}
	r, err := encoder.NewReader(bytes.NewReader(b), c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(text)
}

func TestCompress(t *testing.T) {
	long := strings.Repeat("some text that repeats. ", 20_000)
	head := func(fields, content string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", fields, len(content), content)
	}
	const text = "Content-Type: text/plain; charset=utf-8\r\n"
	answers := map[string]string{
		"/long":     head(text+"ETag: \"x\"\r\nAccept-Ranges: bytes\r\n", long),
		"/weak":     head(text+"ETag: W/\"x\"\r\n", long),
		"/json":     head("Content-Type: application/json\r\n", long),
		"/short":    head(text, "short"),
		"/image":    head("Content-Type: image/png\r\n", long),
		"/untyped":  head("", long),
		"/coded":    head(text+"Content-Encoding: gzip\r\n", long),
		"/as-it-is": head(text+"Cache-Control: public, no-transform\r\n", long),
		"/part":     strings.Replace(head(text+"Content-Range: bytes 0-1/9\r\n", long), "200 OK", "206 Partial Content", 1),
		"/chunked":  "HTTP/1.1 200 OK\r\n" + text + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n",
		"/error":    strings.Replace(head(text, long), "200 OK", "404 Not Found", 1),
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.policies = &Policies{Compress: true}
		w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, _ string) string {
			if r.Method == "HEAD" {
				return head(text, "")
			}
			return answers[r.URL.Path]
		}))
		w.serve("/: http://up", "/fixed: OK pong")
		for _, row := range []struct {
			path, accept, coding string
			vary                 bool
			content              string
		}{
			{"/long", "gzip", "gzip", true, long},
			{"/long", "gzip, br, zstd", "zstd", true, long},
			{"/long", "gzip;q=1, zstd;q=0.5", "gzip", true, long},
			{"/long", "br", "", true, long},
			{"/long", "gzip;q=0", "", true, long},
			{"/long", "", "", true, long},
			{"/weak", "gzip", "gzip", true, long},
			{"/json", "zstd", "zstd", true, long},
			{"/error", "gzip", "gzip", true, long},
			{"/chunked", "gzip", "gzip", true, "hello world"},
			{"/chunked", "zstd", "zstd", true, "hello world"},
			{"/short", "gzip", "", true, "short"},
			{"/image", "gzip", "", false, long},
			{"/untyped", "gzip", "", false, long},
			{"/as-it-is", "gzip", "", false, long},
			{"/part", "gzip", "", false, long},
			{"/fixed", "gzip", "", false, "pong"},
		} {
			c := w.client()
			fields := ""
			if row.accept != "" {
				fields = "Accept-Encoding: " + row.accept + "\r\n"
			}
			r := c.ask("GET "+row.path, fields)
			name := row.path + " for " + row.accept
			if got := r.fields.Get("Content-Encoding"); got != row.coding {
				t.Errorf("%s: the coding is %q", name, got)
				continue
			}
			if got := r.fields.Get("Vary") == "Accept-Encoding"; got != row.vary {
				t.Errorf("%s: Vary is %q", name, r.fields["Vary"])
			}
			content := r.content
			switch {
			case row.coding != "" && (row.path != "/chunked"):
				b := unchunk(t, c)
				if content = decoded(t, row.coding, b); len(b) > len(content)/10 {
					t.Errorf("%s: %d bytes became %d", name, len(content), len(b))
				}
				if tag := r.fields.Get("ETag"); row.path == "/long" && tag != `W/"x"` || row.path == "/weak" && tag != `W/"x"` || r.fields.Get("Accept-Ranges") != "" {
					t.Errorf("%s: the fields are %v", name, r.fields)
				}
			case row.coding != "":
				c.until("the end has come", func(got []byte) bool { return bytes.HasSuffix(got, []byte("0\r\nX-T: 1\r\n\r\n")) })
				c.got = append(bytes.TrimSuffix(c.got, []byte("X-T: 1\r\n\r\n")), crlf...)
				content = decoded(t, row.coding, unchunk(t, c))
			}
			if content != row.content {
				t.Errorf("%s: the content is %s", name, brief(content))
			}
			c.close()
		}
		c := w.client()
		if r := c.ask("HEAD /long", "Accept-Encoding: gzip\r\n"); r.fields.Get("Content-Encoding") != "" {
			t.Errorf("HEAD gets %v", r.fields)
		}
		if r := c.ask("GET /coded", "Accept-Encoding: gzip\r\n"); r.content != long {
			t.Errorf("what is coded is coded again: %v", r.fields)
		}
		c.close()
		w.eventually("no stream is in use", func() bool { return w.g.coders.Used() == 0 })
	})
}

// TestCompressNotModified has an upstream say that nothing has changed: the fields
// are those of the response that the client would have got.
func TestCompressNotModified(t *testing.T) {
	not := func(fields string) string { return "HTTP/1.1 304 Not Modified\r\n" + fields + "\r\n" }
	const tag, weak = `"x"`, `W/"x"`
	answers := map[string]string{
		"/bare":  not("ETag: \"x\"\r\nAccept-Ranges: bytes\r\n"),
		"/empty": not("ETag: \"x\"\r\nContent-Length: 0\r\n"),
		"/long":  not("ETag: \"x\"\r\nContent-Length: 5000\r\n"),
		"/short": not("ETag: \"x\"\r\nContent-Length: 5\r\n"),
		"/weak":  not("ETag: W/\"x\"\r\n"),
		"/none":  not(""),
		"/text":  not("ETag: \"x\"\r\nContent-Type: text/plain\r\n"),
		"/image": not("ETag: \"x\"\r\nContent-Type: image/png\r\n"),
		"/as-is": not("ETag: \"x\"\r\nCache-Control: no-transform\r\n"),
		"/coded": not("ETag: \"x\"\r\nContent-Encoding: gzip\r\n"),
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.policies = &Policies{Compress: true}
		w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, _ string) string { return answers[r.URL.Path] }))
		w.serve("/: http://up")
		c := w.client()
		for _, row := range []struct {
			line, accept, condition string
			vary                    bool
			tag                     string
		}{
			{"GET /bare", "gzip", "", true, weak},
			{"GET /bare", "gzip", weak, true, weak},
			{"GET /bare", "gzip", `"y", W/"x"`, true, weak},
			{"GET /bare", "gzip", "*", true, weak},
			{"GET /bare", "gzip", tag, true, tag}, // got as it was
			{"GET /bare", "gzip", `"xW/", "x"`, true, tag},
			{"GET /bare", "", weak, true, tag},
			{"GET /bare", "br", weak, true, tag},
			{"HEAD /bare", "gzip", weak, true, tag},
			{"GET /empty", "gzip", weak, true, weak},
			{"GET /long", "gzip", weak, true, weak},
			{"GET /short", "gzip", weak, true, tag},
			{"GET /weak", "zstd", weak, true, weak},
			{"GET /none", "gzip", weak, true, ""},
			{"GET /text", "gzip", weak, true, weak},
			{"GET /image", "gzip", weak, false, tag},
			{"GET /as-is", "gzip", weak, false, tag},
			{"GET /coded", "gzip", weak, false, tag},
		} {
			fields := ""
			if row.accept != "" {
				fields += "Accept-Encoding: " + row.accept + "\r\n"
			}
			if row.condition != "" {
				fields += "If-None-Match: " + row.condition + "\r\n"
			}
			r := c.ask(row.line, fields)
			if r.status != 304 || r.fields.Get("ETag") != row.tag || (r.fields.Get("Vary") == "Accept-Encoding") != row.vary {
				t.Errorf("%s with %q: %d, %v", row.line, fields, r.status, r.fields)
			}
			if row.tag == weak && r.fields.Get("Accept-Ranges")+r.fields.Get("Content-Length") != "" {
				t.Errorf("%s with %q: %v", row.line, fields, r.fields)
			}
		}
		c.close()
	})
}

// TestCompressedEvents checks that an event arrives before the next one
// happens, and that neither end's going away keeps a stream.
func TestCompressedEvents(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.policies = &Policies{Compress: true}
		var up *upstreamConn
		u := w.upstream("up", answering(func(c *upstreamConn, _ *http.Request, _ string) string {
			up = c
			return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
		}))
		w.serve("/: http://up")
		for _, cut := range []bool{false, true} {
			c := w.client()
			c.send("GET /" + req + "Accept-Encoding: gzip\r\n\r\n")
			if r := c.response("GET"); r.fields.Get("Content-Encoding") != "gzip" {
				t.Fatalf("the fields are %v", r.fields)
			}
			var got []byte
			for i := range 3 {
				event := fmt.Sprintf("data: %d\n\n", i)
				u.locked(func() { up.write(fmt.Sprintf("%x\r\n%s\r\n", len(event), event)) })
				for {
					c.until("a chunk has come", func(b []byte) bool { return bytes.Count(b, crlf) >= 2 })
					var n int
					if _, err := fmt.Sscanf(string(c.got), "%x\r\n", &n); err != nil {
						t.Fatal(err)
					}
					line, _, _ := bytes.Cut(c.got, crlf)
					c.take(len(line) + 2)
					got = append(got, c.take(n)...)
					c.take(2)
					r, err := encoder.NewReader(bytes.NewReader(got), coding.Gzip)
					if err != nil {
						t.Fatal(err)
					}
					text, _ := io.ReadAll(r) // ends before its end
					if strings.HasSuffix(string(text), event) {
						break
					}
				}
			}
			if cut {
				u.locked(func() { up.abort() })
				c.rest()
				c.close()
			} else {
				c.abort()
			}
			w.eventually("no stream is in use", func() bool { return w.g.coders.Used() == 0 })
		}
	})
}
