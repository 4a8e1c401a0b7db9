package gateway

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/access"
	"github.com/anygate/anygate/policy/auth"
	"github.com/anygate/anygate/policy/cors"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/telemetry"
)

// everyAction serves one route of each kind of action; paths are requests that
// each answers with 200, or 301 for the redirect.
func everyAction(w *world) (paths []string) {
	w.t.Helper()
	dir := w.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("file a"), 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, content string) string {
		body := r.Method + " " + r.Host + " " + strings.Join(r.Header["X-Tag"], ",") + " " + r.Header.Get("Via") + " " + content
		return strings.Replace(ok(body), "\r\n\r\n", "\r\nServer: origin\r\nX-Up: 1\r\nAccess-Control-Allow-Origin: evil\r\n\r\n", 1)
	}))
	w.serve("/fixed: OK pong", "/files/: "+dir+"/", "/p/: http://up/", "/echo: *", "/old: MOVED /new")
	return []string{"/fixed", "/files/a.txt", "/p/x", "/echo", "/old"}
}

func good(status int) bool { return status == 200 || status == 301 }

func TestAccess(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.trustPeers()
		w.policies = &Policies{Access: access.New(prefixes("10.0.0.0/8", "2001:db8::/32"), prefixes("10.9.0.0/16"))}
		paths := everyAction(w)
		c := w.client()
		for _, path := range paths {
			for client, want := range map[string]bool{"10.1.2.3": true, "2001:db8::1": true, "10.9.0.1": false, "203.0.113.7": false} {
				r := c.ask("GET "+path, "X-Forwarded-For: "+client+"\r\n")
				if good(r.status) != want || !want && (r.status != 403 || r.content != "403 Forbidden\n") {
					t.Errorf("%s of %s gets %d", path, client, r.status)
				}
			}
		}
		if r := c.ask("GET /nowhere", ""); r.status != 404 {
			t.Errorf("a path without a route gets %d", r.status)
		}
		c.close()
	})
}

func TestResponseFields(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		var e http1.Edits
		e.Remove("Server")
		e.Remove("X-Up")
		e.Set("Cache-Control", "no-store")
		e.Add("X-A", "1")
		w.policies = &Policies{Fields: NewFieldEdits(e, nil)}
		paths := append(everyAction(w), "/files/missing")
		c := w.client()
		for _, path := range paths {
			for _, method := range []string{"GET", "HEAD"} {
				r := c.ask(method+" "+path, "")
				if r.fields.Get("Server") != "" || r.fields.Get("X-Up") != "" || r.fields.Get("X-A") != "1" || strings.Join(r.fields["Cache-Control"], "|") != "no-store" || r.fields.Get("Date") == "" {
					t.Errorf("%s %s gets the fields %v", method, path, r.fields)
				}
			}
		}
		if r := c.ask("GET /nowhere", ""); r.fields.Get("X-A") != "" || r.fields.Get("Server") != "anygate" {
			t.Errorf("a path without a route gets %v", r.fields)
		}
		// All bytes, once.
		c.send(get("/fixed"))
		c.expect("HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nX-A: 1\r\nContent-Length: 4\r\n\r\npong")
		c.close()
	})
}

// TestPrebuiltFields checks that edits made at load are made once, and that
// others are made for each response.
func TestPrebuiltFields(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		var plain, server http1.Edits
		plain.Add("X-A", "1")
		plain.Set("Content-Type", "text/html")
		server.Add("X-A", "1")
		server.Set("Server", "other")
		gen := w.generation("/plain: OK pong", "/server: OK pong", "/limited: OK pong", "/refused: OK pong", "/none: NO_CONTENT")
		edits := []*Policies{
			{Fields: NewFieldEdits(plain, nil)},
			{Fields: NewFieldEdits(server, nil)},
			{Fields: NewFieldEdits(plain, nil), CORS: cors.New([]string{"*"}, false, 0)},
			{Fields: NewFieldEdits(plain, nil), Access: access.New(prefixes("203.0.113.0/24"), nil)},
			{Fields: NewFieldEdits(plain, nil)},
		}
		for i := range gen.Routes {
			gen.Routes[i].Policies = edits[i]
			gen.Routes[i].Prebuild()
		}
		w.current.Store(gen)
		w.start()
		const html = "X-A: 1\r\nContent-Type: text/html\r\n"
		c := w.client()
		for path, want := range map[string]string{
			"/plain":   "HTTP/1.1 200 OK\r\n" + served + html + "Content-Length: 4\r\n\r\npong",
			"/server":  "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nX-A: 1\r\nServer: other\r\nContent-Length: 4\r\n\r\npong",
			"/limited": "HTTP/1.1 200 OK\r\n" + served + "Access-Control-Allow-Origin: *\r\n" + html + "Content-Length: 4\r\n\r\npong",
			"/refused": "HTTP/1.1 403 Forbidden\r\n" + served + html + "Content-Length: 14\r\n\r\n403 Forbidden\n",
			"/none":    "HTTP/1.1 204 No Content\r\n" + served + html + "\r\n",
		} {
			c.send(get(path))
			c.expect(want)
		}
		c.close()
	})
}

