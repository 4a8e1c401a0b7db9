package http1

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// compose adds fields as HTTP/2 has them, one a line, "name: value".
func compose(c *Composer, fields string) {
	for line := range strings.Lines(fields) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		composeField(c, name, value)
	}
}

// composeField does what the decoder does with a field that it has found valid.
func composeField(c *Composer, name, value string) {
	if strings.HasPrefix(name, ":") {
		c.Pseudo(LookupPseudo([]byte(name)), []byte(value))
		return
	}
	c.Field(AppendField(nil, name, value), len(name), LookupField([]byte(name)))
}

func composeRequest(r *Request, fields string, ended bool) Error {
	c := Composer{AllowProtocol: true}
	c.BeginRequest(r, make([]byte, 0, MaxHeadBytes), &DefaultLimits)
	compose(&c, fields)
	return c.EndRequest(ended)
}

// get is the beginning of most requests.
const get = ":method: GET\n:scheme: https\n:authority: h\n:path: /\n"

func TestComposeRequest(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		ended        bool
		text         string // the same in HTTP/1.1
	}{
		{"nothing but the pseudo-header fields", get, true, "GET / HTTP/1.1\r\nhost: h\r\n\r\n"},
		{
			"in another order, with fields", ":path: /a/b?c=d&e\n:authority: www.example.com:8443\n:scheme: http\n:method: DELETE\nuser-agent: u\nx-other: o\naccept: */*\nx-other: p\n", true,
			"DELETE /a/b?c=d&e HTTP/1.1\r\nhost: www.example.com:8443\r\nuser-agent: u\r\nx-other: o\r\naccept: */*\r\nx-other: p\r\n\r\n",
		},
		{"a method nobody knows", strings.Replace(get, "GET", "PROPFIND", 1), true, "PROPFIND / HTTP/1.1\r\nhost: h\r\n\r\n"},
		{"a path that is not plain", strings.Replace(get, "/\n", "/%7Ea//b/../c?x=%zz?&y\n", 1), true, "GET /%7Ea//b/../c?x=%zz?&y HTTP/1.1\r\nhost: h\r\n\r\n"},
		{"an empty query", strings.Replace(get, "/\n", "/?\n", 1), true, "GET /? HTTP/1.1\r\nhost: h\r\n\r\n"},
		{"a host and no authority", ":method: GET\n:scheme: http\n:path: /\na: b\nhost: h:1\n", true, "GET / HTTP/1.1\r\na: b\r\nhost: h:1\r\n\r\n"},
		{"a host beside the authority", get + "a: b\nhost: H\nc: d\n", true, "GET / HTTP/1.1\r\nhost: h\r\na: b\r\nc: d\r\n\r\n"},
		{"a host with the port that is meant", get + "host: h:443\n", true, "GET / HTTP/1.1\r\nhost: h\r\n\r\n"},
		{"an IPv6 authority", strings.Replace(get, ": h\n", ": [::1]:80\n", 1), true, "GET / HTTP/1.1\r\nhost: [::1]:80\r\n\r\n"},
		{"the server as a whole", ":method: OPTIONS\n:scheme: https\n:authority: h\n:path: *\n", true, "OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n"},
		{"CONNECT", ":method: CONNECT\n:authority: h:443\na: b\n", false, "CONNECT h:443 HTTP/1.1\r\nhost: h:443\r\na: b\r\n\r\n"},
		{
			"extended CONNECT", ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /chat?x\n:authority: h\nsec-websocket-version: 13\n", false,
			"GET /chat?x HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n",
		},
		{"content of a known length", get + "content-length: 5\n", false, "GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n"},
		{"content of no length", get + "content-length: 0\n", true, "GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n"},
		{"content of an unknown length", get, false, "GET / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"},
		{"100-continue with a length", get + "expect: 100-continue\ncontent-length: 5\n", false, "GET / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"},
		{"100-continue without", get + "expect: 100-continue\n", false, "GET / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"},
		{"100-continue for nothing", get + "expect: 100-continue\n", true, "GET / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\n\r\n"},
		{"te", get + "te: trailers\n", true, "GET / HTTP/1.1\r\nhost: h\r\nte: trailers\r\n\r\n"},
		{"a cookie", get + "cookie: a=b\nc: d\n", true, "GET / HTTP/1.1\r\nhost: h\r\ncookie: a=b\r\nc: d\r\n\r\n"},
		{
			"crumbs of cookies", get + "a: b\ncookie: a=b\ncookie: c=d\ncookie: e=f\nc: d\n", true,
			"GET / HTTP/1.1\r\nhost: h\r\na: b\r\ncookie: a=b; c=d; e=f\r\nc: d\r\n\r\n",
		},
		{
			"crumbs with fields in between", get + "cookie: a=b\ncookie: c=d\nx: 1\ncookie: e=f\ny: 2\nx: 3\ncookie: g=h\naccept: *\n", true,
			"GET / HTTP/1.1\r\nhost: h\r\nx: 1\r\ny: 2\r\nx: 3\r\naccept: *\r\ncookie: a=b; c=d; e=f; g=h\r\n\r\n",
		},
		{"crumbs of nothing", get + "cookie: \ncookie: \nx: 1\ncookie: \n", true, "GET / HTTP/1.1\r\nhost: h\r\ncookie: \r\nx: 1\r\n\r\n"},
		{"crumbs of little", get + "cookie: \ncookie: a=b\ncookie: \ncookie: c\n", true, "GET / HTTP/1.1\r\nhost: h\r\ncookie: a=b; c\r\n\r\n"},
		{"crumbs of little with fields in between", get + "cookie: \nx: 1\ncookie: a=b\ncookie: \n", true, "GET / HTTP/1.1\r\nhost: h\r\nx: 1\r\ncookie: a=b\r\n\r\n"},
		{"repeated fields", get + "accept: a\naccept: b\nvia: c\naccept: d\n", true, "GET / HTTP/1.1\r\nhost: h\r\naccept: a\r\naccept: b\r\nvia: c\r\naccept: d\r\n\r\n"},
		{"the scheme without regard to case", strings.Replace(get, "https", "HTTPS", 1), true, "GET / HTTP/1.1\r\nhost: h\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// What a request leaves behind does not reach the next one.
			var r, want Request
			for _, before := range []string{"", ":method: CONNECT\n:authority: a:1\ncookie: a\n", get + "content-length: 5\nexpect: 100-continue\ncookie: a\nx: y\ncookie: b\n"} {
				composeRequest(&r, before, false)
				if err := composeRequest(&r, tt.fields, tt.ended); err != OK {
					t.Fatal(err)
				}
				if _, err := want.Scan([]byte(tt.text), &DefaultLimits); err != OK {
					t.Fatal(err)
				}
				compareRequests(t, &r, &want)
				if https := strings.Contains(strings.ToLower(tt.fields), ":scheme: https"); r.HTTPS != https {
					t.Errorf("HTTPS is %v", r.HTTPS)
				}
				checkComposed(t, &r)
			}
		})
	}
}

