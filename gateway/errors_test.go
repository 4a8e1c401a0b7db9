package gateway

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const htmlType = "text/html; charset=utf-8"

// withPages gives the routes, by their index, and the generation pages.
func (w *world) withPages(top *ErrorPages, routes map[int]*ErrorPages) {
	gen := *w.current.Load()
	gen.Errors = top
	gen.Routes = append([]Route(nil), gen.Routes...)
	for i := range gen.Routes {
		gen.Routes[i].Errors = top
		if p, ok := routes[i]; ok {
			gen.Routes[i].Errors = p
		}
	}
	w.current.Store(&gen)
}

// pagesOf makes pages of contents by status.
func pagesOf(intercept bool, contents map[int]string) *ErrorPages {
	p := &ErrorPages{Intercept: intercept}
	for status, content := range contents {
		p.Set(status, NewFixed(status, htmlType, []byte(content)))
	}
	return p
}

// TestErrorPages asks for errors of every action, and of none.
func TestErrorPages(t *testing.T) {
	large := numbered(60_000)
	table := []struct {
		name, line, fields string
		status             int
		content            string
		field, value       string
	}{
		{"no route", "GET /nowhere", "", 404, "top 404", "Content-Type", htmlType},
		{"no route, HEAD", "HEAD /nowhere", "", 404, "", "Content-Length", "7"},
		{"no method", "GET /post", "", 405, "top 405", "Allow", "POST"},
		{"a bad path", "GET /../x", "", 400, "top 400", "", ""},
		{"no file", "GET /files/no", "", 404, "route 404", "Content-Type", htmlType},
		{"no file, HEAD", "HEAD /files/no", "", 404, "", "Content-Length", "9"},
		{"a method that files do not have", "POST /files/a.txt", "Content-Length: 0\r\n", 405, "top 405", "Allow", "GET, HEAD"},
		{"a range that is not there", "GET /files/a.txt", "Range: bytes=100-\r\n", 416, large, "Content-Range", "bytes */6"},
		{"a failed condition without a page", "GET /files/a.txt", "If-Match: \"x\"\r\n", 412, "412 Precondition Failed\n", "", ""},
		{"a file", "GET /files/a.txt", "", 200, "file a", "", ""},
		{"a fixed answer keeps its own", "GET /teapot", "", 404, "mine", "", ""},
		{"an echo keeps its own", "GET /echo", "", 404, "", "Server", "anygate"},
		{"nobody there", "GET /gone/", "", 502, "top 502", "Content-Type", htmlType},
		{"nobody there, HEAD", "HEAD /gone/", "", 502, "", "Content-Length", "7"},
		{"what an upstream answers stays", "GET /p/", "", 404, "origin", "X-Origin", "1"},
		{"pipelines go on", "GET /files/a.txt", "", 200, "file a", "", ""},
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.settings.Body = 100
		gone := w.upstream("gone", always(""))
		w.upstream("up", always("HTTP/1.1 404 Not Found\r\nX-Origin: 1\r\nContent-Length: 6\r\n\r\norigin"))
		if w.onSim() {
			gone.refuse(true)
		} else {
			_ = gone.lis.Close()
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("file a"), 0o644); err != nil {
			t.Fatal(err)
		}
		w.serve("/files/: "+dir, "GET /teapot: 404 mine", "GET /echo: 404 *", "/gone/: http://gone", "/p/: http://up", "POST /post: OK", "POST /take: http://up")
		top := map[int]string{400: "top 400", 404: "top 404", 405: "top 405", 413: "top 413", 502: "top 502", 416: large}
		route := map[int]string{404: "route 404", 405: "top 405", 416: large}
		w.withPages(pagesOf(false, top), map[int]*ErrorPages{0: pagesOf(false, route)})
		c := w.client()
		for _, row := range table {
			r := c.ask(row.line, row.fields)
			if r.status != row.status || r.fields.Get(row.field) != row.value && row.field != "" || row.content != r.content && !strings.HasPrefix(row.name, "an echo") {
				t.Errorf("%s (%s): %d %v %s, want %d %s %q", row.name, row.line, r.status, r.fields, brief(r.content), row.status, brief(row.content), row.value)
			}
		}
		c.close()

		c = w.client()
		if r := c.ask("POST /take", "Content-Length: 101\r\n"); r.status != 413 || r.content != "top 413" {
			t.Errorf("content that is too large: %d %q", r.status, r.content)
		}
		c.close()

		c = w.client()
		c.send("GET  / HTTP/1.1\r\n\r\n")
		c.expect("HTTP/1.1 400 Bad Request\r\nServer: anygate\r\nDate: D\r\nContent-Type: " + htmlType + "\r\nContent-Length: 7\r\nConnection: close\r\n\r\ntop 400")
		c.expectEnd()
	})
}

