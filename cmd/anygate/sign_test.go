package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSign goes the way of a configuration from its author to a server: keys, signature, check, and what is refused.
func TestSign(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", "include: conf.d/*.yml\nroutes: {/: OK}\n")
	writeFile(t, dir, "conf.d/a.yml", "routes: {/a: OK}\n")
	run := func(wantCode int, wantOut, wantErr string, args ...string) {
		t.Helper()
		code, out, errs := invoke(t, dir, args...)
		if code != wantCode || !strings.Contains(out, wantOut) || !strings.Contains(errs, wantErr) || wantErr == "" && errs != "" {
			t.Errorf("%s: exit code %d\nout: %s\nerr: %s\nwant %d, %q, %q", strings.Join(args, " "), code, out, errs, wantCode, wantOut, wantErr)
		}
	}
	run(exitUsage, "", "--key FILE is needed", "sign")
	run(exitFailure, "", "no such file", "sign", "--key", "release.key")
	run(exitOK, "release.key signs", "", "sign", "keygen", "-o", "release")
	run(exitFailure, "", "file exists", "sign", "keygen", "-o", "release")
	run(exitOK, "other.pub goes", "", "sign", "keygen", "-o", "other")
	for name, mode := range map[string]os.FileMode{"release.key": 0o600, "release.pub": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	run(exitFailure, "", "is not signed: there is no", "check", "--trust", "release.pub")
	run(exitFailure, "", "others can read the key release.pub", "sign", "--key", "release.pub")
	if err := os.Chmod(filepath.Join(dir, "release.pub"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(exitFailure, "", "takes the private one", "sign", "--key", "release.pub")
	run(exitOK, "2 files signed with the key ", "", "sign", "--key", "release.key", "--expires", "720h")
	run(exitOK, "anygate.yml: signed with the key ", "", "check", "--trust", "release.pub")
	run(exitOK, "", "", "check", "--trust", "other.pub", "--trust", "release.pub", "--json")
	run(exitFailure, "", "is not trusted here", "check", "--trust", "other.pub")
	run(exitFailure, "", "only the public one is needed", "check", "--trust", "release.key")
	run(exitUsage, "", "of no use without --trust", "check", "--trust-state", "state")
	run(exitUsage, "", "of no use without --trust", "serve", "--trust-state", "state")
	run(exitUsage, "", "excludes another thing to serve", "serve", "--trust", "release.pub", "--demo")
	run(exitUsage, "", "excludes another thing to serve", "serve", "--trust", "release.pub", ".")
	run(exitUsage, "", "names no file", "serve", "--trust", "")
	writeFile(t, dir, "conf.d/a.yml", "routes: {/a: FORBIDDEN}\n")
	run(exitFailure, "", "a.yml is not what was signed", "check", "--trust", "release.pub")
	run(exitFailure, "", "a.yml is not what was signed", "serve", "--trust", "release.pub")
	run(exitFailure, "", "a.yml is not what was signed", "check", "-c", "anygate.yml", "--trust", "release.pub", "--print")
	writeFile(t, dir, "conf.d/a.yml", "routes: {/a: FORBIDEN}\n")
	run(exitFailure, "", "nothing is signed", "sign", "--key", "release.key")
	run(exitUsage, "", "invalid value", "sign", "--key", "release.key", "--expires", "soon")
	writeFile(t, dir, "page.html", "sorry")
	writeFile(t, dir, "conf.d/a.yml", "errors: {404: ../page.html}\n")
	run(exitOK, "page.html is left open", "", "sign", "--key", "release.key", "--open", "page.html")
	writeFile(t, dir, "page.html", "sorry!")
	run(exitOK, "", "", "check", "--trust", "release.pub")
	run(exitFailure, "", "matches no file", "sign", "--key", "release.key", "--open", "pages.html")

	empty := t.TempDir()
	code, _, errs := invoke(t, empty, "serve", "--trust", filepath.Join(dir, "release.pub"))
	if _, err := os.Stat("/etc/anygate/anygate.yml"); err != nil && (code != exitFailure || !strings.Contains(errs, "no configuration")) {
		t.Errorf("serve without a configuration: %d %s", code, errs)
	}
}

// TestSigningExamples runs the commands of docs/signing.md, and compares the manifest that it shows with one.
func TestSigningExamples(t *testing.T) {
	page, err := os.ReadFile("../../docs/signing.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", "include: conf.d/*.yml\nroutes: {/: OK}\n")
	writeFile(t, dir, "conf.d/api.yml", "routes: {/api: OK}\n")
	commands := 0
	for i, part := range strings.Split(string(page), "```") {
		script, isScript := strings.CutPrefix(part, "sh\n")
		if i%2 == 0 || !isScript {
			continue
		}
		for line := range strings.Lines(script) {
			commands++
			args := strings.Fields(line)
			if code, _, errs := invoke(t, dir, args[1:]...); args[0] != "anygate" || code != exitOK {
				t.Errorf("%s: %d %s", line, code, errs)
			}
		}
	}
	if commands < 3 {
		t.Errorf("%d commands are found", commands)
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "anygate.yml.sig"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(page), "```text\nanygate manifest v1\n")
	shown, _, _ = strings.Cut("anygate manifest v1\n"+shown, "```")
	var words []string
	for line := range strings.Lines(shown) {
		word, _, _ := strings.Cut(line, " ")
		if word != "open" { // nothing is left open here
			words = append(words, word)
		}
	}
	var got []string
	for line := range strings.Lines(string(manifest)) {
		word, _, _ := strings.Cut(line, " ")
		got = append(got, word)
	}
	if strings.Join(got, " ") != strings.Join(words, " ") {
		t.Errorf("the manifest has the lines %v, the page shows %v", got, words)
	}
}

// TestServeSigned serves a signed configuration, and refuses the one before when it comes back.
func TestServeSigned(t *testing.T) {
	dir := t.TempDir()
	serveArgs := []string{"serve", "--trust", "k.pub", "--trust-state", "state", "--listen", "127.0.0.1:0"}
	sign := func(text string) string {
		t.Helper()
		writeFile(t, dir, "anygate.yml", text)
		if code, _, errs := invoke(t, dir, "sign", "--key", "k.key"); code != exitOK {
			t.Fatal(errs)
		}
		manifest, err := os.ReadFile(filepath.Join(dir, "anygate.yml.sig"))
		if err != nil {
			t.Fatal(err)
		}
		return string(manifest)
	}
	if code, _, errs := invoke(t, dir, "sign", "keygen", "-o", "k"); code != exitOK {
		t.Fatal(errs)
	}
	serveOnce := func(want string) {
		t.Helper()
		p := launch(t, program(t, dir, serveArgs...))
		if status, body := p.get("/"); status != 200 || body != want {
			t.Errorf("the answer is %d %q", status, body)
		}
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != exitOK || !strings.Contains(p.log(), "the configuration is signed with the key ") {
			t.Errorf("exit code %d:\n%s", code, p.log())
		}
	}
	const old = "routes: {\"/\": OK old}\n"
	first := sign(old)
	serveOnce("old")
	sign("routes: {\"/\": OK new}\n")
	serveOnce("new")
	serveOnce("new")
	writeFile(t, dir, "anygate.yml", old)
	writeFile(t, dir, "anygate.yml.sig", first)
	code, _, errs := invoke(t, dir, serveArgs...)
	if code != exitFailure || !strings.Contains(errs, "older than one that was accepted before") {
		t.Errorf("an old configuration: %d %s", code, errs)
	}
	sign("routes: {\"/\": OK last}\n")
	if err := os.Remove(filepath.Join(dir, "state")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, dir, serveArgs...); code != exitFailure || !strings.Contains(errs, "the state state: is not a regular file") {
		t.Errorf("a state that is a directory: %d %s", code, errs)
	}
}
