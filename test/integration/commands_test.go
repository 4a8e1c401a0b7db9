package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// write makes a file in a new directory, and returns both.
func write(t testing.TB, name, content string) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

// expectAll fails for every part that the text lacks.
func expectAll(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %q:\n%s", what, part, text)
		}
	}
}

// Peer: curl. "anygate serve DIR" serves a directory without a configuration.
func TestServeDirectory(t *testing.T) {
	t.Parallel()
	root := writeSite(t, map[string]string{"dist/index.html": "<!doctype html><title>app</title>", "dist/app.js": "1"})
	s := product.Serve(t, product.Command{Dir: root, Args: []string{"serve", "--listen", "127.0.0.1:0", "./dist"}})
	check(t, s, []expectation{
		{"index", "/", 200, map[string]string{"Content-Type": "~text/html"}, text("~app")},
		{"asset", "/app.js", 200, nil, text("1")},
		{"deep link", "-H 'Accept: text/html' /orders/7", 200, nil, text("~app")},
		{"missing", "/gone.js", 404, nil, nil},
	})
	s.Stop(t)
}

// Peers: curl before, Go's net/http behind. "anygate serve URL" proxies without a configuration.
func TestServeUpstream(t *testing.T) {
	t.Parallel()
	up := origin.Start(t)
	for _, target := range []string{"http://" + up.Addr, "http://localhost:" + up.Addr[strings.LastIndexByte(up.Addr, ':')+1:]} {
		s := product.Serve(t, product.Command{Args: []string{"serve", target, "--listen", "127.0.0.1:0"}})
		a := ask(t, s, "-d content /any/path?q=1")
		if a.Status != 200 {
			t.Fatalf("%s: status %d: %s", target, a.Status, a.Body)
		}
		if got := seen(t, a.Body); got.Target != "/any/path?q=1" || got.Body != "content" {
			t.Errorf("%s: upstream saw %+v", target, got)
		}
		s.Stop(t)
	}
}

// Peer: curl. Without a configuration there is a demo, in an empty directory, which stays empty.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir, temporary := t.TempDir(), t.TempDir()
	s := product.Serve(t, product.Command{Dir: dir, Args: []string{"--listen", "127.0.0.1:0"}, Env: []string{"TMPDIR=" + temporary}})
	check(t, s, []expectation{
		{"page", "/", 200, map[string]string{"Content-Type": "text/html; charset=utf-8"}, text("~AnyGate")},
		{"healthz", "/healthz", 200, nil, nil},
		{"hello", "/api/hello", 200, map[string]string{"Content-Type": "application/json"}, nil},
		{"echo", "-H 'Accept: application/json' /api/echo?x=1", 200, map[string]string{"Content-Type": "application/json"}, text("~x=1")},
		{"redirect", "/old/page", 301, map[string]string{"Location": "~/page"}, nil},
		{"missing", "/missing.js", 404, nil, nil},
	})
	s.Stop(t)
	for _, d := range []string{dir, temporary} {
		if entries, err := os.ReadDir(d); err != nil || len(entries) > 0 {
			t.Errorf("the demo leaves %v behind: %v", entries, err)
		}
	}
}

// A file named anygate.yml in the working directory is the configuration.
func TestServeFindsConfiguration(t *testing.T) {
	t.Parallel()
	dir, _ := write(t, "anygate.yml", "listen: 127.0.0.1:0\nroutes: {/: OK found}\n")
	for _, args := range [][]string{nil, {"serve"}, {"serve", "-c", "anygate.yml"}, {"-c", "anygate.yml"}} {
		s := product.Serve(t, product.Command{Dir: dir, Args: args})
		if a := peer.Curl(t, s.URL("/")); a.Body != "found" {
			t.Errorf("anygate %q: content %q", args, a.Body)
		}
		s.Stop(t)
	}
}

const wrong = `listen: 127.0.0.1:0
routes:
  "/a": GOEN
  "GET /b/:x/c": OK
  "GET /b/:y/c": OK
  "/c": http://127.0.0.1:99999
sever: {}
`

// A wrong configuration is told with place, cause and suggestion, all of it at once, and nothing is served.
func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	dir, _ := write(t, "anygate.yml", wrong)
	for _, args := range [][]string{{"serve"}, {"check"}} {
		r := product.Run(t, product.Command{Dir: dir, Args: args})
		if r.Code != 1 {
			t.Errorf("anygate %q: exit code %d", args, r.Code)
		}
		expectAll(t, "standard error of anygate "+args[0], r.Stderr,
			"anygate.yml:3:9: ", `"GOEN"`, `did you mean "GONE"?`, "^^^^",
			"anygate.yml:5:", "anygate.yml:4:", "99999", "anygate.yml:7:1: ", `did you mean "server"?`)
		if strings.Contains(r.Stderr, "listening") {
			t.Errorf("anygate %q serves what is wrong:\n%s", args, r.Stderr)
		}
	}
	r := product.Run(t, product.Command{Dir: dir, Args: []string{"serve", "-c", "missing.yml"}})
	if r.Code != 1 || !strings.Contains(r.Stderr, "missing.yml") {
		t.Errorf("missing file: exit code %d:\n%s", r.Code, r.Stderr)
	}
}

