package config

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestDiagnosticsJSON fixes the form that machines read. Members may be added to it, but not changed.
func TestDiagnosticsJSON(t *testing.T) {
	_, ds := Parse("x.yml", []byte("routes:\n  /a: FORBIDEN\n  /b: OK\n  /%62: GONE\n"), Options{})
	want := `[
  {
    "kind": "invalid",
    "file": "x.yml",
    "line": 2,
    "column": 7,
    "length": 8,
    "message": "unknown status \"FORBIDEN\"",
    "expected": "a status name or number, a directory, or an upstream URI",
    "suggestion": "FORBIDDEN",
    "source": "  /a: FORBIDEN"
  },
  {
    "kind": "conflict",
    "file": "x.yml",
    "line": 4,
    "column": 3,
    "length": 4,
    "message": "the route \"/b\" matches requests that \"/b\" matches already",
    "expected": "another host, path or method",
    "source": "  /%62: GONE",
    "related": [
      {
        "file": "x.yml",
        "line": 3,
        "column": 3,
        "length": 2,
        "message": "the first one",
        "source": "  /b: OK"
      }
    ]
  }
]
`
	if got := string(ds.JSON()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := string(Diagnostics(nil).JSON()); got != "[]\n" {
		t.Errorf("no diagnostics are %q", got)
	}
	if ds.Summary() != "2 errors" || ds[:1].Summary() != "1 error" || Diagnostics(nil).Err() != nil || ds.Err() == nil {
		t.Errorf("Summary gives %q, Err %v", ds.Summary(), ds.Err())
	}
}

// TestConfigJSON fixes the members of the compiled configuration's form.
func TestConfigJSON(t *testing.T) {
	c, ds := Parse("x.yml", []byte(`
upstreams: {api: 10.0.0.1}
routes:
  "GET /a/:id": http://api/x | balance round-robin
  /b: OK {"a":1}
  /c: MOVED /d
  /e: ./dist
`), Options{})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(c.JSON(), &got); err != nil {
		t.Fatal(err)
	}
	if keys := sortedKeys(got); keys != "files listen log routes schema server upstreams" || got["schema"] != 1.0 {
		t.Errorf("the object has %s", keys)
	}
	routes := got["routes"].([]any)
	want := []string{
		"action at balance head host methods path policies retry timeouts to upgrade",
		"action at body head host methods path policies status",
		"action at head host location methods path policies status",
		"action at cache_control compress head host index methods path policies root spa symlinks",
	}
	for i, w := range want {
		if keys := sortedKeys(routes[i].(map[string]any)); keys != w {
			t.Errorf("route %d has %s, want %s", i, keys, w)
		}
	}
	target := routes[0].(map[string]any)["to"].([]any)[0]
	if !reflect.DeepEqual(target, map[string]any{"uri": "http://api/x", "upstream": "api"}) {
		t.Errorf("the target is %v", target)
	}
	policy := routes[0].(map[string]any)["policies"].([]any)[0]
	if !reflect.DeepEqual(policy, map[string]any{"name": "balance", "text": "balance round-robin", "available": true}) {
		t.Errorf("the policy is %v", policy)
	}
}

// TestConfigJSONOfPools fixes the members that pools and proxy routes have.
func TestConfigJSONOfPools(t *testing.T) {
	text, err := os.ReadFile("testdata/valid/upstreams-full.yml")
	if err != nil {
		t.Fatal(err)
	}
	c, ds := Parse("x.yml", []byte(strings.Replace(string(text), `"/full/": http://full`, `"/full/": {to: http://full, retry: 2, health: off, breaker: on, errors: {404: none, 5xx: "[]"}}`, 1)), world())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Upstreams []map[string]any
		Routes    []map[string]any
	}
	if err := json.Unmarshal(c.JSON(), &got); err != nil {
		t.Fatal(err)
	}
	full, off := got.Upstreams[1], got.Upstreams[3]
	if keys := sortedKeys(full); keys != "balance breaker column file health keepalive limits line members name named panic passive proxy_protocol resolve slow_start" {
		t.Errorf("a pool with all settings has %s", keys)
	}
	if keys := sortedKeys(off); keys != "column file keepalive limits line members name named panic resolve slow_start" {
		t.Errorf("a pool whose settings are off has %s", keys)
	}
	for key, want := range map[string]string{
		"balance": `"hash cookie session"`,
		"health":  `{"path":"/healthz?full=1","host":"app.test","every":"5s","jitter":"20%","timeout":"2s","rise":1,"fall":2,"status":["200-299","401","300-399"]}`,
		"passive": `{"errors":3,"latency":"2s","eject":"30s","max":"30%"}`, "breaker": `{"errors":"25%","window":"30s","min":100,"open":"10s"}`,
		"panic": `"40%"`, "slow_start": `"30s"`, "limits": `{"connections":100,"requests":200,"queue":50,"wait":"2s"}`,
		"keepalive": `{"idle":"30s","age":"1h","requests":1000,"connections":64,"warm":2}`,
		"resolve":   `{"every":"auto","min":"1s","max":"1m","servers":["10.0.0.53:53","[2001:db8::53]:5353"]}`, "proxy_protocol": `2`,
	} {
		sameJSON(t, key, full[key], want)
	}
	sameJSON(t, "limits", off["limits"], `{"connections":3,"requests":"unlimited","queue":0}`)
	sameJSON(t, "members", got.Upstreams[0]["members"], `[{"scheme":"http","address":"10.0.0.1:8080","weight":1},{"scheme":"http","address":"10.0.0.2:80","weight":3,"backup":true}]`)
	r := got.Routes[1]
	for key, want := range map[string]string{
		"retry":  `{"attempts":2,"on":["connect","reset","timeout"],"budget":"20%","per_try":"off"}`,
		"health": `null`, "breaker": `{"errors":"50%","window":"10s","min":20,"open":"5s"}`, "upgrade": `true`,
		"errors":   `{"pages":{"404":{"body":"none","type":"text/plain; charset=utf-8"},"5xx":{"body":"[]","type":"application/json"}},"intercept":false}`,
		"policies": `[{"name":"balance","text":"balance hash cookie session","available":true},{"name":"retry","text":"retry 2","available":true}]`,
	} {
		if _, there := r[key]; !there {
			t.Errorf("the route has no %s", key)
		}
		sameJSON(t, key, r[key], want)
	}
	if keys := sortedKeys(got.Routes[0]); strings.Contains(keys, "health") {
		t.Errorf("a route that says nothing of health has %s", keys)
	}
}

