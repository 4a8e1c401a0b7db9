package route

import (
	"reflect"
	"strings"
	"testing"
)

func lit(text string) Segment   { return Segment{Literal, text} }
func param(name string) Segment { return Segment{Param, name} }

var rest = Segment{Kind: Rest}

func TestParseHead(t *testing.T) {
	for _, tt := range []struct {
		in, canonical string
		want          Head
	}{
		{"/", "/", Head{Path: "/", Segments: []Segment{rest}, Prefix: true}},
		{"/*", "/", Head{Path: "/", Segments: []Segment{rest}, Prefix: true}},
		{"/api/", "/api/", Head{Path: "/api/", Segments: []Segment{lit("api"), rest}, Prefix: true}},
		{"/api/*", "/api/", Head{Path: "/api/", Segments: []Segment{lit("api"), rest}, Prefix: true}},
		{"/ping", "/ping", Head{Path: "/ping", Segments: []Segment{lit("ping")}}},
		{"GET /healthz", "GET /healthz", Head{Methods: []string{"GET"}, Path: "/healthz", Segments: []Segment{lit("healthz")}}},
		{"GET POST PATCH /mock/rude", "GET PATCH POST /mock/rude", Head{
			Methods: []string{"GET", "PATCH", "POST"}, Path: "/mock/rude", Segments: []Segment{lit("mock"), lit("rude")},
		}},
		{"* /path", "/path", Head{Path: "/path", Segments: []Segment{lit("path")}}},
		{"GET * POST /path", "/path", Head{Path: "/path", Segments: []Segment{lit("path")}}},
		{"get rpc-2! /x", "get rpc-2! /x", Head{Methods: []string{"get", "rpc-2!"}, Path: "/x", Segments: []Segment{lit("x")}}},
		{" \tGET\t /x ", "GET /x", Head{Methods: []string{"GET"}, Path: "/x", Segments: []Segment{lit("x")}}},
		{"admin.example.com/", "admin.example.com/", Head{Host: "admin.example.com", Path: "/", Segments: []Segment{rest}, Prefix: true}},
		{"GET Admin.Example.COM./x", "GET admin.example.com/x", Head{
			Methods: []string{"GET"}, Host: "admin.example.com", Path: "/x", Segments: []Segment{lit("x")},
		}},
		{"*.Example.com/x", "*.example.com/x", Head{Host: "*.example.com", Path: "/x", Segments: []Segment{lit("x")}}},
		{"127.0.0.1/x", "127.0.0.1/x", Head{Host: "127.0.0.1", Path: "/x", Segments: []Segment{lit("x")}}},
		{"[2001:DB8::1]/x", "[2001:db8::1]/x", Head{Host: "[2001:db8::1]", Path: "/x", Segments: []Segment{lit("x")}}},
		{"/users/:id", "/users/:id", Head{Path: "/users/:id", Segments: []Segment{lit("users"), param("id")}}},
		{"/:a/x/:b_2/", "/:a/x/:b_2/", Head{Path: "/:a/x/:b_2/", Segments: []Segment{param("a"), lit("x"), param("b_2"), rest}, Prefix: true}},
		{"/a//b", "/a//b", Head{Path: "/a//b", Segments: []Segment{lit("a"), lit(""), lit("b")}}},
		{"//", "//", Head{Path: "//", Segments: []Segment{lit(""), rest}, Prefix: true}},
		{"/%7euser/%2fx/a%3ab", "/~user/%2Fx/a%3Ab", Head{Path: "/~user/%2Fx/a%3Ab", Segments: []Segment{lit("~user"), lit("%2Fx"), lit("a%3Ab")}}},
		{"/café/a|b", "/caf%C3%A9/a%7Cb", Head{Path: "/caf%C3%A9/a%7Cb", Segments: []Segment{lit("caf%C3%A9"), lit("a%7Cb")}}},
		{"/x:y/...", "/x:y/...", Head{Path: "/x:y/...", Segments: []Segment{lit("x:y"), lit("...")}}},
		{"/%2A", "/%2A", Head{Path: "/%2A", Segments: []Segment{lit("%2A")}}},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParseHead(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if got.String() != tt.canonical {
				t.Errorf("canonical form %q, want %q", got.String(), tt.canonical)
			}
			if again, err := ParseHead(got.String()); err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("the canonical form reads as %+v, %v", again, err)
			}
			if got.HasRest() != got.Prefix {
				t.Errorf("HasRest %v, Prefix %v", got.HasRest(), got.Prefix)
			}
		})
	}
}

