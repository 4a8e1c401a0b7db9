package route

import (
	"fmt"
	"strings"
	"testing"
)

// routes builds a table whose values are the indices of heads.
func routes(t testing.TB, heads ...string) *Table {
	t.Helper()
	var b Builder
	for i, s := range heads {
		if with, ok := b.Add(mustHead(t, s), uint32(i)); !ok {
			t.Fatalf("%q conflicts with %q", s, heads[with])
		}
	}
	return b.Build()
}

// request is one line of a test: what is asked and what comes of it.
type request struct {
	method, host, path string
	want               string // The HEAD of the route, or "404", or "405" and the Allow list.
}

func (r request) check(t *testing.T, table *Table, heads []string) {
	t.Helper()
	norm, ok := Normalise(make([]byte, 0, 3*len(r.path)), []byte(r.path))
	if !ok {
		t.Fatalf("%q is no path", r.path)
	}
	var m Match
	var got string
	switch table.Match([]byte(r.method), []byte(r.host), norm, &m) {
	case Found:
		got = heads[m.Value]
	case NotFound:
		got = "404"
	case MethodNotAllowed:
		got = "405 " + string(table.AppendAllow(nil, []byte(r.host), norm))
	}
	if got != r.want {
		t.Errorf("%s %s%s: got %q, want %q", r.method, r.host, r.path, got, r.want)
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		name     string
		heads    []string
		requests []request
	}{
		{"CONFIG.md: method, then any", []string{"GET /path", "* /path"}, []request{
			{"GET", "", "/path", "GET /path"},
			{"POST", "", "/path", "* /path"},
			{"HEAD", "", "/path", "GET /path"},
			{"GET", "", "/path/", "404"},
			{"GET", "", "/pat", "404"},
			{"GET", "", "/pathx", "404"},
		}},
		{"CONFIG.md: literal, parameter, rest", []string{"/api/items", "/api/:res", "/api/*"}, []request{
			{"GET", "", "/api/items", "/api/items"},
			{"GET", "", "/api/orders", "/api/:res"},
			{"GET", "", "/api/a/b", "/api/*"},
			{"GET", "", "/api/items/b", "/api/*"},
			{"GET", "", "/api/", "/api/*"},
			{"GET", "", "/api", "/api/*"},
			{"GET", "", "/ap", "404"},
			{"GET", "", "/", "404"},
			{"GET", "", "/api/item", "/api/:res"},
			{"GET", "", "/api/itemss", "/api/:res"},
			{"GET", "", "/api//", "/api/*"},
		}},
		{"CONFIG.md: prefix", []string{"/v1/"}, []request{
			{"GET", "", "/v1", "/v1/"},
			{"GET", "", "/v1/a/b", "/v1/"},
			{"GET", "", "/v1x", "404"},
			{"GET", "", "/V1", "404"},
		}},
		{"CONFIG.md: unusual methods", []string{"PROPFIND SEARCH /dav/*"}, []request{
			{"GET", "", "/dav/x", "405 PROPFIND, SEARCH"},
			{"PROPFIND", "", "/dav/x", "PROPFIND SEARCH /dav/*"},
			{"propfind", "", "/dav/x", "405 PROPFIND, SEARCH"},
			{"UNHEARD-OF", "", "/dav", "405 PROPFIND, SEARCH"},
		}},
		{"exact beats the prefix without its slash", []string{"/v1", "/v1/", "/"}, []request{
			{"GET", "", "/v1", "/v1"},
			{"GET", "", "/v1/", "/v1/"},
			{"GET", "", "/v2", "/"},
		}},
		{"HEAD has its own", []string{"GET /x", "HEAD /x", "POST /y"}, []request{
			{"HEAD", "", "/x", "HEAD /x"},
			{"GET", "", "/x", "GET /x"},
			{"DELETE", "", "/x", "405 GET, HEAD"},
			{"HEAD", "", "/y", "405 POST"},
		}},
		{"HEAD is GET's before it is anybody's", []string{"GET /x", "* /x"}, []request{
			{"HEAD", "", "/x", "GET /x"},
		}},
		{"the next path when the best has no such method", []string{"GET /a/b", "POST /a/:x", "PUT /a/*", "DELETE /"}, []request{
			{"GET", "", "/a/b", "GET /a/b"},
			{"POST", "", "/a/b", "POST /a/:x"},
			{"PUT", "", "/a/b", "PUT /a/*"},
			{"DELETE", "", "/a/b", "DELETE /"},
			{"PATCH", "", "/a/b", "405 DELETE, GET, HEAD, POST, PUT"},
			{"PATCH", "", "/a/c", "405 DELETE, POST, PUT"},
			{"PATCH", "", "/a", "405 DELETE, PUT"},
		}},
		{"the left segment decides", []string{"/a/:x/c", "/:y/b/c", "/a/b/d"}, []request{
			{"GET", "", "/a/b/c", "/a/:x/c"},
			{"GET", "", "/a/b/d", "/a/b/d"},
			{"GET", "", "/z/b/c", "/:y/b/c"},
			{"GET", "", "/z/z/c", "404"},
		}},
		{"backtracking over two segments", []string{"/a/b/c/d", "/a/:x/c/e", "/:y/b/:z/f", "/a/"}, []request{
			{"GET", "", "/a/b/c/d", "/a/b/c/d"},
			{"GET", "", "/a/b/c/e", "/a/:x/c/e"},
			{"GET", "", "/a/b/c/f", "/a/"},
			{"GET", "", "/z/b/c/f", "/:y/b/:z/f"},
		}},
		{"a rest comes after deeper literals", []string{"/a/*", "/a/b/*", "/a/b/c"}, []request{
			{"GET", "", "/a/b/c", "/a/b/c"},
			{"GET", "", "/a/b/d", "/a/b/*"},
			{"GET", "", "/a/b", "/a/b/*"},
			{"GET", "", "/a/bc", "/a/*"},
		}},
		{"a parameter takes no empty segment", []string{"/u/:id", "/u/:id/"}, []request{
			{"GET", "", "/u/", "404"},
			{"GET", "", "/u//x", "404"},
			{"GET", "", "/u/1", "/u/:id"},
			{"GET", "", "/u/1/", "/u/:id/"},
			{"GET", "", "/u/1/x", "/u/:id/"},
		}},
		{"empty segments count", []string{"/a//b", "/a/b", "//"}, []request{
			{"GET", "", "/a//b", "/a//b"},
			{"GET", "", "/a/b", "/a/b"},
			{"GET", "", "//x", "//"},
			{"GET", "", "/a///b", "404"},
		}},
		{"labels that share their beginning", []string{"/team", "/tea", "/test/:x", "/t"}, []request{
			{"GET", "", "/team", "/team"},
			{"GET", "", "/tea", "/tea"},
			{"GET", "", "/te", "404"},
			{"GET", "", "/t", "/t"},
			{"GET", "", "/test/1", "/test/:x"},
			{"GET", "", "/test", "404"},
		}},
		{"spellings", []string{"/~user/caf%C3%A9", "/a%2fb/"}, []request{
			{"GET", "", "/%7Euser/caf%c3%a9", "/~user/caf%C3%A9"},
			{"GET", "", "/x/../~user/./caf\xc3\xa9", "/~user/caf%C3%A9"},
			{"GET", "", "/a%2Fb/c", "/a%2fb/"},
			{"GET", "", "/a/b/c", "404"},
		}},
		{"hosts", []string{"example.com/", "*.example.com/", "*.api.example.com/", "/", "GET [::1]/"}, []request{
			{"GET", "example.com", "/x", "example.com/"},
			{"GET", "EXAMPLE.Com:8443", "/x", "example.com/"},
			{"GET", "example.com.", "/x", "example.com/"},
			{"GET", "example.com.:80", "/x", "example.com/"},
			{"GET", "www.example.com", "/x", "*.example.com/"},
			{"GET", "a.b.WWW.example.com:1", "/x", "*.example.com/"},
			{"GET", "v1.api.example.com", "/x", "*.api.example.com/"},
			{"GET", "api.example.com", "/x", "*.example.com/"},
			{"GET", "notexample.com", "/x", "/"},
			{"GET", ".example.com", "/x", "/"},
			{"GET", "com", "/x", "/"},
			{"GET", "", "/x", "/"},
			{"GET", ":80", "/x", "/"},
			{"GET", "[::1]:8080", "/x", "GET [::1]/"},
			{"GET", "[::1]", "/x", "GET [::1]/"},
			{"GET", "[::1", "/x", "/"},
			{"GET", strings.Repeat("a.", 130) + "example.com", "/x", "/"},
		}},
		{"less specific hosts answer what specific ones do not", []string{
			"GET a.example.com/x", "POST *.example.com/x", "PUT /x", "/everywhere", "*.example.com/wild",
		}, []request{
			{"GET", "a.example.com", "/x", "GET a.example.com/x"},
			{"POST", "a.example.com", "/x", "POST *.example.com/x"},
			{"PUT", "a.example.com", "/x", "PUT /x"},
			{"PATCH", "a.example.com", "/x", "405 GET, HEAD, POST, PUT"},
			{"PATCH", "b.example.com", "/x", "405 POST, PUT"},
			{"PATCH", "b.example.org", "/x", "405 PUT"},
			{"GET", "a.example.com", "/everywhere", "/everywhere"},
			{"GET", "a.example.com", "/wild", "*.example.com/wild"},
			{"GET", "a.example.org", "/wild", "404"},
		}},
		{"a specific host goes before a better path", []string{"a.example.com/", "/x"}, []request{
			{"GET", "a.example.com", "/x", "a.example.com/"},
			{"GET", "b.example.com", "/x", "/x"},
		}},
		{"no routes at all", nil, []request{{"GET", "a", "/", "404"}}},
		{"no routes for any host", []string{"a/"}, []request{{"GET", "b", "/", "404"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			table := routes(t, tt.heads...)
			for _, r := range tt.requests {
				r.check(t, table, tt.heads)
			}
		})
	}
}

func TestMatchReportsParametersAndRest(t *testing.T) {
	heads := []string{"/u/:id/posts/:post", "/f/:dir/*", "/:a/:b/:c/end", "/"}
	table := routes(t, heads...)
	for _, tt := range []struct{ path, want string }{
		{"/u/7/posts/x-y", "0 [7 x-y]"},
		{"/f/d/a/b", "1 [d] rest a/b"},
		{"/f/d/", "1 [d] rest "},
		{"/f/d", "1 [d] rest "},
		{"/u/7/posts/end", "0 [7 end]"},
		{"/u/7/z/end", "2 [u 7 z]"},
		{"/u/7/z", "3 [] rest u/7/z"},
		{"/", "3 [] rest "},
	} {
		m := Match{NParams: 9, Rest: 99, HasRest: true, Value: 99}
		if got := table.Match([]byte("GET"), nil, []byte(tt.path), &m); got != Found {
			t.Errorf("%s: %v", tt.path, got)
			continue
		}
		values := []string{}
		for _, s := range m.Params[:m.NParams] {
			values = append(values, tt.path[s.Start:s.End])
		}
		got := fmt.Sprintf("%d %v", m.Value, values)
		if m.HasRest {
			got += " rest " + tt.path[m.Rest:]
		} else if m.Rest != len(tt.path) {
			t.Errorf("%s: no rest, but it begins at %d", tt.path, m.Rest)
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestMatchSurvivesPathsThatAreNotNormal(t *testing.T) {
	table := routes(t, "/", "/:a", "/b/*")
	var m Match
	for _, path := range []string{"", "*", "x", "b/"} {
		if got := table.Match([]byte("GET"), nil, []byte(path), &m); got != NotFound {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestBuilderConflicts(t *testing.T) {
	for _, tt := range []struct {
		first, second string
		conflict      bool
	}{
		{"/a", "/a", true},
		{"* /a", "/a", true},
		{"GET /a", "POST GET /a", true},
		{"GET /a", "GET A.example/a", false},
		{"a.example/x", "A.EXAMPLE./x", true},
		{"/u/:id", "/u/:name", true},
		{"/v1/", "/v1/*", true},
		{"/%7ea", "/~a", true},
		{"/a%2fb", "/a%2Fb", true},
		{"/a", "GET /a", false},
		{"GET /a", "HEAD /a", false},
		{"/v1", "/v1/", false},
		{"/u/:id", "/u/id", false},
		{"/u/:id", "/u/:id/", false},
		{"*.a.example/", "a.example/", false},
		{"/a", "/A", false},
	} {
		var b Builder
		if _, ok := b.Add(mustHead(t, tt.first), 7); !ok {
			t.Fatalf("%q conflicts with nothing", tt.first)
		}
		with, ok := b.Add(mustHead(t, tt.second), 8)
		if ok == tt.conflict || !ok && with != 7 {
			t.Errorf("%q and %q: conflict with %d, ok %v", tt.first, tt.second, with, ok)
		}
	}
}

func TestBuilderAddsNothingOfAConflictingRoute(t *testing.T) {
	var b Builder
	b.Add(mustHead(t, "GET /a"), 0)
	if _, ok := b.Add(mustHead(t, "DELETE GET POST /a"), 1); ok {
		t.Fatal("no conflict")
	}
	table := b.Build()
	var m Match
	if got := table.Match([]byte("POST"), nil, []byte("/a"), &m); got != MethodNotAllowed {
		t.Errorf("got %v", got)
	}
	if got := string(table.AppendAllow(nil, nil, []byte("/a"))); got != "GET, HEAD" {
		t.Errorf("Allow: %s", got)
	}
}

func TestBuilderMayBeUsedOn(t *testing.T) {
	var b Builder
	b.Add(mustHead(t, "/a"), 0)
	before := b.Build()
	b.Add(mustHead(t, "/b"), 1)
	after := b.Build()
	var m Match
	if got := before.Match([]byte("GET"), nil, []byte("/b"), &m); got != NotFound {
		t.Errorf("the first table finds the second route: %v", got)
	}
	if got := after.Match([]byte("GET"), nil, []byte("/b"), &m); got != Found || m.Value != 1 {
		t.Errorf("got %v, %d", got, m.Value)
	}
}

func TestAppendAllowKeepsWhatIsThere(t *testing.T) {
	table := routes(t, "PUT /a/b", "DELETE GET /a/:x", "POST GET /a/*")
	got := table.AppendAllow([]byte("Allow: ZZZ, "), []byte("h"), []byte("/a/b"))
	if string(got) != "Allow: ZZZ, DELETE, GET, HEAD, POST, PUT" {
		t.Errorf("got %q", got)
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	table := routes(t, "GET /a/:x/c", "POST /a/b/*", "Www.Example.com/:a/:b/", "*.example.com/x", "/")
	allow := make([]byte, 0, 64)
	for _, r := range []request{
		{method: "GET", host: "example.org", path: "/a/b/c"},
		{method: "GET", host: "WWW.example.COM:8080", path: "/a/b/c"},
		{method: "PATCH", host: "a.b.example.com", path: "/nowhere/to/be/found"},
		{method: "PATCH", host: "a.b.example.com", path: "/x"},
	} {
		method, host, path := []byte(r.method), []byte(r.host), []byte(r.path)
		var m Match
		if n := testing.AllocsPerRun(100, func() { table.Match(method, host, path, &m) }); n != 0 {
			t.Errorf("%v: Match allocates %v times", r, n)
		}
		if n := testing.AllocsPerRun(100, func() { table.AppendAllow(allow, host, path) }); n != 0 {
			t.Errorf("%v: AppendAllow allocates %v times", r, n)
		}
	}
}

// TestMatchLeavesItsArgumentsOnTheStack is for the gateway, which keeps the
// normalised path and the Match in variables of its own.
func TestMatchLeavesItsArgumentsOnTheStack(t *testing.T) {
	table := routes(t, "GET /users/:id/*", "example.com/")
	_, r := mustRewrite(t, "GET /users/:id/*", "http://up/:id/")
	raw := []byte("/users/%37/./x")
	n := testing.AllocsPerRun(100, func() {
		var m Match
		var buf, out [64]byte
		norm, ok := Normalise(buf[:0], raw)
		if !ok || table.Match([]byte("GET"), []byte("A.test"), norm, &m) != Found {
			t.Fatal("no route")
		}
		if string(r.Append(out[:0], raw, norm, &m)) != "/%37/x" {
			t.Fatal("wrong path")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
