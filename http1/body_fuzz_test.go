package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http/httputil"
	"testing"
)

// FuzzBody checks that the result does not depend on how the bytes are split, that nothing beyond the argument is
// consumed or returned, and that accepted chunks decode as net/http decodes them.
func FuzzBody(f *testing.F) {
	for _, tt := range validBodies {
		f.Add([]byte(tt.in), uint8(tt.kind), tt.length, uint8(3))
	}
	for _, tt := range invalidBodies {
		f.Add([]byte(tt.in), uint8(BodyChunked), int64(0), uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, kind uint8, length int64, piece uint8) {
		if len(b) > 8<<10 {
			return
		}
		k := BodyKind(kind % 4)
		in := string(b)
		content, trailer, rest, done, err := decode(in, len(in)+1, k, length, &DefaultLimits)
		for _, size := range []int{1, int(piece)%16 + 1, int(piece) + 1} {
			c, tr, re, d, e := decode(in, size, k, length, &DefaultLimits)
			if d != done || e != err || (e == OK && (c != content || tr != trailer || re != rest)) {
				t.Fatalf("%q in pieces of %d: %q, %q, %q, %v, %v\nwhole: %q, %q, %q, %v, %v", in, size, c, tr, re, d, e, content, trailer, rest, done, err)
			}
		}
		if len(content)+len(trailer)+len(rest) > len(in) {
			t.Fatalf("more comes out than goes in: %q, %q, %q of %q", content, trailer, rest, in)
		}
		if err != OK || !done {
			return
		}
		if k == BodyChunked {
			// This reader stops behind the last-chunk, and so leaves the trailer section alone.
			theirs, readErr := io.ReadAll(httputil.NewChunkedReader(bufio.NewReader(bytes.NewReader(b))))
			if readErr != nil || string(theirs) != content {
				t.Fatalf("%q: %q, net/http has %q, %v", in, content, theirs, readErr)
			}
			var s TrailerSection
			if e := s.Parse([]byte(trailer), &DefaultLimits); e != OK && e != ErrTrailerTooLarge {
				t.Fatalf("the trailer section %q passes the body and then gives %v", trailer, e)
			}
		}
	})
}
