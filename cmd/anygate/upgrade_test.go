package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// through asks by way of a unix socket.
func through(t *testing.T, socket, path string) string {
	t.Helper()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", socket) }}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://localhost" + path)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// TestUpgradeThatFailsLeavesTheSockets has the next process fail late, when it has all sockets: by itself, and by being
// killed at once. What the first one serves in the file system can be reached all the same.
func TestUpgradeThatFailsLeavesTheSockets(t *testing.T) {
	dir := t.TempDir()
	site, door, orders := filepath.Join(dir, "site.sock"), filepath.Join(dir, "admin.sock"), filepath.Join(dir, "control.sock")
	text := fmt.Sprintf("listen: [\"127.0.0.1:0\", \"unix:%s\"]\nadmin: \"unix:%s\"\nserver: {shards: 1}\nroutes: {\"/\": OK hi}\n", site, door)
	writeFile(t, dir, "anygate.yml", text)
	p := launch(t, program(t, dir, "serve", "--control", orders))
	served := func(when string) {
		t.Helper()
		if got := through(t, site, "/"); got != "hi" {
			t.Errorf("%s: the site says %q", when, got)
		}
		if got := through(t, door, "/healthz"); got != "ok\n" {
			t.Errorf("%s: the admin API says %q", when, got)
		}
		if code, out, errs := p.command("reload", "--dry-run", "--control", orders); code != exitOK {
			t.Errorf("%s: reload: %d, %q, %q", when, code, out, errs)
		}
	}
	served("at the start")
	for range 2 {
		writeFile(t, dir, "anygate.yml", text+"log: {error: {to: ./site.sock}}\n")
		if code, _, errs := p.command("upgrade", "--control", orders); code != exitFailure || !strings.Contains(errs, "did not come to serve") {
			t.Fatalf("an upgrade that fails: %d, %q", code, errs)
		}
		writeFile(t, dir, "anygate.yml", text)
		served("after an upgrade that fails")
	}
	writeFile(t, dir, "killed.sh", "#!/bin/sh\nkill -9 $$\n")
	if err := os.Chmod(dir+"/killed.sh", 0o755); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := p.command("upgrade", "--control", orders, "--program", "./killed.sh"); code != exitFailure || !strings.Contains(errs, "signal: killed") {
		t.Fatalf("an upgrade that is killed: %d, %q", code, errs)
	}
	served("after an upgrade that is killed")
	if code, _, errs := p.command("upgrade", "--control", orders); code != exitOK {
		t.Fatalf("an upgrade: %d, %q", code, errs)
	}
	served("after an upgrade")
	if code, _, errs := p.command("stop", "--control", orders); code != exitOK {
		t.Fatalf("stop: %d, %q", code, errs)
	}
	<-p.read
	for _, path := range []string{site, door, orders} {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left behind: %v", path, err)
		}
	}
}

// TestUpgradeToOtherSockets has the next process listen elsewhere: what it has no use for is gone.
func TestUpgradeToOtherSockets(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	configure := func(site, door string) {
		t.Helper()
		writeFile(t, dir, "anygate.yml", fmt.Sprintf(
			"listen: [\"127.0.0.1:0\", \"unix:%s\"]\nadmin: \"unix:%s\"\nserver: {shards: 2}\nroutes: {\"/\": OK hi}\n", path(site), path(door)))
	}
	configure("a.sock", "b.sock")
	p := launch(t, program(t, dir, "serve"))
	configure("c.sock", "d.sock")
	p.must("upgrade")
	if got := through(t, path("c.sock"), "/"); got != "hi" {
		t.Errorf("the site says %q", got)
	}
	if got := through(t, path("d.sock"), "/healthz"); got != "ok\n" {
		t.Errorf("the admin API says %q", got)
	}
	p.must("stop")
	<-p.read
	for _, name := range []string{"a.sock", "b.sock", "c.sock", "d.sock"} {
		if _, err := os.Lstat(path(name)); !os.IsNotExist(err) {
			t.Errorf("%s is left behind: %v", name, err)
		}
	}
}

// TestUpgradeThatCannotBeRemembered has the next process verify a configuration that it cannot remember then: it does not
// serve, and the one before goes on.
func TestUpgradeThatCannotBeRemembered(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "auto", "one"))
	p := &process{t: t, cmd: program(t, dir, "serve", "--trust", "release.pub", "--trust-state", "states/state")}
	must := func(args ...string) {
		t.Helper()
		if code, _, err := p.command(args...); code != exitOK {
			t.Fatalf("%q: %d, %s", args, code, err)
		}
	}
	must("sign", "keygen", "-o", "release")
	must("sign", "--key", "release.key")
	if err := os.Mkdir(dir+"/states", 0o755); err != nil {
		t.Fatal(err)
	}
	p = launch(t, p.cmd)
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "auto", "two"))
	must("sign", "--key", "release.key")
	// No room is left, for root neither.
	if err := os.RemoveAll(dir + "/states"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "states", "a file")
	if code, out, errs := p.command("upgrade"); code != exitFailure || !strings.Contains(errs, "did not come to serve") {
		t.Errorf("upgrade: %d, %q, %q", code, out, errs)
	}
	if _, body := p.get("/"); body != "one" {
		t.Errorf("%q", body)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != exitOK {
		t.Errorf("the process ends with %d", code)
	}
}

// TestUpgradeKeepsMembersOut takes a member out: it is out for the next process as well, and for the one after it, until
// somebody lets it in.
func TestUpgradeKeepsMembersOut(t *testing.T) {
	dir := t.TempDir()
	door := filepath.Join(dir, "admin.sock")
	var members [2]string
	for i := range members {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i) })}
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
		members[i] = l.Addr().String()
	}
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(
		"listen: 127.0.0.1:0\nadmin: unix:%s\nserver: {shards: 1}\nupstreams: {api: [%s, %s]}\nroutes: {\"/\": http://api}\n", door, members[0], members[1]))
	p := launch(t, program(t, dir, "serve"))
	tell := func(what string) {
		t.Helper()
		transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", door) }}
		q, err := http.NewRequest("POST", "http://localhost/upstreams/"+what, strings.NewReader(fmt.Sprintf(`{"upstream": "api", "member": %q}`, members[0])))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Anygate-Admin", "1")
		a, err := transport.RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != 200 {
			t.Fatalf("%s: %d", what, a.StatusCode)
		}
	}
	asked := func() (first bool) {
		t.Helper()
		// A connection for each, or the process before answers one more.
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for range 6 {
			resp, err := client.Get("http://" + p.addr + "/")
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			first = first || string(b) == "0"
		}
		return first
	}
	if !asked() {
		t.Error("the first member is not asked")
	}
	tell("drain")
	for i := range 2 {
		p.must("upgrade")
		if asked() {
			t.Errorf("after %d upgrades the member is in again", i+1)
		}
		p.logged("member="+members[0], i+1)
	}
	tell("enable")
	p.must("upgrade")
	if !asked() {
		t.Error("the member that was let in is not asked")
	}
	p.must("stop")
	<-p.read
	if want := "member=" + members[0]; strings.Count(p.log(), want) != 2 {
		t.Errorf("%q is not in the log once for each upgrade that keeps it out:\n%s", want, p.log())
	}
}
