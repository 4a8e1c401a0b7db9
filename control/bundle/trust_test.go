package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
)

var today = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

// place is a directory with a configuration that has all kinds of files, and with keys.
type place struct {
	t    *testing.T
	dir  string
	key  *PrivateKey
	next uint64
}

func newPlace(t *testing.T) *place {
	p := &place{t: t, dir: t.TempDir(), key: fixedKey(1), next: 100}
	for name, text := range map[string]string{
		"etc/anygate.yml":  "include: conf.d/*.yml\nerrors: {404: ./404.html}\nroutes:\n  a.example/: OK | token ../keys/issuer.pem issuer issuer.example\n",
		"etc/conf.d/b.yml": "routes: {/b: OK}\n", "etc/conf.d/c.yml": "routes: {/c: OK}\n",
		"etc/404.html": "gone\n", "keys/issuer.pem": "issuer\n",
	} {
		p.write(name, text)
	}
	p.write("trust.pub", string(p.key.Public().Encode()))
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) write(name, text string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.path(name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) config() string { return p.path("etc/anygate.yml") }

// sign signs what is there, with the next sequence.
func (p *place) sign(open ...string) {
	p.t.Helper()
	r, ds, err := Read(p.config())
	if err != nil || len(ds) > 0 {
		p.t.Fatalf("%v\n%s", err, ds)
	}
	m, err := r.Manifest(open)
	if err != nil {
		p.t.Fatal(err)
	}
	p.next++
	m.Sequence, m.Created = p.next, today
	text, err := p.key.Sign(m)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("etc/anygate.yml.sig", string(text))
}

func (p *place) trust(state string) *Trust {
	p.t.Helper()
	trust, err := ReadTrust([]string{p.path("trust.pub")}, state, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return trust
}

// TestRecord wants every file of the configuration in the manifest.
func TestRecord(t *testing.T) {
	p := newPlace(t)
	p.sign()
	s, err := p.trust("").Open(p.config(), today)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range s.Manifest.Files {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), "../keys/issuer.pem 404.html anygate.yml conf.d/b.yml conf.d/c.yml"; got != want {
		t.Errorf("the files are %s, want %s", got, want)
	}
	cfg, ds := s.Load()
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if len(cfg.Routes) != 3 {
		t.Errorf("%d routes", len(cfg.Routes))
	}
	for _, name := range cfg.References() {
		if _, err := cfg.ReadFile(name); err != nil {
			t.Errorf("%s cannot be read: %v", name, err)
		}
	}
}

// TestTampering changes one thing of a signed configuration at a time.
func TestTampering(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p *place)
		want   string
	}{
		{"the main file", func(p *place) { p.write("etc/anygate.yml", "routes: {/: http://evil.example}\n") }, "anygate.yml is not what was signed"},
		{"one byte", func(p *place) { p.write("etc/conf.d/b.yml", "routes: {/b: KO}\n") }, "b.yml is not what was signed"},
		{"a page", func(p *place) { p.write("etc/404.html", "hello\n") }, "404.html is not what was signed"},
		{"a key outside of the directory", func(p *place) { p.write("keys/issuer.pem", "mine\n") }, "issuer.pem is not what was signed"},
		{"a file less", func(p *place) { _ = os.Remove(p.path("etc/conf.d/c.yml")) }, "c.yml is signed, and not there"},
		{"a file more", func(p *place) { p.write("etc/conf.d/d.yml", "routes: {/d: OK}\n") }, "d.yml: is not in the signed manifest"},
		{"a file longer", func(p *place) { p.write("etc/conf.d/c.yml", "routes: {/c: OK}\n\n") }, "c.yml is not what was signed"},
		{"a pipe", func(p *place) {
			_ = os.Remove(p.path("etc/404.html"))
			_ = syscall.Mkfifo(p.path("etc/404.html"), 0o644)
		}, "is not a regular file"},
		{"no manifest", func(p *place) { _ = os.Remove(p.path("etc/anygate.yml.sig")) }, "is not signed: there is no"},
		{"the manifest of another", func(p *place) {
			p.key = fixedKey(2)
			p.sign()
		}, "is not trusted here"},
		{"the manifest of another main file", func(p *place) {
			p.write("etc/other.yml", "routes: {/: OK}\n")
			r, _, err := Read(p.path("etc/other.yml"))
			if err != nil {
				p.t.Fatal(err)
			}
			m, err := r.Manifest(nil)
			if err != nil {
				p.t.Fatal(err)
			}
			m.Sequence = 1000
			text, err := p.key.Sign(m)
			if err != nil {
				p.t.Fatal(err)
			}
			p.write("etc/anygate.yml.sig", string(text))
		}, "is for other.yml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.sign()
			trust := p.trust("")
			if _, err := trust.Open(p.config(), today); err != nil {
				t.Fatal(err)
			}
			c.change(p)
			s, err := trust.Open(p.config(), today)
			if err == nil {
				var ds config.Diagnostics
				if _, ds = s.Load(); len(ds) > 0 {
					err = ds.Err()
				}
			}
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "cannot read "+p.path("etc/conf.d/d.yml"), "d.yml"), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

// TestWhatIsParsedIsWhatWasVerified changes files between the verification and the parsing.
func TestWhatIsParsedIsWhatWasVerified(t *testing.T) {
	p := newPlace(t)
	p.sign()
	s, err := p.trust("").Open(p.config(), today)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"etc/anygate.yml", "etc/conf.d/b.yml", "etc/404.html", "keys/issuer.pem"} {
		p.write(name, "changed\n")
	}
	_ = os.Remove(p.path("etc/conf.d/c.yml"))
	cfg, ds := s.Load()
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	for name, want := range map[string]string{"404.html": "gone\n", "../keys/issuer.pem": "issuer\n"} {
		text, err := cfg.ReadFile(name)
		if err != nil || string(text) != want {
			t.Errorf("%s is %q, %v", name, text, err)
		}
		if len(text) > 0 {
			text[0] = 'X' // what is handed out is a copy
		}
		if again, _ := cfg.ReadFile(name); string(again) != want {
			t.Errorf("%s is %q the second time", name, again)
		}
	}
	if _, err := cfg.ReadFile("/etc/passwd"); err == nil || !strings.Contains(err.Error(), "is not in the signed manifest") {
		t.Errorf("an unsigned file: %v", err)
	}
}

// TestOpenFiles leaves a file open that something else renews.
func TestOpenFiles(t *testing.T) {
	p := newPlace(t)
	p.sign("../keys/*.pem")
	p.write("keys/issuer.pem", "renewed\n")
	s, err := p.trust("").Open(p.config(), today)
	if err != nil {
		t.Fatal(err)
	}
	cfg, ds := s.Load()
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	for _, want := range []string{"renewed\n", "again\n"} {
		p.write("keys/issuer.pem", want)
		if text, err := cfg.ReadFile("../keys/issuer.pem"); err != nil || string(text) != want {
			t.Errorf("%q, %v", text, err)
		}
	}
	r, _, err := Read(p.config())
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{
		"conf.d/b.yml": "a part of the configuration itself", "nothing.pem": "matches no file", "[": "is no pattern", "anygate.yml": "a part of",
	} {
		if _, err := r.Manifest([]string{pattern}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", pattern, err, want)
		}
	}
}

// TestReload goes through the manifests that a server meets in the course of time. What is refused leaves what was
// accepted before as it is.
func TestReload(t *testing.T) {
	p := newPlace(t)
	state := p.path("state")
	p.sign()
	trust := p.trust(state)
	accept := func(want string) {
		t.Helper()
		s, err := trust.Open(p.config(), today)
		if err == nil {
			err = trust.Accept(s)
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
	first, err := os.ReadFile(p.path("etc/anygate.yml.sig"))
	if err != nil {
		t.Fatal(err)
	}
	accept("")
	accept("") // the same once more
	p.write("etc/404.html", "new\n")
	accept("404.html is not what was signed")
	p.sign()
	accept("")
	second, err := os.ReadFile(p.path("etc/anygate.yml.sig"))
	if err != nil {
		t.Fatal(err)
	}
	// Everything as it was signed once.
	p.write("etc/404.html", "gone\n")
	p.write("etc/anygate.yml.sig", string(first))
	accept("it is older than one that was accepted before: its sequence is 101, and was 102")
	// Another process, which knows by the state only.
	trust = p.trust(state)
	accept("it is older than one that was accepted before")
	if info, err := os.Stat(state); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state is %v, %v", info, err)
	}
	p.next = 101
	p.sign()
	accept("there is another one with the same sequence")
	p.write("etc/404.html", "new\n")
	p.write("etc/anygate.yml.sig", string(second))
	accept("")
	p.write("state", "anygate trust v1\nsequence 102\n")
	if _, err := ReadTrust([]string{p.path("trust.pub")}, state, nil); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("a damaged state: %v", err)
	}
	trust = p.trust(p.path("no/such/directory/state"))
	accept("cannot be remembered")
}

func TestExpiry(t *testing.T) {
	p := newPlace(t)
	r, _, err := Read(p.config())
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Manifest(nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Sequence, m.Created, m.Expires = 1, today, today.Add(time.Hour)
	text, err := p.key.Sign(m)
	if err != nil {
		t.Fatal(err)
	}
	p.write("etc/anygate.yml.sig", string(text))
	if _, err := p.trust("").Open(p.config(), today.Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if _, err := p.trust("").Open(p.config(), today.Add(time.Hour+time.Second)); err == nil || !strings.Contains(err.Error(), "has expired on 2026-08-01T01:00:00Z") {
		t.Errorf("the error is %v", err)
	}
}

// TestRotation takes the manifests of the old key and of the new one while both are trusted.
func TestRotation(t *testing.T) {
	p := newPlace(t)
	p.write("new.pub", string(fixedKey(2).Public().Encode()))
	trust, err := ReadTrust([]string{p.path("trust.pub"), p.path("new.pub")}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range byte(2) {
		p.key = fixedKey(n + 1)
		p.sign()
		if _, err := trust.Open(p.config(), today); err != nil {
			t.Errorf("key %d: %v", n, err)
		}
	}
}

// TestPermissions refuses keys that others can read, or change.
func TestPermissions(t *testing.T) {
	p := newPlace(t)
	p.write("sign.key", string(p.key.Encode()))
	if _, err := ReadPrivateKey(p.path("sign.key")); err == nil || !strings.Contains(err.Error(), "others can read the key") {
		t.Errorf("a private key of mode 0644: %v", err)
	}
	if err := os.Chmod(p.path("sign.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPrivateKey(p.path("sign.key")); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(p.path("trust.pub"), 0o664); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadTrust([]string{p.path("trust.pub")}, "", nil); err == nil || !strings.Contains(err.Error(), "others can change the trusted key") {
		t.Errorf("a trusted key of mode 0664: %v", err)
	}
	if _, err := ReadTrust(nil, "", nil); err == nil {
		t.Error("no key is enough")
	}
	if _, err := ReadTrust([]string{p.path("none")}, "", nil); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a key that is not there: %v", err)
	}
}

// TestNamesAreTheSameEverywhere signs with one spelling of the name, and serves with others, from other places.
func TestNamesAreTheSameEverywhere(t *testing.T) {
	p := newPlace(t)
	t.Chdir(p.path("etc"))
	signFrom := func(name string) {
		r, ds, err := Read(name)
		if err != nil || len(ds) > 0 {
			t.Fatal(err, ds)
		}
		m, err := r.Manifest(nil)
		if err != nil {
			t.Fatal(err)
		}
		m.Sequence = 1
		text, err := p.key.Sign(m)
		if err != nil {
			t.Fatal(err)
		}
		p.write("etc/anygate.yml.sig", string(text))
	}
	for _, signed := range []string{"anygate.yml", "./anygate.yml", "../etc/anygate.yml", p.config()} {
		t.Chdir(p.path("etc"))
		signFrom(signed)
		for _, served := range []struct{ dir, name string }{{"etc", "anygate.yml"}, {"keys", "../etc/anygate.yml"}, {".", "etc/anygate.yml"}, {"/", p.config()}} {
			dir := served.dir
			if dir != "/" {
				dir = p.path(dir)
			}
			t.Chdir(dir)
			s, err := p.trust("").Open(served.name, today)
			if err != nil {
				t.Errorf("signed as %s, served as %s: %v", signed, served.name, err)
				continue
			}
			cfg, ds := s.Load()
			if len(ds) > 0 {
				t.Errorf("signed as %s, served as %s:\n%s", signed, served.name, ds)
				continue
			}
			for _, name := range cfg.References() {
				if _, err := cfg.ReadFile(name); err != nil {
					t.Errorf("signed as %s, served as %s: %v", signed, served.name, err)
				}
			}
		}
	}
}
