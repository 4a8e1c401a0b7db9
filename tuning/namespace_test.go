package tuning

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inNamespace is set for a test that runs again in a process with a network namespace and mounts of its own; its value is an empty
// directory.
const inNamespace = "ANYGATE_TEST_NAMESPACE"

// ownNamespace runs the test that calls it in such a process. It returns the directory there, and an empty name here, when all is
// over.
func ownNamespace(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv(inNamespace); dir != "" {
		return dir
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		t.Fatalf("this test needs to make a network namespace, which only root may: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("the test did not run:\n%s", out)
	}
	t.Logf("%s", out)
	return ""
}

// namespaceHost is a host whose settings of the network are the real ones of this process's own namespace. Settings of the machine
// are copies: nothing that is done to them can reach it.
func namespaceHost(t *testing.T, dir string) *Host {
	t.Helper()
	mount := func(source, target, kind string, flags uintptr) {
		t.Helper()
		must(t, os.MkdirAll(target, 0o755))
		if err := unix.Mount(source, target, kind, flags, ""); err != nil {
			t.Fatalf("this test needs to mount %s, which only root may: %v", target, err)
		}
	}
	mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE)
	mount("tmpfs", dir, "tmpfs", 0)
	for name, text := range server {
		if strings.HasPrefix(name, "/proc/sys/net/") || strings.HasPrefix(name, "/proc/net/") || strings.HasPrefix(name, "/sys/") {
			continue
		}
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			path += "/"
		}
		place(t, path, text)
	}
	mount("/proc/sys/net", filepath.Join(dir, "proc/sys/net"), "", unix.MS_BIND)
	mount("/proc/self/net", filepath.Join(dir, "proc/net"), "", unix.MS_BIND)
	mount("sysfs", filepath.Join(dir, "sys"), "sysfs", unix.MS_RDONLY)
	h := Local()
	h.Root = dir
	return h
}

// sysctls are all settings of the network in this namespace, byte for byte. Left out is what the machine has one of and others
// may change meanwhile.
func sysctls(t *testing.T, h *Host) map[string]string {
	t.Helper()
	out := make(map[string]string)
	root := h.path("/proc/sys/net")
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, root+"/")
		if name == "ipv4/tcp_allowed_congestion_control" && !h.writable("/proc/sys/net/"+name) {
			return nil
		}
		// Some can only be written, or have no value until they are: that they say so is compared too.
		if b, err := os.ReadFile(path); err != nil {
			out[name] = unwrapPath(err).Error()
		} else {
			out[name] = string(b)
		}
		return nil
	}))
	return out
}

// TestRealSettings applies to the kernel and reverts: afterwards every setting of the namespace is what it was, byte for byte.
func TestRealSettings(t *testing.T) {
	dir := ownNamespace(t)
	if dir == "" {
		return
	}
	h := namespaceHost(t, dir)
	if why := h.Container(); why != "" {
		t.Fatalf("the host of this test is taken for a container: %s", why)
	}
	// What every kernel has and no profile wants, so that there is something to change on any kernel.
	must(t, h.store(sysctlPath("net.ipv4.tcp_congestion_control"), []byte("reno\n")))
	must(t, h.store(sysctlPath("net.core.somaxconn"), []byte("777\n")))
	must(t, h.store(sysctlPath("net.ipv4.ip_local_reserved_ports"), []byte("40000,40002-40004\n")))
	before := sysctls(t, h)
	if len(before) < 100 {
		t.Fatalf("the namespace has only %d settings", len(before))
	}
	tree := snapshot(t, h.path("/etc"))
	for _, profile := range []string{"edge", "proxy", "container"} {
		o := Options{Profile: profile, Risk: Measure, Service: siteAndAPI}
		p := plan(t, h, o)
		changed := 0
		for _, s := range p.Settings {
			if strings.HasPrefix(s.Key, "net.") {
				changed++
				t.Logf("%s: %s: %s -> %s", profile, s.Key, s.Before, s.After)
			}
		}
		if changed < 5 {
			t.Errorf("profile %s changes only %d settings of the network", profile, changed)
		}
		must(t, Apply(h, p, DefaultState))
		now := sysctls(t, h)
		if now["core/somaxconn"] != "16384\n" || now["ipv4/ip_local_reserved_ports"] != "33000,40000,40002-40004\n" {
			t.Errorf("profile %s: %q, %q", profile, now["core/somaxconn"], now["ipv4/ip_local_reserved_ports"])
		}
		if again := plan(t, h, o); !again.Empty() {
			t.Errorf("profile %s: the kernel has made something else of %+v", profile, again.Settings)
		}
		_, err := Revert(h, DefaultState, false)
		must(t, err)
		sameSnapshot(t, "profile "+profile, before, sysctls(t, h))
		sameSnapshot(t, "profile "+profile, tree, snapshot(t, h.path("/etc")))
	}

	// The kernel refuses the last of several settings: all are what they were.
	p := plan(t, h, Options{Profile: "edge", Service: siteAndAPI})
	p.Settings = append(p.Settings, Setting{Key: "net.ipv4.ip_local_port_range", After: "50000 40000"})
	if err := Apply(h, p, DefaultState); err == nil || !strings.Contains(err.Error(), "net.ipv4.ip_local_port_range cannot be set to 50000 40000") {
		t.Errorf("%v", err)
	}
	sameSnapshot(t, "after a refusal", before, sysctls(t, h))
	sameSnapshot(t, "after a refusal", tree, snapshot(t, h.path("/etc")))

	// And the counters of a namespace in which nothing has happened are quiet.
	e, err := Verify(h, Options{Service: siteAndAPI}, "", nil)
	must(t, err)
	for _, w := range e.Witnesses {
		if w.Evidence && strings.HasPrefix(w.Counter, "TcpExt.Listen") {
			t.Errorf("%+v", w)
		}
	}
}
