package gateway

import (
	"strings"
	"testing"
)

// malformed are answers that two readers could understand differently, or none
// can. The client gets 502 for each, the connection is not used again, and the
// next client is served.
var malformed = []struct{ name, answer string }{
	{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n"},
	{"HTTP/0.9", "<html>hello</html>\r\n\r\n"},
	{"HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"lower case", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"an empty line first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	{"a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"},
	{"a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"},
	{"a status below 100", "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"},
	{"a status with a sign", "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n"},
	{"a bare LF ends the status line", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"},
	{"a bare CR in the status line", "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"},
	{"CL.TE", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"TE.CL", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
	{"CL.CL", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello"},
	{"CL as a list", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello"},
	{"CL with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"},
	{"CL below 0", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello"},
	{"CL in hexadecimal", "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello"},
	{"CL over 63 bits", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhello"},
	{"CL that is empty", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello"},
	{"an unknown transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
	{"chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
	{"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"TE behind a vertical tab", "HTTP/1.1 200 OK\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"},
	{"a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello"},
	{"a fold", "HTTP/1.1 200 OK\r\nX: y\r\n Content-Length: 5\r\n\r\nhello"},
	{"a fold at once", "HTTP/1.1 200 OK\r\n X: y\r\nContent-Length: 0\r\n\r\n"},
	{"a bare LF ends a field", "HTTP/1.1 200 OK\r\nX: y\nContent-Length: 0\r\n\r\n"},
	{"a bare CR in a field", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"},
	{"a NUL in a field", "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n"},
	{"an empty field name", "HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n"},
	{"a field without a colon", "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 0\r\n\r\n"},
	{"LF LF ends the head", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\n"},
	{"204 with content", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"},
	{"204 that is chunked", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"100 with content", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello" + ok("x")},
	{"101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"},
	{"a head without an end", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 80)},
	{"a head that is over the limit", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 33<<10) + "\r\nContent-Length: 0\r\n\r\n"},
	{"a status line that is over the limit", "HTTP/1.1 200 " + strings.Repeat("x", 9<<10) + "\r\nContent-Length: 0\r\n\r\n"},
	{"too many fields", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 101) + "\r\n"},
	{"a second head behind an interim one is bad", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX : y\r\n\r\n"},
}

// malformedCodes are the reasons of those that are not just bad_response.
var malformedCodes = map[string]string{
	"CL.TE":                         "bad_framing",
	"TE.CL":                         "bad_framing",
	"CL.CL":                         "bad_framing",
	"CL as a list":                  "bad_framing",
	"CL with a sign":                "bad_framing",
	"CL below 0":                    "bad_framing",
	"CL in hexadecimal":             "bad_framing",
	"CL over 63 bits":               "bad_framing",
	"CL that is empty":              "bad_framing",
	"an unknown transfer coding":    "bad_framing",
	"chunked twice":                 "bad_framing",
	"chunked in HTTP/1.0":           "bad_framing",
	"204 with content":              "bad_framing",
	"204 that is chunked":           "bad_framing",
	"100 with content":              "bad_framing",
	"a head without an end":         "response_head_too_large",
	"a head that is over the limit": "response_head_too_large",
	"too many fields":               "response_head_too_large",
}

func TestProxyMalformedHeads(t *testing.T) {
	for _, tt := range malformed {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				u := w.upstream("up", answerOnce(tt.answer, false))
				log := w.errorLog()
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/"))
				c.expect(page(502))
				code := "bad_response"
				if class, ok := malformedCodes[tt.name]; ok {
					code = class
				}
				expectReason(t, log(), code, u.name, 502)
				expectNext(t, u, c, 2)
				u.waitEnded(0)
			})
		})
	}
}

// TestProxyMalformedHeadsInPieces lets the same heads come in single bytes: they
// are refused all the same, at the latest when they have come whole.
func TestProxyMalformedHeadsInPieces(t *testing.T) {
	for _, tt := range malformed {
		t.Run(tt.name, func(t *testing.T) {
			size := max(1, len(tt.answer)/200)
			var pieces []string
			for rest := tt.answer; rest != ""; {
				n := min(size, len(rest))
				pieces, rest = append(pieces, rest[:n]), rest[n:]
			}
			got := inPieces(t, 1, "GET /p HTTP/1.1\r\nHost: h", pieces, false, false)
			if len(got) != 1 || !strings.HasPrefix(got[0], "502 ") {
				t.Errorf("%v, want 502", got)
			}
		})
	}
}

// cutOffs are answers that go wrong behind their heads: the client has the
// status already and learns of it by the end of its connection. A chunk that
// comes together with framing that is wrong is not passed on.
var cutOffs = []struct {
	name, answer string
	closes       bool
	want         string // at the client, with Date "D"
	reason       string
}{
	{
		"a length that is not reached",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", true,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 10\r\n\r\nhello", "truncated_response",
	},
	{
		"a length of which nothing comes",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", true,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 10\r\n\r\n", "truncated_response",
	},
	{
		"no last chunk",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "truncated_response",
	},
	{
		"the end inside a chunk",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello", true,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "truncated_response",
	},
	{
		"the end inside the trailers",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n", true,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "truncated_response",
	},
	{
		"a chunk size that is none",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n", "bad_framing",
	},
	{
		"a chunk size that overflows",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10000000000000000\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n", "bad_framing",
	},
	{
		"a chunk that is longer than it says",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n", "bad_framing",
	},
	{
		"a trailer field that is none",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX : y\r\n\r\n", false,
		"HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n", "bad_response",
	},
}

func TestProxyCutOffResponses(t *testing.T) {
	for _, tt := range cutOffs {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				u := w.upstream("up", answerOnce(tt.answer, tt.closes))
				log := w.errorLog()
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/"))
				c.expect(tt.want)
				c.expectEnd()
				expectReason(t, log(), tt.reason, u.name, 200)
				expectNext(t, u, w.client(), 2)
			})
		})
	}
}

// TestProxyCutOffForHTTP10 has a client that takes the end of the connection
// for the end of the content: it has to be a reset to tell it otherwise.
func TestProxyCutOffForHTTP10(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		more := make(chan *upstreamConn, 1)
		w.upstream("up", func(c *upstreamConn) {
			if strings.Contains(string(c.in), "\r\n\r\n") {
				c.in = nil
				c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
				more <- c
			}
		})
		w.serve("/p/: http://up")
		c := w.client()
		c.send("GET /p/ HTTP/1.0\r\n\r\n")
		c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nConnection: close\r\n\r\nhello")
		(<-more).closeWrite()
		c.expectReset()
	})
}
