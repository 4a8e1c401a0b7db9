package gateway

import (
	"bytes"
	"testing"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
)

// FuzzPlainPath holds two packages to one meaning: a path that http1 calls
// plain is not normalised before it is matched, and so has to be its own
// normal form.
func FuzzPlainPath(f *testing.F) {
	for _, path := range []string{"/", "/a/b", "//", "/a/../b", "/a/.b", "/%41", "/a|b", "/@:", "/a.b~-_!$&'()*+,;=", "/..", "/a?b/.."} {
		f.Add([]byte(path))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		head := append(append([]byte("GET "), path...), " HTTP/1.1\r\nHost: h\r\n\r\n"...)
		var r http1.Request
		if n, err := r.Scan(head, &http1.DefaultLimits); err != http1.OK || n == 0 || !r.PathIsPlain {
			return
		}
		raw := r.PathBytes()
		if norm, ok := route.Normalise(nil, raw); !ok || !bytes.Equal(norm, raw) {
			t.Fatalf("the plain path %q is %q in normal form, %v", raw, norm, ok)
		}
	})
}