func TestRequestFields(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		var e http1.Edits
		e.Set("Host", "inner.example")
		e.Remove("Via")
		e.Add("X-Tag", "added")
		w.edits = &e
		everyAction(w)
		c := w.client()
		if r := c.ask("GET /p/x", "X-Tag: own\r\n"); r.content != "GET inner.example own,added  " {
			t.Errorf("the upstream got %q", r.content)
		}
		c.close()
	})
}

func TestCORS(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.policies = &Policies{CORS: cors.New([]string{"https://app.example", "https://*.example.org"}, true, time.Hour)}
		paths := everyAction(w)
		c := w.client()
		for _, path := range paths {
			for origin, want := range map[string]bool{"https://app.example": true, "https://a.example.org": true, "https://evil.example": false, "": false} {
				line := ""
				if origin != "" {
					line = "Origin: " + origin + "\r\n"
				}
				r := c.ask("GET "+path, line)
				allow, credentials := r.fields["Access-Control-Allow-Origin"], r.fields.Get("Access-Control-Allow-Credentials")
				if !good(r.status) || !strings.Contains(strings.Join(r.fields["Vary"], ","), "Origin") {
					t.Errorf("GET %s of %q gets %d, %v", path, origin, r.status, r.fields)
				}
				if want && (len(allow) != 1 || allow[0] != origin || credentials != "true") || !want && (allow != nil || credentials != "") {
					t.Errorf("GET %s of %q gets %q, %q", path, origin, allow, credentials)
				}
				if origin == "" {
					continue
				}
				r = c.ask("OPTIONS "+path, line+"Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n")
				allow = r.fields["Access-Control-Allow-Origin"]
				if r.status != 204 || want && (len(allow) != 1 || allow[0] != origin || r.fields.Get("Access-Control-Allow-Methods") != "PUT" || r.fields.Get("Access-Control-Allow-Headers") != "x-a" || r.fields.Get("Access-Control-Max-Age") != "3600") || !want && allow != nil {
					t.Errorf("the preflight of %s for %q gets %d, %v", path, origin, r.status, r.fields)
				}
			}
		}
		c.close()
	})
}

// TestPreflightGoesByTheMethodToCome checks which route's policy answers.
func TestPreflightGoesByTheMethodToCome(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.upstream("up", always(ok("from up")))
	gen := w.generation("GET /get: OK got", "GET /both: OK got", "/both: http://up/")
	gen.Routes[0].Policies = &Policies{CORS: cors.New([]string{"https://a.example"}, false, 0)}
	gen.Routes[2].Policies = &Policies{CORS: cors.New([]string{"https://a.example"}, false, 0)}
	w.current.Store(gen)
	w.start()
	c := w.client()
	for _, row := range []struct {
		path, method string
		status       int
		methods      string
	}{
		{"/get", "GET", 204, "GET"},
		{"/get", "PUT", 204, ""}, // no route for it: OPTIONS is answered as without the policy
		{"/both", "GET", 200, ""},
		{"/both", "PUT", 204, "PUT"},
	} {
		r := c.ask("OPTIONS "+row.path, "Origin: https://a.example\r\nAccess-Control-Request-Method: "+row.method+"\r\n")
		if r.status != row.status || r.fields.Get("Access-Control-Allow-Methods") != row.methods {
			t.Errorf("a preflight of %s for %s gets %d, %v", row.path, row.method, r.status, r.fields)
		}
	}
	c.close()
}

func pointer[T any](v *T) *atomic.Pointer[T] {
	p := new(atomic.Pointer[T])
	p.Store(v)
	return p
}

// passwords has ann with "apple", and bob with "secret".
func passwords(t testing.TB) *Auth {
	u, err := auth.ParseUsers("ann:" + annHash + "\nbob:$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.\n")
	if err != nil {
		t.Fatal(err)
	}
	a := &Auth{Users: pointer(u)}
	a.Challenge("")
	return a
}

