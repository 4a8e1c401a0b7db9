package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/route"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "dist/index.html", "x")
	write(t, dir, "conf.d/b.yml", "routes: {/b: GONE, /own/: ./}\n")
	write(t, dir, "conf.d/a.yml", "routes: {/a: ../dist/index.html}\nserver: {shards: 3}\n")
	path := write(t, dir, "anygate.yml", "include: conf.d/*.yml\nroutes:\n  /: ./dist\n  /env: OK ${ANYGATE_TEST_VALUE}\n")
	t.Setenv("ANYGATE_TEST_VALUE", "hello")
	c, ds := Load(path)
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	var heads []string
	for _, r := range c.Routes {
		heads = append(heads, r.Head.String())
	}
	if got := strings.Join(heads, " "); got != "/ /env /a /b /own/" {
		t.Errorf("the routes are %s", got)
	}
	if c.Path != path || c.BaseDir != dir || len(c.Files) != 3 || c.Server.Shards != 3 {
		t.Errorf("loaded %+v", c)
	}
	if r := c.Routes[0].Static; r.Root != filepath.Join(dir, "dist") || r.File {
		t.Errorf("/ serves %+v", r)
	}
	if r := c.Routes[2].Static; r.Root != filepath.Join(dir, "dist/index.html") || !r.File || r.Index != nil {
		t.Errorf("/a serves %+v", r)
	}
	if r := c.Routes[4]; r.Static.Root != filepath.Join(dir, "conf.d") || r.Action.Path != "./conf.d/" {
		t.Errorf("/own/ serves %+v", r)
	}
	if body := c.Routes[1].Action.Body; body != "hello" {
		t.Errorf("/env answers %q", body)
	}
	var m route.Match
	if c.Table.Match([]byte("GET"), nil, []byte("/b"), &m) != route.Found || c.Routes[m.Value].Action.Status != 410 {
		t.Errorf("the table leads from /b to %d", m.Value)
	}
}

func TestLoadFailures(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ path, want string }{
		{filepath.Join(dir, "none.yml"), "no such file or directory"},
		{dir, "is a directory"},
		{"/dev/null", "is not a regular file"},
	} {
		cfg, ds := Load(c.path)
		if cfg != nil || len(ds) != 1 || ds[0].Kind != KindMissing || !strings.Contains(ds[0].Msg, c.want) {
			t.Errorf("%s: %v", c.path, ds)
		}
	}
	if _, ds := Parse("x.yml", make([]byte, maxFileBytes+1), Options{}); len(ds) != 1 {
		t.Errorf("a file that is too large: %v", ds)
	}
}

func TestStaticRoots(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "page.html", "x")
	path := write(t, dir, "anygate.yml", "routes:\n  /null: /dev/null\n  /below: ./page.html/x\n")
	_, ds := Load(path)
	if len(ds) != 2 || !strings.Contains(ds[0].Msg, "neither a directory nor a regular file") || !strings.Contains(ds[1].Msg, "not a directory") {
		t.Errorf("diagnostics:\n%s", ds)
	}
}

func TestForDirectory(t *testing.T) {
	dir := t.TempDir()
	c, ds := ForDirectory(dir, "")
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	if len(c.Routes) != 1 || c.Routes[0].Static.Root != dir || c.Routes[0].Head.String() != "/" || c.Routes[0].Static.SPA != "auto" {
		t.Errorf("routes %+v", c.Routes)
	}
	if want := []Listener{{Network: "tcp", Addr: DefaultListen}}; !reflect.DeepEqual(c.Listen, want) {
		t.Errorf("listens to %+v", c.Listen)
	}
	_, ds = ForDirectory(filepath.Join(dir, "none"), "")
	if len(ds) != 1 || ds[0].Line != 0 || strings.Contains(ds.String(), "^") || !strings.Contains(ds.String(), "there is no "+dir+"/none") {
		t.Errorf("diagnostics: %s", ds)
	}
	_, ds = ForDirectory(dir, "8080")
	if len(ds) != 1 || ds[0].Suggest != ":8080" || !strings.HasPrefix(ds[0].Msg, "8080: ") {
		t.Errorf("diagnostics: %s", ds)
	}
	odd := filepath.Join(dir, "${HOME} \"x\"")
	write(t, odd, "index.html", "x")
	if c, ds := ForDirectory(odd, ":0"); len(ds) > 0 || c.Routes[0].Static.Root != odd {
		t.Errorf("%s: %v", odd, ds)
	}
}

func TestForUpstream(t *testing.T) {
	c, ds := ForUpstream("http://localhost:3000", "127.0.0.1:9000")
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	want := []Upstream{{Name: "http://localhost:3000", Members: []Member{{Scheme: "http", Addr: "localhost:3000", Weight: 1}}, Pool: defaultPool()}}
	if !reflect.DeepEqual(c.Upstreams, want) {
		t.Errorf("upstreams %+v", c.Upstreams)
	}
	if len(c.Routes) != 1 || len(c.Routes[0].Targets) != 1 || c.Routes[0].Targets[0].Upstream != 0 || c.Routes[0].Timeouts.Connect != 5*time.Second {
		t.Errorf("routes %+v", c.Routes)
	}
	_, ds = ForUpstream("htp://localhost:3000", "")
	if len(ds) != 1 || ds[0].Suggest != "http://" || ds[0].Source != "" {
		t.Errorf("diagnostics: %s", ds)
	}
}

// TestPools checks that targets with one address share a pool, whatever spelling they name it in.
func TestPools(t *testing.T) {
	c, ds := Parse("x.yml", []byte(`
upstreams: {api: [10.0.0.1, unix:/run/a.sock]}
routes:
  /a: http://api/x
  /b: http://EXAMPLE.com http://example.com:80
  /c: unix:/run/a.sock
  /d: http://api:80
`), Options{})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range c.Upstreams {
		names = append(names, u.Name)
	}
	if got := strings.Join(names, " "); got != "api http://example.com:80 unix:/run/a.sock http://api:80" {
		t.Errorf("the pools are %s", got)
	}
	var used []int
	for _, r := range c.Routes {
		for _, target := range r.Targets {
			used = append(used, target.Upstream)
		}
	}
	if !reflect.DeepEqual(used, []int{0, 1, 1, 2, 3}) {
		t.Errorf("the targets use %v", used)
	}
	if i, ok := c.Named("api"); !ok || i != 0 {
		t.Errorf("Named gives %d, %v", i, ok)
	}
	if _, ok := c.Named("http://api:80"); ok {
		t.Error("Named finds a pool without a name")
	}
}
