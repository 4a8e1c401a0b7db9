package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// The oracle: every message that this package accepts has to be read by net/http in the same way. The reverse does not
// hold, as this package is stricter. Deliberate differences, where net/http would refuse or rewrite:
//
//   - One empty line before a request line (RFC 9112, section 2.2) is tolerated here and not by net/http.
//   - A Trailer field that announces a framing field is an error in net/http; here the trailer field itself is dropped.
//   - net/http bounds the framing of all chunks together; here each chunk-size line is bounded.
//   - net/http takes Host, Transfer-Encoding, and the Trailer of chunked content out of the fields, and adds a
//     Cache-Control where there is only "Pragma: no-cache". From a response it also takes a Connection field with close.
//   - net/http ignores a second Content-Length that says the same; here it is refused, so the oracle never sees one.

// oracleFields returns the fields of a head in the form of net/http.
func oracleFields(h *Head, chunked bool) http.Header {
	fields := http.Header{}
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.ID == Host || f.ID == TransferEncoding || (chunked && f.ID == Trailer) {
			continue
		}
		fields.Add(string(h.Name(f)), string(h.Value(f)))
	}
	if pragma := fields["Pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" && fields["Cache-Control"] == nil {
		fields.Set("Cache-Control", "no-cache")
	}
	return fields
}

// announcesFraming says whether a Trailer field names one that net/http does not allow there.
func announcesFraming(h *Head) bool {
	for i := h.First(Trailer); i >= 0; i = h.Next(i) {
		value := strings.ToLower(string(h.Value(&h.Fields[i])))
		for _, name := range []string{"transfer-encoding", "content-length", "trailer"} {
			if strings.Contains(value, name) {
				return true
			}
		}
	}
	return false
}

// oracleReader reads message, with a buffer that the longest trailer section fits in.
func oracleReader(message []byte) *bufio.Reader {
	return bufio.NewReaderSize(bytes.NewReader(message), 2*MaxHeadBytes)
}

// compareRequest checks b, which starts with a head of n bytes that r was parsed from.
func compareRequest(t *testing.T, r *Request, b []byte, n int) {
	t.Helper()
	if r.Chunked && announcesFraming(&r.Head) {
		return
	}
	message := b[EmptyLine(b):]
	want, err := http.ReadRequest(oracleReader(message))
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", message, err)
	}
	length := max(r.ContentLength, 0)
	if r.Chunked {
		length = -1
	}
	ours := fmt.Sprintf("%s %s %s HTTP/1.%d %d close=%v", r.Bytes(r.Method), r.Bytes(r.Target), r.Bytes(r.Host), r.Minor, length, r.Close)
	theirs := fmt.Sprintf("%s %s %s HTTP/%d.%d %d close=%v", want.Method, want.RequestURI, want.Host, want.ProtoMajor, want.ProtoMinor, want.ContentLength, want.Close)
	if ours != theirs {
		t.Fatalf("%q\nours   %s\ntheirs %s", message, ours, theirs)
	}
	if r.Form == OriginForm || r.Form == AbsoluteForm {
		path, err := url.PathUnescape(string(r.Bytes(r.Path)))
		if query := string(r.Bytes(r.Query)); err != nil || path != want.URL.Path || query != want.URL.RawQuery {
			t.Fatalf("%q: path %q, %v, query %q; net/http has %q, %q", message, path, err, query, want.URL.Path, want.URL.RawQuery)
		}
	}
	if fields := oracleFields(&r.Head, r.Chunked); !reflect.DeepEqual(fields, want.Header) {
		t.Fatalf("%q\nour fields   %q\ntheir fields %q", message, fields, want.Header)
	}
	kind, size := r.Content()
	compareContent(t, b[n:], kind, size, want.Body)
}

// compareResponse checks b, which starts with a head of n bytes that r was parsed from.
func compareResponse(t *testing.T, r *Response, b []byte, n int, method MethodID) {
	t.Helper()
	if r.Chunked && announcesFraming(&r.Head) {
		return
	}
	want, err := http.ReadResponse(oracleReader(b), &http.Request{Method: method.String()})
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", b, err)
	}
	defer want.Body.Close()
	kind, size := r.Content(method)
	closes := r.Close || kind == BodyUntilClose
	ours := fmt.Sprintf("%d HTTP/1.%d close=%v", r.Status, r.Minor, closes)
	theirs := fmt.Sprintf("%d HTTP/%d.%d close=%v", want.StatusCode, want.ProtoMajor, want.ProtoMinor, want.Close)
	if ours != theirs {
		t.Fatalf("%q\nours   %s\ntheirs %s", b, ours, theirs)
	}
	fields := oracleFields(&r.Head, r.Chunked)
	for i := r.First(Host); i >= 0; i = r.Next(i) {
		fields.Add("Host", string(r.Value(&r.Fields[i]))) // net/http removes it from requests only
	}
	if r.Close {
		fields.Del("Connection")
		want.Header.Del("Connection")
	}
	if !reflect.DeepEqual(fields, want.Header) {
		t.Fatalf("%q\nour fields   %q\ntheir fields %q", b, fields, want.Header)
	}
	compareContent(t, b[n:], kind, size, want.Body)
}

// compareContent checks that content which this package accepts whole is the same for net/http.
func compareContent(t *testing.T, b []byte, kind BodyKind, size int64, body io.Reader) {
	t.Helper()
	content, _, _, done, err := decode(string(b), len(b)+1, kind, size, &DefaultLimits)
	if err != OK || !(done || kind == BodyUntilClose) {
		return
	}
	theirs, readErr := io.ReadAll(body)
	if readErr != nil {
		t.Fatalf("net/http refuses the content %q: %v", b, readErr)
	}
	if content != string(theirs) {
		t.Fatalf("content %q, net/http has %q", content, theirs)
	}
}

func TestOracleAgreesOnRequests(t *testing.T) {
	for _, tt := range validRequests {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			n, err := r.Scan([]byte(tt.in), &DefaultLimits)
			if err != OK {
				t.Fatal(err)
			}
			b := []byte(tt.in)
			switch {
			case r.Chunked:
				b = append(b, "3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"...)
			case r.ContentLength > 0 && r.ContentLength < 100:
				b = append(b, strings.Repeat("x", int(r.ContentLength))...)
			}
			r.Buf = b
			compareRequest(t, &r, b, n)
		})
	}
}

func TestOracleAgreesOnResponses(t *testing.T) {
	for _, tt := range validResponses {
		for _, method := range []MethodID{GET, HEAD, POST} {
			for _, content := range []string{"", "0123456789", "3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"} {
				var r Response
				b := []byte(tt.in + content)
				n, err := r.Scan(b, &DefaultLimits)
				if err != OK {
					t.Fatal(err)
				}
				compareResponse(t, &r, b, n, method)
			}
		}
	}
}

func TestOracleAgreesOnChunks(t *testing.T) {
	for _, tt := range validBodies {
		if tt.kind != BodyChunked {
			continue
		}
		var r Request
		b := []byte(field("Transfer-Encoding: chunked") + tt.in)
		n, err := r.Scan(b, &DefaultLimits)
		if err != OK {
			t.Fatal(err)
		}
		compareRequest(t, &r, b, n)
	}
}