// sameJSON compares a value with what it is in JSON.
func sameJSON(t *testing.T, what string, got any, want string) {
	t.Helper()
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, w) {
		t.Errorf("%s is %v, want %s", what, got, want)
	}
}

func sortedKeys(m map[string]any) string {
	// Sprint writes maps in the order of their keys.
	out := map[string]struct{}{}
	for k := range m {
		out[k] = struct{}{}
	}
	s := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(out), "map["), "]")
	return strings.ReplaceAll(s, ":{}", "")
}

// TestRefusedPoliciesAreListed checks that a refused policy is still shown by what lists the routes.
func TestRefusedPoliciesAreListed(t *testing.T) {
	c, ds := Parse("x.yml", []byte("use: [cache 60s, \"limit 1/s\"]\nroutes:\n  /a: http://10.0.0.1 | limit 100/s per ip\n"), Options{})
	if len(ds) != 1 || c == nil || len(c.Routes) != 1 {
		t.Fatalf("diagnostics:\n%s", ds)
	}
	for _, d := range ds {
		if d.Kind != KindUnavailable {
			t.Errorf("kind %q of %s", d.Kind, d)
		}
	}
	var got []string
	for _, p := range c.Routes[0].Policies {
		got = append(got, p.String())
	}
	if want := "cache 1m, limit 100/s per ip"; strings.Join(got, ", ") != want {
		t.Errorf("the policies are %q, want %q", strings.Join(got, ", "), want)
	}
}

func TestManyErrors(t *testing.T) {
	_, ds := Parse("x.yml", []byte("routes:\n"+strings.Repeat("  /a: FORBIDEN\n", 2*maxDiagnostics)), Options{})
	if len(ds) != maxDiagnostics+1 || !strings.HasSuffix(ds[maxDiagnostics].Msg, "further errors are not shown") {
		t.Fatalf("%d diagnostics, the last one: %s", len(ds), ds[len(ds)-1])
	}
}

