package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// hostFiles are what a host needs to have for tune to look at it, beside the settings of its network.
var hostFiles = map[string]string{
	"proc/sys/kernel/osrelease":        "6.12.9-amd64\n",
	"proc/sys/vm/swappiness":           "60\n",
	"proc/sys/fs/nr_open":              "1048576\n",
	"proc/self/limits":                 "Max open files            1024                 524288               files     \n",
	"proc/meminfo":                     "MemTotal:       16384000 kB\n",
	"sys/devices/system/cpu/online":    "0-3\n",
	"etc/anygate/anygate.yml":          "listen: \":41000\"\nroutes: {\"/\": \"http://127.0.0.1:9\"}\n",
	"proc/sys/net/core/somaxconn":      "4096\n",
	"proc/net/netstat":                 "TcpExt: ListenOverflows\nTcpExt: 3\n",
	"var/lib/dpkg/nothing-of-ours":     "",
	"proc/sys/net/ipv4/tcp_syncookies": "1\n",
}

func writeHost(t *testing.T, root string, leave ...string) {
	t.Helper()
	for name, text := range hostFiles {
		if len(leave) > 0 && strings.HasPrefix(name, leave[0]) {
			continue
		}
		writeFile(t, root, name, text)
	}
}

// TestTuneOfAnotherRoot looks at a copy of a host.
func TestTuneOfAnotherRoot(t *testing.T) {
	root := t.TempDir()
	writeHost(t, root)
	tests := []struct {
		name string
		args []string
		code int
		out  []string
		not  string
	}{
		{"check", []string{"check", "--root", root}, 1, []string{"profile   edge", "change   net.core.somaxconn", "4096", ">= 16384", "should change: anygate tune apply --profile edge"}, "\x1b"},
		{"all of it", []string{"check", "--root", root, "--all"}, 1, []string{"fine     net.ipv4.tcp_syncookies", "absent   net.ipv4.tcp_migrate_req"}, "--all"},
		{"a profile", []string{"check", "--root", root, "--profile", "container"}, 1, []string{"profile   container"}, "vm.swappiness"},
		{"a configuration", []string{"check", "--root", root, "-c", filepath.Join(root, "etc/anygate/anygate.yml")}, 1, []string{"config    " + root}, ""},
		{"verify", []string{"verify", "--root", root}, 1, []string{"evidence TcpExt.ListenOverflows", "supports net.core.somaxconn: 4096, wanted >= 16384"}, ""},
		{"verify over time", []string{"verify", "--root", root, "--for", "1ms"}, 0, []string{"in 1ms", "no evidence"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := invoke(t, t.TempDir(), append([]string{"tune"}, tt.args...)...)
			if code != tt.code || errs != "" {
				t.Errorf("exit code %d, %q", code, errs)
			}
			for _, want := range tt.out {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in:\n%s", want, out)
				}
			}
			if tt.not != "" && strings.Contains(out, tt.not) {
				t.Errorf("%q is in:\n%s", tt.not, out)
			}
		})
	}
}

// TestTuneIsFine has nothing left to do.
func TestTuneIsFine(t *testing.T) {
	root := t.TempDir()
	writeHost(t, root)
	for name, text := range map[string]string{"proc/sys/net/core/somaxconn": "65535\n", "proc/sys/vm/swappiness": "1\n"} {
		writeFile(t, root, name, text)
	}
	code, out, errs := invoke(t, t.TempDir(), "tune", "check", "--root", root)
	if code != 0 || errs != "" || !strings.Contains(out, "Nothing has to be done.") {
		t.Errorf("exit code %d, %q\n%s", code, errs, out)
	}
}

// TestTuneRoots names the tree of a host in ways that a shell completes, and one that is none.
func TestTuneRoots(t *testing.T) {
	dir := t.TempDir()
	writeHost(t, filepath.Join(dir, "copy"))
	for _, root := range []string{"copy", "./copy/", "copy/../copy"} {
		code, out, errs := invoke(t, dir, "tune", "check", "--root", root)
		if code != 1 || errs != "" || !strings.Contains(out, "change   net.core.somaxconn") {
			t.Errorf("--root %s: exit code %d, %q\n%s", root, code, errs, out)
		}
	}
	for _, word := range []string{"check", "verify"} {
		code, out, errs := invoke(t, dir, "tune", word, "--root", "cpoy")
		if code != 2 || out != "" || !strings.Contains(errs, filepath.Join(dir, "cpoy")+" does not hold a host: there is no proc/sys in it") {
			t.Errorf("%s of nothing: exit code %d, %q\n%s", word, code, errs, out)
		}
	}
}

// TestTuneReadsTheConfiguration takes from it the ports of all listeners, and what pools may need of the local ones.
func TestTuneReadsTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", `
listen: [":41000", "127.0.0.1:41001", "unix:/run/x.sock"]
admin: 127.0.0.1:41005
upstreams:
  api: {members: "10.0.0.1:80", limits: {connections: 50000}}
  local: {members: "unix:/run/api.sock"}
