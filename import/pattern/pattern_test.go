package pattern

import (
	"slices"
	"strings"
	"testing"
)

func TestShapes(t *testing.T) {
	for _, tt := range []struct {
		expr  string
		paths []string // nil if no path can say it
		loose bool
	}{
		{"^/old$", []string{"/old"}, false},
		{"^/old/", []string{"/old/*"}, false},
		{"^/old/(.*)$", []string{"/old/*"}, false},
		{"^/old/.*", []string{"/old/*"}, false},
		{"^/old", []string{"/old/*"}, true},
		{"^/old(.*)$", []string{"/old/*"}, true},
		{"^/(a|b)/c$", []string{"/a/c", "/b/c"}, false},
		{"^/(?:a|b)?x$", []string{"/ax", "/bx", "/x"}, false},
		{`^/a\.html$`, []string{"/a.html"}, false},
		{"^/users/([^/]+)$", []string{"/users/:p1"}, false},
		{"^/users/(?<id>[^/]+)/(.*)$", []string{"/users/:p1/*"}, false},
		{"^/users/(?P<id>[^/]+)$", []string{"/users/:p1"}, false},
		{`^/users/\d+$`, []string{"/users/:p1"}, true},
		{"^/users/[0-9]{1,3}$", []string{"/users/:p1"}, true},
		{"^/v[12]/x$", []string{"/v1/x", "/v2/x"}, false},
		{"^/colou?r$", []string{"/colour", "/color"}, false},
		{"^/a(/|$)", []string{"/a/*"}, false},
		{"^/a/$", []string{"/a/"}, true},
		{`\.php$`, nil, false},
		{`^/.*\.php$`, nil, false},
		{"^/a[^x]+$", nil, false},
		{"^/a(?!b)", nil, false},
		{"^/a(?<!b)", nil, false},
		{"^/user-([^/]+)$", nil, false},
		{"^/(a)+$", nil, false},
		{"^/a*$", nil, false},
		{"^/(((((((((a)))))))))$", nil, false},
		{"^/(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)$", nil, false},
		{"^/a b$", nil, false},
		{`^/a\`, nil, false},
		{"^/[ab$", nil, false},
		{"^/(a$", nil, false},
		{"^/a{2$", nil, false},
	} {
		t.Run(tt.expr, func(t *testing.T) {
			list, ok := Shapes(tt.expr)
			var paths []string
			loose := false
			for _, s := range list {
				h, is := s.Head()
				ok = ok && is
				loose = loose || h.Loose != ""
				paths = append(paths, h.Path)
			}
			if !ok {
				paths = nil
			}
			if !slices.Equal(paths, tt.paths) || ok && loose != tt.loose {
				t.Errorf("%q, loose %v; want %q, loose %v", paths, loose, tt.paths, tt.loose)
			}
		})
	}
}

func TestValues(t *testing.T) {
	list, _ := Shapes("^/(de|en)/users/(?<id>[^/]+)/(.*)$")
	if len(list) != 2 {
		t.Fatalf("%d shapes", len(list))
	}
	h, ok := list[1].Head()
	if !ok || h.Values["1"] != "en" || h.Values["2"] != ":p1" || h.Values["id"] != ":p1" || h.Values["3"] != "*" {
		t.Errorf("%+v, %v", h, ok)
	}
}

func TestStart(t *testing.T) {
	for expr, want := range map[string]string{
		`^/f/(?!public/)`: "/f/", `^/a/b\.c/.*\.php$`: "/a/b.c/", `^/a/b+/c`: "/a/", `^/a/b?/c`: "/a/", `^/a/*b`: "/", `\.php$`: "/", `^/(a|b)/`: "/", `^/a/x|^/b/`: "/", `^/a/(x|y)(?!z)`: "/a/", `^/a/(x)|/b/`: "/", `^/a/[(]|/b/`: "/", `^/a/[]|(]x`: "/a/", `^/a/[^]|]x|/b`: "/", `^/a/\(|/b`: "/",
		`^.*/a/`: "/", `^/a`: "/", `^/a/\d+/b`: "/a/", `^/a{2}/b`: "/", "^": "/", "^/a b/": "/", `^/a/\`: "/a/",
	} {
		if got := Start(expr); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

func TestLiterals(t *testing.T) {
	keep := func(s string) bool { return strings.HasSuffix(s, "example.com") }
	for _, tt := range []struct {
		expr string
		want []string
	}{
		{`^(www\.)?example\.com$`, []string{"www.example.com", "example.com"}},
		{`^(a|b)\.example\.com$`, []string{"a.example.com", "b.example.com"}},
		{`^.+\.example\.com$`, nil},
		{`^example\.org$`, nil},
		{`example\.com$`, nil},
	} {
		if got, _ := Literals(tt.expr, keep); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.expr, got, tt.want)
		}
	}
}
