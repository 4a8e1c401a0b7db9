package integration

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// trapped is what a Go program says that a filter has stopped.
const trapped = "SIGSYS"

// The profile names system calls that there are, and keeps out what it is there to keep out.
func TestSeccompProfile(t *testing.T) {
	t.Parallel()
	p := readProfile(t)
	if p.DefaultAction != "SCMP_ACT_ERRNO" || len(p.ArchMap) != 2 {
		t.Errorf("the profile begins with %s, and is for %v", p.DefaultAction, p.ArchMap)
	}
	amd64, arm64 := systemCalls(t, "amd64"), systemCalls(t, "arm64")
	if len(amd64) < 300 || len(arm64) < 250 {
		t.Fatalf("%d and %d system calls are known", len(amd64), len(arm64))
	}
	seen := map[string]bool{}
	for _, r := range p.Syscalls {
		for _, name := range r.Names {
			_, on1 := amd64[name]
			_, on2 := arm64[name]
			if !on1 && !on2 {
				t.Errorf("there is no system call %s", name)
			}
			if seen[name] && name != "socket" {
				t.Errorf("%s stands in the profile twice", name)
			}
			seen[name] = true
		}
	}
	for _, name := range []string{
		"mount", "ptrace", "bpf", "init_module", "kexec_load", "unshare", "setns", "keyctl", "process_vm_readv", "perf_event_open", "chroot", "userfaultfd",
	} {
		if seen[name] {
			t.Errorf("the profile allows %s", name)
		}
	}
}

// The filter that is made of the profile refuses what the profile does. Peer: unshare, of util-linux.
func TestSeccompProfileRefuses(t *testing.T) {
	t.Parallel()
	unshare := peer.Find(t, "unshare")
	wrapper := filtering(t, assemble(t, readProfile(t), unix.SECCOMP_RET_ERRNO|uint32(syscall.EPERM)))
	run := func(args ...string) (string, error) {
		out, err := exec.Command(wrapper[0], append(wrapper[1:], args...)...).CombinedOutput()
		return string(out), err
	}
	if out, err := run(unshare, "--mount", "/bin/true"); err == nil || !strings.Contains(out, "Operation not permitted") {
		t.Errorf("a namespace is made under the profile: %v, %s", err, out)
	}
	if out, err := run("/bin/sh", "-c", "echo $((1+1))"); err != nil || out != "2\n" {
		t.Errorf("a shell does not run under the profile: %v, %s", err, out)
	}
}

// Everything that is served, another user, Landlock, reloads and an upgrade need no system call that the profile leaves
// out: one that it does would end the process. Peers: curl, h2load.
func TestUnderSeccompProfile(t *testing.T) {
	wrapper := filtering(t, assemble(t, readProfile(t), unix.SECCOMP_RET_TRAP))
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		if os.Geteuid() != 0 {
			t.Fatal("this test is about what root gives up: run it as root")
		}
		k := newPKI(t)
		up := origin.Start(t)
		site := filepath.Join(k.dir, "site")
		for name, size := range map[string]int{"small.html": 4 << 10, "page.js": 40 << 10, "large.bin": 8 << 20, "sub/index.html": 100} {
			path := filepath.Join(site, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(strings.Repeat("text ", size/5)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		// Others may look into the directory of the test, but not into its keys.
		for _, dir := range []string{k.dir, filepath.Dir(k.dir)} {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		low := lowPort(t)
		config := product.Config{
			Engine: e, Dir: k.dir, Wrapper: wrapper,
			Listen: fmt.Sprintf(`["127.0.0.1:0", "127.0.0.1:%d tls", "unix:@anygate-seccomp-%s-%d"]`, low, e, os.Getpid()),
			Server: `shards: 2, user: "65534:65534", landlock: on`,
			Text: tlsLines + "  ocsp: {staple: on, cache: ocsp}\n  ech: {public-name: test.local, keys: ech}\nlog: stdout json\n" +
				"routes:\n  /: ./site/\n  /list/: {dir: ./site/, listing: on}\n  /up/: http://" + up.Addr + "/\n  /name/: http://localhost:" + portOf(t, up.Addr) + "/\n",
		}
		s := product.Start(t, config)
		secure := "https://localhost:" + strconv.Itoa(low)
		ca := []string{"--cacert", k.path("root.pem")}
		fetch := func(args ...string) {
			t.Helper()
			if a := peer.Curl(t, args...); a.Status != 200 {
				t.Errorf("%q: status %d", args, a.Status)
			}
		}
		visit := func() {
			t.Helper()
			for _, path := range []string{"/small.html", "/page.js", "/large.bin", "/sub/", "/list/", "/up/pattern/3000000", "/name/pattern/1000"} {
				fetch(s.URL(path))
				fetch("--compressed", s.URL(path))
				fetch(append(ca, "--http1.1", secure+path)...)
				fetch(append(ca, "--http2", secure+path)...)
				fetch(append(ca, "--tls-max", "1.2", secure+path)...)
			}
			if a := peer.Curl(t, "-r", "100-200000", s.URL("/large.bin")); a.Status != 206 {
				t.Errorf("a range: status %d", a.Status)
			}
			if a := peer.Curl(t, s.URL("/missing")); a.Status != 404 {
				t.Errorf("status %d", a.Status)
			}
			if n := peer.H2load(t, 500, 4, 10, secure+"/page.js"); n != 500 {
				t.Errorf("%d of 500 requests are answered", n)
			}
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
		if err != nil || !strings.Contains(string(status), "\nSeccomp:\t2\n") || !strings.Contains(string(status), "\nUid:\t65534\t") {
			t.Fatalf("the process is not filtered, or still root: %v\n%s", err, status)
		}
		visit()
		path := filepath.Join(k.dir, "anygate.yml")
		command := func(name string) string {
			t.Helper()
			r := product.Run(t, product.Command{Args: []string{name, "-c", path}, Dir: k.dir, Wrapper: wrapper})
			if r.Code != 0 {
				t.Fatalf("anygate %s: exit code %d\n%s\nthe server:\n%s", name, r.Code, r.Stderr, s.Stderr)
			}
			return r.Stdout
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(string(text)+"  /more: OK\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		command("check")
		if out := command("reload"); !strings.Contains(out, "+ route /more\n") {
			t.Errorf("reload says %q", out)
		}
		visit()
		command("upgrade")
		t.Cleanup(func() {
			_ = product.Run(t, product.Command{Args: []string{"stop", "-c", path}, Dir: k.dir}) // which fails if all went well
		})
		visit()
		command("stop")
		// The standard error that it waits for is the next process's, too.
		if code := s.Wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if strings.Contains(s.Stderr.String(), trapped) || strings.Contains(s.Stderr.String(), " warn serving with epoll") {
			t.Errorf("standard error:\n%s", s.Stderr)
		}
	})
}

func portOf(t testing.TB, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// lowPorts are those that lowPort has named, which the servers they are for may not have bound yet.
var lowPorts sync.Map

// lowPort is a free one that takes a privilege to listen on.
func lowPort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 600 + rand.IntN(424)
		if _, taken := lowPorts.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no low port is free")
	return 0
}