const right = `listen: ["127.0.0.1:0", "unix:/tmp/anygate-test.sock"]
upstreams:
  api: [127.0.0.1:9001, 127.0.0.1:9002]
routes:
  "/": ./site/
  "/api/": http://api/v2/
  "/users/:id": {to: http://127.0.0.1:9003/people/, timeouts: {first-byte: 2s}}
  "GET /healthz": OK
  "GET POST /mock": 'FORBIDDEN {"msg":"no"}'
  "GET /old/*": MOVED /new/*
  "/debug": "*"
  "*.example.com/x": OK wildcard
server: {limits: {body: 10MiB}, timeouts: {idle: 1m}}
log: {access: stdout json, error: debug}
`

// What check prints is a configuration again, of the same meaning.
func TestCheckPrint(t *testing.T) {
	t.Parallel()
	dir, _ := write(t, "anygate.yml", right)
	if err := os.Mkdir(filepath.Join(dir, "site"), 0o755); err != nil {
		t.Fatal(err)
	}
	plain := product.Run(t, product.Command{Dir: dir, Args: []string{"check"}})
	if plain.Code != 0 || plain.Stderr != "" {
		t.Errorf("exit code %d, standard error %q", plain.Code, plain.Stderr)
	}
	first := product.Run(t, product.Command{Dir: dir, Args: []string{"check", "--print"}})
	if first.Code != 0 || first.Stderr != "" {
		t.Fatalf("exit code %d, standard error %q", first.Code, first.Stderr)
	}
	expectAll(t, "the print", first.Stdout, "to:", "dir:", "redirect:", "echo:", "answer:", "first-byte: 2s", "*.example.com/x")
	printed := filepath.Join(dir, "printed.yml")
	if err := os.WriteFile(printed, []byte(first.Stdout), 0o644); err != nil {
		t.Fatal(err)
	}
	second := product.Run(t, product.Command{Dir: dir, Args: []string{"check", "--print", "-c", printed}})
	if second.Code != 0 || second.Stdout != first.Stdout {
		t.Errorf("exit code %d, and the print of the print differs:\n%s\nwas:\n%s%s", second.Code, second.Stdout, first.Stdout, second.Stderr)
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	type report struct {
		OK          bool
		Diagnostics []struct {
			File, Message, Suggestion string
			Line, Column              int
		}
		Config struct {
			Listen, Routes []any
		}
	}
	decode := func(r product.Result) (got report) {
		t.Helper()
		if err := json.Unmarshal([]byte(r.Stdout), &got); err != nil {
			t.Fatalf("%v in:\n%s", err, r.Stdout)
		}
		return got
	}
	dir, _ := write(t, "anygate.yml", right)
	if err := os.Mkdir(filepath.Join(dir, "site"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := product.Run(t, product.Command{Dir: dir, Args: []string{"check", "--json"}})
	if got := decode(r); r.Code != 0 || !got.OK || len(got.Diagnostics) > 0 || len(got.Config.Routes) != 8 || len(got.Config.Listen) != 2 {
		t.Errorf("exit code %d: %+v", r.Code, got)
	}
	_, path := write(t, "wrong.yml", wrong)
	r = product.Run(t, product.Command{Args: []string{"check", "--json", "-c", path}})
	got := decode(r)
	if r.Code != 1 || got.OK || len(got.Diagnostics) < 4 {
		t.Fatalf("exit code %d: %+v", r.Code, got)
	}
	if d := got.Diagnostics[0]; d.Line != 3 || d.Column != 9 || d.Suggestion != "GONE" || d.File != path {
		t.Errorf("first diagnostic: %+v", d)
	}
}

// What explain says is what happens: the request that it shows is the one that the upstream gets.
func TestExplain(t *testing.T) {
	t.Parallel()
	up := origin.Start(t)
	text := "listen: 127.0.0.1:0\nroutes:\n  /api/:id/x: http://" + up.Addr + "/up/:id\n  GET /fixed: OK hi\n  /: {dir: ., spa: off}\n  'GET /old/*': MOVED /new/*\n"
	dir, path := write(t, "anygate.yml", text)
	explain := func(args ...string) product.Result {
		return product.Run(t, product.Command{Dir: dir, Args: append([]string{"explain"}, args...)})
	}
	r := explain("GET", "http://host.example/api/7/x?q=1", "-H", "X-Field: value", "-H", "Connection: X-Private", "-H", "X-Private: 1")
	if r.Code != 0 {
		t.Errorf("exit code %d: %s", r.Code, r.Stderr)
	}
	expectAll(t, "explain", r.Stdout, `route      "/api/:id/x"`, "anygate.yml:3", ":id        7", up.Addr, "GET /up/7?q=1 HTTP/1.1", "X-Field: value", "Via: 1.1 anygate", "less specific", "the host or path of 2 more differs")
	if strings.Contains(r.Stdout, "    X-Private") {
		t.Errorf("a field of the connection would be sent:\n%s", r.Stdout)
	}
	s := product.Serve(t, product.Command{Dir: dir, Args: []string{"serve", "-c", path}})
	c := wire.Dial(t, s.Addr)
	c.Send("GET /api/7/x?q=1 HTTP/1.1\r\nHost: host.example\r\nX-Field: value\r\nConnection: X-Private\r\nX-Private: 1\r\n\r\n")
	got := seen(t, c.Read("GET", 200).Body)
	if got.Target != "/up/7?q=1" {
		t.Errorf("the upstream saw %q", got.Target)
	}
	for name := range got.Header {
		expectAll(t, "explain", strings.ToLower(r.Stdout), strings.ToLower(name)+": "+strings.ToLower(got.Header.Get(name)))
	}
	_ = c.Close()
	s.Stop(t)

	expectAll(t, "explain", explain("GET", "http://h/fixed").Stdout, "200 OK", "hi")
	expectAll(t, "explain", explain("GET", "/old/a/b").Stdout, "301", "Location: /new/a/b")
	expectAll(t, "explain", explain("GET", "http://h/anygate.yml").Stdout, "file", "anygate.yml", "200 OK")
	expectAll(t, "explain", explain("GET", "http://h/missing").Stdout, "404")
}

func TestVersionAndUsage(t *testing.T) {
	t.Parallel()
	r := product.Run(t, product.Command{Args: []string{"version"}})
	if r.Code != 0 {
		t.Errorf("version: exit code %d", r.Code)
	}
	expectAll(t, "version", r.Stdout, "anygate 0.", "commit", "go1.", "kernel", "engine")
	refused := product.Run(t, product.Command{Args: []string{"version"}, Wrapper: refusing(t, 1)})
	expectAll(t, "version under seccomp", refused.Stdout, "epoll, because", "seccomp")

	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"help"}, 0, "serve"},
		{[]string{"chekc"}, 2, `"check"`},
		{[]string{"./dist"}, 2, "serve ./dist"},
		{[]string{"serve", "./no-such-directory"}, 1, "no-such-directory"},
		{[]string{"serve", "localhost:3000"}, 1, "http://localhost:3000"},
		{[]string{"serve", "a", "b"}, 2, "b"},
		{[]string{"check"}, 1, "anygate.yml"},
		{[]string{"check", "--bogus"}, 2, "bogus"},
		{[]string{"explain", "GET"}, 2, "URL"},
		{[]string{"reload"}, 1, "anygate.yml"},
		{[]string{"tune"}, 2, "check, apply, revert or verify"},
	} {
		r := product.Run(t, product.Command{Args: c.args})
		if r.Code != c.code || !strings.Contains(r.Stdout+r.Stderr, c.says) {
			t.Errorf("anygate %q: exit code %d, want %d, with %q in:\n%s%s", c.args, r.Code, c.code, c.says, r.Stdout, r.Stderr)
		}
		if c.code != 0 && r.Stdout != "" {
			t.Errorf("anygate %q: errors go to standard error, not: %q", c.args, r.Stdout)
		}
	}
}

