package route

import (
	"reflect"
	"strings"
	"testing"
)

func target(raw, scheme, host, path string, off int) Target {
	return Target{Raw: raw, Scheme: scheme, Host: host, Path: path, HasPath: path != "", Off: off, Len: len(raw)}
}

func TestParseAction(t *testing.T) {
	for _, tt := range []struct {
		in       string
		want     Action
		policies []PolicyText
	}{
		{"./dist/", Action{Kind: Static, Path: "./dist/", Len: 7}, nil},
		{"/srv/my site | b.html | compress", Action{Kind: Static, Path: "/srv/my site", Len: 12}, []PolicyText{
			{"b.html", "", 15, 6, 21}, {"compress", "", 24, 8, 32},
		}},
		{"../a|b/ | log off", Action{Kind: Static, Path: "../a|b/", Len: 7}, []PolicyText{{"log", "off", 10, 7, 14}}},
		{".", Action{Kind: Static, Path: ".", Len: 1}, nil},
		{"http://api | limit 100/s per ip | cors https://app.example.com", Action{
			Kind: Proxy, Targets: []Target{target("http://api", "http", "api", "", 0)},
		}, []PolicyText{{"limit", "100/s per ip", 13, 18, 19}, {"cors", "https://app.example.com", 34, 28, 39}}},
		{" http://auth:9000/ping ", Action{Kind: Proxy, Targets: []Target{target("http://auth:9000/ping", "http", "auth:9000", "/ping", 1)}}, nil},
		{"HTTP://a/ h2c://b:1 https://[::1]:8443/x unix:/run/a.sock|log off", Action{Kind: Proxy, Targets: []Target{
			target("HTTP://a/", "http", "a", "/", 0), target("h2c://b:1", "h2c", "b:1", "", 10),
			target("https://[::1]:8443/x", "https", "[::1]:8443", "/x", 20), target("unix:/run/a.sock", "unix", "/run/a.sock", "", 41),
		}}, []PolicyText{{"log", "off", 58, 7, 62}}},
		{"OK", Action{Kind: Fixed, Status: 200, Off: 2}, nil},
		{"404", Action{Kind: Fixed, Status: 404, Off: 3}, nil},
		{"599 x", Action{Kind: Fixed, Status: 599, Body: "x", Off: 4, Len: 1}, nil},
		{"NO_CONTENT | log off", Action{Kind: Fixed, Status: 204, Off: 10}, []PolicyText{{"log", "off", 13, 7, 17}}},
		{"OK  hello | world ", Action{Kind: Fixed, Status: 200, Body: "hello | world ", Off: 4, Len: 14}, nil},
		{`FORBIDDEN {"msg":"no"}`, Action{Kind: Fixed, Status: 403, Body: `{"msg":"no"}`, JSON: true, Off: 10, Len: 12}, nil},
		{`OK [1, "|"] | log off`, Action{Kind: Fixed, Status: 200, Body: `[1, "|"]`, JSON: true, Off: 3, Len: 8}, []PolicyText{{"log", "off", 14, 7, 18}}},
		{`OK "text"`, Action{Kind: Fixed, Status: 200, Body: `"text"`, JSON: true, Off: 3, Len: 6}, nil},
		{`OK true | log off`, Action{Kind: Fixed, Status: 200, Body: `true`, JSON: true, Off: 3, Len: 4}, []PolicyText{{"log", "off", 10, 7, 14}}},
		{`OK 5 apples`, Action{Kind: Fixed, Status: 200, Body: `5 apples`, Off: 3, Len: 8}, nil},
		{`OK "unclosed`, Action{Kind: Fixed, Status: 200, Body: `"unclosed`, Off: 3, Len: 9}, nil},
		{`OK * and more`, Action{Kind: Fixed, Status: 200, Body: `* and more`, Off: 3, Len: 10}, nil},
		{"OK two\nlines\n", Action{Kind: Fixed, Status: 200, Body: "two\nlines\n", Off: 3, Len: 10}, nil},
		{"MOVED /new/*", Action{Kind: Redirect, Status: 301, Location: "/new/*", Off: 6, Len: 6}, nil},
		{"308 https://a.example/*?x=1 | log off", Action{Kind: Redirect, Status: 308, Location: "https://a.example/*?x=1", Off: 4, Len: 23}, []PolicyText{{"log", "off", 30, 7, 34}}},
		{"NOT_MODIFIED", Action{Kind: Fixed, Status: 304, Off: 12}, nil},
		{"300", Action{Kind: Fixed, Status: 300, Off: 3}, nil},
		{"*", Action{Kind: Echo, Status: 200}, nil},
		{"FORBIDDEN *", Action{Kind: Echo, Status: 403}, nil},
		{"500 * | log off", Action{Kind: Echo, Status: 500}, []PolicyText{{"log", "off", 8, 7, 12}}},
		{`* | headers +X-A="a | b" -Server | log 1%`, Action{Kind: Echo, Status: 200}, []PolicyText{
			{"headers", `+X-A="a | b" -Server`, 4, 28, 12}, {"log", "1%", 35, 6, 39},
		}},
		{`* | auth header X "not closed | log off`, Action{Kind: Echo, Status: 200}, []PolicyText{
			{"auth", `header X "not closed`, 4, 25, 9}, {"log", "off", 32, 7, 36},
		}},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, policies, err := ParseAction(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if !reflect.DeepEqual(policies, tt.policies) {
				t.Errorf("policies %+v\nwant     %+v", policies, tt.policies)
			}
			checkActionString(t, got)
		})
	}
}

