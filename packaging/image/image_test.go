package image

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// stage is the last stage of a Dockerfile.
type stage struct {
	from, user, workdir string
	exposed             []string
	copies              []string
	health, entry, cmd  []string
	build               string // what the stage before it runs
}

// parse reads as much of the language of Dockerfiles as ours uses, and refuses everything else.
func parse(t *testing.T, name string) (s stage) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	list := func(args string) (words []string) {
		if err := json.Unmarshal([]byte(args), &words); err != nil {
			t.Fatalf("%q is no list: %v", args, err)
		}
		return words
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, args, _ := strings.Cut(line, " ")
		switch word {
		case "FROM":
			s = stage{from: args, build: s.build}
		case "RUN":
			s.build = args
		case "COPY":
			s.copies = append(s.copies, args)
		case "USER":
			s.user = args
		case "WORKDIR":
			s.workdir = args
		case "EXPOSE":
			s.exposed = strings.Fields(args)
		case "ENTRYPOINT":
			s.entry = list(args)
		case "CMD":
			s.cmd = list(args)
		case "HEALTHCHECK":
			_, command, found := strings.Cut(args, "CMD ")
			if !found {
				t.Fatalf("HEALTHCHECK %s has no command", args)
			}
			s.health = list(command)
		case "ARG", "STOPSIGNAL":
		default:
			t.Fatalf("the Dockerfile has %s, which this test does not know", word)
		}
	}
	return s
}

func TestImage(t *testing.T) {
	s := parse(t, "../../Dockerfile")
	if s.from != "scratch" || !slices.Equal(s.copies, []string{"--from=build /image/ /", "--from=build --chown=" + s.user + " /image/var/lib/anygate /var/lib/anygate"}) || !slices.Equal(s.exposed, []string{"8080", "8443"}) {
		t.Fatalf("the image is %+v", s)
	}
	uid, gid, _ := strings.Cut(s.user, ":")
	user, err := strconv.Atoi(uid)
	if err != nil || user == 0 || gid != uid {
		t.Fatalf("the user is %q", s.user)
	}

	root := filepath.Join(assemble(t, s), "image")
	inspect(t, root)

	// A container has a network of its own, a root, and a user who may nothing.
	confined := &syscall.SysProcAttr{
		Chroot: root, Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}, Pdeathsig: syscall.SIGKILL,
	}
	port := freePort(t)
	run := func(args ...string) *exec.Cmd {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Path, cmd.Args, cmd.Dir, cmd.Env, cmd.SysProcAttr = args[0], args, s.workdir, []string{"PATH=/usr/bin"}, confined
		return cmd
	}
	if out, err := run(slices.Concat(s.entry, []string{"check"})...).CombinedOutput(); err != nil {
		t.Fatalf("check: %v\n%s", err, out)
	}
	// The health check goes by the configuration, which the tests move to a port that is free.
	text, err := os.ReadFile(filepath.Join(root, "etc/anygate/anygate.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "etc/anygate/anygate.yml"), []byte(strings.Replace(string(text), `":8080"`, `"127.0.0.1:`+port+`"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := run(s.health...).CombinedOutput(); err == nil {
		t.Errorf("nobody serves, and the health check says so not: %s", out)
	}
	server := run(slices.Concat(s.entry, s.cmd)...)
	log, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("%v (the tests need root)", err)
	}
	lines := bufio.NewScanner(log)
	started := false
	for lines.Scan() {
		if started = strings.Contains(lines.Text(), "listening on"); started {
			break
		}
		t.Log(lines.Text())
	}
	if !started {
		t.Fatal("it does not start")
	}
	go func() {
		for lines.Scan() {
			continue // so that the log is never full
		}
	}()
	for path, want := range map[string]int{"/": 200, "/healthz": 200} {
		resp, err := http.Get("http://127.0.0.1:" + port + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	if out, err := run(s.health...).CombinedOutput(); err != nil {
		t.Errorf("the health check says %v\n%s", err, out)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.Process.Pid))
	if err != nil || !strings.Contains(string(status), fmt.Sprintf("Uid:\t%d\t%[1]d\t%[1]d\t%[1]d\n", user)) {
		t.Errorf("%v\n%s", err, status)
	}
	_ = server.Process.Signal(syscall.SIGTERM)
	if err := server.Wait(); err != nil {
		t.Errorf("at its end it says %v", err)
	}
}

// assemble has the script of the Dockerfile put together what goes into an image, in the folder image of the directory that
// is returned.
func assemble(t *testing.T, s stage) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "anygate-image-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	build := strings.NewReplacer("/image ", dir+"/image ", `"$TARGETARCH"`, runtime.GOARCH, `"$COMMIT"`, "0123456789ab").Replace(s.build)
	script := exec.Command("sh", "-c", build)
	script.Dir = "../.."
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	return dir
}

// inspect looks at the files of the image: few, and only the user's directories can be written to.
func inspect(t *testing.T, root string) {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root)
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !d.IsDir() {
			files = append(files, name)
		}
		owner := info.Sys().(*syscall.Stat_t).Uid
		if name != "" && (owner != 0) != (name == "/var/lib/anygate") || info.Mode().Perm()&0o022 != 0 && name != "/tmp" {
			t.Errorf("%s is of %d, %s", name, owner, info.Mode())
		}
		return nil
	})
	want := []string{
		"/etc/anygate/anygate.yml", "/etc/group", "/etc/nsswitch.conf", "/etc/passwd", "/etc/ssl/certs/ca-certificates.crt",
		"/usr/bin/anygate", "/usr/share/anygate/LICENSE", "/usr/share/anygate/LICENSES.txt", "/usr/share/anygate/www/index.html",
	}
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("it holds %q, %v", files, err)
	}
	licenses, err := os.ReadFile(filepath.Join(root, "usr/share/anygate/LICENSES.txt"))
	for _, part := range []string{"std: LICENSE\n", "go.yaml.in/yaml/v3: LICENSE\n", "github.com/prometheus/client_golang: NOTICE\n", "Copyright (c) 2009 The Go Authors"} {
		if !strings.Contains(string(licenses), part) {
			t.Errorf("LICENSES.txt lacks %q, %v", part, err)
		}
	}
	notes := exec.Command("file", "-b", filepath.Join(root, "usr/bin/anygate"))
	if out, err := notes.Output(); err != nil || !strings.Contains(string(out), "statically linked") {
		t.Errorf("the program is %s, %v", out, err)
	}
}
