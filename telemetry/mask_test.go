package telemetry

import (
	"bytes"
	"strings"
	"testing"
)

func TestMaskTarget(t *testing.T) {
	m := NewMask([]string{"PIN"})
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"path", "/a/b", "/a/b"},
		{"query without credentials", "/a?q=1&page=2", "/a?q=1&page=2"},
		{"token", "/a?token=abc", "/a?token=***"},
		{"between others", "/a?q=1&access_token=abc&r=2", "/a?q=1&access_token=***&r=2"},
		{"upper case, and a dash for the underscore", "/a?API-Key=abc", "/a?API-Key=***"},
		{"encoded name", "/a?%74oke%6E=abc", "/a?%74oke%6E=***"},
		{"broken encoding", "/a?%7token=abc&%zz=1&%", "/a?%7token=abc&%zz=1&%"},
		{"separated by semicolons", "/a?q=1;password=abc;r", "/a?q=1;password=***;r"},
		{"of a form", "/a?user[password]=abc&user%5Btoken%5D=d", "/a?user[password]=***&user%5Btoken%5D=***"},
		{"array", "/a?token[]=abc", "/a?token[]=***"},
		{"its own name", "/a?pin=1234", "/a?pin=***"},
		{"value with an equals sign", "/a?sig=ab==&x=1", "/a?sig=***&x=1"},
		{"empty value", "/a?token=&x", "/a?token=&x"},
		{"name alone", "/a?token", "/a?token"},
		{"only part of a name", "/a?tokens=1&mytoken=2", "/a?tokens=1&mytoken=2"},
		{"reference within a reference", "/a?next=/b?token=abc", "/a?next=/b?token=***"},
		{"fragment", "/a?q#access_token=abc", "/a?q#access_token=***"},
		{"user information", "http://me:secret@h/a?q", "http://***@h/a?q"},
		{"at sign in a password", "http://me:sec@ret@h/", "http://***@h/"},
		{"no user information", "http://h/a@b?q=@", "http://h/a@b?q=@"},
		{"authority", "h:443", "h:443"},
		{"long name", "/a?" + strings.Repeat("token", 30) + "=1", "/a?" + strings.Repeat("token", 30) + "=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(m.AppendTarget(make([]byte, 0, 512), []byte(tt.in))); got != tt.want {
				t.Errorf("%q is shown as %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestMaskField(t *testing.T) {
	m := NewMask(nil)
	for _, tt := range []struct{ name, value, want string }{
		{"Authorization", "Basic bWU6c2VjcmV0", "Basic ***"},
		{"proxy-authorization", "secret", "***"},
		{"Cookie", "a=1; b=2", "a=***; b=***"},
		{"Cookie", "alone", "***"},
		{"Cookie", "a=1;", "a=***;"},
		{"Set-Cookie", "a=1; Path=/; Secure", "a=***; Path=/; Secure"},
		{"X-API-Key", "abc", "***"},
		{"X_Auth_Token", "abc", "***"},
		{"Referer", "http://h/?token=abc", "http://h/?token=***"},
		{"Accept", "text/html", "text/html"},
	} {
		if got := string(m.AppendField(make([]byte, 0, 512), tt.name, []byte(tt.value))); got != tt.want {
			t.Errorf("%s: %s is shown as %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
}

// TestMaskKeepsWithinRoom has places of every size, none of which may grow or show more than its part.
func TestMaskKeepsWithinRoom(t *testing.T) {
	m := NewMask(nil)
	in := []byte("http://me:secret@h/a?q=1&token=secret&r=2")
	whole := string(m.AppendTarget(make([]byte, 0, 512), in))
	for n := range len(whole) + 2 {
		room := make([]byte, n+1)
		got := m.AppendTarget(room[:0:n], in)
		if n > 0 && len(got) > 0 && &got[0] != &room[0] {
			t.Fatalf("a place of %d bytes has grown", n)
		}
		if want := whole[:min(n, len(whole))]; string(got) != want {
			t.Fatalf("in %d bytes: %q, want %q", n, got, want)
		}
	}
}

func TestMaskAllocatesNothing(t *testing.T) {
	m := NewMask(nil)
	dst := make([]byte, 0, 512)
	target, value := []byte("http://me@h/a?q=1&token=a&user[pass]=2"), []byte("a=b; c=d")
	if n := testing.AllocsPerRun(100, func() {
		m.AppendTarget(dst, target)
		m.AppendField(dst, "Cookie", value)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzMask hides a value behind a name in whatever surroundings, and must not show it, nor lose what is not a credential.
func FuzzMask(f *testing.F) {
	for _, s := range []string{"/", "/a?", "/a?b=c&", "http://u:p@h/?x;", "?#&;", "%3f", "/a?token"} {
		f.Add([]byte(s), []byte("&z=1"))
	}
	m := NewMask(nil)
	f.Fuzz(func(t *testing.T, before, after []byte) {
		const secret = "\x00hidden\x00"
		if bytes.Contains(before, []byte(secret)) || bytes.Contains(after, []byte(secret)) {
			return
		}
		in := append(append(append(bytes.Clone(before), "?token="+secret...), '&'), after...)
		got := m.AppendTarget(make([]byte, 0, 16*len(in)+64), in)
		if bytes.Contains(got, []byte(secret)) {
			t.Fatalf("%q is shown as %q", in, got)
		}
		if again := m.AppendTarget(make([]byte, 0, 16*len(in)+64), got); !bytes.Equal(again, got) {
			t.Fatalf("%q is masked again to %q", got, again)
		}
		plain := bytes.ReplaceAll(bytes.ReplaceAll(before, []byte("="), nil), []byte("@"), nil)
		if got := m.AppendTarget(make([]byte, 0, len(plain)), plain); !bytes.Equal(got, plain) {
			t.Fatalf("%q has no credentials, and is shown as %q", plain, got)
		}
	})
}