// checkActionString checks that Action.String reads as the same action.
func checkActionString(t *testing.T, a Action) {
	t.Helper()
	var again Action
	var err *SyntaxError
	switch s := a.String(); a.Kind {
	case Proxy:
		again.Targets, err = ParseTargets(s)
	case Static:
		again.Kind = Static
		again.Path, err = ParseStatic(s)
	case Fixed:
		again, err = ParseFixed(s)
	case Redirect:
		again, err = ParseRedirect(s)
	case Echo:
		again, err = ParseEcho(s)
	}
	if err != nil {
		t.Fatalf("%q: %v", a.String(), err)
	}
	a, again = withoutPositions(a), withoutPositions(again)
	if !reflect.DeepEqual(a, again) {
		t.Errorf("%q reads as\n     %+v\nwant %+v", a.String(), again, a)
	}
}

func withoutPositions(a Action) Action {
	a.Off, a.Len = 0, 0
	a.Targets = append([]Target(nil), a.Targets...)
	for i := range a.Targets {
		a.Targets[i].Off = 0
	}
	return a
}

func TestParseActionErrors(t *testing.T) {
	for _, tt := range []wantError{
		{"empty", "", 0, "", "no action", ""},
		{"policy without an action", " | log off", 1, "|", "no action before", ""},
		{"misspelt status", "FORBIDEN", 0, "FORBIDEN", `unknown status "FORBIDEN"`, "FORBIDDEN"},
		{"misspelt status with a body", "FORBIDEN hello", 0, "FORBIDEN", `unknown status`, "FORBIDDEN"},
		{"lower-case status", "not_found", 0, "not_found", "unknown status", "NOT_FOUND"},
		{"hyphens in a status", "Not-Found", 0, "Not-Found", "unknown status", "NOT_FOUND"},
		{"former name", "PAYLOAD_TOO_LARGE", 0, "PAYLOAD_TOO_LARGE", "unknown status", "CONTENT_TOO_LARGE"},
		{"unheard-of status", "XYZZY", 0, "XYZZY", "unknown status", ""},
		{"interim by name", "CONTINUE", 0, "CONTINUE", "interim", ""},
		{"interim by number", "199", 0, "199", "interim", ""},
		{"status too large", "600", 0, "600", "out of range", ""},
		{"status too small", "099", 0, "099", "out of range", ""},
		{"status too long", "2000", 0, "2000", "out of range", ""},
		{"status too short", "20", 0, "20", "out of range", ""},
		{"misspelt scheme", "htp://x", 0, "htp://", "unknown scheme", "http://"},
		{"WebSocket scheme", "wss://x", 0, "wss://", "unknown scheme", "https://"},
		{"foreign scheme", "gopher://x", 0, "gopher://", "unknown scheme", ""},
		{"second target wrong", "http://a htps://b", 9, "htps://", "unknown scheme", "https://"},
		{"one slash", "http:/x:80/y", 0, "http:/x:80/y", "unknown action", "http://x:80/y"},
		{"no scheme", "localhost:3000", 0, "localhost:3000", "no scheme", "http://localhost:3000"},
		{"no scheme with a path", "10.0.0.1:80/x", 0, "10.0.0.1:80/x", "no scheme", "http://10.0.0.1:80/x"},
		{"no leading dot", "dist/", 0, "dist/", "unknown action", "./dist/"},
		{"no colon", "http//localhost:3000/x", 0, "http//localhost:3000/x", "unknown action", "http://localhost:3000/x"},
		{"a port alone", ":3000", 0, ":3000", "no host", "http://127.0.0.1:3000"},
		{"a shell's variable", "$SITE/dist", 0, "$SITE/dist", "${NAME}", "${SITE}/dist"},
		{"home directory", "~/site", 0, "~/site", "not expanded", ""},
		{"words", "hello world", 0, "hello", "unknown action", ""},
		{"no host", "http:///x", 7, "", "no host", ""},
		{"no host before a port", "http://:80", 7, "", "no host", ""},
		{"user name", "http://me:pw@x/", 7, "me:pw@", "no user name", "x"},
		{"port not a number", "http://x:http/", 9, "http", "not a port", ""},
		{"port with a sign", "http://x:+1", 9, "+1", "not a port", ""},
		{"port zero", "http://x:0", 9, "0", "not a port", ""},
		{"port too large", "http://x:65536", 9, "65536", "not a port", ""},
		{"port empty", "http://x:/", 9, "", "not a port", ""},
		{"bad character in a host", "http://a,b/", 8, ",", "character ','", ""},
		{"bad IPv4 address", "http://10.0.0.256/", 7, "10.0.0.256", "not an IPv4 address", ""},
		{"address not closed", "http://[::1/", 11, "", `no "]"`, ""},
		{"bad IPv6 address", "http://[x]/", 8, "x", "not an IPv6 address", ""},
		{"text after an address", "http://[::1]80/", 12, "80", "stands after the address", ""},
		{"query in a target", "http://x/a?b", 10, "?b", "no query", ""},
		{"query after the host", "http://x?b", 8, "?b", "no query", ""},
		{"dot segment in a target", "http://x/a/../b", 11, "..", "the segment", ""},
		{"star in a target", "http://x/a/*", 11, "*", "means nothing", "/a/"},
		{"broken escape in a target", "http://x/%4g", 9, "%4g", "broken escape", ""},
		{"socket without a path", "unix:", 5, "", "without a path", ""},
		{"relative socket", "unix:a.sock", 5, "a.sock", "not absolute", ""},
		{"slashes before a socket", "unix:///run/a", 5, "///run/a", "more than one slash", "unix:/run/a"},
		{"socket too long", "unix:/" + strings.Repeat("a", 107), 5, "/" + strings.Repeat("a", 107), "108 bytes", ""},
		{"broken JSON object", `OK {"a":}`, 8, "}", "not valid JSON", ""},
		{"broken JSON with a policy", `OK {a} | log off`, 4, "a", "not valid JSON", ""},
		{"JSON cut off", `OK {"a":1 `, 9, "", "ends too early", ""},
		{"text after JSON", `OK [1] and more `, 7, "and more", "stands after the JSON", ""},
		{"body with 204", `NO_CONTENT nothing`, 11, "nothing", "has no content", ""},
		{"JSON body with 205", `205 {} | log off`, 4, "{}", "has no content", ""},
		{"body with 304", `NOT_MODIFIED /x`, 13, "/x", "neither content nor Location", ""},
		{"redirect to nowhere", "MOVED", 5, "", "does not say where to", ""},
		{"redirect to nowhere with a policy", "302 | log off", 3, "", "does not say where to", ""},
		{"redirect to a star", "MOVED *", 6, "*", "neither a Location nor", ""},
		{"two Locations", "MOVED /a /b", 9, "/b", "stands after the Location", ""},
		{"Location without a scheme", "MOVED example.com/x", 6, "example.com/x", "is no Location", "https://example.com/x"},
		{"Location without a slash", "MOVED new", 6, "new", "is no Location", "/new"},
		{"Location without a host", "MOVED https:///x", 14, "", "no host", ""},
		{"broken escape in a Location", "MOVED /a%2", 8, "%2", "broken escape", ""},
		{"text after an echo", "* hello", 2, "hello", "stands after the echo", ""},
		{"empty policy", "OK | ", 3, "|", "no policy", ""},
		{"empty policy in between", "* | | log off", 2, "|", "no policy", ""},
		{"control character in a path", "./a\x01b", 3, "\x01", "character", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := ParseAction(tt.in)
			tt.check(t, err)
		})
	}
}