routes: {"/": "http://api", "/l": "http://local", "/o": "http://10.0.0.9:81"}
server: {shards: 3, limits: {connections: 70000}}
`)
	writeHost(t, filepath.Join(dir, "host"))
	for name, text := range map[string]string{
		"ip_local_reserved_ports": "\n", "ip_local_port_range": "32768\t60999\n",
	} {
		writeFile(t, filepath.Join(dir, "host"), "proc/sys/net/ipv4/"+name, text)
	}
	_, out, errs := invoke(t, dir, "tune", "check", "--root", "host", "--all", "--json", "-c", "anygate.yml")
	var report struct {
		Rows []struct{ Key, Wanted, Target, Note string }
		Host struct{ Shards int }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s%s", err, out, errs)
	}
	wants := map[string]string{
		"net.ipv4.ip_local_reserved_ports": "41000-41001,41005",
		"net.ipv4.ip_local_port_range":     "28232 ports: fewer than api may have connections to one member",
		"limit.nofile":                     ">= 144288",
	}
	for _, r := range report.Rows {
		if want := wants[r.Key]; want != "" && !strings.Contains(r.Wanted+"\n"+r.Target+"\n"+r.Note, want) {
			t.Errorf("%+v does not say %q", r, want)
		}
		delete(wants, r.Key)
	}
	if len(wants) != 0 {
		t.Errorf("there are no rows of %v", wants)
	}
	if report.Host.Shards != 3 {
		t.Errorf("%+v", report.Host)
	}
}

func TestTuneJSON(t *testing.T) {
	root := t.TempDir()
	writeHost(t, root)
	code, out, errs := invoke(t, t.TempDir(), "tune", "check", "--root", root, "--json")
	var report struct {
		Profile, Container string
		Rows               []struct{ Key, State, Value, Wanted, Reason, Source, Risk, Target string }
		Code               *int `json:"exit_code"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || errs != "" {
		t.Fatalf("exit code %d, %q, %v\n%s", code, errs, err, out)
	}
	if report.Profile != "edge" || report.Code == nil || *report.Code != 1 || len(report.Rows) < 40 {
		t.Errorf("%+v", report)
	}
	if r := report.Rows[0]; r.Key != "net.core.somaxconn" || r.State != "change" || r.Value != "4096" || r.Target != "16384" || r.Risk != "safe" || r.Reason == "" || r.Source == "" {
		t.Errorf("%+v", r)
	}
	code, out, errs = invoke(t, t.TempDir(), "tune", "verify", "--root", root, "--json")
	var evidence struct {
		Witnesses []struct {
			Counter  string
			Value    int
			Evidence bool
		}
	}
	if err := json.Unmarshal([]byte(out), &evidence); err != nil || code != 1 || errs != "" {
		t.Fatalf("exit code %d, %q, %v\n%s", code, errs, err, out)
	}
	if w := evidence.Witnesses[0]; w.Counter != "TcpExt.ListenOverflows" || w.Value != 3 || !w.Evidence {
		t.Errorf("%+v", w)
	}
}

// namespaceRoot is set for the process that TestTuneApply starts.
const namespaceRoot = "ANYGATE_TEST_TUNE_ROOT"

