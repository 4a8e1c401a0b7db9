package route

import (
	"strings"
	"testing"
)

// probe is a request that a route was found for.
type probe struct {
	raw, norm []byte
	m         Match
}

func newProbe(t testing.TB, h Head, raw string) *probe {
	t.Helper()
	p := &probe{raw: []byte(raw)}
	var ok bool
	if p.norm, ok = Normalise(make([]byte, 0, 3*len(raw)), p.raw); !ok {
		t.Fatalf("%q is no path", raw)
	}
	var b Builder
	b.Add(h, 0)
	method := []byte("GET")
	if got := b.Build().Match(method, []byte(strings.TrimPrefix(h.Host, "*.")), p.norm, &p.m); got != Found {
		t.Fatalf("%q on %q: %v", raw, h, got)
	}
	return p
}

func mustRewrite(t testing.TB, head, uri string) (Head, Rewrite) {
	t.Helper()
	h := mustHead(t, head)
	target, err := ParseTarget(uri)
	if err != nil {
		t.Fatalf("%q: %v", uri, err)
	}
	r, err := CompileRewrite(h, target)
	if err != nil {
		t.Fatalf("%q: %v", uri, err)
	}
	return h, r
}

func TestRewrite(t *testing.T) {
	for _, tt := range []struct{ name, head, target, raw, want string }{
		{"CONFIG.md: prefix itself", "/v1/", "http://up:9000/", "/v1", "/"},
		{"CONFIG.md: prefix", "/v1/", "http://up:9000/", "/v1/a/b", "/a/b"},
		{"CONFIG.md: exact", "/ping", "http://auth:9000/ping", "/ping", "/ping"},
		{"CONFIG.md: from the first parameter on", "/users/:id", "http://up/users/", "/users/7", "/users/7"},
		{"no path", "/v1/", "http://up", "/v1/a", "/v1/a"},
		{"no path, the client's spelling", "/v1/", "http://up", "/x/../v1/%7e/./a", "/x/../v1/%7e/./a"},
		{"socket", "/v1/", "unix:/run/up.sock", "/v1/a", "/v1/a"},
		{"prefix with its slash only", "/v1/", "http://up/", "/v1/", "/"},
		{"base path", "/v1/", "http://up/base/", "/v1/a", "/base/a"},
		{"base path, prefix itself", "/v1/", "http://up/base/", "/v1", "/base/"},
		{"base path without a slash", "/v1/", "http://up/base", "/v1/a", "/base/a"},
		{"base path without a slash, slash only", "/v1/", "http://up/base", "/v1/", "/base/"},
		{"base path without a slash, prefix itself", "/v1/", "http://up/base", "/v1", "/base"},
		{"star is prefix", "/v1/*", "http://up/base", "/v1/a", "/base/a"},
		{"everything", "/", "http://up/base/", "/", "/base/"},
		{"everything below", "/", "http://up/base", "/a/b/", "/base/a/b/"},
		{"the client's empty segments", "/v1/", "http://up/base/", "/v1//a//b", "/base//a//b"},
		{"the client's spelling of the rest", "/api/", "http://up/", "/api/x/%7Eu%2f", "/x/%7Eu%2f"},
		{"the rest never climbs", "/api/", "http://up/base/", "/api/a/../../api/b", "/base/b"},
		{"the rest of nothing", "/api/", "http://up/base/", "/api/a/..", "/base/"},
		{"dots below stay the client's", "/api/", "http://up/base/", "/api/a/b/../c", "/base/a/b/../c"},
		{"prefix spelt differently", "/api/", "http://up/", "/%61pi/x", "/x"},
		{"exact replaces everything", "/a/b", "http://up/c", "/a/./b", "/c"},
		{"exact with a slash", "/a/b", "http://up/c/", "/a/b", "/c/"},
		{"parameter", "/u/:id", "http://up/users/:id/profile", "/u/7", "/users/7/profile"},
		{"parameters, other order", "/:a/:b", "http://up/:b/:a/:b", "/1/2", "/2/1/2"},
		{"parameter inside a segment", "/u/:id", "http://up/v:id.json", "/u/7", "/v7.json"},
		{"no parameter inside a segment", "/u/:id", "http://up/x:batch/:id", "/u/7", "/x:batch/7"},
		{"a lone colon", "/u/:id", "http://up/:/:id:80", "/u/7", "/:/7:80"},
		{"parameter, the client's spelling", "/u/:id", "http://up/:id", "/u/x/../%7e%2Fa", "/%7e%2Fa"},
		{"parameter and rest", "/u/:id/*", "http://up/:id/files/", "/u/7/a/b", "/7/files/a/b"},
		{"parameter and rest, no slash", "/u/:id/*", "http://up/files/:id", "/u/7/a/b", "/files/7/a/b"},
		{"parameter and no rest", "/u/:id/*", "http://up/files/:id", "/u/7", "/files/7"},
		{"from the first parameter on, with a rest", "/u/:id/*", "http://up/users/", "/u/7/a//b", "/users/7/a//b"},
		{"from the first parameter on, two of them", "/x/:a/y/:b", "http://up/", "/x/1/y/2", "/1/y/2"},
		{"parameters, but a path without a slash", "/x/:a", "http://up/fixed", "/x/1", "/fixed"},
		{"a path that is not ASCII", "/x", "http://up/caf\xc3\xa9", "/x", "/caf%C3%A9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, r := mustRewrite(t, tt.head, tt.target)
			p := newProbe(t, h, tt.raw)
			got := r.Append([]byte("GET "), p.raw, p.norm, &p.m)
			if string(got) != "GET "+tt.want {
				t.Errorf("%s to %s: %s becomes %q, want %q", tt.head, tt.target, tt.raw, got[4:], tt.want)
			}
			if len(got)-4 > r.MaxLen(len(tt.raw)) {
				t.Errorf("%d bytes, MaxLen says %d", len(got)-4, r.MaxLen(len(tt.raw)))
			}
		})
	}
}

func TestCompileRewriteErrors(t *testing.T) {
	h := mustHead(t, "/users/:id/:name")
	for _, tt := range []wantError{
		{"unknown parameter", "http://up/x/:idd/y", 12, ":idd", "has no parameter", ":id"},
		{"unheard-of parameter", "http://up/:whatever", 10, ":whatever", "has no parameter", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, err := ParseTarget(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			_, err = CompileRewrite(h, target)
			tt.check(t, err)
		})
	}
}

func TestRewriteAllocatesNothing(t *testing.T) {
	h, r := mustRewrite(t, "/u/:id/*", "http://up/v2/:id/files")
	dst := make([]byte, 0, 128)
	for _, raw := range []string{"/u/7/a/b", "/u/x/../%37/a/./b"} {
		p := newProbe(t, h, raw)
		if n := testing.AllocsPerRun(100, func() { r.Append(dst, p.raw, p.norm, &p.m) }); n != 0 {
			t.Errorf("%q: %v allocations", raw, n)
		}
	}
}
