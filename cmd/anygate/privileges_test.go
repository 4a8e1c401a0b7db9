package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/control/privileges"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// The account that the tests go on as: every system has it, by its number at least.
const (
	nobody   = 65534
	asNobody = "65534:65534"
)

// confined is an installation as a package would make it: everything is root's, others may read all but the secrets.
type confined struct {
	t   *testing.T
	dir string
	// plain and secure are addresses below the first port that everybody may listen on.
	plain, secure string
	root          *certtest.Authority
	leave         *os.File // left open for the process; nil is none
}

// openFiles are the names of what a process has open.
func openFiles(t *testing.T, pid int) (names []string) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	list, err := os.ReadDir(dir)
	if err != nil || len(list) == 0 {
		t.Fatalf("%d files, %v", len(list), err)
	}
	for _, e := range list {
		if name, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			names = append(names, name)
		}
	}
	return names
}

func install(t *testing.T) *confined {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test is about what root gives up: run it as root")
	}
	low := lowAddresses(t, 2)
	c := &confined{t: t, dir: public(t), plain: low[0], secure: low[1], root: certtest.NewAuthority("root")}
	writeFile(t, c.dir, "conf/www/index.html", "a page")
	writeFile(t, c.dir, "conf/secret/other.key", "a secret")
	c.renew()
	return c
}

// public is a directory that every user can reach.
func public(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// lowAddresses are n free ones, each another, that take a privilege to listen on.
func lowAddresses(t *testing.T, n int) (list []string) {
	t.Helper()
	free := int(privileges.FirstFreePort())
	if free < 100 {
		t.Fatalf("every user may listen on ports from %d on: there are no privileged ones", free)
	}
	for range 1000 {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(free/2+rand.IntN(free/2)))
		if err != nil {
			continue
		}
		// Open until all are found: a port that is drawn twice is taken then.
		defer l.Close()
		if list = append(list, l.Addr().String()); len(list) == n {
			return list
		}
	}
	t.Fatal("too few ports are free")
	return nil
}

// TestLowAddressesDiffer draws so many that some would be drawn twice.
func TestLowAddressesDiffer(t *testing.T) {
	list := lowAddresses(t, 100)
	slices.Sort(list)
	if n := len(slices.Compact(list)); n != 100 {
		t.Errorf("%d of 100 addresses differ", n)
	}
}

