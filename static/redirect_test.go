package static

import (
	"net/url"
	"testing"
)

func TestRedirect(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{
		"docs/index.html":         "docs",
		"a/b/index.html":          "b",
		"evil.example/index.html": "evil",
		"x:y/index.html":          "colon",
		"with space/index.html":   "space",
		"\\evil/index.html":       "backslash",
		"index.html":              "home",
	})
	tests := []struct {
		title     string
		path, raw string
		query     []byte
		location  string // empty: no redirect
	}{
		{"plain", "/docs", "/docs", nil, "./docs/"},
		{"nested", "/a/b", "/a/b", nil, "./b/"},
		{"query", "/docs", "/docs", []byte("a=1&b=%20"), "./docs/?a=1&b=%20"},
		{"empty query", "/docs", "/docs", []byte{}, "./docs/?"},
		{"query with a path in it", "/docs", "/docs", []byte("to=/x?y"), "./docs/?to=/x?y"},
		{"query that would end the line", "/docs", "/docs", []byte("a\r\nSet-Cookie: x"), "./docs/?a%0D%0ASet-Cookie:%20x"},
		{"another authority", "/evil.example", "//evil.example", nil, "./evil.example/"},
		{"another authority by backslash", "/%5Cevil", "/\\evil", nil, "./%5Cevil/"},
		{"looks like a scheme", "/x:y", "/x:y", nil, "./x:y/"},
		{"encoded", "/with%20space", "/with%20space", nil, "./with%20space/"},
		{"below a mount", "/docs", "/site/docs", nil, "./docs/"},
		{"the mount itself", "/", "/site", nil, "./site/"},
		{"the mount itself, empty path", "", "/site", []byte("q"), "./site/?q"},
		{"the mount with its slash", "/", "/site/", nil, ""},
		{"the mount by dots", "/", "/site/x/..", nil, ""},
		{"the mount by a dot", "/", "/site/.", nil, ""},
		{"the mount by encoded dots", "/", "/site/x/%2e%2E", nil, ""},
		{"the root", "/", "/", nil, ""},
		{"an absolute-form target without path", "/", "", nil, ""},
		{"raw path unknown", "/docs", "", nil, "./docs/"},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			r := Request{GET: true, Path: []byte(test.path), RawQuery: test.query}
			if test.raw != "" {
				r.RawPath = []byte(test.raw)
			}
			a := f.serve(r)
			if test.location == "" {
				expect(t, a, 200, "home")
				return
			}
			expect(t, a, 301, "301 Moved Permanently\n")
			location := field(a, "Location")
			if location != test.location {
				t.Fatalf("Location %q, want %q", location, test.location)
			}
			base, err := url.Parse("http://host.example/dir/page")
			if err != nil {
				t.Fatal(err)
			}
			target, err := base.Parse(location)
			if err != nil || target.Host != "host.example" || target.Scheme != "http" {
				t.Errorf("a client would go to %v, %v", target, err)
			}
		})
	}
}