// TestTerminal checks that nothing of a file reaches a terminal uninterpreted.
func TestTerminal(t *testing.T) {
	_, ds := Parse("x\x1b.yml", []byte("routes:\n  \"/a\\e[2J\": FORBID\x1b[31mEN # \u009b\n  \"/b\": \"F\\e[2J\"\n\xff\n"), Options{})
	if s := ds.String(); strings.ContainsAny(s, "\x1b\u009b") || !utf8.ValidString(s) {
		t.Errorf("%q", s)
	}
}

// TestAliasesAreBounded checks that the expansion of aliases ends with a diagnostic.
func TestAliasesAreBounded(t *testing.T) {
	text := "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
	for i := 1; i < 30; i++ {
		ref := fmt.Sprintf("*x%d", i-1)
		text += fmt.Sprintf("x%d: &x%d [%s]\n", i, i, strings.Repeat(ref+", ", 9)+ref)
	}
	_, ds := Parse("x.yml", []byte(text), Options{})
	if !strings.Contains(ds.String(), "more than 1048576 values") {
		t.Errorf("diagnostics:\n%s", ds)
	}
}

// TestLongLines checks that neither lines nor quotations make a diagnostic large.
func TestLongLines(t *testing.T) {
	_, ds := Parse("x.yml", []byte("routes: {/a: '"+strings.Repeat("é", maxSourceLine)+"', /b: OKK}"), Options{})
	if len(ds) != 2 {
		t.Fatalf("%d diagnostics", len(ds))
	}
	for _, d := range ds {
		if len(d.Source) > maxSourceLine || len(d.Msg) > maxMessage+len("…") || !utf8.ValidString(d.Msg+d.Source) || len(d.String()) > 16<<10 {
			t.Errorf("a line of %d, a message of %d and a text of %d bytes", len(d.Source), len(d.Msg), len(d.String()))
		}
	}
}

// TestIncludeHidden checks that a pattern means no files that editors leave beside those they change.
func TestIncludeHidden(t *testing.T) {
	there := []string{"conf.d/.#a.yml", "conf.d/._a.yml", "conf.d/a.yml"}
	opt := Options{
		ReadFile: func(path string) ([]byte, error) {
			if path == "conf.d/.#a.yml" {
				return nil, fs.ErrNotExist // a lock of Emacs is a link to nowhere
			}
			return []byte("use: compress off"), nil
		},
		Glob: func(pattern string) (found []string, err error) {
			for _, name := range there {
				if ok, _ := filepath.Match(pattern, name); ok {
					found = append(found, name)
				}
			}
			return found, nil
		},
	}
	for pattern, want := range map[string][]string{
		"conf.d/*.yml": {"x.yml", "conf.d/a.yml"}, "conf.d/._*.yml": {"x.yml", "conf.d/._a.yml"},
	} {
		cfg, ds := Parse("x.yml", []byte("include: "+pattern+"\nroutes: {/: OK}\n"), opt)
		if len(ds) > 0 || !slices.Equal(cfg.Files, want) {
			t.Errorf("%s gives %q:\n%s", pattern, cfg.Files, ds)
		}
	}
}

// TestIncludeBounds checks that a chain and a crowd of files end with a diagnostic.
func TestIncludeBounds(t *testing.T) {
	n := 0
	opt := Options{
		ReadFile: func(path string) ([]byte, error) {
			n++
			return fmt.Appendf(nil, "include: f%d.yml\n", n), nil
		},
		Glob: func(string) ([]string, error) {
			var list []string
			for i := range maxFiles + 1 {
				list = append(list, fmt.Sprintf("g%d", i))
			}
			return list, nil
		},
	}
	_, ds := Parse("x.yml", []byte("include: f.yml\nroutes: {/: OK}\n"), opt)
	if len(ds) != 1 || !strings.Contains(ds[0].Msg, "nested more than 16 levels") {
		t.Errorf("a chain gives:\n%s", ds)
	}
	opt.ReadFile = func(string) ([]byte, error) { return nil, nil }
	_, ds = Parse("x.yml", []byte("include: '*'\nroutes: {/: OK}\n"), opt)
	if len(ds) == 0 || !strings.Contains(ds[0].Msg, "more than 1000 files") {
		t.Errorf("a crowd gives:\n%s", ds)
	}
}
