package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
)

// responses are what an origin may answer, and what becomes of it on the way
// to the client.
var responses = []struct {
	name    string
	request string // without the empty line
	answer  string // of the origin
	closes  bool   // the origin closes the connection behind it
	want    string // at the client, with Date "D"
	reused  bool   // the origin's connection serves the next request
	ends    bool   // the client's connection ends with the response
}{
	{
		"a length", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nX: y\r\nContent-Length: 5\r\n\r\nhello", true, false,
	},
	{
		"no content", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 0\r\n\r\n", true, false,
	},
	{
		"the origin's Date and Server stay", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 404 Not Found\r\nServer: origin\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nno", false,
		"HTTP/1.1 404 Not Found\r\nServer: origin\r\nDate: D\r\nContent-Length: 2\r\n\r\nno", true, false,
	},
	{
		"a reason-phrase means nothing", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 Sure, why not\r\nContent-Length: 0\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 0\r\n\r\n", true, false,
	},
	{
		"a status nobody knows", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 799\r\nContent-Length: 0\r\n\r\n", false,
		"HTTP/1.1 799 \r\nServer: anygate\r\nDate: D\r\nContent-Length: 0\r\n\r\n", true, false,
	},
	{
		"hop-by-hop fields stay behind", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, x-inner\r\nX-Inner: 1\r\nX: y\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nX: y\r\nContent-Length: 0\r\n\r\n", true, false,
	},
	{
		"the origin ends its connection, not the client's", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", true,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 2\r\n\r\nok", false, false,
	},
	{
		"the origin says that it will end its connection", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 2\r\n\r\nok", false, false,
	},
	{
		"HTTP/1.0 without keep-alive", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 2\r\n\r\nok", false, false,
	},
	{
		"HTTP/1.0 with keep-alive", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 2\r\n\r\nok", true, false,
	},
	{
		"chunked", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n006\r\n world\r\n0\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", true, false,
	},
	{
		"chunked, with trailers of which some are not passed on", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\nX-More: 1\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nX-More: 1\r\n\r\n", true, false,
	},
	{
		"chunked, empty", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true, false,
	},
	{
		"chunked, to a client of HTTP/1.0", "GET /p HTTP/1.0\r\nHost: h\r\nConnection: keep-alive",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nConnection: close\r\n\r\nhello", true, true,
	},
	{
		"until the end", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\n\r\nhello", true,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false, false,
	},
	{
		"until the end, which comes at once", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.0 200 OK\r\n\r\n", true,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, false,
	},
	{
		"until the end, to a client of HTTP/1.0", "GET /p HTTP/1.0",
		"HTTP/1.1 200 OK\r\n\r\nhello", true,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nConnection: close\r\n\r\nhello", false, true,
	},
	{
		"HEAD of a length", "HEAD /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 5000000000\r\n\r\n", true, false,
	},
	{
		"HEAD of chunked content", "HEAD /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\n\r\n", true, false,
	},
	{
		"HEAD of content of an unknown length", "HEAD /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\n\r\n", true, false,
	},
	{
		"204", "DELETE /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", false,
		"HTTP/1.1 204 No Content\r\nServer: anygate\r\nDate: D\r\nX: y\r\n\r\n", true, false,
	},
	{
		"204 with a length of 0", "DELETE /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", false,
		"HTTP/1.1 204 No Content\r\nServer: anygate\r\nDate: D\r\n\r\n", true, false,
	},
	{
		"304", "GET /p HTTP/1.1\r\nHost: h\r\nIf-None-Match: \"a\"",
		"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", false,
		"HTTP/1.1 304 Not Modified\r\nServer: anygate\r\nDate: D\r\nETag: \"a\"\r\n\r\n", true, false,
	},
	{
		"304 that tells a length", "GET /p HTTP/1.1\r\nHost: h\r\nIf-None-Match: \"a\"",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", false,
		"HTTP/1.1 304 Not Modified\r\nServer: anygate\r\nDate: D\r\nContent-Length: 77\r\n\r\n", true, false,
	},
	{
		"interim responses are passed on, 100 is not", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\nX: y\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false,
		"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + relayed("ok"), true, false,
	},
	{
		"interim responses are not passed on to HTTP/1.0", "GET /p HTTP/1.0\r\nConnection: keep-alive",
		"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", true, false,
	},
	{
		"16 interim responses", "GET /p HTTP/1.1\r\nHost: h",
		strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 15) + "HTTP/1.1 102 Processing\r\n\r\n" + ok("ok"), false,
		"HTTP/1.1 102 Processing\r\n\r\n" + relayed("ok"), true, false,
	},
	{
		"bytes behind the response", "GET /p HTTP/1.1\r\nHost: h",
		ok("ok") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", false,
		relayed("ok"), false, false,
	},
	{
		"bytes behind a response without content", "HEAD /p HTTP/1.1\r\nHost: h",
		ok("ok"), false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 2\r\n\r\n", false, false,
	},
	{
		"bytes behind chunked content", "GET /p HTTP/1.1\r\nHost: h",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false, false,
	},
}