// renew makes another certificate, whose key only root can read.
func (c *confined) renew() {
	c.t.Helper()
	site := c.root.Server("P-256", []string{"a.test"})
	writeFile(c.t, c.dir, "conf/secret/site.pem", string(site.Chain))
	key := writeFile(c.t, c.dir, "conf/secret/new.key", string(site.KeyPEM))
	for _, name := range []string{"new.key", "other.key"} {
		if err := os.Chmod(filepath.Join(c.dir, "conf/secret", name), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := os.Rename(key, filepath.Join(c.dir, "conf/secret/site.key")); err != nil {
		c.t.Fatal(err)
	}
}

// configure writes the configuration.
func (c *confined) configure(server, routes string, listen ...string) {
	c.t.Helper()
	addrs := fmt.Sprintf("%q, %q", c.plain, c.secure+" tls")
	for _, l := range listen {
		addrs += fmt.Sprintf(", %q", l)
	}
	writeFile(c.t, c.dir, "conf/anygate.yml", fmt.Sprintf(`
listen: [%s]
tls: {certificates: [{cert: secret/site.pem, key: secret/site.key}]}
server: {shards: 2, timeouts: {drain: 2m}, %s}
routes:
  "/": ./www/
  "/secret/": ./secret/
  "/up/": http://%s/
%s`, addrs, server, c.plain, routes))
}

// start starts a copy of the program that other users can execute.
func (c *confined) start(args ...string) *process {
	c.t.Helper()
	cmd := program(c.t, filepath.Join(c.dir, "conf"), append([]string{"serve"}, args...)...)
	cmd.Path = copyProgram(c.t, cmd.Path, filepath.Join(c.dir, "bin"))
	if c.leave != nil {
		cmd.ExtraFiles = []*os.File{c.leave}
	}
	p := launch(c.t, cmd)
	c.t.Cleanup(func() {
		if pid := p.serving(); pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return p
}

// serving is the process that serves now: an upgrade makes another one. 0 is none.
func (p *process) serving() int {
	log := p.log()
	if i := strings.LastIndex(log, "another process goes on process="); i >= 0 {
		pid, _, _ := strings.Cut(log[i+len("another process goes on process="):], " ")
		n, _ := strconv.Atoi(pid)
		if p.ended() {
			return 0
		}
		return n
	}
	return p.cmd.Process.Pid
}

// ended reports whether nothing writes to the log any more.
func (p *process) ended() bool {
	select {
	case <-p.read:
		return true
	default:
		return false
	}
}

func copyProgram(t *testing.T, from, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "anygate")
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}

// rights fails unless all threads of a process have no more rights than these.
func rights(t *testing.T, pid int, keep privileges.Capabilities) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) < 4 {
		t.Fatalf("the process has the threads %q, %v", threads, err)
	}
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) || err == nil && strings.Contains(string(text), "State:\tZ") {
			continue // it has ended meanwhile
		}
		s, err := privileges.Of(name)
		if err != nil {
			continue
		}
		if s.UID != nobody || s.GID != nobody || !slices.Equal(s.Groups, []int{nobody}) || !s.NoNewPrivs ||
			s.Effective != keep || s.Permitted != keep || s.Bounding != keep || s.Inheritable != keep || s.Ambient != keep {
			t.Errorf("%s: %+v", name, s)
		}
		for _, id := range []string{"Uid", "Gid"} {
			if want := fmt.Sprintf("%s:\t%[2]d\t%[2]d\t%[2]d\t%[2]d\n", id, nobody); !strings.Contains(string(text), want) {
				t.Errorf("%s has not %q:\n%s", name, want, text)
			}
		}
	}
}

// fetch gets a page over TLS, and the certificate that was shown.
func (c *confined) fetch(path string) (status int, body string, shown *x509.Certificate) {
	c.t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(c.root.Cert)
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "a.test"},
	}}
	req, err := http.NewRequest(http.MethodGet, "https://"+c.secure+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Host = "a.test"
	resp, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.TLS.PeerCertificates[0]
}

func (c *confined) wantPage(path, want string) *x509.Certificate {
	c.t.Helper()
	status, body, shown := c.fetch(path)
	if status != 200 || body != want {
		c.t.Errorf("%s is answered %d %q, want %q", path, status, body, want)
	}
	return shown
}

// wantRefused expects a command to fail with all of these words.
func (p *process) wantRefused(words []string, args ...string) {
	p.t.Helper()
	code, out, err := p.command(args...)
	for _, word := range words {
		if code != exitFailure || !strings.Contains(err, word) {
			p.t.Errorf("%q: %d, %q, %q; want %q", args, code, out, err, word)
		}
	}
}

func (p *process) must(args ...string) (out string) {
	p.t.Helper()
	code, out, err := p.command(args...)
	if code != exitOK {
		p.t.Fatalf("%q: %d, %q; the log:\n%s", args, code, err, p.log())
	}
	return out
}

