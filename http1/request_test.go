package http1

import (
	"fmt"
	"strings"
	"testing"
)

// describeRequest writes a request down in one line, leaving out what is as in most requests.
func describeRequest(r *Request) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s %s", r.Bytes(r.Method), [...]string{"origin", "absolute", "authority", "asterisk"}[r.Form], r.PathBytes())
	if r.HasQuery {
		fmt.Fprintf(&s, "?%s", r.Bytes(r.Query))
	}
	fmt.Fprintf(&s, " 1.%d host=%s", r.Minor, r.Bytes(r.Host))
	if name := r.Bytes(r.HostName); string(name) != string(r.Bytes(r.Host)) {
		fmt.Fprintf(&s, " name=%s", name)
	}
	if r.ContentLength >= 0 {
		fmt.Fprintf(&s, " length=%d", r.ContentLength)
	}
	for _, flag := range []struct {
		name string
		on   bool
	}{{"chunked", r.Chunked}, {"close", r.Close}, {"expect", r.Expect100}, {"upgrade", r.Upgrade}, {"https", r.HTTPS}} {
		if flag.on {
			s.WriteString(" " + flag.name)
		}
	}
	s.WriteString(describeFields(&r.Head, Host, ContentLength, TransferEncoding, Connection, Expect, Upgrade))
	return s.String()
}

// describeFields lists the fields, except those whose meaning is shown otherwise.
func describeFields(h *Head, except ...FieldID) string {
	var s strings.Builder
	for i := range h.Fields {
		f := &h.Fields[i]
		if !setOf(except...).has(f.ID) || f.ID == FieldOther {
			fmt.Fprintf(&s, " [%s=%s]", h.Name(f), h.Value(f))
			if f.Nominated {
				s.WriteString("*")
			}
		}
	}
	return s.String()
}

const host = "Host: a\r\n"

