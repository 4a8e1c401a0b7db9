package image

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// engine is podman with a storage of its own, which needs no registry. It is run in a namespace of mounts of its own, with
// other directories in the place of those that podman, crun and conmon write into whatever their options say: so it leaves
// nothing behind, finds nothing of the machine's own containers, and no systemd to leave timers with. Where there are
// hierarchies of cgroups of both versions, crun is shown the second only. What the kernel or a sandbox around may refuse is
// turned off: cgroups and networks of containers, and limits that are above ours.
type engine struct {
	t     *testing.T
	store string
}

func (e engine) command(args ...string) *exec.Cmd {
	const confined = `mount --make-rprivate /
for dir in /run /dev/shm /var/lib /var/cache /etc/cni; do
	mkdir -p "$1/machine$dir"
	if [ -d "$dir" ]; then mount --bind "$1/machine$dir" "$dir"; fi
done
if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
	umount -R /sys/fs/cgroup 2>/dev/null || true # there may be none
	mount -t cgroup2 none /sys/fs/cgroup
fi
export TMPDIR="$1/tmp"
mkdir -p "$TMPDIR"
shift
exec podman "$@"`
	head := []string{
		"--mount", "sh", "-ec", confined, "sh", e.store, "--root", filepath.Join(e.store, "root"), "--runroot", filepath.Join(e.store, "run"),
		"--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--log-level", "fatal",
	}
	cmd := exec.Command("unshare", append(head, args...)...)
	cmd.Dir = "../.."
	return cmd
}

// run runs podman to its end, and returns what it prints.
func (e engine) run(args ...string) string {
	e.t.Helper()
	out, err := e.command(args...).CombinedOutput()
	if err != nil {
		e.t.Fatalf("podman %s: %v (it needs root, podman and crun, which test/install.sh installs)\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestPodman builds the image by the Dockerfile, as the documentation says for where nothing can be pulled, and runs it as
// the documentation says.
func TestPodman(t *testing.T) {
	store, err := os.MkdirTemp("", "anygate-podman-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(store) })
	e := engine{t, store}
	e.run("build", "--isolation", "chroot", "--format", "docker", "--pull=never", "--build-context", "build="+assemble(t, parse(t, "../../Dockerfile")), "-t", "anygate", ".")
	if got := e.run("image", "inspect", "--format", "{{.Config.User}} {{.Config.WorkingDir}} {{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.StopSignal}} {{.Config.Healthcheck.Test}}", "anygate"); got != "65532:65532 /etc/anygate [/usr/bin/anygate] [serve] SIGTERM [CMD /usr/bin/anygate health]" {
		t.Errorf("the image is %q", got)
	}

	conf := filepath.Join(store, "conf")
	port := freePort(t)
	write := func(routes string) {
		t.Helper()
		text := fmt.Sprintf("listen: 127.0.0.1:%s\nroutes: %s\n", port, routes)
		if err := os.WriteFile(filepath.Join(conf, "anygate.yml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	// The user of the container has to get there.
	for _, dir := range []string{store, conf} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("{/: OK one}")
	var most syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &most); err != nil {
		t.Fatal(err)
	}
	run := e.command("run", "--name", "edge", "--pull=never", "--cgroups=disabled", "--network=host", fmt.Sprintf("--ulimit=nofile=%d:%[1]d", most.Max), "--ulimit=nproc=1000:1000",
		"-v", conf+":/etc/anygate:ro", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt", "seccomp=deploy/seccomp.json", "anygate")
	log, err := os.Create(filepath.Join(store, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	run.Stdout, run.Stderr = log, log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	said := func() string {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	t.Cleanup(func() {
		_ = e.command("rm", "-f", "-t", "0", "edge").Run()
		if t.Failed() {
			t.Logf("it says\n%s", said())
		}
	})
	wait := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: it does not come", what)
			}
		}
	}
	get := func() string {
		resp, err := http.Get("http://127.0.0.1:" + port + "/")
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	wait("an answer", func() bool { return get() == "one" })
	// What it writes beside its storage, it writes in here.
	if _, err := os.Stat(filepath.Join(store, "machine/run/libpod")); err != nil {
		t.Errorf("podman is not kept from the machine's own directories: %v", err)
	}
	// The profile of the repository allows io_uring; a kernel may refuse it all the same.
	if text := said(); strings.Contains(text, "seccomp") {
		t.Errorf("it says %s", text)
	}
	e.run("healthcheck", "run", "edge")
	status, err := os.ReadFile("/proc/" + e.run("inspect", "--format", "{{.State.Pid}}", "edge") + "/status")
	for _, want := range []string{"Uid:\t65532\t65532\t65532\t65532\n", "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
		if err != nil || !strings.Contains(string(status), want) {
			t.Errorf("the process has not %q, %v:\n%s", want, err, status)
		}
	}

	write("{/: OK two}")
	e.run("exec", "edge", "/usr/bin/anygate", "reload")
	if got := get(); got != "two" {
		t.Errorf("behind a reload it answers %q", got)
	}
	write("{/: OK three}")
	e.run("kill", "-s", "HUP", "edge")
	wait("SIGHUP", func() bool { return get() == "three" })
	// What is wrong is not served, and whoever looks after the container is not told to kill what works.
	write("{/: NONSENSE}")
	e.run("kill", "-s", "HUP", "edge")
	wait("a refusal", func() bool { return strings.Contains(said(), "the configuration was not loaded") })
	e.run("healthcheck", "run", "edge")
	if got := get(); got != "three" {
		t.Errorf("behind a configuration that is wrong it answers %q", got)
	}

	e.run("stop", "-t", "10", "edge")
	if err := <-ended; err != nil || !strings.Contains(said(), "draining signal=SIGTERM") {
		t.Errorf("at its end it says %v", err)
	}
}