// answerOnce is the origin's part of a row: the row's answer to the first request,
// an ordinary one to those that follow.
func answerOnce(answer string, closes bool) func(c *upstreamConn) {
	first := say(answer)
	if closes {
		first = hangUp(answer)
	}
	return answers(first, say(ok("next")))
}

// expectNext sends another request, which has to be served, over the same
// connection to the origin or a new one.
func expectNext(t *testing.T, u *upstream, c *client, conns int) {
	t.Helper()
	c.send(get("/p/next"))
	c.expect(relayed("next"))
	if n := u.count(); n != conns {
		t.Errorf("the origin has seen %d connections, want %d", n, conns)
	}
}

func TestProxyResponses(t *testing.T) {
	for _, tt := range responses {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				u := w.upstream("up", answerOnce(tt.answer, tt.closes))
				w.serve("/p/: http://up")
				c := w.client()
				c.send(tt.request + "\r\n\r\n")
				c.expect(tt.want)
				if tt.ends {
					c.expectEnd()
					c = w.client()
				}
				conns := 1
				if !tt.reused {
					conns = 2
				}
				expectNext(t, u, c, conns)
			})
		})
	}
}

// TestProxyResponsesInPieces cuts the answers of the same table in two at every
// byte, and into single bytes. The chunks that reach the client differ, what
// they mean does not.
func TestProxyResponsesInPieces(t *testing.T) {
	for _, tt := range responses {
		t.Run(tt.name, func(t *testing.T) {
			method, _, _ := strings.Cut(tt.request, " ")
			whole, rest := decode([]byte(strings.Replace(tt.want, "Date: D", "Date: x", 1)), method)
			if rest != "" {
				t.Fatalf("the row's own response: %v, then %q", whole, rest)
			}
			for cut := 1; cut <= len(tt.answer); cut++ {
				pieces := []string{tt.answer[:cut], tt.answer[cut:]}
				if cut == len(tt.answer) {
					pieces = strings.Split(tt.answer, "")
				}
				t.Run(fmt.Sprint(cut), func(t *testing.T) {
					got := inPieces(t, uint64(cut), tt.request, pieces, tt.closes, tt.ends)
					if fmt.Sprint(got) != fmt.Sprint(whole) {
						t.Fatalf("%v, want %v", got, whole)
					}
				})
			}
		})
	}
}

// inPieces sends a request, answers it piece by piece, and returns what the
// client makes of that.
func inPieces(t *testing.T, seed uint64, request string, pieces []string, closes, ends bool) []string {
	w := newSimWorld(t, seed, engine.Faults{})
	u := w.upstream("up", func(c *upstreamConn) {})
	w.serve("/p/: http://up")
	c := w.client()
	c.send(request + "\r\n\r\n")
	w.eventually("the request arrives", func() bool {
		return u.count() > 0 && strings.Contains(string(u.conns[0].in), "\r\n\r\n")
	})
	for _, piece := range pieces {
		u.conns[0].write(piece)
		u.settled()
	}
	if closes {
		u.conns[0].closeWrite()
	}
	method, _, _ := strings.Cut(request, " ")
	c.until("the response is whole", func(got []byte) bool {
		_, rest := decode(got, method)
		return rest == "" && !ends
	})
	got, _ := decode(c.got, method)
	return got
}

// TestProxyInterimFlood sends one interim response more than are let through,
// and, in the second answer, one that is large.
func TestProxyInterimFlood(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", answers(
			say(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 17)+ok("late")),
			func(c *upstreamConn, _ *http.Request, _ string) string {
				return "HTTP/1.1 103 Early Hints\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n" + ok("ok")
			},
		))
		log := w.errorLog()
		w.serve("/p/: http://up")
		c := w.client()
		c.send(get("/p/"))
		c.expect(page(502))
		expectReason(t, log(), "interim_flood", w.upstreams["up"].name, 502)
		c.send(get("/p/"))
		c.expect("HTTP/1.1 103 Early Hints\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n" + relayed("ok"))
	})
}