var validRequests = []struct{ name, in, want string }{
	{"smallest", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET origin / 1.1 host=a"},
	{"query", "GET /p/q?x=1&y=%zz HTTP/1.1\r\n" + host + "\r\n", "GET origin /p/q?x=1&y=%zz 1.1 host=a"},
	{"empty query", "GET /? HTTP/1.1\r\n" + host + "\r\n", "GET origin /? 1.1 host=a"},
	{"second question mark", "GET /?a?b HTTP/1.1\r\n" + host + "\r\n", "GET origin /?a?b 1.1 host=a"},
	{"percent-encoding", "GET /%2F%c3%A9 HTTP/1.1\r\n" + host + "\r\n", "GET origin /%2F%c3%A9 1.1 host=a"},
	{"two slashes", "GET //b/c HTTP/1.1\r\n" + host + "\r\n", "GET origin //b/c 1.1 host=a"},
	{"raw UTF-8 in path", "GET /\xc3\xa9 HTTP/1.1\r\n" + host + "\r\n", "GET origin /\xc3\xa9 1.1 host=a"},
	{"every known method", "PATCH / HTTP/1.1\r\n" + host + "\r\n", "PATCH origin / 1.1 host=a"},
	{"other method", "PROPFIND / HTTP/1.1\r\n" + host + "\r\n", "PROPFIND origin / 1.1 host=a"},
	{"method in lower case is another", "get / HTTP/1.1\r\n" + host + "\r\n", "get origin / 1.1 host=a"},
	{"method that starts like GET", "GETX / HTTP/1.1\r\n" + host + "\r\n", "GETX origin / 1.1 host=a"},
	{"method of one byte", "! / HTTP/1.1\r\n" + host + "\r\n", "! origin / 1.1 host=a"},
	{"empty line first", "\r\nGET / HTTP/1.1\r\n" + host + "\r\n", "GET origin / 1.1 host=a"},

	{"absolute form", "GET http://b.example:81/p?q HTTP/1.1\r\n" + host + "\r\n", "GET absolute /p?q 1.1 host=b.example:81 name=b.example"},
	{"absolute form without path", "GET HTTP://b HTTP/1.1\r\n" + host + "\r\n", "GET absolute / 1.1 host=b"},
	{"absolute form with query only", "GET http://b?q HTTP/1.1\r\n" + host + "\r\n", "GET absolute /?q 1.1 host=b"},
	{"absolute form https", "GET httpS://b/ HTTP/1.1\r\n" + host + "\r\n", "GET absolute / 1.1 host=b https"},
	{"absolute form in 1.0 without Host", "GET http://b/ HTTP/1.0\r\n\r\n", "GET absolute / 1.0 host=b close"},
	{"asterisk form", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", "OPTIONS asterisk  1.1 host=a"},
	{"authority form", "CONNECT b:443 HTTP/1.1\r\n" + host + "\r\n", "CONNECT authority  1.1 host=b:443 name=b"},
	{"authority form IPv6", "CONNECT [::1]:443 HTTP/1.1\r\n" + host + "\r\n", "CONNECT authority  1.1 host=[::1]:443 name=[::1]"},

	{"1.0", "GET / HTTP/1.0\r\n\r\n", "GET origin / 1.0 host= close"},
	{"1.0 with Host", "GET / HTTP/1.0\r\n" + host + "\r\n", "GET origin / 1.0 host=a close"},
	{"1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET origin / 1.0 host="},
	{"1.0 keep-alive and close", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET origin / 1.0 host= close"},
	{"1.0 expects in vain", "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", "POST origin / 1.0 host= length=1 close"},
	{"1.0 upgrades in vain", "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "GET origin / 1.0 host= close"},
	{"1.2 is treated as 1.1", "GET / HTTP/1.2\r\n" + host + "\r\n", "GET origin / 1.2 host=a"},

	{"Host with port", "GET / HTTP/1.1\r\nHost: a.b:8080\r\n\r\n", "GET origin / 1.1 host=a.b:8080 name=a.b"},
	{"Host with empty port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "GET origin / 1.1 host=a: name=a"},
	{"Host IPv6", "GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", "GET origin / 1.1 host=[2001:db8::1]"},
	{"Host IPv4 in IPv6", "GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.4]:80\r\n\r\n", "GET origin / 1.1 host=[::ffff:1.2.3.4]:80 name=[::ffff:1.2.3.4]"},
	{"Host last, odd case", "GET / HTTP/1.1\r\nA: b\r\nhOsT:\ta \t\r\n\r\n", "GET origin / 1.1 host=a [A=b]"},

	{"value trimmed inside blank kept", "GET / HTTP/1.1\r\n" + host + "X: \t a \t b\t \r\n\r\n", "GET origin / 1.1 host=a [X=a \t b]"},
	{"value absent", "GET / HTTP/1.1\r\n" + host + "X:\r\nY: \r\n\r\n", "GET origin / 1.1 host=a [X=] [Y=]"},
	{"value with colons and obs-text", "GET / HTTP/1.1\r\n" + host + "X: :\x80\xff:\r\n\r\n", "GET origin / 1.1 host=a [X=:\x80\xff:]"},
	{"name with every kind of tchar", "GET / HTTP/1.1\r\n" + host + "!#$%&'*+-.^_`|~09aZ: 1\r\n\r\n", "GET origin / 1.1 host=a [!#$%&'*+-.^_`|~09aZ=1]"},
	{"repeated field", "GET / HTTP/1.1\r\n" + host + "Cookie: a\r\nCookie: b\r\n\r\n", "GET origin / 1.1 host=a [Cookie=a] [Cookie=b]"},

	{"Content-Length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\n", "POST origin / 1.1 host=a length=5"},
	{"Content-Length 0", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", "POST origin / 1.1 host=a length=0"},
	{"Content-Length with zeros", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0005\r\n\r\n", "POST origin / 1.1 host=a length=5"},
	{"Content-Length largest", "POST / HTTP/1.1\r\n" + host + "content-length: 9223372036854775807\r\n\r\n", "POST origin / 1.1 host=a length=9223372036854775807"},
	{"chunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\n\r\n", "POST origin / 1.1 host=a chunked"},

	{"close", "GET / HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", "GET origin / 1.1 host=a close"},
	{"close in a second line", "GET / HTTP/1.1\r\n" + host + "Connection: keep-alive\r\nConnection: , CLOSE ,\r\n\r\n", "GET origin / 1.1 host=a close"},
	{"upgrade", "GET / HTTP/1.1\r\n" + host + "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n", "GET origin / 1.1 host=a upgrade"},
	{"Upgrade not in Connection", "GET / HTTP/1.1\r\n" + host + "Upgrade: websocket\r\n\r\n", "GET origin / 1.1 host=a"},
	{"upgrade without Upgrade", "GET / HTTP/1.1\r\n" + host + "Connection: upgrade\r\n\r\n", "GET origin / 1.1 host=a"},
	{
		"nominated fields", "GET / HTTP/1.1\r\n" + host + "X-A: 1\r\nTE: trailers\r\nConnection: te, x-a, x-gone, host\r\nx-a: 2\r\nx-b: 3\r\n\r\n",
		"GET origin / 1.1 host=a [X-A=1]* [TE=trailers]* [x-a=2]* [x-b=3]",
	},

	{"expectation", "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n", "POST origin / 1.1 host=a length=1 expect"},
	{"expectation without content", "POST / HTTP/1.1\r\n" + host + "Expect: 100-continue\r\n\r\n", "POST origin / 1.1 host=a"},
}

func TestValidRequests(t *testing.T) {
	for _, tt := range validRequests {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			lim := DefaultLimits
			if err := r.Parse([]byte(tt.in), &lim); err != OK {
				t.Fatalf("refused: %v", err)
			}
			if got := describeRequest(&r); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			// What follows the head must not change what it says.
			n, err := r.Scan([]byte(tt.in+"POST / HTTP/1.1\r\n"), &lim)
			if n != len(tt.in) || err != OK || describeRequest(&r) != tt.want {
				t.Errorf("with bytes behind it: %d, %v, %q", n, err, describeRequest(&r))
			}
			checkRequestSplits(t, tt.in, OK, &lim)
		})
	}
}

// checkRequestSplits feeds the head in two parts, at every point, in both of the ways a caller may go about it.
func checkRequestSplits(t *testing.T, in string, want Error, lim *Limits) {
	t.Helper()
	var r Request
	b := []byte(in)
	for cut := range b {
		n, err := r.Scan(b[:cut:cut], lim)
		if n != 0 || (err != OK && err != want) {
			t.Fatalf("Scan of %q: %d, %v; the whole gives %v", b[:cut], n, err, want)
		}
		if want != OK {
			continue
		}
		if end := HeadEnd(b[:cut], cut/2); end != 0 {
			t.Fatalf("HeadEnd of %q is %d", b[:cut], end)
		}
		if end := HeadEnd(b, cut); end != len(b) {
			t.Fatalf("HeadEnd after %q is %d, want %d", b[:cut], end, len(b))
		}
	}
}

func line(s string) string  { return s + "\r\n" + host + "\r\n" }
func field(s string) string { return "POST / HTTP/1.1\r\n" + host + s + "\r\n\r\n" }
func hostOf(s string) string {
	return "GET / HTTP/1.1\r\nHost: " + s + "\r\n\r\n"
}

var invalidRequests = []struct {
	name, in string
	want     Error
}{
	{"empty method", line(" / HTTP/1.1"), ErrBadRequestLine},
	{"method not a token", line("G(T / HTTP/1.1"), ErrBadRequestLine},
	{"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ErrBadRequestLine},
	{"two empty lines", "\r\n\r\n" + line("GET / HTTP/1.1"), ErrBadRequestLine},
	{"tab as separator", line("GET\t/ HTTP/1.1"), ErrBadRequestLine},
	{"two spaces after method", line("GET  / HTTP/1.1"), ErrBadTarget},
	{"two spaces after target", line("GET /  HTTP/1.1"), ErrBadRequestLine},
	{"space after version", line("GET / HTTP/1.1 "), ErrBadRequestLine},
	{"HTTP/0.9", "GET /\r\n\r\n", ErrBadTarget},
	{"no version", line("GET / "), ErrBadRequestLine},
	{"lower case version", line("GET / http/1.1"), ErrBadRequestLine},
	{"version of two digits", line("GET / HTTP/1.10"), ErrBadRequestLine},
	{"version without minor", line("GET / HTTP/1"), ErrBadRequestLine},
	{"version with comma", line("GET / HTTP/1,1"), ErrBadRequestLine},
	{"version with letter", line("GET / HTTP/1.x"), ErrBadRequestLine},
	{"version 2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ErrBadTarget},
	{"version 2.0 with an ordinary target", line("GET / HTTP/2.0"), ErrUnsupportedVersion},
	{"version 0.9 spelt out", line("GET / HTTP/0.9"), ErrUnsupportedVersion},
	{"version 3.0", line("GET / HTTP/3.0"), ErrUnsupportedVersion},

	{"target with space", line("GET /a b HTTP/1.1"), ErrBadRequestLine},
	{"target with tab", line("GET /a\tb HTTP/1.1"), ErrBadTarget},
	{"target with NUL", line("GET /a\x00 HTTP/1.1"), ErrBadTarget},
	{"target with DEL", line("GET /a?\x7f HTTP/1.1"), ErrBadTarget},
	{"target with fragment", line("GET /a#b HTTP/1.1"), ErrBadTarget},
	{"query with fragment", line("GET /a?b#c HTTP/1.1"), ErrBadTarget},
	{"bad percent-encoding", line("GET /%4 HTTP/1.1"), ErrBadTarget},
	{"bad percent-encoding digits", line("GET /%gg HTTP/1.1"), ErrBadTarget},
	{"relative target", line("GET a/b HTTP/1.1"), ErrBadTarget},
	{"asterisk with GET", line("GET * HTTP/1.1"), ErrBadTarget},
	{"asterisk with a tail", line("OPTIONS *x HTTP/1.1"), ErrBadTarget},
	{"authority form with GET", line("GET b:80 HTTP/1.1"), ErrBadTarget},
	{"CONNECT without port", line("CONNECT b HTTP/1.1"), ErrBadTarget},
	{"CONNECT with empty port", line("CONNECT b: HTTP/1.1"), ErrBadTarget},
	{"CONNECT with a path", line("CONNECT b:80/ HTTP/1.1"), ErrBadTarget},
	{"CONNECT in origin form", line("CONNECT /b HTTP/1.1"), ErrBadTarget},
	{"CONNECT in absolute form", line("CONNECT http://b:80/ HTTP/1.1"), ErrBadTarget},
	{"other scheme", line("GET ftp://b/ HTTP/1.1"), ErrBadTarget},
	{"scheme without slashes", line("GET http:b HTTP/1.1"), ErrBadTarget},
	{"absolute form without host", line("GET http:///p HTTP/1.1"), ErrBadTarget},
	{"absolute form with port only", line("GET http://:80/p HTTP/1.1"), ErrBadTarget},
	{"absolute form with userinfo", line("GET http://u:p@b/ HTTP/1.1"), ErrBadTarget},
	{"absolute form with encoded host", line("GET http://b%2e/ HTTP/1.1"), ErrBadTarget},
	{"absolute form with fragment", line("GET http://b/#f HTTP/1.1"), ErrBadTarget},
	{"absolute form with backslash", line("GET http://b\\c/ HTTP/1.1"), ErrBadTarget},

	{"LF ends the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", ErrBareLF},
	{"LF in the method", "GE\nT / HTTP/1.1\r\nHost: a\r\n\r\n", ErrBareLF},
	{"LF in the target", "GET /\n HTTP/1.1\r\nHost: a\r\n\r\n", ErrBareLF},
	{"CR in the target", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", ErrBareCR},
	{"CR ends the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", ErrBareCR},
	{"CR before the request line", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", ErrBareCR},
	{"LF before the request line", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ErrBareLF},
	{"LF ends a field", field("X: y\nZ: 1"), ErrBareLF},
	{"LF in a name", field("X\nY: 1"), ErrBareLF},
	{"LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", ErrBareLF},
	{"LFs only", "GET / HTTP/1.1\nHost: a\n\n", ErrBareLF},
	{"CR in a value", field("X: y\rz"), ErrBareCR},
	{"CR in a name", field("X\rY: 1"), ErrBareCR},
	{"CR CR LF", field("X: y\r"), ErrBareCR},
	{"CR ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\rX", ErrBareCR},
	{"CR for a hyphen", field("Content\rLength: 5"), ErrBareCR},
	{"NUL in a value", field("X: y\x00"), ErrBadFieldValue},
	{"control in a value", field("X: \x1f"), ErrBadFieldValue},
	{"vertical tab in a value", field("X: a\vb"), ErrBadFieldValue},
	{"DEL in a value", field("X: a\x7fb"), ErrBadFieldValue},
	{"NUL in a name", field("X\x00: y"), ErrBadFieldName},
	{"empty name", field(": y"), ErrBadFieldName},
	{"name not a token", field("X(y): 1"), ErrBadFieldName},
	{"name with obs-text", field("X\xc3: 1"), ErrBadFieldName},
	{"no colon", field("X"), ErrBadFieldName},
	{"space before colon", field("X : y"), ErrSpaceBeforeColon},
	{"tab before colon", field("X\t: y"), ErrSpaceBeforeColon},
	{"space in a name", field("X Y: 1"), ErrSpaceBeforeColon},
	{"obs-fold", field("X: y\r\n z"), ErrObsFold},
	{"obs-fold by tab", field("X: y\r\n\tz: 1"), ErrObsFold},
	{"space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", ErrObsFold},

	{"no Host", "GET / HTTP/1.1\r\n\r\n", ErrMissingHost},
	{"no Host in absolute form", "GET http://a/ HTTP/1.1\r\n\r\n", ErrMissingHost},
	{"two Hosts", hostOf("a\r\nHost: a"), ErrRepeatedHost},
	{"two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", ErrRepeatedHost},
	{"two Hosts in absolute form", "GET http://a/ HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", ErrRepeatedHost},
	{"Host empty", hostOf(""), ErrBadHost},
	{"Host of a port", hostOf(":80"), ErrBadHost},
	{"Host with space", hostOf("a b"), ErrBadHost},
	{"Host with path", hostOf("a/b"), ErrBadHost},
	{"Host with userinfo", hostOf("u@a"), ErrBadHost},
	{"Host with percent-encoding", hostOf("a%20b"), ErrBadHost},
	{"Host with obs-text", hostOf("\xc3\xa9"), ErrBadHost},
	{"Host with two ports", hostOf("a:1:2"), ErrBadHost},
	{"Host with port too large", hostOf("a:65536"), ErrBadHost},
	{"Host with port too long", hostOf("a:000080"), ErrBadHost},
	{"Host with port of letters", hostOf("a:http"), ErrBadHost},
	{"Host bracket open", hostOf("[::1"), ErrBadHost},
	{"Host brackets empty", hostOf("[]"), ErrBadHost},
	{"Host bracket with zone", hostOf("[fe80::1%25eth0]"), ErrBadHost},
	{"Host bracket with tail", hostOf("[::1]a"), ErrBadHost},
	{"Host IPv6 without brackets", hostOf("::1"), ErrBadHost},
	{"Host malformed beside absolute form", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", ErrBadHost},

	{"Content-Length with sign", field("Content-Length: +5"), ErrBadContentLength},
	{"Content-Length negative", field("Content-Length: -5"), ErrBadContentLength},
	{"Content-Length empty", field("Content-Length:"), ErrBadContentLength},
	{"Content-Length list", field("Content-Length: 5, 5"), ErrBadContentLength},
	{"Content-Length list of blanks", field("Content-Length: 5 5"), ErrBadContentLength},
	{"Content-Length hexadecimal", field("Content-Length: 0x5"), ErrBadContentLength},
	{"Content-Length decimal point", field("Content-Length: 5.0"), ErrBadContentLength},
	{"Content-Length quoted", field("Content-Length: \"5\""), ErrBadContentLength},
	{"Content-Length past 63 bits", field("Content-Length: 9223372036854775808"), ErrBadContentLength},
	{"Content-Length past 64 bits", field("Content-Length: 18446744073709551621"), ErrBadContentLength},
	{"Content-Length of 20 digits", field("Content-Length: 00000000000000000005"), ErrBadContentLength},
	{"Content-Length twice", field("Content-Length: 5\r\nContent-Length: 6"), ErrRepeatedLength},
	{"Content-Length twice the same", field("Content-Length: 5\r\ncontent-length: 5"), ErrRepeatedLength},
	{"Content-Length in CONNECT", "CONNECT b:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", ErrFramingConflict},
	{"chunked CONNECT", "CONNECT b:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", ErrFramingConflict},

	{"Connection not a list of tokens", field("Connection: a b"), ErrBadConnection},
	{"Connection with a quoted string", field("Connection: \"close\""), ErrBadConnection},
	{"Connection too long", field("Connection: " + strings.Repeat("a,", 17)), ErrBadConnection},
	{"Connection of commas", field("Connection: " + strings.Repeat(",", 17)), ErrBadConnection},
	{"expectation unknown", field("Content-Length: 1\r\nExpect: 200-ok"), ErrExpectation},
	{"expectation list", field("Content-Length: 1\r\nExpect: 100-continue, x"), ErrExpectation},
	{"expectation in a second line", field("Content-Length: 1\r\nExpect: 100-continue\r\nExpect: x"), ErrExpectation},
}

func TestInvalidRequests(t *testing.T) {
	for _, tt := range invalidRequests {
		t.Run(tt.name, func(t *testing.T) { refuseRequest(t, tt.in, tt.want) })
	}
}

// refuseRequest checks that a request is refused, however it is split and whatever follows it.
func refuseRequest(t *testing.T, in string, want Error) {
	t.Helper()
	var r Request
	lim := DefaultLimits
	if err := r.Parse([]byte(in), &lim); err != want {
		t.Errorf("Parse gives %v, want %v", err, want)
	}
	if n, err := r.Scan([]byte(in+"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &lim); n != 0 && err == OK {
		t.Errorf("with bytes behind it, %d are accepted", n)
	}
	checkRequestSplits(t, in, want, &lim)
}

func TestRequestLimits(t *testing.T) {
	lim := Limits{RequestLine: 20, HeadBytes: 64, Fields: 3}
	tests := []struct {
		name, in string
		want     Error
	}{
		{"request line at the limit", "GET /890 HTTP/1.1234"[:17] + "\r\nHost: a\r\n\r\n", OK},
		{"request line of 20", "GET /8901234567 HTTP/1.1"[:4] + "/678901 HTTP/1.1\r\nHost: a\r\n\r\n", OK},
		{"request line of 21", "GET /6789012 HTTP/1.1\r\nHost: a\r\n\r\n", ErrRequestLineTooLong},
		{"request line of 21 after an empty line", "\r\nGET /6789012 HTTP/1.1\r\nHost: a\r\n\r\n", ErrRequestLineTooLong},
		{"request line without end", "GET /" + strings.Repeat("x", 30), ErrRequestLineTooLong},
		{"method without end", strings.Repeat("X", 30), ErrRequestLineTooLong},
		{"head of 64", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 64-32) + "\r\n\r\n", OK},
		{"head of 65", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 65-32) + "\r\n\r\n", ErrHeadTooLarge},
		{"head without end", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 100), ErrHeadTooLarge},
		{"name without end", "GET / HTTP/1.1\r\n" + strings.Repeat("x", 100), ErrHeadTooLarge},
		{"three fields", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n", OK},
		{"four fields", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\nZ: 3\r\n\r\n", ErrTooManyFields},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			n, err := r.Scan([]byte(tt.in), &lim)
			if err != tt.want || (err == OK && n != len(tt.in)) {
				t.Errorf("Scan gives %d, %v, want %v", n, err, tt.want)
			}
			checkRequestSplits(t, tt.in, tt.want, &lim)
		})
	}
}

func TestIncompleteHeads(t *testing.T) {
	lim := Limits{RequestLine: 20, HeadBytes: 64, Fields: 3}
	for _, tt := range []struct {
		name, in string
		want     Error
	}{
		{"nothing", "", OK},
		{"request line of 20 without CRLF", "GET /678901 HTTP/1.1", OK},
		{"request line of 20 with CRLF", "GET /678901 HTTP/1.1\r\n", OK},
		{"request line of 21", "GET /6789012 HTTP/1.1\r\n", ErrRequestLineTooLong},
		{"fields", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 40), OK},
		{"fields at the limit", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 64-19), ErrHeadTooLarge},
	} {
		if got := Incomplete([]byte(tt.in), &lim); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// The largest head that spans can address is parsed to its last byte, also if the limit asks for more.
func TestLargestHead(t *testing.T) {
	lim := Limits{RequestLine: 100, HeadBytes: 1 << 20, Fields: 3}
	head := func(size int) []byte {
		const start, end = "GET / HTTP/1.1\r\nHost: a\r\nX: ", "\r\nZ: z\r\n\r\n"
		return []byte(start + strings.Repeat("x", size-len(start)-len(end)) + end)
	}
	var r Request
	if err := r.Parse(head(MaxHeadBytes), &lim); err != OK || string(r.Value(&r.Fields[2])) != "z" {
		t.Errorf("head of %d bytes: %v", MaxHeadBytes, err)
	}
	if err := r.Parse(head(MaxHeadBytes+1), &lim); err != ErrHeadTooLarge {
		t.Errorf("head of %d bytes: %v", MaxHeadBytes+1, err)
	}
}

// A pipeline is read request by request from one buffer, with one Request value.
func TestPipeline(t *testing.T) {
	var in, want string
	for _, tt := range validRequests {
		in += tt.in
		want += tt.want + "\n"
	}
	var r Request
	var got string
	for b := []byte(in); len(b) > 0; {
		n, err := r.Scan(b, &DefaultLimits)
		if n == 0 || err != OK {
			t.Fatalf("%d, %v at %q", n, err, b)
		}
		got += describeRequest(&r) + "\n"
		b = b[n:]
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParseWantsExactlyOneHead(t *testing.T) {
	var r Request
	for _, in := range []string{"", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\nx"} {
		if err := r.Parse([]byte(in), &DefaultLimits); err != ErrIncomplete {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestRequestContent(t *testing.T) {
	for _, tt := range []struct {
		fields string
		kind   BodyKind
		length int64
	}{
		{"X: 1", BodyNone, 0},
		{"Content-Length: 0", BodyNone, 0},
		{"Content-Length: 7", BodyLength, 7},
		{"Transfer-Encoding: chunked", BodyChunked, -1},
	} {
		var r Request
		if err := r.Parse([]byte(field(tt.fields)), &DefaultLimits); err != OK {
			t.Fatalf("%s: %v", tt.fields, err)
		}
		if kind, length := r.Content(); kind != tt.kind || length != tt.length {
			t.Errorf("%s: %v, %d", tt.fields, kind, length)
		}
	}
}