// TestUser starts as root, on low ports and with a key that only root can read, and goes on as somebody else: what root
// may is gone from all threads, and everything else works as before, reload and upgrade among it.
func TestUser(t *testing.T) {
	onBothEngines(t, func(t *testing.T, engine string) {
		c := install(t)
		server := "engine: " + engine + ", user: \"" + asNobody + "\""
		c.configure(server, "")
		p := c.start()
		rights(t, p.cmd.Process.Pid, privileges.Bind)
		if log := p.log(); !strings.Contains(log, "("+engine+", 2 shards)") {
			t.Errorf("the log:\n%s", log)
		}
		first := c.wantPage("/", "a page")
		c.wantPage("/up/", "a page")
		for _, name := range []string{"site.key", "other.key"} {
			if status, body, _ := c.fetch("/secret/" + name); status != 403 {
				t.Errorf("the process reads %s: %d %q", name, status, body)
			}
		}
		c.wantPage("/secret/site.pem", string(readFile(t, c.dir+"/conf/secret/site.pem")))
		rights(t, p.cmd.Process.Pid, privileges.Bind)
		if stat, err := os.Stat(fmt.Sprintf("/proc/%d/mem", p.cmd.Process.Pid)); err != nil || stat.Sys().(*syscall.Stat_t).Uid != 0 {
			t.Errorf("the memory of the process is its user's to read: %v, %v", stat, err)
		}

		// The key has not changed, so it need not be read; an address with a low port takes the capability that was kept.
		low := lowAddresses(t, 1)[0]
		c.configure(server, `  "/more": OK more`, low)
		if out := p.must("reload"); !strings.Contains(out, "+ route /more\n") || !strings.Contains(out, "+ listener "+low+"\n") {
			t.Errorf("reload says %q", out)
		}
		c.wantPage("/more", "more")
		// The connection must not stay, or the process waits for it at its end.
		once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if resp, err := once.Get("http://" + low + "/more"); err != nil || resp.StatusCode != 200 {
			t.Errorf("the new address: %v, %v", resp, err)
		} else {
			resp.Body.Close()
		}

		// Whoever has become the user must not have a program of its own handed the key.
		thief := program(t, filepath.Join(c.dir, "conf"), "upgrade", "--program", "../bin/anygate")
		thief.Path = filepath.Join(c.dir, "bin/anygate")
		thief.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if out, err := thief.CombinedOutput(); err == nil || !strings.Contains(string(out), "only root may name the program") {
			t.Errorf("the user has another program go on: %v, %s", err, out)
		}
		if code, _, errs := p.command("reload", "--dry-run"); code != exitOK || errs != fmt.Sprintf("anygate: this was for process %d, of the user nobody\n", p.cmd.Process.Pid) {
			t.Errorf("root is told %q", errs)
		}

		next := goesOn.FindStringSubmatch(p.must("upgrade"))
		if next == nil {
			t.Fatalf("upgrade does not say who goes on; the log:\n%s", p.log())
		}
		p.logged("another process goes on process="+next[1]+" ", 1)
		rights(t, p.serving(), privileges.Bind)
		if shown := c.wantPage("/more", "more"); !shown.Equal(first) {
			t.Error("the new process shows another certificate")
		}
		p.must("reload")

		// The next key is root's again.
		c.renew()
		p.wantRefused([]string{"secret/site.key: ", "has changed", "may not read it", "the user "}, "reload")
		if shown := c.wantPage("/", "a page"); !shown.Equal(first) {
			t.Error("half of the new pair is shown")
		}
		if err := os.Chown(c.dir+"/conf/secret/site.key", 0, nobody); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(c.dir+"/conf/secret/site.key", 0o640); err != nil {
			t.Fatal(err)
		}
		p.must("reload")
		if shown := c.wantPage("/", "a page"); shown.Equal(first) {
			t.Error("the new certificate is not shown")
		}
		p.must("stop")
		<-p.read
	})
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestLandlock tries what every user of the machine may, and this process has no use for.
func TestLandlock(t *testing.T) {
	if version, missing := privileges.ABI(); version == 0 {
		t.Fatal(missing)
	}
	for _, mode := range []string{"auto", "off"} {
		t.Run(mode, func(t *testing.T) {
			c := install(t)
			elsewhere := public(t)
			writeFile(t, elsewhere, "site/page", "from elsewhere")
			writeFile(t, elsewhere, "named/page", "from a directory that was named")
			// A file route follows links of the operator's, and this one will lead out of what is reached.
			link := filepath.Join(c.dir, "conf/linked")
			if err := os.Symlink("www/index.html", link); err != nil {
				t.Fatal(err)
			}
			server := fmt.Sprintf("user: %q, landlock: {mode: %s, read: %s/named}", asNobody, mode, elsewhere)
			route := "  \"/linked\": {file: ./linked}\n"
			c.configure(server, route)
			p := c.start()
			c.wantPage("/linked", "a page")
			relink := func(to string) {
				t.Helper()
				if err := os.Symlink(to, link+".new"); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(link+".new", link); err != nil {
					t.Fatal(err)
				}
			}
			relink(elsewhere + "/site/page")
			want := 200
			if mode == "auto" {
				want = 403
			}
			deadline := time.Now().Add(10 * time.Second)
			for status, body := 0, ""; status != want || strings.Contains(body, "a page"); status, body, _ = c.fetch("/linked") {
				if time.Now().After(deadline) {
					t.Fatalf("what is linked elsewhere is answered %d %q, want %d", status, body, want)
				}
				time.Sleep(20 * time.Millisecond)
			}
			other := copyProgram(t, filepath.Join(c.dir, "bin/anygate"), filepath.Join(elsewhere, "bin"))
			c.configure(server, route+"  \"/new/\": "+elsewhere+"/site/\n")
			if mode == "off" {
				p.must("reload")
				c.wantPage("/new/page", "from elsewhere")
				p.must("upgrade", "--program", other)
			} else {
				p.wantRefused([]string{elsewhere + "/site", "Landlock", "restart AnyGate", "anygate.yml:10:3"}, "reload")
				p.wantRefused([]string{other, "permission denied", "Landlock"}, "upgrade", "--program", other)
				p.wantRefused([]string{"did not come to serve"}, "upgrade")
				p.logged("anygate: anygate.yml:10:3: "+elsewhere+"/site cannot be used: it is outside", 1)
				relink("www/index.html")
				c.configure(server, route+"  \"/new/\": "+elsewhere+"/named/\n")
				p.must("reload")
				c.wantPage("/new/page", "from a directory that was named")
				// Sites are replaced as a whole, by renames.
				writeFile(t, c.dir, "conf/next/index.html", "the next page")
				if err := os.Rename(c.dir+"/conf/www", c.dir+"/conf/old"); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(c.dir+"/conf/next", c.dir+"/conf/www"); err != nil {
					t.Fatal(err)
				}
				p.must("reload")
				c.wantPage("/", "the next page")
				// So are programs.
				copyProgram(t, filepath.Join(c.dir, "bin/anygate"), filepath.Join(c.dir, "bin/new"))
				if err := os.Rename(filepath.Join(c.dir, "bin/new/anygate"), filepath.Join(c.dir, "bin/anygate")); err != nil {
					t.Fatal(err)
				}
				p.must("upgrade")
				c.wantPage("/", "the next page")
			}
			p.must("stop")
			<-p.read
		})
	}
}

// TestUserWithoutLowPorts keeps nothing, so that a low port cannot be had later; it says why.
func TestUserWithoutLowPorts(t *testing.T) {
	c := install(t)
	socket := filepath.Join(c.dir, "conf/run/socket")
	if err := os.Mkdir(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Dir(socket), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	const text = "listen: [\"127.0.0.1:0\", \"unix:%s\"%s]\nserver: {user: %q}\nroutes: {/: OK}\n"
	writeFile(t, c.dir, "conf/anygate.yml", fmt.Sprintf(text, socket, "", asNobody))
	// Whoever starts it has left a file open that only root can read.
	left, err := os.Open(filepath.Join(c.dir, "conf/secret/other.key"))
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	c.leave = left
	p := c.start()
	rights(t, p.cmd.Process.Pid, 0)
	if open := openFiles(t, p.cmd.Process.Pid); slices.Contains(open, left.Name()) {
		t.Errorf("%s is open still: %q", left.Name(), open)
	}
	if log := p.log(); strings.Contains(log, " warn ") {
		t.Errorf("the log warns:\n%s", log)
	}
	if info, err := os.Stat(socket); err != nil || info.Sys().(*syscall.Stat_t).Uid != nobody {
		t.Errorf("the socket is not the user's: %v, %v", info, err)
	}
	writeFile(t, c.dir, "conf/anygate.yml", fmt.Sprintf(text, socket, ", "+strconv.Quote(c.plain), asNobody))
	p.wantRefused([]string{"cannot listen on " + c.plain, "given up", "restart"}, "reload")
	writeFile(t, c.dir, "conf/anygate.yml", fmt.Sprintf(text, socket, "", asNobody)+"admin: "+c.plain+"\n")
	p.wantRefused([]string{"anygate.yml:4", "admin: cannot listen on " + c.plain, "given up", "restart"}, "reload")
	writeFile(t, c.dir, "conf/anygate.yml", fmt.Sprintf(text, socket, "", "root"))
	if out := p.must("reload", "--dry-run"); !strings.Contains(out, "! server.user stays as it was at the start") {
		t.Errorf("another user: %q", out)
	}
	p.must("stop")
	<-p.read
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// TestLookedInto keeps a key without a capability that others of the user lack: it warns of the moment in which they could
// look into the program, unless they cannot read it, which is as good to be executed.
func TestLookedInto(t *testing.T) {
	c := install(t)
	writeFile(t, c.dir, "conf/anygate.yml", fmt.Sprintf(
		"listen: \"127.0.0.1:0 tls\"\ntls: {certificates: [{cert: secret/site.pem, key: secret/site.key}]}\nserver: {user: %q, shards: 1}\nroutes: {/: OK}\n", asNobody))
	const warning = "other programs of the user can look into this one"
	p := c.start()
	p.must("stop")
	<-p.read // to the end
	if log := p.log(); !strings.Contains(log, warning) {
		t.Errorf("the log does not warn:\n%s", log)
	}

	cmd := program(t, filepath.Join(c.dir, "conf"), "serve")
	cmd.Path = filepath.Join(c.dir, "bin/anygate")
	if err := os.Chmod(cmd.Path, 0o711); err != nil {
		t.Fatal(err)
	}
	p = launch(t, cmd)
	p.must("upgrade")
	p.must("stop")
	<-p.read
	if log := p.log(); strings.Contains(log, warning) {
		t.Errorf("the log warns:\n%s", log)
	}
}

// TestUnprivileged is started by the user itself.
func TestUnprivileged(t *testing.T) {
	c := install(t)
	serve := func(user string) *exec.Cmd {
		t.Helper()
		writeFile(t, c.dir, "conf/anygate.yml", fmt.Sprintf("listen: \"127.0.0.1:0\"\nserver: {%s}\nroutes: {/: OK}\n", user))
		cmd := program(t, filepath.Join(c.dir, "conf"), "serve")
		cmd.Path = copyProgram(t, cmd.Path, filepath.Join(c.dir, "bin"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{nobody}}}
		return cmd
	}
	out, err := serve("user: \"1:1\"").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "anygate.yml:2:16: only root can become the user") {
		t.Errorf("another user: %v\n%s", err, out)
	}
	for _, user := range []string{"user: \"" + asNobody + "\"", ""} {
		p := launch(t, serve(user))
		s, err := privileges.Of(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil || s.UID != nobody || s.Permitted != 0 || !s.NoNewPrivs {
			t.Errorf("%q: %+v, %v", user, s, err)
		}
		if strings.Contains(p.log(), " warn ") {
			t.Errorf("%q warns:\n%s", user, p.log())
		}
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != exitOK {
			t.Errorf("%q: exit code %d", user, code)
		}
	}
}

// TestUnusable names directories that the user may not read or write; one that is not there is made for it.
func TestUnusable(t *testing.T) {
	c := install(t)
	for _, name := range []string{"closed", "roots"} {
		if err := os.Mkdir(filepath.Join(c.dir, "conf", name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	configure := func(cache, site string) {
		t.Helper()
		writeFile(t, c.dir, "conf/anygate.yml", fmt.Sprintf(`
listen: ["%s tls"]
tls: {certificates: [{cert: secret/site.pem, key: secret/site.key}], ocsp: {cache: %s}}
server: {user: %q}
routes: {/: %s}
`, c.secure, cache, asNobody, site))
	}
	configure("made", "./www/")
	p := c.start()
	if log := p.log(); strings.Contains(log, " warn ") {
		t.Errorf("the log warns:\n%s", log)
	}
	if info, err := os.Stat(c.dir + "/conf/made"); err != nil || info.Mode().Perm() != 0o700 || info.Sys().(*syscall.Stat_t).Uid != nobody {
		t.Errorf("the directory is %v, %v", info, err)
	}
	p.must("stop")
	<-p.read
	configure("roots", "./www/")
	p = c.start()
	const want = "the user of this process cannot write to a directory of the configuration path="
	p.must("stop")
	<-p.read // to the end
	if !strings.Contains(p.log(), want+"roots at=anygate.yml:3:") {
		t.Errorf("the log:\n%s", p.log())
	}
	configure("made", "./closed/")
	cmd := program(t, filepath.Join(c.dir, "conf"), "serve")
	cmd.Path = filepath.Join(c.dir, "bin/anygate")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `anygate.yml:5:10: static: "closed" is not accessible to the user this process runs as`) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestRootStays says so once, unless it is meant.
func TestRootStays(t *testing.T) {
	c := install(t)
	for user, want := range map[string]int{"shards: 1": 1, "user: root": 0} {
		writeFile(t, c.dir, "conf/anygate.yml", fmt.Sprintf("listen: \"127.0.0.1:0\"\nserver: {%s}\nroutes: {/: OK}\n", user))
		p := launch(t, program(t, filepath.Join(c.dir, "conf"), "serve"))
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != exitOK || strings.Count(p.log(), "runs as root: server.user names a user") != want {
			t.Errorf("%s: %d\n%s", user, code, p.log())
		}
	}
}

func TestCheckPrivileges(t *testing.T) {
	dir := t.TempDir()
	check := func(server string) (code int, out, errs string) {
		writeFile(t, dir, "anygate.yml", "listen: \":80\"\nserver: {"+server+"}\nroutes: {/: ./site/}\n")
		return invoke(t, dir, "check")
	}
	writeFile(t, dir, "site/index.html", "")
	code, out, errs := check(`user: "65534:65534"`)
	if code != exitOK || errs != "" {
		t.Fatalf("%d %q", code, errs)
	}
	for _, want := range []string{"the process becomes ", "(uid 65534, gid 65534, groups 65534)\n", "keeps the capability net_bind_service to listen on :80\n", "Landlock (version ", " " + dir} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
	if _, out, _ = check("user: root, landlock: off"); !strings.Contains(out, "the process stays root\n") || strings.Contains(out, "Landlock") {
		t.Errorf("check says:\n%s", out)
	}
	if _, out, _ = check("shards: 1"); strings.Contains(out, "the process") {
		t.Errorf("check says:\n%s", out)
	}
	for server, want := range map[string]string{
		"user: no-such-user":         `anygate: anygate.yml:2:16: there is no user "no-such-user"`,
		"user: root:no-such-group":   `anygate: anygate.yml:2:16: there is no group "no-such-group"`,
		"user: 4294967295":           `there is no user "4294967295"`,
		"user: 4123456789":           "name one as well, as in 4123456789:4123456789",
		`user: "65534:no-such-one"`:  `there is no group "no-such-one"`,
		`user: "4123456789:no-such"`: `there is no group "no-such"`,
	} {
		if code, out, errs := check(server); code != exitFailure || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: %d %q %q, want %q and nothing else", server, code, out, errs, want)
		}
	}
}
