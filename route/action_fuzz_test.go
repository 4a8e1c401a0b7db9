package route

import "testing"

// FuzzAction checks that no parser of actions panics, that errors and policies
// lie inside the text, and that an action's text reads as the same action.
func FuzzAction(f *testing.F) {
	for _, s := range []string{
		"./dist/", "http://api | limit 100/s per ip | cors https://app.example.com", "http://auth:9000/ping", "OK",
		`FORBIDDEN {"msg":"no"}`, "MOVED /new/*", "*", "FORBIDDEN *", "http://127.0.0.1:9001 | allow 10.0.0.0/8 | auth basic admins.htpasswd",
		"http://a https://[::1]:1/x unix:/run/a.sock", `OK [1] | headers +A="x | y"`, "OK hello | world", "300", "404 {", "MOVED https://x/*", "FORBIDEN", "htp://x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, policies, err := ParseAction(s)
		if err != nil {
			checkPosition(t, s, err)
		} else {
			checkActionString(t, a)
			checkCompiles(t, a)
		}
		for _, p := range policies {
			text := s[p.Off : p.Off+p.Len]
			if p.Name == "" || text[:len(p.Name)] != p.Name || text[p.ArgsOff-p.Off:] != p.Args {
				t.Fatalf("%q: policy %+v has other text at its position: %q", s, p, text)
			}
		}
		for _, parse := range []func(string) (Action, *SyntaxError){ParseFixed, ParseRedirect, ParseEcho} {
			if a, err := parse(s); err != nil {
				checkPosition(t, s, err)
			} else {
				checkActionString(t, a)
				checkCompiles(t, a)
			}
		}
		if _, err := ParseTargets(s); err != nil {
			checkPosition(t, s, err)
		}
		if _, err := ParseTarget(s); err != nil {
			checkPosition(t, s, err)
		}
		if _, err := ParseStatic(s); err != nil {
			checkPosition(t, s, err)
		}
	})
}

// checkCompiles compiles what an action refers to its HEAD for; errors must lie
// inside the target or Location, and success must survive a request.
func checkCompiles(t *testing.T, a Action) {
	t.Helper()
	h := mustHead(t, "/x/:id/*")
	var b Builder
	b.Add(h, 1)
	raw := []byte("/x/%7Eu/a//b")
	norm := []byte("/x/~u/a//b")
	var m Match
	if b.Build().Match([]byte("GET"), nil, norm, &m) != Found {
		t.Fatal("the probe matches nothing")
	}
	for _, target := range a.Targets {
		r, err := CompileRewrite(h, target)
		if err != nil {
			checkPosition(t, target.Raw, err)
			continue
		}
		if got := r.Append(nil, raw, norm, &m); len(got) > r.MaxLen(len(raw)) || len(got) == 0 || got[0] != '/' {
			t.Fatalf("%q makes the path %q", target.Raw, got)
		}
	}
	if a.Kind != Redirect {
		return
	}
	l, err := CompileLocation(h, a.Location)
	if err != nil {
		checkPosition(t, a.Location, err)
		return
	}
	got := l.Append(nil, raw, norm, []byte("q=\r\n"), &m)
	if len(got) > l.MaxLen(len(raw), 4) {
		t.Fatalf("%q makes %q, longer than MaxLen", a.Location, got)
	}
	for _, c := range got {
		if c <= ' ' || c == 0x7f {
			t.Fatalf("%q makes the field value %q", a.Location, got)
		}
	}
}