// compareRequests compares a composed request with one that was scanned, in all that can be asked about it. The scanned one
// may have one Transfer-Encoding field more, and says nothing about the scheme.
func compareRequests(t *testing.T, r, want *Request) {
	t.Helper()
	for _, s := range []struct {
		name      string
		got, want Span
	}{
		{"method", r.Method, want.Method},
		{"target", r.Target, want.Target},
		{"path", r.Path, want.Path},
		{"query", r.Query, want.Query},
		{"host", r.Host, want.Host},
		{"host name", r.HostName, want.HostName},
	} {
		if got, want := r.Bytes(s.got), want.Bytes(s.want); !bytes.Equal(got, want) {
			t.Errorf("the %s is %q, want %q", s.name, got, want)
		}
	}
	type values struct {
		length                                           int64
		method                                           MethodID
		form                                             TargetForm
		minor                                            uint8
		plain, hasQuery, chunked, close, expect, upgrade bool
		path                                             string
	}
	of := func(r *Request) values {
		return values{r.ContentLength, r.MethodID, r.Form, r.Minor, r.PathIsPlain, r.HasQuery, r.Chunked, r.Close, r.Expect100, r.Upgrade, string(r.PathBytes())}
	}
	if got, want := of(r), of(want); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	compareHeads(t, &r.Head, &want.Head)
}

