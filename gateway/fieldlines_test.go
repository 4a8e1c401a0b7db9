package gateway

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/access"
	"github.com/anygate/anygate/policy/variable"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

// linesOf makes lines of "Name: value" with variables.
func linesOf(t testing.TB, list ...string) *FieldLines {
	t.Helper()
	l := new(FieldLines)
	for _, line := range list {
		name, value, _ := strings.Cut(line, ": ")
		parsed, err := variable.Parse(value, variable.OfResponses)
		if err != nil {
			t.Fatalf("%q: %s", line, err.Msg)
		}
		if text, ok := parsed.Fixed(); ok {
			l.Fixed(name, text)
		} else {
			l.Varying(name, parsed)
		}
	}
	return l
}

// everyVariable is a line for each that a request can have, with a prefix.
func everyVariable(prefix string) (list []string) {
	for v := variable.Client; v <= variable.Upstream; v++ {
		if variable.OfRequests.Has(v) {
			list = append(list, prefix+v.String()+": {"+v.String()+"}")
		}
	}
	return list
}

// withVariables edits requests and responses of the world with all of them.
func withVariables(w *world) {
	var e http1.Edits
	e.Remove("Server")
	w.policies = &Policies{Fields: NewFieldEdits(e, linesOf(w.t, append(everyVariable("R-"), "R-Upstream: {upstream}", "R-Fixed: 1")...))}
	w.edits, w.lines = new(http1.Edits), linesOf(w.t, everyVariable("Q-")...)
}

// toldOf takes the lines of a head whose names have a prefix, without it.
func toldOf(fields http.Header, prefix string) (list []string) {
	for name, values := range fields {
		if rest, ok := strings.CutPrefix(strings.ToLower(name), strings.ToLower(prefix)); ok {
			list = append(list, rest+": "+strings.Join(values, "|"))
		}
	}
	slices.Sort(list)
	return list
}

var anID = regexp.MustCompile(`^request-id: [0-9a-f]{32}$`)

// compareTold compares them; a value "*" is any, and of ports and ids it is only seen that they are some.
func compareTold(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	var seen []string
	for _, line := range got {
		name, _, _ := strings.Cut(line, ": ")
		switch {
		case name == "request-id" && anID.MatchString(line), name == "client-port", name == "server-port", name == "peer":
			line = name
		}
		seen = append(seen, line)
	}
	slices.Sort(want)
	if !slices.Equal(seen, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, seen, want)
	}
}

// variablesWorld serves routes with lines of all variables.
func variablesWorld(t *testing.T, w *world) (got func() http.Header) {
	t.Helper()
	var last http.Header
	u := w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, _ string) string {
		last = r.Header.Clone()
		last.Set("Host", r.Host)
		return ok("x")
	}))
	withVariables(w)
	w.serve("/p/: http://up/", "/fixed: OK pong", "GET /get: OK", "/old: MOVED /new")
	return func() (h http.Header) {
		u.locked(func() { h = last })
		return h
	}
}

func TestVariables(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.trustPeers()
		got := variablesWorld(t, w)
		c := w.client()
		const asked = "client: 203.0.113.9"
		r := c.ask("GET /p/A%20b?x=1&y", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nR-Client: mine\r\n")
		want := []string{
			asked, "peer", "server-port", "scheme: https", "protocol: HTTP/1.1", "method: GET", "host: h", "authority: h",
			"uri: /p/A%20b?x=1&y", "path: /p/A%20b", "query: x=1&y", "request-id",
		}
		if !w.onSim() {
			want = slices.Clone(want)
		}
		first := got()
		compareTold(t, "the upstream is told", toldOf(first, "Q-"), want...)
		compareTold(t, "the client is told", toldOf(r.fields, "R-"), append(want, "upstream: "+r.fields.Get("R-Upstream"), "fixed: 1")...)
		if r.fields.Get("R-Upstream") == "" || r.fields.Get("R-Request-Id") != first.Get("Q-Request-Id") {
			t.Errorf("the client is told %v, the upstream %v", r.fields, first)
		}
		again := c.ask("GET /p/", "")
		if id := again.fields.Get("R-Request-Id"); id == r.fields.Get("R-Request-Id") || id != got().Get("Q-Request-Id") {
			t.Errorf("the next request has the name %s", id)
		}
		// Actions without an upstream, and what is refused.
		for _, line := range []string{"HEAD /fixed", "GET /old"} {
			r := c.ask(line, "X-Forwarded-For: 2001:db8::1\r\n")
			method, path, _ := strings.Cut(line, " ")
			compareTold(t, line, toldOf(r.fields, "R-"), "client: 2001:db8::1", "peer", "server-port", "scheme: http", "protocol: HTTP/1.1",
				"method: "+method, "host: h", "authority: h", "uri: "+path, "path: "+path, "request-id", "fixed: 1")
		}
		if r := c.ask("GET /nowhere", ""); len(toldOf(r.fields, "R-")) != 0 {
			t.Errorf("a path without a route gets %v", r.fields)
		}
		c.close()
	})
}