// TestErrorPagesIntercept has pages stand for what upstreams answer.
func TestErrorPagesIntercept(t *testing.T) {
	const described = "Content-Type: text/x\r\nETag: \"1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-encoding: gzip\r\nContent-Language: de\r\nAccept-Ranges: bytes\r\n"
	const kept = "Retry-After: 7\r\nContent-Security-Policy: default-src\r\nX: y\r\n"
	page := func(status, fields, content string) string {
		return "HTTP/1.1 " + status + "\r\nServer: anygate\r\nDate: D\r\nContent-Type: " + htmlType + "\r\n" + fields + "Content-Length: " + content
	}
	table := []struct {
		name, request, answer string
		closes                bool
		want                  string
		reused                bool
	}{
		{"a length", get("/p/"), "HTTP/1.1 503 Service Unavailable\r\n" + described + kept + "Content-Length: 6\r\n\r\norigin", false, page("503 Service Unavailable", kept, "4\r\n\r\npage"), true},
		{"no content", get("/p/"), "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", false, page("503 Service Unavailable", "", "4\r\n\r\npage"), true},
		{"chunks and trailers", get("/p/"), "HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n", false, page("503 Service Unavailable", "", "4\r\n\r\npage"), true},
		{"HEAD", "HEAD /p/ HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 503 x\r\nContent-Length: 600000\r\n\r\n", false, page("503 Service Unavailable", "", "4\r\n\r\n"), true},
		{"until the connection ends", get("/p/"), "HTTP/1.1 503 x\r\n\r\nabc", true, page("503 Service Unavailable", "", "4\r\n\r\npage"), false},
		{"cut off", get("/p/"), "HTTP/1.1 503 x\r\nContent-Length: 10\r\n\r\nabc", true, page("503 Service Unavailable", "", "4\r\n\r\npage"), false},
		{"too much to read", get("/p/"), "HTTP/1.1 503 x\r\nContent-Length: 600000\r\n\r\nabc", false, page("503 Service Unavailable", "", "4\r\n\r\npage"), false},
		{"chunks, too many to read", get("/p/"), "HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + numbered(300_000) + "\r\n", false, page("503 Service Unavailable", "", "4\r\n\r\npage"), false},
		{"a status nobody knows", get("/p/"), "HTTP/1.1 599 x\r\nContent-Length: 1\r\n\r\nx", false, page("599 ", "", "7\r\n\r\nunnamed"), true},
		{"no page", get("/p/"), "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\norigin", false, "HTTP/1.1 404 Not Found\r\nServer: anygate\r\nDate: D\r\nContent-Length: 6\r\n\r\norigin", true},
		{"no error", get("/p/"), ok("fine"), false, relayed("fine"), true},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				first := func(c *upstreamConn, _ *http.Request, _ string) string {
					if row.closes {
						return hangUp(row.answer)(c, nil, "")
					}
					return row.answer
				}
				up := w.upstream("up", answers(first, say(ok("next"))))
				w.serve("/p/: http://up")
				pages := pagesOf(true, map[int]string{503: "page"})
				pages.Set(599, NewFixed(500, htmlType, []byte("unnamed")))
				w.withPages(pages, nil)
				c := w.client()
				c.send(row.request)
				c.expect(row.want)
				up.settled()
				c.send(get("/p/next"))
				c.expect(relayed("next"))
				c.expectOpen()
				c.close()
				if reused := up.count() == 1; reused != row.reused {
					t.Errorf("the upstream's connection is reused: %v", reused)
				}
			})
		})
	}
}

// TestErrorPagesKeepFields tells fields that describe content from all others.
func TestErrorPagesKeepFields(t *testing.T) {
	block := []byte("A: b\r\nContent-Type: x\r\netag: y\r\nContent-Typed: z\r\nAccept-Ranges: bytes\r\nRetry-After: 1\r\nDigest: d\r\n")
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { dst = appendForeign(dst[:0], block) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got, want := string(dst), "A: b\r\nContent-Typed: z\r\nRetry-After: 1\r\n"; got != want {
		t.Errorf("kept %q, want %q", got, want)
	}
}

// TestErrorPagesAllocateNothing counts the allocations of the whole process
// while pages are answered.
func TestErrorPagesAllocateNothing(t *testing.T) {
	for _, path := range []string{"/p/", "/post", "/none", "/files/none"} {
		t.Run(path, func(t *testing.T) {
			forEachLoop(t, func(t *testing.T, w *world) {
				response := []byte("HTTP/1.1 503 x\r\nRetry-After: 7\r\nETag: \"x\"\r\nContent-Length: 6\r\n\r\norigin")
				end := []byte("\r\n\r\n")
				w.upstream("up", func(c *upstreamConn) {
					for i := bytes.Index(c.in, end); i >= 0; i = bytes.Index(c.in, end) {
						c.in = c.in[:copy(c.in, c.in[i+4:])]
						_, _ = c.conn.Write(response)
					}
				})
				w.serve("/p/: http://up", "POST /post: OK", "/files/: "+t.TempDir())
				w.withPages(pagesOf(true, map[int]string{404: "no", 405: "not so", 503: "later"}), nil)
				c := w.client()
				request, in := []byte(get(path)), make([]byte, 4096)
				c.send(string(request))
				c.response("GET")
				round := func() {
					if _, err := c.conn.Write(request); err != nil {
						t.Fatal(err)
					}
					for got := 0; ; {
						n, err := c.conn.Read(in[got:])
						if err != nil {
							t.Fatal(err)
						}
						// Each page is shorter than what it stands for, and the last thing to come.
						if got += n; bytes.HasSuffix(in[:got], []byte("no")) || bytes.HasSuffix(in[:got], []byte("not so")) || bytes.HasSuffix(in[:got], []byte("later")) {
							return
						}
					}
				}
				for range 200 {
					round()
				}
				_ = c.conn.SetDeadline(time.Now().Add(patience))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for range 2000 {
					round()
				}
				runtime.ReadMemStats(&after)
				if n := after.Mallocs - before.Mallocs; n > 300 {
					t.Errorf("%d allocations in 2000 requests", n)
				}
				c.close()
			})
		})
	}
}