func compareHeads(t *testing.T, h, want *Head) {
	t.Helper()
	list := func(h *Head) (lines []string) {
		for i := range h.Fields {
			f := &h.Fields[i]
			if f.ID == TransferEncoding {
				continue
			}
			next := ""
			if j := h.Next(i); j >= 0 {
				next = fmt.Sprintf("%s: %s", h.Name(&h.Fields[j]), h.Value(&h.Fields[j]))
			}
			lines = append(lines, fmt.Sprintf("%s: %s (%d, %v, %v), then %q", h.Name(f), h.Value(f), f.ID, f.Nominated, f.HopByHop(), next))
		}
		return lines
	}
	if got, want := strings.Join(list(h), "\n"), strings.Join(list(want), "\n"); got != want {
		t.Errorf("fields:\n%s\nwant:\n%s", got, want)
	}
	for id := range numFields {
		if id == TransferEncoding {
			continue
		}
		got, _ := h.Get(id)
		value, _ := want.Get(id)
		if h.Has(id) != want.Has(id) || h.Repeated(id) != want.Repeated(id) || !bytes.Equal(got, value) {
			t.Errorf("%v: %v, %v, %q, want %v, %v, %q", id, h.Has(id), h.Repeated(id), got, want.Has(id), want.Repeated(id), value)
		}
	}
}

// checkComposed checks that the field lines follow one another without a gap to the end of the buffer, and that the parser
// makes the same request of them.
func checkComposed(t *testing.T, r *Request) {
	t.Helper()
	at := int(r.Fields[0].Name.Off)
	text := fmt.Sprintf("%s %s HTTP/1.1\r\n%s", r.Bytes(r.Method), r.Bytes(r.Target), r.Buf[at:])
	for i := range r.Fields {
		f := &r.Fields[i]
		line := string(AppendField(nil, r.Name(f), r.Value(f)))
		if int(f.Name.Off) != at || !strings.HasPrefix(string(r.Buf[at:]), line) {
			t.Fatalf("the line of field %d is not at %d: %q", i, at, r.Buf)
		}
		at += len(line)
	}
	if at != len(r.Buf) {
		t.Fatalf("the lines end at %d of %d", at, len(r.Buf))
	}
	if r.Chunked {
		text += FieldChunked
	}
	var scanned Request
	lim := DefaultLimits
	lim.Fields++ // for Transfer-Encoding
	if n, err := scanned.Scan([]byte(text+CRLF), &lim); n != len(text)+len(CRLF) || err != OK {
		t.Fatalf("%q: %d, %v", text, n, err)
	}
	compareRequests(t, r, &scanned)
}

