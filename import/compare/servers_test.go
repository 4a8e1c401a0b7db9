package compare

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/import/nginx"
)

// patience bounds everything that is waited for.
const patience = 20 * time.Second

// anygate is the binary of this tree.
var anygate string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if given := os.Getenv("ANYGATE_TEST_BINARY"); given != "" {
		anygate = given
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "anygate-import-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer func() { _ = os.RemoveAll(dir) }()
	anygate = filepath.Join(dir, "anygate")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", anygate, "./cmd/anygate")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building cmd/anygate: %v\n%s", err, out)
		return 2
	}
	return m.Run()
}

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a server until the test ends, and waits until it accepts connections on all ports.
func start(t *testing.T, ports map[string]string, argv ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	told := &output{}
	cmd.Stdout, cmd.Stderr = told, told
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s is needed: %v", argv[0], err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(argv[0]), told)
		}
	})
	for _, port := range ports {
		for deadline := time.Now().Add(patience); ; {
			c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
			if err == nil {
				_ = c.Close()
				break
			}
			select {
			case <-ended:
				t.Fatalf("%s has ended:\n%s", argv[0], told)
			case <-time.After(10 * time.Millisecond):
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s does not listen on %s:\n%s", argv[0], port, told)
			}
		}
	}
}

// startNginx serves the configuration of a stage.
func startNginx(t *testing.T, s *stage) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
	}
	start(t, s.ports, program, "-p", s.dir, "-c", filepath.Join(s.dir, "nginx.conf"), "-e", "stderr",
		"-g", "daemon off; master_process off; pid "+filepath.Join(s.dir, "pid")+";")
}

// startAnyGate imports the configuration of a stage and serves what became of it.
func startAnyGate(t *testing.T, s *stage) {
	t.Helper()
	r, err := nginx.Convert(filepath.Join(s.dir, "nginx.conf"), nginx.Options{Prefix: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "anygate.yml")
	if err := os.WriteFile(file, []byte(r.YAML), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\n%s", r.YAML, r.Report.Text())
		}
	})
	start(t, s.ports, anygate, "serve", "-c", file, "--control", "off")
}