func TestHeadParams(t *testing.T) {
	h := mustHead(t, "/:a/x/:b/*")
	if got := h.Params(); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
	if got := mustHead(t, "/a").Params(); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestParseHeadErrors(t *testing.T) {
	for _, tt := range []wantError{
		{"empty", "", 0, "", "empty route", ""},
		{"blanks only", "  ", 2, "", "empty route", ""},
		{"no leading slash", "healthz", 0, "healthz", `"healthz" has no path`, "/healthz"},
		{"no leading slash after a method", "GET healthz", 4, "healthz", `"healthz" has no path`, "/healthz"},
		{"host without a path", "GET example.com", 4, "example.com", "no path", "example.com/"},
		{"dot file without a slash", ".well-known", 0, ".well-known", "no path", "/.well-known"},
		{"methods only", "GET POST", 8, "", `no path after "POST"`, ""},
		{"star only", "*", 0, "*", "no path", "/"},
		{"star as last word", "GET *", 5, "", `no path after "*"`, ""},
		{"method glued to its path", "GET/x", 0, "GET", "no blank", "GET /x"},
		{"comma between methods", "GET,POST /x", 3, ",", `character ','`, "GET POST"},
		{"comma after a method", "GET, POST /x", 3, ",", `character ','`, "GET"},
		{"non-ASCII in a method", "GÉT /x", 1, "É", "character 'É'", ""},
		{"method twice", "GET POST GET /x", 9, "GET", "listed twice", ""},
		{"text after the path", "GET /a b", 7, "b", `"b" stands after the path "/a"`, ""},
		{"two paths", "/a  /b c ", 4, "/b c", "stands after the path", ""},
		{"scheme", "https://example.com/x", 0, "https:", "no scheme", "example.com/x"},
		{"port", "GET example.com:8080/x", 15, ":8080", "has a port", "example.com/x"},
		{"port of an address", "[::1]:80/x", 5, ":80", "stands after the address", "[::1]/x"},
		{"address not closed", "[::1/x", 4, "", `no "]"`, ""},
		{"not an address", "[zz]/x", 1, "zz", "not an IPv6 address", ""},
		{"IPv4 in brackets", "[10.0.0.1]/x", 1, "10.0.0.1", "not an IPv6 address", ""},
		{"star is no host", "*/x", 0, "*", `"*" is not a host`, ""},
		{"star inside a label", "a*.example.com/x", 1, "*", "inside the host", ""},
		{"star in a later label", "a.*.com/x", 2, "*", "inside the host", ""},
		{"empty label", "a..b/x", 2, "", "empty label", ""},
		{"wildcard of nothing", "*./x", 0, "*", "inside the host", ""},
		{"non-ASCII host", "bücher.example/x", 1, "ü", "character 'ü'", ""},
		{"bad character in a host", "a@b/x", 1, "@", "character '@'", ""},
		{"star before the end", "/a/*/b", 3, "*", "before the end", ":name"},
		{"star inside a segment", "/a/*.js", 3, "*", "inside the segment", ""},
		{"star at the end of a segment", "/a*", 2, "*", "inside the segment", ""},
		{"empty parameter", "/users/:", 8, "", "without a name", ":name"},
		{"empty parameter before a slash", "/:/x", 2, "", "without a name", ":name"},
		{"parameter twice", "/:id/x/:id", 7, ":id", "occurs twice", ""},
		{"hyphen in a name", "/:user-id", 6, "-", "character '-'", ":user_id"},
		{"suffix of a name", "/:file.js", 6, ".", "character '.'", ":file_js"},
		{"digit first", "/:1a", 2, "1", "character '1'", ""},
		{"star in a name", "/:a*", 3, "*", "character '*'", ""},
		{"broken escape", "/a%zz/", 2, "%zz", "broken escape", ""},
		{"cut escape", "/a%4", 2, "%4", "broken escape", ""},
		{"escaped NUL", "/a%00", 2, "%00", "never matches", ""},
		{"not UTF-8", "/a\xff", 2, "\xff", "not valid UTF-8", ""},
		{"query", "GET /a?b=c", 6, "?b=c", "character '?'", ""},
		{"fragment", "/a#b", 2, "#b", "character '#'", ""},
		{"control character", "/a\x01b", 2, "\x01", `character '\x01'`, ""},
		{"dot segment", "/a/../b", 3, "..", "would never match", ""},
		{"escaped dot segment", "/a/%2e", 3, "%2e", "would never match", ""},
		{"label too long", strings.Repeat("a", 64) + ".b/x", 0, strings.Repeat("a", 64), "longer than 63", ""},
		{"host too long", strings.Repeat("a.", 130) + "a/x", 0, strings.Repeat("a.", 130) + "a", "too long", ""},
		{"path too long", "/x" + strings.Repeat("é", 700), 0, "/x" + strings.Repeat("é", 700), "too long", ""},
		{"too many segments", strings.Repeat("/a", MaxSegments) + "/bb/c", 2*MaxSegments + 1, "bb", "too many segments", ""},
		{"too many parameters", "/:a/:b/:c/:d/:e/:f/:g/:h/:i/:j/:k/:l/:m/:n/:o/:p/:qq", 49, ":qq", "too many parameters", ""},
		{"too many methods", strings.Repeat("* ", MaxMethods) + "PUT /", 2 * MaxMethods, "PUT", "too many methods", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseHead(tt.in)
			tt.check(t, err)
		})
	}
}

func mustHead(t testing.TB, s string) Head {
	t.Helper()
	h, err := ParseHead(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return h
}