func TestMalformedRequests(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		ended        bool
		err          Error
	}{
		{"nothing", "", true, ErrBadRequestLine},
		{"no method", ":scheme: https\n:authority: h\n:path: /\n", true, ErrBadRequestLine},
		{"no scheme", ":method: GET\n:authority: h\n:path: /\n", true, ErrBadRequestLine},
		{"no path", ":method: GET\n:scheme: https\n:authority: h\n", true, ErrBadRequestLine},
		{"no authority and no host", ":method: GET\n:scheme: https\n:path: /\n", true, ErrMissingHost},
		{"two methods", get + ":method: GET\n", true, ErrBadRequestLine},
		{"two paths", get + ":path: /\n", true, ErrBadRequestLine},
		{"a status", get + ":status: 200\n", true, ErrBadRequestLine},
		{"an unknown pseudo-header field", get + ":other: a\n", true, ErrBadRequestLine},
		{"a pseudo-header field behind a field", ":method: GET\n:scheme: https\n:path: /\na: b\n:authority: h\n", true, ErrBadRequestLine},
		{"a method that is no token", strings.Replace(get, "GET", "G T", 1), true, ErrBadRequestLine},
		{"a method that is a request line", strings.Replace(get, "GET", "GET / HTTP/1.1", 1), true, ErrBadRequestLine},
		{"no method at all", strings.Replace(get, "GET", "", 1), true, ErrBadRequestLine},
		{"an empty path", strings.Replace(get, ": /", ": ", 1), true, ErrBadTarget},
		{"an absolute form", strings.Replace(get, ": /", ": http://h/", 1), true, ErrBadTarget},
		{"a path without a slash", strings.Replace(get, ": /", ": a", 1), true, ErrBadTarget},
		{"a path with a space", strings.Replace(get, ": /", ": / HTTP/1.1", 1), true, ErrBadTarget},
		{"a path with a fragment", strings.Replace(get, ": /", ": /#a", 1), true, ErrBadTarget},
		{"a path that ends in a percent-encoding", strings.Replace(get, ": /", ": /%4", 1), true, ErrBadTarget},
		{"an asterisk without OPTIONS", strings.Replace(get, ": /", ": *", 1), true, ErrBadTarget},
		{"more than an asterisk", ":method: OPTIONS\n:scheme: https\n:authority: h\n:path: *a\n", true, ErrBadTarget},
		{"another scheme", strings.Replace(get, "https", "ftp", 1), true, ErrBadTarget},
		{"an empty authority", strings.Replace(get, ": h\n", ": \n", 1), true, ErrBadHost},
		{"a userinfo", strings.Replace(get, ": h\n", ": u@h\n", 1), true, ErrBadHost},
		{"a host that differs", get + "host: i\n", true, ErrBadHost},
		{"a host with another port", get + "host: h:80\n", true, ErrBadHost},
		{"a host that is none", get + "host: h/\n", true, ErrBadHost},
		{"two hosts", ":method: GET\n:scheme: https\n:path: /\nhost: h\nhost: h\n", true, ErrRepeatedHost},
		{"connection", get + "connection: close\n", true, ErrBadConnection},
		{"proxy-connection", get + "proxy-connection: a\n", true, ErrBadConnection},
		{"keep-alive", get + "keep-alive: timeout=5\n", true, ErrBadConnection},
		{"transfer-encoding", get + "transfer-encoding: chunked\n", false, ErrBadConnection},
		{"upgrade", get + "upgrade: websocket\n", true, ErrBadConnection},
		{"te with more than trailers", get + "te: trailers, gzip\n", true, ErrBadConnection},
		{"two lengths", get + "content-length: 1\ncontent-length: 1\n", false, ErrRepeatedLength},
		{"a length that is none", get + "content-length: +1\n", false, ErrBadContentLength},
		{"a length of content that does not come", get + "content-length: 1\n", true, ErrTruncated},
		{"an expectation", get + "expect: more\n", true, ErrExpectation},
		{"CONNECT with a path", ":method: CONNECT\n:authority: h:1\n:path: /\n", false, ErrBadRequestLine},
		{"CONNECT with a scheme", ":method: CONNECT\n:authority: h:1\n:scheme: https\n", false, ErrBadRequestLine},
		{"CONNECT without an authority", ":method: CONNECT\nhost: h:1\n", false, ErrBadRequestLine},
		{"CONNECT without a port", ":method: CONNECT\n:authority: h\n", false, ErrBadTarget},
		{"CONNECT with a length", ":method: CONNECT\n:authority: h:1\ncontent-length: 1\n", false, ErrFramingConflict},
		{"a protocol with GET", get + ":protocol: websocket\n", false, ErrBadRequestLine},
		{"a protocol that is no token", ":method: CONNECT\n:protocol: a b\n:scheme: https\n:path: /\n:authority: h\n", false, ErrBadRequestLine},
		{"a protocol without an authority", ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /\nhost: h\n", false, ErrBadRequestLine},
		{"a protocol for the server as a whole", ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: *\n:authority: h\n", false, ErrBadTarget},
		{"a protocol with a length", ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /\n:authority: h\ncontent-length: 0\n", false, ErrFramingConflict},
		{"a long path", strings.Replace(get, ": /", ": /"+strings.Repeat("a", DefaultLimits.RequestLine), 1), true, ErrRequestLineTooLong},
		{"many fields", get + strings.Repeat("a: b\n", DefaultLimits.Fields), true, ErrTooManyFields},
		{"large fields", get + "a: " + strings.Repeat("b", DefaultLimits.HeadBytes) + "\n", true, ErrHeadTooLarge},
		{"fields larger than any", get + strings.Repeat("a: "+strings.Repeat("b", 1000)+"\n", 80), true, ErrHeadTooLarge},
		{"cookies larger than any", get + strings.Repeat("cookie: "+strings.Repeat("b", 1000)+"\n", 80), true, ErrHeadTooLarge},
		{"the first mistake counts", get + "connection: close\nhost: i\n:path: /\n", true, ErrBadConnection},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			if err := composeRequest(&r, tt.fields, tt.ended); err != tt.err {
				t.Errorf("%v, want %v", err, tt.err)
			}
		})
	}
	var r Request
	var c Composer
	c.BeginRequest(&r, make([]byte, 0, MaxHeadBytes), &DefaultLimits)
	compose(&c, ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /\n:authority: h\n")
	if err := c.EndRequest(false); err != ErrBadRequestLine {
		t.Errorf("a protocol that is not allowed gives %v", err)
	}
	c.BeginRequest(&r, make([]byte, 0, MaxHeadBytes), &DefaultLimits)
	compose(&c, get)
	c.Refuse(ErrBadFieldName)
	compose(&c, "connection: close\n")
	if err := c.EndRequest(true); err != ErrBadFieldName {
		t.Errorf("what the caller refuses gives %v", err)
	}
}

// TestComposeInLittleRoom composes a request into buffers of every size, of which only those that are large enough do.
func TestComposeInLittleRoom(t *testing.T) {
	const fields = ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:path: /\n:authority: h\ncookie: a=b\nx: y\ncookie: c=d\ncookie: e=f\n"
	fits := false
	for n := range 200 {
		var r Request
		c := Composer{AllowProtocol: true}
		c.BeginRequest(&r, make([]byte, 0, n), &DefaultLimits)
		compose(&c, fields)
		switch err := c.EndRequest(false); {
		case err == OK:
			fits = true
			checkComposed(t, &r)
		case fits || err != ErrHeadTooLarge:
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if !fits {
		t.Error("the request did not fit")
	}
}

func TestSameAuthority(t *testing.T) {
	for _, tt := range []struct {
		a, b  string
		https bool
		want  bool
	}{
		{"h", "h", true, true},
		{"H.Example", "h.eXAMPLE", true, true},
		{"h", "h:443", true, true},
		{"h:", "h:443", true, true},
		{"h", "h:80", false, true},
		{"h:080", "h", false, true},
		{"h", "h:80", true, false},
		{"h", "h:443", false, false},
		{"h:1", "h:2", true, false},
		{"h", "i", true, false},
		{"[::1]", "[::1]:443", true, true},
		{"[::1]", "[::2]", true, false},
		{"", "", true, false},
		{"h:a", "h:a", true, false},
	} {
		if got := sameAuthority([]byte(tt.a), []byte(tt.b), tt.https); got != tt.want {
			t.Errorf("%q and %q, https %v: %v", tt.a, tt.b, tt.https, got)
		}
	}
}

func TestComposeResponse(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		text         string // the same in HTTP/1.1
		err          Error
	}{
		{"a length", ":status: 200\ncontent-length: 5\nx-a: b\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\n", OK},
		{"no length", ":status: 404\n", "HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n", OK},
		{"an interim response", ":status: 103\nlink: a\n", "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n", OK},
		{"no content", ":status: 204\n", "HTTP/1.1 204 No Content\r\n\r\n", OK},
		{"cookies are not joined", ":status: 200\ncontent-length: 0\nset-cookie: a\nset-cookie: b\ncookie: c\ncookie: d\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: a\r\nset-cookie: b\r\ncookie: c\r\ncookie: d\r\n\r\n", OK},
		{"nothing", "", "", ErrBadStatusLine},
		{"no status", "a: b\n", "", ErrBadStatusLine},
		{"two", ":status: 200\n:status: 200\n", "", ErrBadStatusLine},
		{"a path", ":status: 200\n:path: /\n", "", ErrBadStatusLine},
		{"a status behind a field", "a: b\n:status: 200\n", "", ErrBadStatusLine},
		{"a status of two digits", ":status: 20\n", "", ErrBadStatusLine},
		{"a status of four digits", ":status: 2000\n", "", ErrBadStatusLine},
		{"a status with a sign", ":status: +20\n", "", ErrBadStatusLine},
		{"a status below 100", ":status: 099\n", "", ErrBadStatusLine},
		{"switching protocols", ":status: 101\n", "", ErrBadStatusLine},
		{"content where there is none", ":status: 204\ncontent-length: 1\n", "", ErrFramingConflict},
		{"two lengths", ":status: 200\ncontent-length: 1\ncontent-length: 1\n", "", ErrRepeatedLength},
		{"transfer-encoding", ":status: 200\ntransfer-encoding: chunked\n", "", ErrBadConnection},
		{"connection", ":status: 200\nconnection: close\n", "", ErrBadConnection},
		{"large fields", ":status: 200\na: " + strings.Repeat("b", DefaultLimits.HeadBytes) + "\n", "", ErrHeadTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c Composer
			var r, want Response
			buf := make([]byte, 0, MaxHeadBytes)
			c.BeginResponse(&r, buf, &DefaultLimits)
			compose(&c, ":status: 500\ncontent-length: 7\n")
			c.EndResponse()
			c.BeginResponse(&r, buf, &DefaultLimits)
			compose(&c, tt.fields)
			if err := c.EndResponse(); err != tt.err {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if tt.err != OK {
				return
			}
			if _, err := want.Scan([]byte(tt.text), &DefaultLimits); err != OK {
				t.Fatal(err)
			}
			compareHeads(t, &r.Head, &want.Head)
			if r.Status != want.Status || r.ContentLength != want.ContentLength || r.Chunked != want.Chunked || r.Close || r.Upgrade || r.Minor != 1 {
				t.Errorf("%+v, want %+v", r, want)
			}
		})
	}
}

func TestComposeTrailers(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		text         string // the same in HTTP/1.1
		err          Error
	}{
		{"fields", "grpc-status: 0\nx-sum: a\nx-sum: b\n", "grpc-status: 0\r\nx-sum: a\r\nx-sum: b\r\n\r\n", OK},
		{"none", "", "\r\n", OK},
		{"what must not be there", "a: b\ncontent-length: 1\nhost: h\ncookie: c\nd: e\n", "a: b\r\ncontent-length: 1\r\nhost: h\r\ncookie: c\r\nd: e\r\n\r\n", OK},
		{"a pseudo-header field", ":path: /\n", "", ErrBadFieldName},
		{"a status", "a: b\n:status: 200\n", "", ErrBadFieldName},
		{"connection", "connection: close\n", "", ErrBadConnection},
		{"many", strings.Repeat("a: b\n", DefaultLimits.Fields+1), "", ErrTrailerTooLarge},
		{"large", "a: " + strings.Repeat("b", DefaultLimits.TrailerBytes) + "\n", "", ErrTrailerTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c Composer
			var got, want TrailerSection
			c.BeginTrailers(&got, make([]byte, 0, MaxHeadBytes), &DefaultLimits)
			compose(&c, tt.fields)
			if err := c.EndTrailers(); err != tt.err {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if tt.err != OK {
				return
			}
			if err := want.Parse([]byte(tt.text), &DefaultLimits); err != OK {
				t.Fatal(err)
			}
			compareHeads(t, &got.Head, &want.Head)
			if got.Dropped != want.Dropped {
				t.Errorf("%d dropped, want %d", got.Dropped, want.Dropped)
			}
		})
	}
}

func TestComposeAllocatesNothing(t *testing.T) {
	var r Request
	c := Composer{AllowProtocol: true}
	buf := make([]byte, 0, MaxHeadBytes)
	method, scheme, authority, path := []byte("GET"), []byte("https"), []byte("h"), []byte("/a?b")
	cookie, other, host := []byte("cookie: a=b\r\n"), []byte("x: y\r\n"), []byte("host: H\r\n")
	run := func() {
		c.BeginRequest(&r, buf, &DefaultLimits)
		c.Pseudo(PseudoMethod, method)
		c.Pseudo(PseudoScheme, scheme)
		c.Pseudo(PseudoAuthority, authority)
		c.Pseudo(PseudoPath, path)
		for range 3 {
			c.Field(cookie, len("cookie"), Cookie)
			c.Field(host, len("host"), Host)
			c.Field(other, len("x"), FieldOther)
		}
		if err := c.EndRequest(false); err != OK {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
