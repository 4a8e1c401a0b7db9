package http1

import (
	"fmt"
	"strings"
	"testing"
)

func describeResponse(r *Response) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d %q 1.%d", r.Status, r.Bytes(r.Reason), r.Minor)
	if r.ContentLength >= 0 {
		fmt.Fprintf(&s, " length=%d", r.ContentLength)
	}
	for _, flag := range []struct {
		name string
		on   bool
	}{{"chunked", r.Chunked}, {"close", r.Close}, {"upgrade", r.Upgrade}, {"interim", r.Interim()}} {
		if flag.on {
			s.WriteString(" " + flag.name)
		}
	}
	s.WriteString(describeFields(&r.Head, ContentLength, TransferEncoding, Connection, Upgrade))
	return s.String()
}

var validResponses = []struct{ name, in, want string }{
	{"smallest", "HTTP/1.1 200 OK\r\n\r\n", `200 "OK" 1.1`},
	{"reason empty", "HTTP/1.1 200 \r\n\r\n", `200 "" 1.1`},
	{"reason and its space missing", "HTTP/1.1 200\r\n\r\n", `200 "" 1.1`},
	{"reason of several words", "HTTP/1.1 404 Not\tfound \xe9\r\n\r\n", `404 "Not\tfound \xe9" 1.1`},
	{"fields", "HTTP/1.1 200 OK\r\nServer: x\r\nset-cookie: a\r\nSet-Cookie: b\r\nX-Y:\r\n\r\n", `200 "OK" 1.1 [Server=x] [set-cookie=a] [Set-Cookie=b] [X-Y=]`},
	{"length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", `200 "OK" 1.1 length=10`},
	{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", `200 "OK" 1.1 chunked`},
	{"close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", `200 "OK" 1.1 close`},
	{"1.0", "HTTP/1.0 200 OK\r\n\r\n", `200 "OK" 1.0 close`},
	{"1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", `200 "OK" 1.0`},
	{"1.5", "HTTP/1.5 200 OK\r\n\r\n", `200 "OK" 1.5`},
	{"continue", "HTTP/1.1 100 Continue\r\n\r\n", `100 "Continue" 1.1 interim`},
	{"early hints", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", `103 "Early Hints" 1.1 interim [Link=</a>]`},
	{"switching", "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", `101 "S" 1.1 upgrade`},
	{"204 with length 0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", `204 "No Content" 1.1 length=0`},
	{"304 with length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", `304 "Not Modified" 1.1 length=7`},
	{"status beyond the registry", "HTTP/1.1 999 x\r\n\r\n", `999 "x" 1.1`},
	{"nominated field", "HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n", `200 "OK" 1.1 [X-Hop=1]*`},
}

func TestValidResponses(t *testing.T) {
	for _, tt := range validResponses {
		t.Run(tt.name, func(t *testing.T) {
			var r Response
			if err := r.Parse([]byte(tt.in), &DefaultLimits); err != OK {
				t.Fatalf("refused: %v", err)
			}
			if got := describeResponse(&r); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			n, err := r.Scan([]byte(tt.in+"content"), &DefaultLimits)
			if n != len(tt.in) || err != OK || describeResponse(&r) != tt.want {
				t.Errorf("with content behind it: %d, %v", n, err)
			}
			checkResponseSplits(t, tt.in, OK)
		})
	}
}

func checkResponseSplits(t *testing.T, in string, want Error) {
	t.Helper()
	var r Response
	b := []byte(in)
	for cut := range b {
		if n, err := r.Scan(b[:cut:cut], &DefaultLimits); n != 0 || (err != OK && err != want) {
			t.Fatalf("Scan of %q: %d, %v; the whole gives %v", b[:cut], n, err, want)
		}
		if want == OK && HeadEnd(b, cut) != len(b) {
			t.Fatalf("HeadEnd after %q is %d", b[:cut], HeadEnd(b, cut))
		}
	}
}

var invalidResponses = []struct {
	name, in string
	want     Error
}{
	{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", ErrBadStatusLine},
	{"RTSP", "RTSP/1.0 200 OK\r\n\r\n", ErrBadStatusLine},
	{"empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", ErrBadStatusLine},
	{"version 2", "HTTP/2.0 200 OK\r\n\r\n", ErrUnsupportedVersion},
	{"version without minor", "HTTP/2 200 OK\r\n\r\n", ErrBadStatusLine},
	{"version of two digits", "HTTP/1.10 200 OK\r\n\r\n", ErrBadStatusLine},
	{"two spaces", "HTTP/1.1  200 OK\r\n\r\n", ErrBadStatusLine},
	{"tab", "HTTP/1.1\t200 OK\r\n\r\n", ErrBadStatusLine},
	{"no status", "HTTP/1.1\r\n\r\n", ErrBadStatusLine},
	{"status of two digits", "HTTP/1.1 20 OK\r\n\r\n", ErrBadStatusLine},
	{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", ErrBadStatusLine},
	{"status below 100", "HTTP/1.1 099 OK\r\n\r\n", ErrBadStatusLine},
	{"status with sign", "HTTP/1.1 +20 OK\r\n\r\n", ErrBadStatusLine},
	{"reason without space", "HTTP/1.1 200OK\r\n\r\n", ErrBadStatusLine},
	{"reason with NUL", "HTTP/1.1 200 O\x00K\r\n\r\n", ErrBadStatusLine},
	{"reason with CR", "HTTP/1.1 200 O\rK\r\n\r\n", ErrBareCR},
	{"LF ends the line", "HTTP/1.1 200 OK\n\r\n", ErrBareLF},
	{"obs-fold", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", ErrObsFold},
	{"TE in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ErrBadTransferCoding},
	{"TE in 204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", ErrBadTransferCoding},
	{"TE in 101", "HTTP/1.1 101 S\r\nTransfer-Encoding: chunked\r\n\r\n", ErrBadTransferCoding},
	{"length in 100", "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n", ErrFramingConflict},
	{"length in 204", "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", ErrFramingConflict},
	{"Connection malformed", "HTTP/1.1 200 OK\r\nConnection: a b\r\n\r\n", ErrBadConnection},
	{"status line too long", "HTTP/1.1 200 " + strings.Repeat("x", DefaultLimits.RequestLine) + "\r\n\r\n", ErrBadStatusLine},
}

func TestInvalidResponses(t *testing.T) {
	for _, tt := range invalidResponses {
		t.Run(tt.name, func(t *testing.T) { refuseResponse(t, tt.in, tt.want) })
	}
}

func refuseResponse(t *testing.T, in string, want Error) {
	t.Helper()
	var r Response
	if err := r.Parse([]byte(in), &DefaultLimits); err != want {
		t.Errorf("Parse gives %v, want %v", err, want)
	}
	checkResponseSplits(t, in, want)
}

func TestResponseContent(t *testing.T) {
	const length, chunked = "Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n"
	tests := []struct {
		name, status, fields string
		method               MethodID
		kind                 BodyKind
		length               int64
	}{
		{"length", "200", length, GET, BodyLength, 7},
		{"length 0", "200", "Content-Length: 0\r\n", GET, BodyNone, 0},
		{"chunked", "200", chunked, GET, BodyChunked, -1},
		{"neither", "200", "", GET, BodyUntilClose, -1},
		{"error status", "500", length, POST, BodyLength, 7},
		{"HEAD with length", "200", length, HEAD, BodyNone, 0},
		{"HEAD with chunked", "200", chunked, HEAD, BodyNone, 0},
		{"HEAD with neither", "200", "", HEAD, BodyNone, 0},
		{"interim", "103", "", GET, BodyNone, 0},
		{"switching", "101", "", GET, BodyNone, 0},
		{"204", "204", "", GET, BodyNone, 0},
		{"205 is framed like any other", "205", "", GET, BodyUntilClose, -1},
		{"304 with length", "304", length, GET, BodyNone, 0},
		{"304 with chunked", "304", chunked, GET, BodyNone, 0},
		{"CONNECT accepted", "200", length, CONNECT, BodyNone, 0},
		{"CONNECT refused", "403", length, CONNECT, BodyLength, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Response
			if err := r.Parse([]byte("HTTP/1.1 "+tt.status+" x\r\n"+tt.fields+"\r\n"), &DefaultLimits); err != OK {
				t.Fatal(err)
			}
			if kind, n := r.Content(tt.method); kind != tt.kind || n != tt.length {
				t.Errorf("kind %d, length %d; want %d, %d", kind, n, tt.kind, tt.length)
			}
		})
	}
}

func TestResponseHeadLimit(t *testing.T) {
	lim := Limits{RequestLine: 20, HeadBytes: 40, Fields: 1}
	var r Response
	if _, err := r.Scan([]byte("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 40)), &lim); err != ErrHeadTooLarge {
		t.Errorf("large head: %v", err)
	}
	if err := r.Parse([]byte("HTTP/1.1 200 OK\r\nX: 1\r\nY: 2\r\n\r\n"), &lim); err != ErrTooManyFields {
		t.Errorf("two fields: %v", err)
	}
}
