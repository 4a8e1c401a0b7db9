package route

import (
	"strings"
	"testing"
	"unsafe"
)

func TestNormalise(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"root", "/", "/"},
		{"nothing to do", "/a/b-c_d.e~f/", "/a/b-c_d.e~f/"},
		{"sub-delimiters stay", "/!$&'()*+,;=:@", "/!$&'()*+,;=:@"},
		{"unreserved decoded", "/%7euser/%41%2D%5f", "/~user/A-_"},
		{"reserved stay encoded", "/%3a%40%2b", "/%3A%40%2B"},
		{"upper case of the first digit", "/%aF", "/%AF"},
		{"upper case of the second digit", "/%Af", "/%AF"},
		{"encoded slash stays", "/a%2Fb", "/a%2Fb"},
		{"encoded slash in lower case", "/a%2fb", "/a%2Fb"},
		{"decoded once only", "/%2541", "/%2541"},
		{"decoded percent sign never forms an escape", "/%25%34%31", "/%2541"},
		{"encoded question mark stays", "/a%3Fb", "/a%3Fb"},
		{"encoded control character stays", "/a%0ab", "/a%0Ab"},
		{"empty segments stay", "//a///b//", "//a///b//"},
		{"dot", "/a/./b", "/a/b"},
		{"final dot", "/a/.", "/a/"},
		{"only a dot", "/.", "/"},
		{"dot dot", "/a/b/../c", "/a/c"},
		{"final dot dot", "/a/b/..", "/a/"},
		{"dot dot with a slash", "/a/b/../", "/a/"},
		{"back to the root", "/a/..", "/"},
		{"several", "/a/b/c/../../d/./e", "/a/d/e"},
		{"up and down", "/api/a/../../api/b", "/api/b"},
		{"encoded dots", "/a/%2e%2E/b/.%2e/%2E/c", "/c"},
		{"dots in names", "/.a/..b/.../a./a..", "/.a/..b/.../a./a.."},
		{"dot dot before an empty segment", "/a/..//b", "//b"},
		{"dot before an empty segment", "/a/.//b", "/a//b"},
		{"encoded slash is no separator for dots", "/a/..%2Fb", "/a/..%2Fb"},
		{"unescaped characters", "/a|b^c`d{e}\"f<g>\\", "/a%7Cb%5Ec%60d%7Be%7D%22f%3Cg%3E%5C"},
		{"UTF-8", "/caf\xc3\xa9", "/caf%C3%A9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Normalise(make([]byte, 0, 3*len(tt.in)), []byte(tt.in))
			if !ok || string(got) != tt.want {
				t.Errorf("Normalise(%q) = %q, %v, want %q", tt.in, got, ok, tt.want)
			}
		})
	}
}

func TestNormaliseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, in string }{
		{"empty", ""},
		{"asterisk", "*"},
		{"relative", "a/b"},
		{"encoded first slash", "%2Fa"},
		{"above the root", "/.."},
		{"above the root, later", "/a/../.."},
		{"above the root and back", "/../a"},
		{"above the root, encoded", "/%2e%2e/a"},
		{"empty segment removed", "/a//../b"},
		{"first empty segment removed", "//../b"},
		{"empty segment removed after another", "/a/b/..//.."},
		{"NUL", "/a%00"},
		{"NUL after a change", "/%41%00"},
		{"no hexadecimal digits", "/%zz"},
		{"one hexadecimal digit", "/%4z"},
		{"cut escape", "/a%4"},
		{"lone percent sign", "/a%"},
		{"broken escape after a change", "/%41%4"},
		{"blank", "/a b"},
		{"blank after a change", "/%41 b"},
		{"line end", "/a\r\nb"},
		{"raw NUL", "/a\x00"},
		{"DEL", "/a\x7f"},
		{"query", "/a?b"},
		{"fragment", "/a#b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := Normalise(make([]byte, 0, 64), []byte(tt.in)); ok {
				t.Errorf("Normalise(%q) = %q", tt.in, got)
			}
		})
	}
}

func TestNormaliseReturnsItsInputWhenNothingChanges(t *testing.T) {
	path := []byte("/a%2Fb//c.d/")
	got, ok := Normalise(nil, path)
	if !ok || unsafe.SliceData(got) != unsafe.SliceData(path) || len(got) != len(path) {
		t.Errorf("got %q, %v, not the input itself", got, ok)
	}
}

func TestNormaliseNeedsRoom(t *testing.T) {
	for _, in := range []string{"/a/./b", "/%7e", "/%2f", "/a/b/../c%2f"} {
		if _, ok := Normalise(make([]byte, 0, len(in)), []byte(in)); !ok {
			t.Errorf("%q does not fit into its own length", in)
		}
	}
	in := "/" + strings.Repeat("|", 10)
	for room := range 31 {
		if got, ok := Normalise(make([]byte, 0, room), []byte(in)); ok {
			t.Errorf("31 bytes fit into %d: %q", room, got)
		}
	}
	if got, ok := Normalise(make([]byte, 0, 31), []byte(in)); !ok || len(got) != 31 {
		t.Errorf("got %q, %v", got, ok)
	}
	for room := range 2 {
		if got, ok := Normalise(make([]byte, 0, room), []byte("/./a")); ok && string(got) != "/a" {
			t.Errorf("got %q", got)
		}
	}
}

func TestNormaliseAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 128)
	for _, in := range []string{"/api/v1/users/42/orders", "/a/./b/../%7euser/%2f|"} {
		path := []byte(in)
		if n := testing.AllocsPerRun(100, func() { Normalise(dst, path) }); n != 0 {
			t.Errorf("%q: %v allocations", in, n)
		}
	}
}

func TestRawRest(t *testing.T) {
	for _, tt := range []struct {
		raw     string
		normOff int
		want    string
	}{
		{"/api/a/../../api/b", 5, "b"},
		{"/api/x/%7Eu", 5, "x/%7Eu"},
		{"/api/x/%7Eu", 7, "%7Eu"},
		{"/api/x/%7Eu", 8, "u"},
		{"/%61pi/b", 5, "b"},
		{"/%61pi/b", 4, "/b"},
		{"/%61pi", 4, ""},
		{"/v1", 3, ""},
		{"/v1/", 4, ""},
		{"/v1/.", 4, ""},
		{"/v1/x/..", 4, ""},
		{"/v1/./x", 4, "x"},
		{"/v1/x/../y/./z/..", 4, "y/./z/.."},
		{"/v1//a", 4, "/a"},
		{"/v1/.//a", 4, "/a"},
		{"/x/../v1/%2e%2e/v2/a", 4, "a"},
		{"/a|b/c", 7, "c"},
		{"/a|b/c", 6, "/c"},
		{"/a%2fb/c", 7, "c"},
		{"/", 1, ""},
		{"/", 0, "/"},
		{"/a/b", 0, "/a/b"},
		{"/x/../a", 0, "/x/../a"},
		{"/a/./b", 2, "/./b"},
		{"/a/b/..", 2, "/b/.."},
		{"//.", 1, "/."},
		{"//.", 2, ""},
		{"/a", -1, "/a"},
		{"/a", 99, ""},
		{"", 0, ""},
	} {
		if got := tt.raw[RawRest([]byte(tt.raw), tt.normOff):]; got != tt.want {
			t.Errorf("RawRest(%q, %d) leaves %q, want %q", tt.raw, tt.normOff, got, tt.want)
		}
	}
}

func TestRawRestAllocatesNothing(t *testing.T) {
	raw := []byte("/api/a/../../api/%7eb/c")
	if n := testing.AllocsPerRun(100, func() { RawRest(raw, 5) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
