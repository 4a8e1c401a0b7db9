package gateway

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
)

// tableWorld sets up the routes that the tables of requests and responses are
// written for.
func tableWorld(t testing.TB, w *world) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("index.html", "<p>index</p>")
	write("a.txt", "file a")
	write("sub/index.html", "<p>sub</p>")
	write("middle.bin", numbered(20_000))
	write("large.bin", numbered(300_000))
	w.settings.Body = 1 << 20
	w.upstream("up", answering(tableUpstream))
	w.serve(
		"GET /ping: OK pong",
		"GET POST /both: CREATED both",
		`/json: OK {"a":1}`,
		"/none: NO_CONTENT",
		"/big: OK "+numbered(100_000),
		"/files/: "+dir+"/",
		"/one: "+dir+"/a.txt",
		"/dir: "+dir+"/",
		"/p/: http://up/",
		"GET /old/*: MOVED /new/*",
		"GET /away: TEMP_REDIRECT https://example.com/x",
		"GET /echo/get: *",
		"/echo: *",
		"admin.example.com/ping: OK admin",
	)
}

// tableUpstream answers with what it was asked, in the form that the path
// names.
func tableUpstream(c *upstreamConn, r *http.Request, content string) string {
	body := fmt.Sprintf("%s %s %q", r.Method, r.RequestURI, content)
	for name, values := range r.Trailer {
		body += fmt.Sprintf(" %s=%s", name, strings.Join(values, ","))
	}
	if len(content) > 1000 {
		body = fmt.Sprintf("%s %s %d bytes", r.Method, r.RequestURI, len(content))
	}
	switch {
	case r.Method == "HEAD":
		return "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"
	case strings.HasPrefix(r.URL.Path, "/chunked"):
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n%x\r\n%s\r\n0\r\nX-T: t\r\n\r\n", len(body), body)
	case strings.HasPrefix(r.URL.Path, "/close"):
		c.write("HTTP/1.0 200 OK\r\n\r\n" + body)
		c.closeWrite()
		return ""
	case strings.HasPrefix(r.URL.Path, "/304"):
		return "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"
	case strings.HasPrefix(r.URL.Path, "/hints"):
		return "HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Up: 1\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// numbered is text in which every place can be told from the others.
func numbered(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%07d.", i)
	}
	return b.String()[:n]
}

const (
	host = "Host: h\r\n"
	req  = " HTTP/1.1\r\n" + host
	// fixedHead is the beginning of the gateway's own responses.
	okLine = "HTTP/1.1 200 OK\r\n"
	served = "Server: anygate\r\nDate: D\r\n"
)

// fromUp is the response of tableUpstream to the client.
func fromUp(body string) string {
	return fmt.Sprintf(okLine+served+"X-Up: 1\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// fromUpChunked is that of its chunked form.
func fromUpChunked(body string) string {
	return fmt.Sprintf(okLine+served+"Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nX-T: t\r\n\r\n", len(body), body)
}

// headOnly is a response without its content.
func headOnly(response string) string {
	head, _, _ := strings.Cut(response, "\r\n\r\n")
	return head + "\r\n\r\n"
}

// answerPage is one of the gateway's own pages with further field lines.
func answerPage(status int, fields string) string {
	head, body, _ := strings.Cut(page(status), "\r\nContent-Length: ")
	return head + "\r\n" + fields + "Content-Length: " + body
}

type tableRow struct {
	name, in, out string
	ends          bool // the gateway closes the connection after out
}

var h1Table = []tableRow{
	// Order, and the life of the connection.
	{"fixed", "GET /ping" + req + "\r\n", text(200, "pong"), false},
	{"pipelined", "GET /ping" + req + "\r\nGET /both" + req + "\r\nGET /json" + req + "\r\n", text(200, "pong") + text(201, "both") + okLine + served + "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}", false},
	{"pipelined through the upstream", "GET /p/a" + req + "\r\nGET /ping" + req + "\r\nGET /p/chunked" + req + "\r\nGET /p/b" + req + "\r\nGET /both" + req + "\r\n", fromUp(`GET /a ""`) + text(200, "pong") + fromUpChunked(`GET /chunked ""`) + fromUp(`GET /b ""`) + text(201, "both"), false},
	{"an empty line before the request", "\r\n\r\nGET /ping" + req + "\r\n\r\nGET /ping" + req + "\r\n", text(200, "pong") + text(200, "pong"), false},
	{"the client asks for the end", "GET /ping" + req + "Connection: close\r\n\r\nGET /both" + req + "\r\n", closing(text(200, "pong")), true},
	{"of a proxied one", "GET /p/a" + req + "Connection: close\r\n\r\n", closing(fromUp(`GET /a ""`)), true},
	{"HTTP/1.0", "GET /ping HTTP/1.0\r\n\r\n", closing(text(200, "pong")), true},
	{"HTTP/1.0 that goes on", "GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", strings.Replace(text(200, "pong"), "\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n", 1), false},
	{"HTTP/1.0 without a length", "GET /p/chunked HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n\r\n", okLine + served + "Trailer: X-T\r\nConnection: close\r\n\r\n" + `GET /chunked ""`, true},
	{"an upstream without a length", "GET /p/close" + req + "\r\nGET /ping" + req + "\r\n", okLine + served + "Transfer-Encoding: chunked\r\n\r\nd\r\n" + `GET /close ""` + "\r\n0\r\n\r\n" + text(200, "pong"), false},
	{"interim responses", "GET /p/hints" + req + "\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\nHTTP/1.1 204 No Content\r\n" + served + "\r\n", false},
	{"no interim responses in HTTP/1.0", "GET /p/hints HTTP/1.0\r\n" + host + "\r\n", "HTTP/1.1 204 No Content\r\n" + served + "Connection: close\r\n\r\n", true},

	// Responses without content.
	{"HEAD of a fixed answer", "HEAD /ping" + req + "\r\nGET /ping" + req + "\r\n", headOnly(text(200, "pong")) + text(200, "pong"), false},
	{"HEAD of a large fixed answer", "HEAD /big" + req + "\r\n", headOnly(text(200, numbered(100_000))), false},
	{"HEAD of an upstream", "HEAD /p/a" + req + "\r\nHEAD /ping" + req + "\r\n", okLine + served + "Content-Length: 1234\r\n\r\n" + headOnly(text(200, "pong")), false},
	{"HEAD of a page of ours", "HEAD /nowhere" + req + "\r\n", headOnly(page(404)), false},
	{"HEAD of a redirect", "HEAD /old/x" + req + "\r\n", headOnly(redirected("/new/x")), false},
	{"204", "GET /none" + req + "\r\nGET /ping" + req + "\r\n", "HTTP/1.1 204 No Content\r\n" + served + "\r\n" + text(200, "pong"), false},
	{"304 of an upstream", "GET /p/304" + req + "\r\nGET /ping" + req + "\r\n", "HTTP/1.1 304 Not Modified\r\n" + served + "ETag: \"x\"\r\n\r\n" + text(200, "pong"), false},
	{"304 of an upstream, HTTP/1.0 going on", "GET /p/304 HTTP/1.0\r\n" + host + "Connection: keep-alive\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n" + served + "ETag: \"x\"\r\nConnection: keep-alive\r\n\r\n", false},

	// Larger ones.
	{"a large fixed answer", "GET /big" + req + "\r\nGET /ping" + req + "\r\n", text(200, numbered(100_000)) + text(200, "pong"), false},
	{"and the end", "GET /big" + req + "Connection: close\r\n\r\n", closing(text(200, numbered(100_000))), true},

	// Content of requests.
	{"content to the upstream", "POST /p/a" + req + "Content-Length: 5\r\n\r\nhelloGET /ping" + req + "\r\n", fromUp(`POST /a "hello"`) + text(200, "pong"), false},
	{"chunked content with a trailer", "POST /p/a" + req + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 1\r\n\r\nGET /ping" + req + "\r\n", fromUp(`POST /a "hello world" X-Sum=1`) + text(200, "pong"), false},
	{"a connection's own trailer fields stay here", "POST /p/a" + req + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nConnection: x\r\nContent-Length: 7\r\nX-Sum: 1\r\n\r\n", fromUp(`POST /a "x" X-Sum=1`), false},
	{"content nobody reads", "POST /both" + req + "Content-Length: 5\r\n\r\nhelloGET /ping" + req + "\r\n", text(201, "both") + text(200, "pong"), false},
	{"chunked content nobody reads", "POST /both" + req + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\nGET /ping" + req + "\r\n", text(201, "both") + text(200, "pong"), false},
	{"content of length 0", "POST /p/a" + req + "Content-Length: 0\r\n\r\n", fromUp(`POST /a ""`), false},
	{"more than is worth reading", "POST /both" + req + "Content-Length: 300000\r\n\r\nxxx", closing(text(201, "both")), true},
	{"too much, by its length", "POST /p/a" + req + "Content-Length: 1048577\r\n\r\nxxx", closing(page(413)), true},
	{"too much and not wanted anyway", "POST /both" + req + "Content-Length: 1048577\r\n\r\nxxx", closing(page(413)), true},

	// 100 (Continue).
	{"continue", "POST /p/a" + req + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 100 Continue\r\n\r\n" + fromUp(`POST /a "hello"`), false},
	{"continue, chunked", "POST /p/a" + req + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n" + fromUp(`POST /a "hello"`), false},
	{"not asked to continue", "POST /both" + req + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", closing(text(201, "both")), true},
	{"told that it is too much", "POST /p/a" + req + "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n", closing(page(413)), true},
	{"no continue without content", "GET /ping" + req + "Expect: 100-continue\r\n\r\n", text(200, "pong"), false},
	{"no continue in HTTP/1.0", "POST /p/a HTTP/1.0\r\n" + host + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", closing(fromUp(`POST /a "hi"`)), true},
	{"another expectation", "POST /p/a" + req + "Expect: a miracle\r\nContent-Length: 2\r\n\r\nhi", closing(page(417)), true},

	// What is not served.
	{"not found", "GET /nowhere" + req + "\r\n", page(404), false},
	{"not allowed", "DELETE /ping" + req + "\r\n", answerPage(405, "Allow: GET, HEAD\r\n"), false},
	{"not allowed, with content", "PUT /ping" + req + "Content-Length: 3\r\n\r\nabc", answerPage(405, "Allow: GET, HEAD\r\n"), false},
	{"what is allowed", "OPTIONS /both" + req + "\r\n", "HTTP/1.1 204 No Content\r\n" + served + "Allow: GET, HEAD, POST\r\n\r\n", false},
	{"what the server allows", "OPTIONS *" + req + "\r\n", "HTTP/1.1 204 No Content\r\n" + served + "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n\r\n", false},
	{"the same in the absolute form", "OPTIONS http://h" + req + "\r\n", "HTTP/1.1 204 No Content\r\n" + served + "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n\r\n", false},
	{"options of an action", "OPTIONS /p/a" + req + "\r\n", fromUp(`OPTIONS /a ""`), false},
	{"a path with a NUL", "GET /%00" + req + "\r\n", page(400), false},
	{"a path above the root", "GET /../ping" + req + "\r\n", page(400), false},
	{"CONNECT", "CONNECT h:443" + req + "\r\n", closing(answerPage(405, "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n")), true},

	// Forms of the target.
	{"absolute form", "GET http://h/ping" + req + "\r\n", text(200, "pong"), false},
	{"whose authority wins", "GET http://admin.example.com/ping" + req + "\r\n", text(200, "admin"), false},
	{"by the Host field", "GET /ping HTTP/1.1\r\nHost: ADMIN.example.com:8080\r\n\r\n", text(200, "admin"), false},
	{"a query", "GET /p/a?x=1&y=%20" + req + "\r\n", fromUp(`GET /a?x=1&y=%20 ""`), false},
	{"a prefix without its slash", "GET /p" + req + "\r\n", fromUp(`GET / ""`), false},

	// Redirects.
	{"redirect", "GET /old/a/b?q=1" + req + "\r\n", redirected("/new/a/b?q=1"), false},
	{"redirect of nothing", "GET /old/" + req + "\r\n", redirected("/new/"), false},
	{"redirect elsewhere", "GET /away" + req + "\r\n", "HTTP/1.1 307 Temporary Redirect\r\n" + served + "Location: https://example.com/x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\n\r\nTemporary Redirect\n", false},

	// Heads that are none.
	{"no request", "hello\r\n\r\n", closing(page(400)), true},
	{"no host", "GET /ping HTTP/1.1\r\n\r\n", closing(page(400)), true},
	{"a blank before the colon", "GET /ping HTTP/1.1\r\nHost : h\r\n\r\n", closing(page(400)), true},
	{"a folded line", "GET /ping" + req + " x\r\n\r\n", closing(page(400)), true},
	{"length and chunked", "POST /p/a" + req + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", closing(page(400)), true},
	{"HTTP/2 over HTTP/1", "GET /ping HTTP/2.0\r\n" + host + "\r\n", closing(page(505)), true},
	{"after a good one", "GET /ping" + req + "\r\nhello\r\n\r\n", text(200, "pong") + closing(page(400)), true},
	{"after a proxied one", "GET /p/a" + req + "\r\nhello\r\n\r\n", fromUp(`GET /a ""`) + closing(page(400)), true},
	{"a broken chunk", "POST /p/a" + req + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX", closing(page(400)), true},
	{"a broken chunk that nobody reads", "POST /both" + req + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX", text(201, "both"), true},
}

func redirected(to string) string {
	return "HTTP/1.1 301 Moved Permanently\r\n" + served + "Location: " + to + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 18\r\n\r\nMoved Permanently\n"
}

// check sends a row's bytes, in the parts given, and compares.
func (r *tableRow) check(w *world, parts ...string) {
	w.t.Helper()
	c := w.client()
	for i, p := range parts {
		c.send(p)
		if i < len(parts)-1 && w.onSim() {
			w.steps(4)
		}
	}
	c.expect(r.out)
	if r.ends {
		c.expectEnd()
		return
	}
	c.expectOpen()
	c.close()
}

// longHeads are rows whose bytes are too many for a literal.
func longHeads() []tableRow {
	return []tableRow{
		{"a long request line", "GET /" + strings.Repeat("x", 9000) + req + "\r\n", closing(page(414)), true},
		{"a long head", "GET /ping" + req + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 40) + "\r\n", closing(page(431)), true},
		{"many fields", "GET /ping" + req + strings.Repeat("X: y\r\n", 101) + "\r\n", closing(page(431)), true},
		{"a head that is just short enough", "GET /ping" + req + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 30) + "\r\n", text(200, "pong"), false},
		{"too much, by its chunks", "POST /p/a" + req + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+numbered(65536)+"\r\n", 17) + "0\r\n\r\n", page(413), false},
	}
}

func TestHTTP1(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		tableWorld(t, w)
		for _, r := range append(h1Table, longHeads()...) {
			t.Run(r.name, func(t *testing.T) {
				w.t = t
				r.check(w, r.in)
			})
		}
		w.t = t
	})
}

// TestHTTP1AtEverySplit cuts each row's bytes in two at every place, and then
// into single bytes.
func TestHTTP1AtEverySplit(t *testing.T) {
	w := newSimWorld(t, 2, engine.Faults{})
	tableWorld(t, w)
	for _, r := range h1Table {
		t.Run(r.name, func(t *testing.T) {
			w.t = t
			for i := 1; i < len(r.in); i++ {
				r.check(w, r.in[:i], r.in[i:])
			}
			r.check(w, strings.Split(r.in, "")...)
		})
	}
	w.t = t
}

// TestHTTP1WithFaults runs the table with short receives and sends, delays,
// interrupted operations and receives without a buffer: none of them may show.
func TestHTTP1WithFaults(t *testing.T) {
	for seed := range uint64(20) {
		w := newSimWorld(t, seed, engine.Faults{Short: 0.7, Delay: 0.3, NoBufs: 0.2, Cancel: 0.2})
		tableWorld(t, w)
		for _, r := range append(h1Table, longHeads()...) {
			r.checkMerged(w)
		}
	}
}

// checkMerged is check for a simulation with faults, in which chunks are cut
// differently.
func (r tableRow) checkMerged(w *world) {
	w.t.Helper()
	c := w.client()
	c.send(r.in)
	if !r.ends {
		c.send("GET /.sentinel" + req + "Connection: close\r\n\r\n")
		r.out += closing(page(404))
	}
	if got := oneChunk(undated(c.rest())); got != r.out || c.reset {
		w.t.Fatalf("%s: received (reset %t, seed %d)\n%s\nwant\n%s", r.name, c.reset, w.seed, brief(got), brief(r.out))
	}
	c.close()
}

// oneChunk brings the chunks of each chunked content together, because where
// they end is up to the sizes of receives.
func oneChunk(s string) string {
	const framing = "Transfer-Encoding: chunked"
	head, rest, found := strings.Cut(s, framing)
	if !found {
		return s
	}
	end := strings.Index(rest, "\r\n\r\n")
	head, rest = head+framing+rest[:end+4], rest[end+4:]
	var data string
	for {
		line, after, ok := strings.Cut(rest, "\r\n")
		n, err := strconv.ParseInt(line, 16, 32)
		if !ok || err != nil || int(n)+2 > len(after) {
			return head + data + "<broken>" + rest
		}
		if n == 0 {
			return fmt.Sprintf("%s%x\r\n%s\r\n0\r\n", head, len(data), data) + oneChunk(after)
		}
		data += after[:n]
		rest = after[n+2:]
	}
}