func someTokens(t testing.TB, field string) *Auth {
	tokens, err := auth.ParseTokens("one\ntwo\n", false)
	if err != nil {
		t.Fatal(err)
	}
	a := &Auth{Tokens: pointer(tokens), Field: strings.ToLower(field)}
	a.Challenge(field)
	return a
}

func basic(credentials string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(credentials)) + "\r\n"
}

func TestAuthBasic(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		a := passwords(t)
		w.policies = &Policies{Auth: a}
		paths := everyAction(w)
		c := w.client()
		// Twice: the first time passwords are checked in the background.
		for range 2 {
			for _, path := range paths {
				for fields, want := range map[string]bool{
					basic("ann:apple"): true, basic("bob:secret"): true,
					basic("ann:secret"): false, basic("eve:apple"): false, basic("ann"): false,
					"": false, "Authorization: Bearer x\r\n": false, basic("ann:apple") + basic("ann:apple"): false,
				} {
					r := c.ask("GET "+path, fields)
					if good(r.status) != want || !want && (r.status != 401 || r.fields.Get("WWW-Authenticate") != `Basic realm="restricted", charset="UTF-8"`) {
						t.Errorf("%s with %q gets %d, %v", path, fields, r.status, r.fields)
					}
				}
			}
		}
		if !a.Users.Load().Known([]byte("ann"), []byte("apple"), 0) || a.Users.Load().Known([]byte("ann"), []byte("secret"), 0) {
			t.Error("what was checked is not known")
		}
		c.close()
	})
}

// TestAuthWithContent checks that content waits until the password was checked,
// and that what the request said is still known then.
func TestAuthWithContent(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.policies = &Policies{Auth: passwords(t)}
		everyAction(w)
		c := w.client()
		content := numbered(50_000)
		c.send("POST /p/x" + req + basic("ann:apple") + "Content-Length: 50000\r\nX-Tag: t\r\n\r\n" + content + get("/nowhere"))
		r := c.response("POST")
		if r.status != 200 || r.content != "POST h t 1.1 anygate "+content {
			t.Errorf("got %d, %s", r.status, brief(r.content))
		}
		c.expect(page(404))
		// A client that goes while its password is checked.
		gone := w.client()
		gone.send("GET /p/x" + req + basic("bob:secret") + "\r\n")
		gone.close()
		w.eventually("no password is checked", func() bool { return w.g.rules.checking == 0 })
		c.close()
	})
}

// TestAuthGhost has a client close its side while its password is checked: it gets
// no place in the upstream's queue, where it would keep out those who have not gone.
func TestAuthGhost(t *testing.T) {
	for _, name := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.muxed()
				w.pooling = limited(proxy.Limits{Connections: 1, Queue: 9})
				w.policies = &Policies{Auth: passwords(t)}
				h := w.held("up")
				w.serve("/p/: http://up")
				first := w.client()
				first.send("GET /p/first" + req + basic("ann:apple") + "\r\n")
				h.has(1)
				var check func()
				w.do(func() {
					w.g.background = func(work func(), done func() bool) { check = func() { w.aside(work, done) } }
				})
				gone := w.knocks(name == "HTTP/2", "/p/gone", "bob:secret")
				w.eventually("a password is checked", func() bool { return w.g.rules.checking == 1 })
				gone.closeWrite()
				w.eventually("the client's side has ended", func() bool { return w.halfClosed() == 1 })
				check()
				gone.rest()
				w.waitingIn("up", 0)
				first.expect(relayed(h.answer()))
				h.u.locked(func() {
					if len(h.waiting) > 0 {
						t.Errorf("%d requests of nobody reached the upstream", len(h.waiting))
					}
				})
				first.close()
			})
		})
	}
}

// knocks has a new client ask for a path with a password.
func (w *world) knocks(mux bool, path, credentials string) *client {
	w.t.Helper()
	if mux {
		c := w.h2Client()
		c.asks("GET", path, "", h2Basic(credentials))
		return c.client
	}
	c := w.client()
	c.send("GET " + path + req + basic(credentials) + "\r\n")
	return c
}

// halfClosed is how many clients have closed their side. On the shard's thread.
func (w *world) halfClosed() (n int) {
	w.g.s.Each(func(c engine.Conn) {
		switch w.g.s.User(c) {
		case userClient:
			if w.g.client(c).flags.has(h1EOF) {
				n++
			}
		case userH2:
			if w.g.h2[c.Index()].flags.has(h2EOF) {
				n++
			}
		}
	})
	return n
}

