package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// response is a parsed response of a test, for those whose fields are up to
// the file system.
type response struct {
	status  int
	fields  http.Header
	content string
}

// response receives the response to a request.
func (c *client) response(method string) *response {
	c.w.t.Helper()
	end := 0
	c.until("a head has come", func(got []byte) bool {
		end = strings.Index(string(got), "\r\n\r\n")
		return end >= 0
	})
	if end < 0 {
		c.w.t.Fatalf("no response, but %s", brief(string(c.got)))
	}
	head := string(c.take(end + 4))
	r := &response{fields: http.Header{}}
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	if _, err := fmt.Sscanf(lines[0], "HTTP/1.1 %d ", &r.status); err != nil {
		c.w.t.Fatalf("status line %q: %v", lines[0], err)
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.fields.Add(name, value)
	}
	if length := r.fields.Get("Content-Length"); length != "" && method != "HEAD" && r.status != 304 {
		n := 0
		if _, err := fmt.Sscan(length, &n); err != nil {
			c.w.t.Fatalf("Content-Length %q", length)
		}
		r.content = string(c.take(n))
	}
	return r
}

// ask sends a request and receives its response.
func (c *client) ask(line, fields string) *response {
	c.w.t.Helper()
	c.send(line + req + fields + "\r\n")
	method, _, _ := strings.Cut(line, " ")
	return c.response(method)
}

func TestStatic(t *testing.T) {
	middle, large := numbered(20_000), numbered(300_000)
	table := []struct {
		name, line, fields string
		status             int
		content            string
		field, value       string
	}{
		{"a small file", "GET /files/a.txt", "", 200, "file a", "Content-Type", "text/plain; charset=utf-8"},
		{"from memory", "GET /files/middle.bin", "", 200, middle, "Content-Length", "20000"},
		{"from a descriptor", "GET /files/large.bin", "", 200, large, "Content-Length", "300000"},
		{"HEAD", "HEAD /files/large.bin", "", 200, "", "Content-Length", "300000"},
		{"a range", "GET /files/large.bin", "Range: bytes=100000-199999\r\n", 206, large[100_000:200_000], "Content-Range", "bytes 100000-199999/300000"},
		{"a range of memory", "GET /files/middle.bin", "Range: bytes=-5000\r\n", 206, middle[15_000:], "Content-Range", "bytes 15000-19999/20000"},
		{"ranges that make one", "GET /files/large.bin", "Range: bytes=100-199,150-299,300-399\r\n", 206, large[100:400], "Content-Range", "bytes 100-399/300000"},
		{"too many ranges", "GET /files/middle.bin", "Range: bytes=" + strings.Repeat("0-0,", 65) + "\r\n", 200, middle, "Content-Length", "20000"},
		{"a range that is not there", "GET /files/a.txt", "Range: bytes=100-\r\n", 416, "416 Range Not Satisfiable\n", "Content-Range", "bytes */6"},
		{"not modified", "GET /files/a.txt", "If-None-Match: *\r\n", 304, "", "Content-Length", ""},
		{"a failed condition", "GET /files/a.txt", "If-Match: \"x\"\r\n", 412, "412 Precondition Failed\n", "", ""},
		{"the index", "GET /files/", "", 200, "<p>index</p>", "Content-Type", "text/html; charset=utf-8"},
		{"of a directory", "GET /files/sub/", "", 200, "<p>sub</p>", "", ""},
		{"a directory without its slash", "GET /files/sub?q=1", "", 301, "301 Moved Permanently\n", "Location", "./sub/?q=1"},
		{"the prefix without its slash", "GET /files", "", 301, "301 Moved Permanently\n", "Location", "./files/"},
		{"a spelling of its own", "GET /files/%61.txt", "", 200, "file a", "", ""},
		{"dot segments", "GET /files/sub/../a.txt", "", 200, "file a", "", ""},
		{"not there", "GET /files/b.txt", "", 404, "404 Not Found\n", "", ""},
		{"an encoded slash", "GET /files/sub%2Findex.html", "", 404, "404 Not Found\n", "", ""},
		{"one file", "GET /one", "", 200, "file a", "", ""},
		{"a directory at an exact path", "GET /dir", "", 200, "<p>index</p>", "", ""},
		{"POST", "POST /files/a.txt", "Content-Length: 0\r\n", 405, "405 Method Not Allowed\n", "Allow", "GET, HEAD"},
		{"OPTIONS", "OPTIONS /files/a.txt", "", 204, "", "Allow", "GET, HEAD"},
	}
	for _, secret := range []bool{false, true} {
		forEachEngine(t, func(t *testing.T, w *world) {
			if secret {
				w.sealing()
			}
			tableWorld(t, w)
			c := w.client()
			for _, row := range table {
				r := c.ask(row.line, row.fields)
				if r.status != row.status || r.content != row.content || row.field != "" && r.fields.Get(row.field) != row.value {
					t.Errorf("%s (%s): %d %v %s, want %d %s %q", row.name, row.line, r.status, r.fields, brief(r.content), row.status, brief(row.content), row.value)
				}
			}
			tag := c.ask("GET /files/a.txt", "").fields.Get("ETag")
			if r := c.ask("GET /files/a.txt", "If-None-Match: \"x\"\r\nIf-None-Match: \"y\", "+tag+"\r\n"); r.status != 304 {
				t.Errorf("a condition in two lines is answered with %d", r.status)
			}
			c.expectOpen()
			// All of them again, in one piece, which is answered in order.
			var all strings.Builder
			for _, row := range table {
				all.WriteString(row.line + req + row.fields + "\r\n")
			}
			c.send(all.String())
			for _, row := range table {
				method, _, _ := strings.Cut(row.line, " ")
				if r := c.response(method); r.status != row.status || r.content != row.content {
					t.Errorf("%s, pipelined: %d %s", row.name, r.status, brief(r.content))
				}
			}
			c.expectOpen()
			c.close()
		})
	}
}

// TestMixedPipeline sends requests for every action in one piece.
func TestMixedPipeline(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		tableWorld(t, w)
		var in strings.Builder
		var want []string
		ask := func(line, content string) {
			in.WriteString(line + req + "\r\n")
			want = append(want, content)
		}
		for i := range 10 {
			ask("GET /ping", "pong")
			ask("GET /files/large.bin", numbered(300_000))
			ask(fmt.Sprintf("GET /p/%d", i), fmt.Sprintf(`GET /%d ""`, i))
			ask("GET /files/a.txt", "file a")
			ask("GET /big", numbered(100_000))
			ask("GET /old/x", "Moved Permanently\n")
			ask("GET /files/middle.bin", numbered(20_000))
			ask("GET /nowhere", "404 Not Found\n")
		}
		c := w.client()
		c.send(in.String())
		for i, content := range want {
			if r := c.response("GET"); r.content != content {
				t.Fatalf("response %d is %s, want %s", i, brief(r.content), brief(content))
			}
		}
		c.expectOpen()
		c.close()
	})
}
