package route

import (
	"reflect"
	"testing"
)

// FuzzHead checks that ParseHead never panics, that errors lie inside the text,
// and that the canonical form of what it accepts reads as the same.
func FuzzHead(f *testing.F) {
	for _, s := range []string{
		"/", "/api/", "GET /healthz", "GET POST PATCH /mock/rude", "GET /old/*", "admin.example.com/",
		"*.example.com/:a/b/*", "/users/:id", "[::1]/x", "* GET /a%2fb/%7e", "/café//|", "GET,POST /x", "/:a/:a", "/%", "http://x/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHead(s)
		if err != nil {
			checkPosition(t, s, err)
			return
		}
		again, err := ParseHead(h.String())
		if err != nil || !reflect.DeepEqual(again, h) {
			t.Fatalf("%q reads as %+v,\nits canonical form %q as %+v, %v", s, h, h.String(), again, err)
		}
		if norm, ok := Normalise(nil, []byte(h.Path)); !ok || string(norm) != h.Path {
			t.Fatalf("%q has the path %q, which is not normalised", s, h.Path)
		}
		var b Builder
		b.Add(h, 1)
		if with, ok := b.Add(again, 2); ok || with != 1 {
			t.Fatalf("%q does not conflict with itself", s)
		}
		b.Build()
	})
}