func TestParseFixed(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Action
	}{
		{"OK hello | world", Action{Kind: Fixed, Status: 200, Body: "hello | world", Off: 3, Len: 13}},
		{"OK | world", Action{Kind: Fixed, Status: 200, Body: "| world", Off: 3, Len: 7}},
		{"OK *", Action{Kind: Fixed, Status: 200, Body: "*", Off: 3, Len: 1}},
		{"503", Action{Kind: Fixed, Status: 503, Off: 3}},
		{"OK {} \n", Action{Kind: Fixed, Status: 200, Body: "{}", JSON: true, Off: 3, Len: 2}},
		{"FOUND /x", Action{Kind: Redirect, Status: 302, Location: "/x", Off: 6, Len: 2}},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParseFixed(tt.in)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, tt.want)
			}
			checkActionString(t, got)
		})
	}
	for _, tt := range []wantError{
		{"empty", " ", 1, "", "no status", ""},
		{"unknown", "GOEN", 0, "GOEN", "unknown status", "GONE"},
		{"no policies here", "OK {} | log off", 6, "| log off", "stands after the JSON body", ""},
		{"nowhere", "MOVED", 5, "", "does not say where to", ""},
		{"two words", "MOVED /a b", 9, "b", "stands after the Location", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseFixed(tt.in)
			tt.check(t, err)
		})
	}
}

