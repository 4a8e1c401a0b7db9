package http1

import (
	"bytes"
	"testing"
)

// FuzzEdits checks that what is removed is gone, that all else stays in its order, and that what is added is behind it.
func FuzzEdits(f *testing.F) {
	f.Add([]byte("Server: up\r\nX-A: 1\r\n"))
	f.Add([]byte("x-a: 1"))
	f.Add([]byte("\r\n\n:X-A:\nX-A\n"))
	f.Fuzz(func(t *testing.T, block []byte) {
		var e Edits
		e.Remove("Server")
		e.Set("X-A", "9")
		var want []byte
		for rest := block; len(rest) > 0; {
			end := bytes.IndexByte(rest, '\n') + 1
			if end == 0 {
				end = len(rest)
			}
			name, _, _ := bytes.Cut(rest[:end], []byte(":"))
			field := bytes.IndexByte(rest[:end], ':') >= 0
			if !field || !EqualFold(name, "server") && !EqualFold(name, "x-a") {
				want = append(want, rest[:end]...)
			}
			rest = rest[end:]
		}
		want = append(want, "X-A: 9\r\n"...)
		if got := e.Apply(bytes.Clone(block), 0); !bytes.Equal(got, want) {
			t.Fatalf("%q becomes %q, want %q", block, got, want)
		}
	})
}
