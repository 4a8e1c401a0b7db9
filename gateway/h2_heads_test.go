package gateway

import (
	"bytes"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// cachedLines are field lines in one place, as in a cache: a stack could move.
var cachedLines [256]byte

// TestH2Heads looks heads up, and decodes what is found.
func TestH2Heads(t *testing.T) {
	lines := cachedLines[:]
	response := func(text string, status int) *Response {
		return &Response{Status: status, Block: lines[:copy(lines, text)], Kept: true}
	}
	heads := new(h2Heads)
	check := func(e *h2EncodedHead, want string) {
		t.Helper()
		if e == nil {
			t.Fatal("there is no head")
		}
		block := append([]byte(nil), e.block...)
		copy(block[e.date:], "Mon, 23 Nov 2026 11:49:17 GMT")
		fields, err := hpack.NewDecoder(0, nil).DecodeFull(block)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range fields {
			got += f.Name + "=" + f.Value + ";"
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	const begin = "server=anygate;date=Mon, 23 Nov 2026 11:49:17 GMT;"
	const etag = "Content-Type: text/plain\r\nETag: \"a\"\r\n"
	check(heads.find(response(etag, 200), 5), ":status=200;"+begin+`content-type=text/plain;etag="a";content-length=5;`)
	first := heads.find(response(etag, 200), 5)
	again := response(etag, 200)
	if allocs := testing.AllocsPerRun(100, func() { heads.find(again, 5) }); allocs != 0 || heads.find(response(etag, 200), 5) != first {
		t.Errorf("%v allocations", allocs)
	}
	// Others in the same place are compressed as if there were no table, until
	// the first is not asked for any more.
	for i, other := range []*Response{response(etag, 200), response(etag, 304), response("Content-Type: text/plain\r\nETag: \"b\"\r\n", 200)} {
		length := int64(5)
		if i == 0 {
			length = 6
		}
		if e := heads.find(other, length); e != nil {
			t.Fatalf("another head is taken for it: %+v", e)
		}
	}
	check(heads.find(response("Content-Type: text/plain\r\nETag: \"c\"\r\n", 200), 5), ":status=200;"+begin+`content-type=text/plain;etag="c";content-length=5;`)
	if long := bytes.Repeat([]byte("X: y\r\n"), 200); heads.find(&Response{Status: 200, Block: long}, 1) != nil {
		t.Error("a head without a bound is kept")
	}
}