// TestVariablesOfH2 has the same of HTTP/2, under TLS.
func TestVariablesOfH2(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(muxing(&tls.Config{ServerName: "h", MaxVersion: tls.VersionTLS13}))
		w.muxed()
		got := variablesWorld(t, w)
		c := w.h2Client()
		for range 3 {
			x := c.asks("GET", "/p/a?b", "")
			c.finish(t)
			want := []string{
				"scheme: https", "protocol: HTTP/2.0", "method: GET", "uri: /p/a?b", "path: /p/a", "query: b",
				"tls-version: TLSv1.3", "tls-server-name: h", "tls-alpn: h2", "client-cert-verify: NONE",
			}
			first := got()
			for _, line := range want {
				if !slices.Contains(toldOf(first, "Q-"), line) {
					t.Errorf("the upstream is not told %q: %q", line, toldOf(first, "Q-"))
				}
				if !strings.Contains(x.head, "\nr-"+line+"\r\n") {
					t.Errorf("the client is not told %q: %q", line, x.head)
				}
			}
			if !strings.HasPrefix(first.Get("Q-Tls-Cipher"), "TLS_") || first["Q-Client-Cert-Subject"] != nil || !strings.Contains(x.head, "\nr-request-id: "+first.Get("Q-Request-Id")+"\r\n") {
				t.Errorf("the upstream is told %q, the client %q", toldOf(first, "Q-"), x.head)
			}
		}
		c.close()
	})
}

// TestVariablesWithoutValue are not told, and neither is what the client says in their place.
func TestVariablesWithoutValue(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		var head string
		u := w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, _ string) string {
			var b strings.Builder
			_ = r.Header.Write(&b)
			head = "Host: " + r.Host + "\r\n" + b.String()
			return ok("x")
		}))
		w.edits = new(http1.Edits)
		for _, name := range []string{"X-Subject", "X-User", "X-Query", "X-Text", "Host"} {
			w.edits.Remove(name)
		}
		w.lines = linesOf(t, "X-Subject: {client-cert-subject}", "X-User: {user}", "X-Query: a {query}", "X-Text: cn={client-cert-subject}", "Host: {host}")
		w.serve("/: http://up")
		upstream := func() (s string) {
			u.locked(func() { s = head })
			return s
		}
		c := w.client()
		c.ask("GET /", "x-subject: CN=admin\r\nX-User: admin\r\nX-Keep: 1\r\n")
		if got := upstream(); strings.Contains(got, "admin") || !strings.Contains(got, "X-Text: cn=\r\n") || !strings.Contains(got, "X-Query: a\r\n") || !strings.Contains(got, "X-Keep: 1") || !strings.HasPrefix(got, "Host: h\r\n") {
			t.Errorf("the upstream gets %q", got)
		}
		c.send("GET / HTTP/1.1\r\nHost: Example.COM:8080\r\n\r\n")
		c.response("GET")
		if got := upstream(); !strings.HasPrefix(got, "Host: example.com\r\n") {
			t.Errorf("the upstream gets %q", got)
		}
		// HTTP/1.0 may do without a Host, but AnyGate may not.
		c.send("GET / HTTP/1.0\r\n\r\n")
		c.response("GET")
		if got := upstream(); !strings.HasPrefix(got, "Host: up") {
			t.Errorf("the upstream gets %q", got)
		}
	})
}

// TestHostsThatLackAPart are no hosts: the request keeps the one that it has.
func TestHostsThatLackAPart(t *testing.T) {
	l := linesOf(t, "host: {host}:{server-port}", "X-Host: {host}:{server-port}")
	host, port := []byte("h"), netip.MustParseAddrPort("192.0.2.1:80")
	for want, f := range map[string]*Facts{
		"host: h:80\r\nX-Host: h:80\r\n": {Asked: Asked{Host: host}, Local: port},
		"X-Host: :80\r\n":                {Local: port},
		"X-Host: h:\r\n":                 {Asked: Asked{Host: host}},
	} {
		if got, ok := l.Append(nil, f, 1000); string(got) != want || !ok {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, _ string) string { return ok(r.Host) }))
		w.edits, w.lines = new(http1.Edits), l
		w.edits.Remove("Host")
		w.serve("/: http://up")
		c := w.client()
		c.send("GET / HTTP/1.0\r\n\r\n")
		if r := c.response("GET"); !strings.HasPrefix(r.content, "up") {
			t.Errorf("the upstream is asked for the host %q", r.content)
		}
	})
}