// TestTuneApply uses the commands as an operator does, on a host that is a directory with the real settings of a network namespace.
func TestTuneApply(t *testing.T) {
	if root := os.Getenv(namespaceRoot); root != "" {
		operate(t, root)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestTuneApply$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), namespaceRoot+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		t.Fatalf("this test needs to make a network namespace, which only root may: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestTuneApply") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// interrupted answers the question with a signal, while nobody types anything.
func interrupted(t *testing.T) {
	t.Helper()
	never, writer := io.Pipe()
	defer writer.Close()
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	var out, errs strings.Builder
	if code := run([]string{"tune", "apply"}, terminal{in: never, out: &out, err: &errs, signals: func() <-chan os.Signal { return signals }}); code != 1 || !strings.Contains(out.String(), "nothing was written") {
		t.Errorf("apply with a signal: %d, %s%s", code, out.String(), errs.String())
	}
}

// applyAsNobody applies as a user who may not, and is told so instead of being asked.
func applyAsNobody(t *testing.T) {
	t.Helper()
	if err := syscall.Setresuid(0, 65534, 0); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	code := run([]string{"tune", "apply"}, terminal{in: strings.NewReader("y\n"), out: &out, err: &errs})
	if err := syscall.Setresuid(0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if code != 2 || strings.Contains(out.String(), "[y/N]") || !strings.Contains(out.String(), "777 -> 16384") || !strings.Contains(errs.String(), "root's to write (sudo)") {
		t.Errorf("apply as nobody: %d, %s%s", code, out.String(), errs.String())
	}
}

func operate(t *testing.T, root string) {
	mount := func(source, target, kind string, flags uintptr) {
		if err := os.MkdirAll(target, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(source, target, kind, flags, ""); err != nil {
			t.Fatalf("this test needs to mount %s, which only root may: %v", target, err)
		}
	}
	mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE)
	mount("tmpfs", root, "tmpfs", 0)
	writeHost(t, root, "proc/sys/net")
	mount("/proc/sys/net", filepath.Join(root, "proc/sys/net"), "", unix.MS_BIND)
	if err := unix.Chroot(root); err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir("/"); err != nil {
		t.Fatal(err)
	}
	const (
		queue = "/proc/sys/net/core/somaxconn"
		ports = "/proc/sys/net/ipv4/ip_local_reserved_ports"
		conf  = "/etc/sysctl.d/90-anygate.conf"
		state = "/var/lib/anygate-tune/restore.json"
	)
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if err := os.WriteFile(queue, []byte("777\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	gone := func() {
		t.Helper()
		for _, name := range []string{conf, state, filepath.Dir(conf), filepath.Dir(state)} {
			if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is there: %v", name, err)
			}
		}
		if read(queue) != "777\n" || read(ports) != "\n" || read("/proc/sys/vm/swappiness") != "60\n" {
			t.Errorf("%q, %q, %q", read(queue), read(ports), read("/proc/sys/vm/swappiness"))
		}
	}
	tune := func(answer string, code int, wants []string, args ...string) string {
		t.Helper()
		var out, errs strings.Builder
		got := run(append([]string{"tune"}, args...), terminal{in: strings.NewReader(answer), out: &out, err: &errs})
		if got != code || errs.String() != "" {
			t.Errorf("tune %q: exit code %d, want %d: %s", args, got, code, errs.String())
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				t.Errorf("tune %q: %q is not in:\n%s", args, want, out.String())
			}
		}
		return out.String()
	}
	diff := []string{"net.core.somaxconn                    777 -> 16384", "\n+ net.core.somaxconn = 16384\n", "net.ipv4.ip_local_reserved_ports      (empty) -> 41000"}
	tune("", 1, []string{"profile   edge", "config    /etc/anygate/anygate.yml"}, "check")
	tune("", 1, append(diff, "nothing was written (--dry-run)"), "apply", "--dry-run")
	gone()
	for _, no := range []string{"", "n\n", "\n", "yesterday\n", "no\n"} {
		tune(no, 1, append(diff, "[y/N]", "nothing was written"), "apply")
		gone()
	}
	interrupted(t)
	gone()
	applyAsNobody(t)
	gone()
	tune("Yes\n", 0, append(diff, "written: ", "is kept in "+state, "restart AnyGate if it runs"), "apply")
	if read(queue) != "16384\n" || read(ports) != "41000\n" || read("/proc/sys/vm/swappiness") != "10\n" || !strings.Contains(read(conf), "\nvm.swappiness = 10\n") {
		t.Errorf("%q, %q\n%s", read(queue), read(ports), read(conf))
	}
	tune("", 0, []string{"Nothing has to be done."}, "check")
	tune("", 0, []string{"nothing to write"}, "apply")
	tune("", 1, []string{"net.core.somaxconn                    16384 -> 777", conf}, "revert", "--dry-run")
	tune("", 0, []string{"16384 -> 777", "everything is as it was"}, "revert")
	gone()
	tune("", 0, []string{"nothing to revert"}, "revert")

	var plan struct {
		Settings []struct{ Key, Before, After string }
		Applied  bool
		Code     int `json:"exit_code"`
	}
	if err := json.Unmarshal([]byte(tune("", 0, nil, "apply", "--yes", "--json")), &plan); err != nil || !plan.Applied || plan.Code != 0 || plan.Settings[0].Before != "777" {
		t.Errorf("%+v, %v", plan, err)
	}
	var back struct {
		Settings []struct{ Key, Before, After string }
	}
	if err := json.Unmarshal([]byte(tune("", 0, nil, "revert", "--json")), &back); err != nil || len(back.Settings) != len(plan.Settings) {
		t.Errorf("%+v, %v", back, err)
	}
	gone()

	// What is left to be done by hand is no failure of apply, the first time and again; check insists on it.
	writeFile(t, "/", "proc/self/limits", "Max open files            1024                 4096                 files     \n")
	for _, words := range []string{"written: ", "nothing to write"} {
		tune("", 0, []string{"by hand: limit.nofile: 4096, wanted >= 524288", words}, "apply", "--yes")
	}
	tune("", 1, []string{"1 setting should change by other means"}, "check")
	tune("", 0, []string{"everything is as it was"}, "revert")
	writeFile(t, "/", "proc/self/limits", hostFiles["proc/self/limits"])
	gone()

	// A record where the operator is.
	if err := os.Mkdir("/home", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir("/home")
	tune("", 0, []string{"written: "}, "apply", "--yes", "--state", "before.json")
	read("before.json")
	tune("", 0, []string{"everything is as it was"}, "revert", "--state", "before.json")
	gone()

	// The same host, in a container.
	writeFile(t, "/", ".dockerenv", "")
	tune("", 1, []string{"container /.dockerenv exists", "profile   container"}, "check")
	tune("", 1, []string{"nothing is written inside a container, and this is one: /.dockerenv exists"}, "apply", "--yes", "--profile", "edge")
	var out, errs strings.Builder
	if code := run([]string{"tune", "revert"}, terminal{out: &out, err: &errs}); code != 2 || !strings.Contains(errs.String(), "nothing is written inside a container") {
		t.Errorf("revert in a container: %d, %s", code, errs.String())
	}
	gone()
}
