package cors

import (
	"testing"
	"time"
)

func TestAllows(t *testing.T) {
	p := New([]string{"https://app.example", "https://*.example.org", "http://*.dev.example:3000"}, false, 0)
	for origin, want := range map[string]bool{
		"https://app.example":             true,
		"https://app.example:443":         false,
		"http://app.example":              false,
		"https://APP.example":             false,
		"https://app.example.evil.org":    false,
		"https://a.example.org":           true,
		"https://a.b.example.org":         true,
		"https://example.org":             false,
		"https://.example.org":            false,
		"https://evilexample.org":         false,
		"https://a.example.org:8443":      false,
		"https://evil.com/.example.org":   false,
		"https://evil.com#.example.org":   false,
		"https://u@evil.com?.example.org": false,
		"https://evil.com:1.example.org":  false,
		"https://a.example.org.evil.com":  false,
		"http://x.dev.example:3000":       true,
		"http://x.dev.example":            false,
		"null":                            false,
		"*":                               false,
		"":                                false,
	} {
		if p.Allows([]byte(origin)) != want {
			t.Errorf("Allows(%q) is %v", origin, !want)
		}
	}
	if !New([]string{"*"}, false, 0).Allows([]byte("null")) {
		t.Error("* does not stand for null")
	}
}

func TestApply(t *testing.T) {
	const upstreams = "access-control-allow-origin: *\r\nX-A: 1\r\nAccess-Control-Allow-Credentials: true\r\n"
	listed := New([]string{"https://a.example"}, true, 0)
	for _, c := range []struct {
		name   string
		p      *Policy
		origin string
		want   string
	}{
		{"any", New([]string{"*"}, false, 0), "https://b.example", "X-A: 1\r\nAccess-Control-Allow-Origin: *\r\n"},
		{"any, no origin", New([]string{"*"}, false, 0), "", "X-A: 1\r\nAccess-Control-Allow-Origin: *\r\n"},
		{"listed", listed, "https://a.example", "X-A: 1\r\nVary: Origin\r\nAccess-Control-Allow-Origin: https://a.example\r\nAccess-Control-Allow-Credentials: true\r\n"},
		{"not listed", listed, "", "X-A: 1\r\nVary: Origin\r\n"},
	} {
		var origin []byte
		if c.origin != "" {
			origin = []byte(c.origin)
		}
		got := string(c.p.Apply([]byte(upstreams), 0, origin))
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if len(got) > len(upstreams)+c.p.Room()+len(c.origin) {
			t.Errorf("%s: the result is longer than Room says", c.name)
		}
	}
}

func TestPreflight(t *testing.T) {
	p := New([]string{"https://a.example"}, true, time.Hour)
	const vary = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"
	for _, c := range []struct {
		name                   string
		p                      *Policy
		origin, method, fields string
		want                   string
	}{
		{"yes", p, "https://a.example", "PUT", "x-a, x-b", vary + "Access-Control-Allow-Origin: https://a.example\r\nAccess-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: PUT\r\nAccess-Control-Allow-Headers: x-a, x-b\r\nAccess-Control-Max-Age: 3600\r\n"},
		{"another origin", p, "https://b.example", "PUT", "", vary},
		{"any", New([]string{"*"}, false, 0), "null", "GET", "", vary + "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET\r\n"},
		{"no method", p, "https://a.example", "a b", "", vary},
		{"no fields", p, "https://a.example", "GET", "x-a: b", vary},
	} {
		if got := string(c.p.AppendPreflight(nil, []byte(c.origin), []byte(c.method), []byte(c.fields))); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	p := New([]string{"https://a.example", "https://*.example.org"}, true, time.Hour)
	origin, method, b := []byte("https://x.example.org"), []byte("PUT"), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		p.Allows(origin)
		b = p.Apply(b[:0], 0, origin)
		b = p.AppendPreflight(b[:0], origin, method, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAllows(f *testing.F) {
	for _, s := range []string{"https://a.example", "https://x.example.org", "https://evil.com/.example.org", "null"} {
		f.Add([]byte(s))
	}
	p := New([]string{"https://a.example", "https://*.example.org"}, false, 0)
	f.Fuzz(func(t *testing.T, origin []byte) {
		if p.Allows(origin) && string(origin) != "https://a.example" {
			// It must be a name below example.org and nothing else.
			for _, c := range origin[len("https://"):] {
				if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
					t.Fatalf("%q is let in", origin)
				}
			}
		}
	})
}