// TestVariablesOfRefusals are those of a route that does not let the request in.
func TestVariablesOfRefusals(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		var e http1.Edits
		w.policies = &Policies{
			Access: access.New(nil, prefixes("0.0.0.0/0", "::/0")),
			Fields: NewFieldEdits(e, linesOf(t, "X-URI: {uri}", "X-Request-ID: {request-id}")),
		}
		w.serve("/: OK")
		c := w.client()
		r := c.ask("GET /a?b", "")
		if r.status != 403 || r.fields.Get("X-Uri") != "/a?b" || !anID.MatchString("request-id: "+r.fields.Get("X-Request-Id")) {
			t.Errorf("%d, %v", r.status, r.fields)
		}
		c.close()
	})
}

// TestRequestIDsAreLogged under the name that the client is told, and with a trace its own.
func TestRequestIDsAreLogged(t *testing.T) {
	for _, traced := range []bool{false, true} {
		w := newSimWorld(t, 1, engine.Faults{})
		out := &lines{}
		w.access, w.settings.AccessLog = telemetry.NewRing(1<<20), LogJSON
		writer := telemetry.NewWriter(out, nil, w.access)
		if traced {
			w.settings.Trace = &Tracing{}
		}
		var e http1.Edits
		w.policies = &Policies{Fields: NewFieldEdits(e, linesOf(t, "X-Request-ID: {request-id}"))}
		w.serve("/: OK")
		c := w.client()
		id := c.ask("GET /", "").fields.Get("X-Request-Id")
		parent := "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-00\r\n"
		second := c.ask("GET /", parent).fields.Get("X-Request-Id")
		c.close()
		if err := writer.Close(patience); err != nil {
			t.Fatal(err)
		}
		member := `"request_id":"`
		if traced {
			member = `"trace_id":"`
		}
		text := out.buf.String()
		if !strings.Contains(text, member+id+`"`) || !strings.Contains(text, member+second+`"`) || traced != (second == "0123456789abcdef0123456789abcdef") {
			t.Errorf("traced %t: %s, %s, %s", traced, id, second, text)
		}
	}
}

// TestLongLines are refused in requests, and left out of responses.
func TestLongLines(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", always(ok("x")))
		long := "X-Long: " + strings.Repeat("{uri}", 6)
		w.edits, w.lines = new(http1.Edits), linesOf(t, long)
		var e http1.Edits
		w.policies = &Policies{Fields: NewFieldEdits(e, linesOf(t, "X-A: {method}", long, "X-B: {method}"))}
		w.serve("/: http://up", "/fixed: OK pong")
		c := w.client()
		path := strings.Repeat("x", 6000)
		if r := c.ask("GET /"+path, ""); r.status != 431 {
			t.Errorf("a long request gets %d", r.status)
		}
		if r := c.ask("GET /fixed?"+path, ""); r.status != 200 || r.fields["X-Long"] != nil || r.fields.Get("X-A") != "GET" || r.fields.Get("X-B") != "GET" {
			t.Errorf("%d, %v", r.status, toldOf(r.fields, "X-"))
		}
		if r := c.ask("GET /", ""); r.status != 200 || r.fields.Get("X-Long") != "//////" {
			t.Errorf("%d, %v", r.status, r.fields)
		}
		c.close()
	})
}

// TestFactsThatAreNoValues end no line, wherever they come from.
func TestFactsThatAreNoValues(t *testing.T) {
	l := linesOf(t, "X-User: {user}", "X-Name: {tls-server-name}", "X-Method: {method}")
	for text, want := range map[string]string{
		"a": "X-User: a\r\nX-Name: a\r\nX-Method: GET\r\n", "a\tb": "X-User: a\tb\r\nX-Name: a\tb\r\nX-Method: GET\r\n",
		" a ": "X-User: a\r\nX-Name: a\r\nX-Method: GET\r\n",
		"":    "X-Method: GET\r\n", "a\r\nX-Admin: 1": "X-Method: GET\r\n", "a\nb": "X-Method: GET\r\n", "a\x00": "X-Method: GET\r\n", "\x7f": "X-Method: GET\r\n",
	} {
		f := &Facts{User: []byte(text), TLS: &tlsedge.State{ServerName: text}, Asked: Asked{Method: []byte("GET")}}
		if got, ok := l.Append(nil, f, 1000); string(got) != want || !ok {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestFactsAllocateNothing(t *testing.T) {
	l := linesOf(t, append(everyVariable("X-"), "X-Text: a {client} b", "X-Fixed: 1")...)
	f := &Facts{
		Client: netip.MustParseAddrPort("[2001:db8::1]:80"), Peer: netip.MustParseAddrPort("192.0.2.1:80"), HTTPS: true,
		TLS:   &tlsedge.State{Version: tls.VersionTLS13, Suite: tls.TLS_AES_128_GCM_SHA256, ServerName: "h", Protocol: "h2"},
		Asked: Asked{Method: []byte("GET"), Host: []byte("H"), Path: []byte("/")},
	}
	b := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { b, _ = l.Append(b[:0], f, 4096) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