func TestParseRedirect(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Action
	}{
		{"/new/*", Action{Kind: Redirect, Status: 302, Location: "/new/*", Len: 6}},
		{" 308 //b.example/x ", Action{Kind: Redirect, Status: 308, Location: "//b.example/x", Off: 5, Len: 13}},
		{"?x=1", Action{Kind: Redirect, Status: 302, Location: "?x=1", Len: 4}},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParseRedirect(tt.in)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, tt.want)
			}
			checkActionString(t, got)
		})
	}
	for _, tt := range []wantError{
		{"empty", "", 0, "", "no Location", ""},
		{"no redirect", "OK /x", 0, "OK", "is no redirect", ""},
		{"status only", "MOVED", 5, "", "does not say where to", ""},
		{"misspelt status", "MOVD /x", 0, "MOVD", "unknown status", "MOVED"},
		{"star", "*", 0, "*", "is no Location", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseRedirect(tt.in)
			tt.check(t, err)
		})
	}
}

func TestParseEcho(t *testing.T) {
	for in, status := range map[string]int{"*": 200, "FORBIDDEN *": 403, "404": 404, " 500  * ": 500, "302 *": 302} {
		a, err := ParseEcho(in)
		if err != nil || a.Kind != Echo || a.Status != status {
			t.Errorf("ParseEcho(%q) = %+v, %v", in, a, err)
		}
		checkActionString(t, a)
	}
	for _, tt := range []wantError{
		{"empty", "", 0, "", "no echo", ""},
		{"text after a star", "* x", 2, "x", "stands after", ""},
		{"text after a status", "OK x", 3, "x", "stands after", ""},
		{"star twice", "OK * *", 5, "*", "stands after", ""},
		{"unknown status", "OKAY", 0, "OKAY", "unknown status", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseEcho(tt.in)
			tt.check(t, err)
		})
	}
}

func TestParseStaticAndTarget(t *testing.T) {
	for _, path := range []string{"/", "./dist/", "../x y", ".", "/srv/a|b"} {
		if got, err := ParseStatic(path); err != nil || got != path {
			t.Errorf("ParseStatic(%q) = %q, %v", path, got, err)
		}
	}
	for _, tt := range []wantError{
		{"empty", "", 0, "", "no path", ""},
		{"no dot", "dist", 0, "dist", "neither absolute nor relative", "./dist"},
	} {
		t.Run("static "+tt.name, func(t *testing.T) {
			_, err := ParseStatic(tt.in)
			tt.check(t, err)
		})
	}
	for _, tt := range []wantError{
		{"empty", "", 0, "", "is no upstream", ""},
		{"path", "/srv", 0, "/srv", "is no upstream", ""},
		{"pool without a scheme", "api", 0, "api", "has no scheme", "http://api"},
		{"misspelt socket", "unxi:/run/a", 0, "unxi:/run/a", "is no upstream", "unix:/run/a"},
	} {
		t.Run("target "+tt.name, func(t *testing.T) {
			_, err := ParseTarget(tt.in)
			tt.check(t, err)
		})
	}
	tooMany := strings.Repeat("http://a ", MaxTargets) + "http://b"
	_, err := ParseTargets(tooMany)
	wantError{"", tooMany, 9 * MaxTargets, "http://b", "too many", ""}.check(t, err)
}

func TestKindAndOutcomeNames(t *testing.T) {
	for kind, want := range map[Kind]string{Proxy: "proxy", Static: "static", Fixed: "fixed", Redirect: "redirect", Echo: "echo", 9: "Kind(9)"} {
		if kind.String() != want {
			t.Errorf("got %q, want %q", kind, want)
		}
	}
	for outcome, want := range map[Outcome]string{Found: "Found", NotFound: "NotFound", MethodNotAllowed: "MethodNotAllowed", 9: "Outcome(9)"} {
		if outcome.String() != want {
			t.Errorf("got %q, want %q", outcome, want)
		}
	}
}
