package control

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/policy/auth"
)

// bob has the password "secret".
const bob = "bob:$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.\n"

func (r *running) ask(method, path string, fields ...string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequest(method, "http://"+r.Addresses()[0]+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp
}

// TestPoliciesOfAConfiguration serves a file with all of them, on every level.
func TestPoliciesOfAConfiguration(t *testing.T) {
	t.Setenv("TEST_API_TOKENS", "alpha,beta")
	engines(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		write(t, dir, "users", bob)
		write(t, dir, "site/a.txt", "file a")
		up := start(t, dir, "listen: 127.0.0.1:0\nserver: {engine: "+engine+"}\nlog: {access: off}\nroutes:\n  /: \"*\"\n")
		r := start(t, dir, `
listen: 127.0.0.1:0
server: {engine: `+engine+`}
log: {access: off}
use: ["headers -Server +X-Level=file", "deny 192.0.2.0/24"]
groups:
  admin:
    prefix: /admin
    use: ["headers +X-Level=group", "auth basic users"]
    routes:
      /a: {answer: OK a}
      /open: {answer: OK open, use: ["headers +X-Level=route"]}
routes:
  /plain: OK plain
  /files/: ./site/ | cors https://a.example
  /api/: http://`+up.Addresses()[0]+` | auth bearer TEST_API_TOKENS | headers req ~Host=inner +X-Added=1 | body 1KiB | timeout 5s
  /inside: {answer: OK, use: ["allow 10.0.0.0/8"]}
  /outside: {answer: OK, use: ["deny 10.0.0.0/8 ::/0"]}
  /quiet: {answer: OK, use: ["log off"]}
`)
		for _, row := range []struct {
			path   string
			fields []string
			status int
			level  string
		}{
			{"/plain", nil, 200, "file"},
			{"/files/a.txt", []string{"Origin", "https://a.example"}, 200, "file"},
			{"/admin/a", nil, 401, "group"},
			{"/admin/a", []string{"Authorization", "Basic Ym9iOnNlY3JldA=="}, 200, "group"},
			{"/admin/open", []string{"Authorization", "Basic Ym9iOnNlY3JldA=="}, 200, "route"},
			{"/admin/open", []string{"Authorization", "Basic Ym9iOndyb25n"}, 401, "route"},
			{"/api/x", nil, 401, "file"},
			{"/api/x", []string{"Authorization", "Bearer beta"}, 200, "file"},
			{"/inside", nil, 403, "file"},
			{"/outside", nil, 200, "file"},
			{"/quiet", nil, 200, "file"},
			{"/missing", nil, 404, ""},
		} {
			resp := r.ask("GET", row.path, row.fields...)
			if resp.StatusCode != row.status || resp.Header.Get("X-Level") != row.level || (resp.Header.Get("Server") == "") != (row.level == "file") {
				t.Errorf("%s with %q gets %d, %v", row.path, row.fields, resp.StatusCode, resp.Header)
			}
		}
		if got := r.ask("GET", "/files/a.txt", "Origin", "https://a.example").Header.Get("Access-Control-Allow-Origin"); got != "https://a.example" {
			t.Errorf("the origin that is allowed is %q", got)
		}

		// The file of users is replaced: the old password is worth nothing, be it known.
		if err := os.WriteFile(filepath.Join(dir, "users"), []byte("eve:x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.registry.secrets.look(r.tellSecrets)
		if s := r.ask("GET", "/admin/a", "Authorization", "Basic Ym9iOnNlY3JldA==").StatusCode; s != 200 {
			t.Errorf("a file with a mistake in it replaces the users: %d", s)
		}
		write(t, dir, "users", strings.Replace(bob, "bob", "tom", 1))
		r.registry.secrets.look(r.tellSecrets)
		if s := r.ask("GET", "/admin/a", "Authorization", "Basic Ym9iOnNlY3JldA==").StatusCode; s != 401 {
			t.Errorf("a user who is gone gets %d", s)
		}
		if s := r.ask("GET", "/admin/a", "Authorization", "Basic dG9tOnNlY3JldA==").StatusCode; s != 200 {
			t.Errorf("a new user gets %d", s)
		}
		// The two lines are there when the log has been written.
		for begin := time.Now(); !strings.Contains(r.err.String(), "was read again") && time.Since(begin) < 10*time.Second; {
			time.Sleep(time.Millisecond)
		}
		wantIn(t, r.err.String(), "cannot be used", "not hashed", "was read again")
	})
}

// TestSecretsThatCannotBeUsed checks that a mistake is found at the start, with its place, which was not there yet when the
// configuration was read.
func TestSecretsThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct {
		policy string
		want   []string
	}{
		{"auth basic apr1", []string{"test.yml:2:3: ", `the user "ann"`, "MD5", "htpasswd -B"}},
		{"auth bearer ./empty", []string{"test.yml:2:3: ", "there is no token in it"}},
		{"auth header X-Key NO_SUCH_VARIABLE", []string{"test.yml:2:3: ", "NO_SUCH_VARIABLE is not set"}},
	} {
		write(t, dir, "apr1", bob)
		write(t, dir, "empty", "token\n")
		cfg := parse(t, dir, "routes:\n  /: {answer: OK, use: [\""+row.policy+"\"]}\n")
		write(t, dir, "apr1", "ann:$apr1$abc$def\n")
		write(t, dir, "empty", "\n")
		_, err := Compile(cfg, NewRegistry(nil))
		if err == nil {
			t.Errorf("%s is compiled", row.policy)
			continue
		}
		wantIn(t, err.Error(), row.want...)
	}
}

// TestSecretsAreShared checks that routes and configurations with the same file have the same users.
func TestSecretsAreShared(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "users", bob)
	text := "use: [auth basic users]\nroutes:\n  /a: OK\n  /b: OK\n"
	reg := NewRegistry(nil)
	compile := func(c *config.Config) (list []any) {
		gen, err := Compile(c, reg)
		if err != nil {
			t.Fatal(err)
		}
		for i := range gen.Routes {
			list = append(list, gen.Routes[i].Policies.Auth.Users.Load())
		}
		return list
	}
	first, second := compile(parse(t, dir, text)), compile(parse(t, dir, text))
	if first[0] != first[1] || first[0] != second[0] {
		t.Error("the users are not the same")
	}

	// A configuration that is not used in the end changes nothing.
	write(t, dir, "users", strings.Replace(bob, "bob", "tom", 1))
	draft, err := prepare(parse(t, dir, text), reg)
	if err != nil {
		t.Fatal(err)
	}
	next := draft.generation.Routes[0].Policies.Auth.Users.Load()
	draft.discard()
	if again := reg.secrets.files["users "+filepath.Join(dir, "users")].(*secretFile[auth.Users]).current.Load(); any(again) != first[0] || any(next) == first[0] {
		t.Error("a file is taken over before its configuration")
	}
	if third := compile(parse(t, dir, text)); third[0] == first[0] {
		t.Error("a file that has changed is not read")
	}
	if compile(parse(t, dir, "routes:\n  /a: {answer: OK, use: [\"auth basic ./users\"]}\n")); len(reg.secrets.files) != 1 {
		t.Errorf("files are looked after: %v", reg.secrets.files)
	}
	if _, err := Compile(parse(t, dir, "routes:\n  /a: OK\n"), reg); err != nil || len(reg.secrets.files) != 0 {
		t.Errorf("a file that nobody names is looked after: %v", err)
	}
}
