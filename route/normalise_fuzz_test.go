package route

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzNormalise checks what a normal form promises, and what RawRest does, on
// any bytes.
func FuzzNormalise(f *testing.F) {
	for _, s := range []string{
		"/", "/a/b", "/api/a/../../api/b", "/api/x/%7Eu", "/a//../b", "/%2e%2e/", "/a/%2E%2e/b", "/a%2f..%2F",
		"/caf\xc3\xa9|", "/%", "/%00", "//a///", "/./././", "/a/b/c/../../../..", "/%25%32%65", "/..;/x",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		before := bytes.Clone(path)
		norm, ok := Normalise(make([]byte, 0, 3*len(path)), path)
		if !bytes.Equal(path, before) {
			t.Fatalf("the input %q became %q", before, path)
		}
		small, smallOK := Normalise(make([]byte, 0, len(path)), path)
		if smallOK && (!ok || !bytes.Equal(small, norm)) {
			t.Fatalf("%q is %q with little room and %q, %v with more", path, small, norm, ok)
		}
		if !ok {
			return
		}
		checkNormal(t, path, norm)
		if len(path) > 256 {
			return // What follows is quadratic, and long paths show nothing new.
		}
		for off := range norm {
			if norm[off] != '/' {
				continue
			}
			rest := append([]byte("/"), path[RawRest(path, off+1):]...)
			if got, ok := Normalise(make([]byte, 0, 3*len(rest)), rest); !ok || !bytes.Equal(got, norm[off:]) {
				t.Fatalf("%q is %q, but from %d on the raw rest %q is %q, %v", path, norm, off+1, rest, got, ok)
			}
		}
		for off := range len(norm) + 2 {
			if raw := RawRest(path, off); raw < 0 || raw > len(path) {
				t.Fatalf("RawRest(%q, %d) = %d", path, off, raw)
			}
		}
	})
}

// checkNormal checks that norm is in normal form and, decoded by a slower hand,
// means the same as path.
func checkNormal(t *testing.T, path, norm []byte) {
	t.Helper()
	if len(norm) == 0 || norm[0] != '/' {
		t.Fatalf("%q is %q", path, norm)
	}
	if again, ok := Normalise(nil, norm); !ok || !bytes.Equal(again, norm) {
		t.Fatalf("%q is %q, and that is %q, %v", path, norm, again, ok)
	}
	for segment := range strings.SplitSeq(string(norm), "/") {
		if segment == "." || segment == ".." {
			t.Fatalf("%q is %q, with a dot segment", path, norm)
		}
	}
	for _, c := range norm {
		if c <= ' ' || c >= 0x7f {
			t.Fatalf("%q is %q, with a byte that no path has", path, norm)
		}
	}
	if want := slowNormal(string(path)); string(norm) != want {
		t.Fatalf("%q is %q, want %q", path, norm, want)
	}
}

// slowNormal is the definition: decode what is unreserved, then take segments
// one by one.
func slowNormal(path string) string {
	var decoded strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		const allowed = "!$&'()*+,;=:@/-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		if c == '%' {
			hex := strings.ToUpper(path[i+1 : i+3])
			c = byte(strings.IndexByte("0123456789ABCDEF", hex[0])<<4 | strings.IndexByte("0123456789ABCDEF", hex[1]))
			i += 2
			if strings.IndexByte("-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", c) < 0 {
				decoded.WriteString("%" + hex)
				continue
			}
		}
		if strings.IndexByte(allowed, c) >= 0 {
			decoded.WriteByte(c)
		} else {
			decoded.WriteByte('%')
			decoded.WriteByte("0123456789ABCDEF"[c>>4])
			decoded.WriteByte("0123456789ABCDEF"[c&15])
		}
	}
	segments := strings.Split(decoded.String(), "/")[1:]
	var kept []string
	for i, s := range segments {
		if s == ".." {
			kept = kept[:len(kept)-1]
		} else if s != "." {
			kept = append(kept, s)
		}
		if (s == "." || s == "..") && i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}