// Peer: curl. The access log is off unless asked for, has one line for each request, and cannot be forged.
func TestAccessLog(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: `
log: {access: stdout json}
routes:
  "/fixed": OK hi
  "/up/": http://` + up.Addr + `/
  "/down": http://` + peer.FreePort(t) + `
`})
		peer.Curl(t, "-A", "forged\"}\t{\"status\":1", "-e", "http://referer/", s.URL("/fixed?q=%22"))
		peer.Curl(t, "-d", "content", s.URL("/up/x"))
		peer.Curl(t, s.URL("/down"))
		peer.Curl(t, s.URL("/missing"))
		s.Stop(t)
		var lines []map[string]any
		for line := range strings.Lines(s.Stdout.String()) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			lines = append(lines, fields)
		}
		if len(lines) != 4 {
			t.Fatalf("%d lines for 4 requests:\n%s", len(lines), s.Stdout)
		}
		statuses := map[float64]int{}
		for _, l := range lines {
			statuses[l["status"].(float64)]++
		}
		if statuses[200] != 2 || statuses[502] != 1 || statuses[404] != 1 {
			t.Errorf("lines by status: %v", statuses)
		}
		expectAll(t, "the access log", s.Stdout.String(), "/fixed?q=%22", "http://referer/", "connect_refused", up.Addr, `"POST"`)
	})
}
