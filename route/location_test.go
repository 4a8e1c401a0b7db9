package route

import "testing"

func TestLocation(t *testing.T) {
	for _, tt := range []struct{ name, head, location, raw, query, want string }{
		{"CONFIG.md: tree", "GET /old/*", "/new/*", "/old/a/b", "", "/new/a/b"},
		{"tree itself", "GET /old/*", "/new/*", "/old", "", "/new/"},
		{"prefix is star", "/old/", "/new/*", "/old/a", "", "/new/a"},
		{"constant", "/old", "/new", "/old", "", "/new"},
		{"constant keeps no query", "/old/", "https://login.example/", "/old/x", "token=1", "https://login.example/"},
		{"tree keeps the query", "/old/*", "/new/*", "/old/a", "x=1&y=?/2", "/new/a?x=1&y=?/2"},
		{"tree with a query of its own", "/old/*", "/new?path=*", "/old/a/b", "x=1", "/new?path=a/b"},
		{"fragment keeps no query", "/old/*", "/new/#*", "/old/a", "x=1", "/new/#a"},
		{"other host", "/", "https://www.example.com/*", "/a//b", "q", "https://www.example.com/a//b?q"},
		{"host without scheme", "/", "//www.example.com/*", "/a", "", "//www.example.com/a"},
		{"port is no parameter", "/:a", "http://x:8080/:a", "/v", "", "http://x:8080/v"},
		{"parameter", "/u/:id", "/users/:id/", "/u/7", "q=1", "/users/7/?q=1"},
		{"parameter in the query", "/u/:id", "/users?id=:id", "/u/7", "q=1", "/users?id=7"},
		{"the client's spelling", "/old/*", "/new/*", "/x/../old/%7e%2fa", "", "/new/%7e%2fa"},
		{"relative", "/a/*", "../b/*", "/a/c", "", "../b/c"},
		{"star glued to a word", "/v1/*", "/v2-*", "/v1/a", "", "/v2-a"},
		{"star inside a word stays", "/x", "/a*b", "/x", "", "/a*b"},
		{"not ASCII", "/x", "/caf\xc3\xa9", "/x", "", "/caf%C3%A9"},
		{"no other host by slashes", "/", "/*", "//evil.example/x", "", "/evil.example/x"},
		{"no other host by many slashes", "/old/*", "/*", "/old////evil.example", "", "/evil.example"},
		{"no other host by a dot segment", "/old/*", "/*", "/old/.//evil.example", "", "/evil.example"},
		{"no other host by a backslash", "/", "/*", "/\\evil.example", "", "/%5Cevil.example"},
		{"odd bytes of the client", "/", "/x/*", "/\"<>\xff", "a=\xff\r\nSet-Cookie: x#y", "/x/%22%3C%3E%FF?a=%FF%0D%0ASet-Cookie:%20x%23y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := mustHead(t, tt.head)
			l, err := CompileLocation(h, tt.location)
			if err != nil {
				t.Fatal(err)
			}
			p := newProbe(t, h, tt.raw)
			got := l.Append(nil, p.raw, p.norm, []byte(tt.query), &p.m)
			if string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := l.MaxLen(len(tt.raw), len(tt.query)); len(got) > n {
				t.Errorf("%d bytes, MaxLen says %d", len(got), n)
			}
		})
	}
}

func TestCompileLocationErrors(t *testing.T) {
	prefix, exact := mustHead(t, "/old/:id/*"), mustHead(t, "/old")
	for _, tt := range []struct {
		head Head
		wantError
	}{
		{exact, wantError{"star without a star", "/new/*", 5, "*", `has no "*"`, ""}},
		{prefix, wantError{"star in the middle", "/a/*/b", 3, "*", "before the end", ""}},
		{prefix, wantError{"star twice", "/a/*/*", 3, "*", "before the end", ""}},
		{prefix, wantError{"star glued to the host", "https://a.example*", 17, "*", "could name a host", ""}},
		{prefix, wantError{"star is the host", "//*", 2, "*", "could name a host", ""}},
		{prefix, wantError{"star in the host", "https://*.example/", 8, "*", "could name a host", ""}},
		{prefix, wantError{"unknown parameter", "/new/:di", 5, ":di", "has no parameter", ""}},
		{prefix, wantError{"misspelt parameter", "https://a:1/new/:ids", 16, ":ids", "has no parameter", ":id"}},
		{exact, wantError{"parameter without any", "/new/:id", 5, ":id", "has no parameter", ""}},
		{exact, wantError{"blank", "/a b", 2, " ", "character ' '", ""}},
		{exact, wantError{"line end", "/a\r\nb", 2, "\r", "character", ""}},
		{exact, wantError{"host that is not ASCII", "https://b\xc3\xbccher.example/", 9, "\xc3\xbc", "character 'ü'", ""}},
		{exact, wantError{"backslash in a host", "//a\\b/", 3, "\\", "character", ""}},
		{exact, wantError{"empty", "", 0, "", "is no Location", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := CompileLocation(tt.head, tt.in)
			tt.check(t, err)
		})
	}
}

func TestLocationAllocatesNothing(t *testing.T) {
	h := mustHead(t, "/old/:id/*")
	l, err := CompileLocation(h, "https://a.example/:id/*")
	if err != nil {
		t.Fatal(err)
	}
	p := newProbe(t, h, "/old/%37/./x/\"y")
	dst := make([]byte, 0, 256)
	query := []byte("a=b\"")
	if n := testing.AllocsPerRun(100, func() { l.Append(dst, p.raw, p.norm, query, &p.m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