func TestAuthTokens(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.policies = &Policies{Auth: someTokens(t, "")}
		paths := everyAction(w)
		c := w.client()
		for _, path := range paths {
			for fields, want := range map[string]string{
				"Authorization: Bearer one\r\n": "", "Authorization: bearer  two\r\n": "",
				"Authorization: Bearer three\r\n": `Bearer realm="restricted", error="invalid_token"`,
				"Authorization: one\r\n":          `Bearer realm="restricted"`,
				"":                                `Bearer realm="restricted"`,
			} {
				r := c.ask("GET "+path, fields)
				if good(r.status) != (want == "") || want != "" && r.status != 401 || r.fields.Get("WWW-Authenticate") != want {
					t.Errorf("%s with %q gets %d, %v", path, fields, r.status, r.fields)
				}
			}
		}
		c.close()
	})
}

func TestAuthField(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.policies = &Policies{Auth: someTokens(t, "X-Key")}
	paths := everyAction(w)
	c := w.client()
	for _, path := range paths {
		for fields, want := range map[string]bool{"X-Key: one\r\n": true, "x-key: two\r\n": true, "X-Key: three\r\n": false, "X-Key: one\r\nX-Key: one\r\n": false, "": false} {
			r := c.ask("GET "+path, fields)
			if good(r.status) != want || !want && (r.status != 401 || r.fields.Get("WWW-Authenticate") != `ApiKey realm="restricted", header="X-Key"`) {
				t.Errorf("%s with %q gets %d, %v", path, fields, r.status, r.fields)
			}
		}
	}
	c.close()
}

func TestBodyLimit(t *testing.T) {
	for _, row := range []struct {
		name   string
		server int64
		own    *BodyLimit
		most   int
	}{
		{"the route's", 0, &BodyLimit{1000}, 1000},
		{"the route's is smaller", 5000, &BodyLimit{1000}, 1000},
		{"the route's is larger", 500, &BodyLimit{1000}, 1000},
		{"none is allowed", 500, &BodyLimit{0}, 0},
		{"the route's is none", 500, &BodyLimit{-1}, 100_000},
		{"the server's", 1000, nil, 1000},
	} {
		t.Run(row.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.settings.Body = row.server
				w.policies = &Policies{Body: row.own}
				everyAction(w)
				for _, size := range []int{row.most, row.most + 1} {
					if size > 100_000 {
						continue
					}
					content := strings.Repeat("x", size)
					chunked := "Transfer-Encoding: chunked\r\n\r\n" + hexOf(size) + "\r\n" + content + "\r\n0\r\n\r\n"
					if size == 0 {
						chunked = "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
					}
					for _, path := range []string{"/p/x", "/echo", "/fixed"} {
						for kind, framed := range map[string]string{"length": "Content-Length: " + decimal(size) + "\r\n\r\n" + content, "chunks": chunked} {
							c := w.client()
							c.send("POST " + path + req + framed)
							status := c.response("POST").status
							// The length of what an action does not read counts only if it is said.
							fits := size <= row.most || path == "/fixed" && kind == "chunks"
							if fits && status != 200 || !fits && status != 413 {
								t.Errorf("%d bytes by %s for %s get %d", size, kind, path, status)
							}
							c.close()
						}
					}
				}
			})
		})
	}
}

func TestTimeout(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		after := 300 * time.Millisecond // in which the upstream begins, on a busy machine too
		if w.onSim() {
			after = time.Second
		}
		w.policies = &Policies{Timeout: after}
		w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, _ string) string {
			if r.URL.Path == "/begun" {
				return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
			}
			return ""
		}))
		w.serve("/p/: http://up/", "/fixed: OK pong", "/echo: *")
		pass := func() {
			if w.onSim() {
				w.steps(20)
				w.pass(2 * time.Second)
			}
		}
		silent := w.client()
		silent.send(get("/p/silent"))
		pass()
		silent.expect(page(504))
		silent.expectOpen()

		begun := w.client()
		begun.send(get("/p/begun"))
		pass()
		if got := begun.rest(); !bytes.HasSuffix(got, []byte("\r\n\r\nhalf")) {
			t.Errorf("got %s", brief(string(got)))
		}

		upload := w.client()
		upload.send("POST /echo" + req + "Content-Length: 10\r\n\r\nhalf")
		pass()
		if r := upload.response("POST"); r.status != 504 {
			t.Errorf("an upload that ends nowhere gets %d", r.status)
		}

		quick := w.client()
		for range 3 {
			quick.send(get("/fixed"))
			quick.expect(text(200, "pong"))
		}
		quick.close()
		silent.close()
		upload.close()
		w.eventually("no exchange has a limit", func() bool { return len(w.g.rules.limited) == 0 })
	})
}

// TestTimeLimits puts many exchanges into the heap and takes them out.
func TestTimeLimits(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.serve("/: OK")
	g := w.g
	var all []*Exchange
	for i := range 200 {
		x := g.newExchange()
		g.limitTime(x, time.Duration(1+i*7919%200)*time.Second)
		all = append(all, x)
	}
	for i := 0; i < len(all); i += 3 {
		all[i].forgetRules()
	}
	last, n := int64(0), 0
	for len(g.rules.limited) > 0 {
		x := g.rules.limited[0]
		if x.policy.rules.due < last || x.policy.rules.at != 0 {
			t.Fatal("out of order")
		}
		last = x.policy.rules.due
		x.forgetRules()
		n++
	}
	if n != 133 {
		t.Errorf("%d were left", n)
	}
}

// allRules are policies of all kinds that let requests pass whose User-Agent is
// the token.
func allRules(t testing.TB, token string) *Policies {
	tokens, err := auth.ParseTokens(token, false)
	if err != nil {
		t.Fatal(err)
	}
	a := &Auth{Tokens: pointer(tokens), Field: "user-agent"}
	a.Challenge("User-Agent")
	var e http1.Edits
	e.Remove("Server")
	e.Set("X-A", "1")
	return &Policies{
		Access: access.New(nil, prefixes("192.0.2.0/24", "2001:db8::/32")),
		CORS:   cors.New([]string{"https://a.example"}, true, 0),
		Auth:   a, Body: &BodyLimit{1000}, Timeout: time.Minute, Fields: NewFieldEdits(e, nil), Log: &LogShare{50_000},
	}
}

// TestKnownPasswordAllocatesNothing is about all but the first request of a user.
func TestKnownPasswordAllocatesNothing(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	a := passwords(t)
	a.Users.Load().Remember([]byte("ann"), []byte("apple"), 0, 1<<62)
	w.serve("/: OK")
	x := w.g.newExchange()
	head := []byte("GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://x.example.org\r\n" + basic("ann:apple") + "\r\n")
	in := &Incoming{Head: new(http1.Request)}
	if _, err := in.Head.Scan(head, &http1.DefaultLimits); err != http1.OK {
		t.Fatal(err)
	}
	origins := cors.New([]string{"https://*.example.org"}, true, 0)
	round := func() {
		if !x.authenticate(in, a) || string(x.User()) != "ann" || !x.admitOrigin(in.Head, origins) || x.origin() == nil {
			t.Fatal("refused")
		}
		x.forgetRules()
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLogShare(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	out := &lines{}
	w.access, w.settings.AccessLog = telemetry.NewRing(1<<20), LogText
	writer := telemetry.NewWriter(out, nil, w.access)
	gen := w.generation("/off: OK", "/failed: BAD_GATEWAY", "/all: OK", "/some: OK")
	gen.Routes[0].Policies = &Policies{Log: &LogShare{0}}
	gen.Routes[1].Policies = &Policies{Log: &LogShare{1}}
	gen.Routes[2].Policies = &Policies{Log: &LogShare{100_000}}
	gen.Routes[3].Policies = &Policies{Log: &LogShare{30_000}}
	w.current.Store(gen)
	w.start()
	c := w.client()
	for range 500 {
		for _, path := range []string{"/off", "/failed", "/all", "/some"} {
			c.ask("GET "+path, "")
		}
	}
	c.close()
	if err := writer.Close(patience); err != nil {
		t.Fatal(err)
	}
	text := out.buf.String()
	count := func(path string) int { return strings.Count(text, " "+path+" ") }
	if count("/off") != 0 || count("/failed") != 500 || count("/all") != 500 || count("/some") < 90 || count("/some") > 210 {
		t.Errorf("logged: off %d, failed %d, all %d, some %d", count("/off"), count("/failed"), count("/all"), count("/some"))
	}
}

// annHash is what htpasswd -B -C 4 makes of "apple".
const annHash = "$2y$04$SpYU66wgjphMlERvTTIN1ee5egRKM34wuCgkkKjw.umfaAYCsbqbK"

func decimal(n int) string { return strconv.Itoa(n) }

func hexOf(n int) string { return strconv.FormatInt(int64(n), 16) }
