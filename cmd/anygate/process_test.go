package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain makes this test program an anygate when it is told to, so that tests run the real process.
func TestMain(m *testing.M) {
	if os.Getenv("ANYGATE_TEST_AS_PROGRAM") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running anygate.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	addr   string
	tmp    string // its TMPDIR
	mu     sync.Mutex
	stderr bytes.Buffer
	read   chan struct{} // closed at the end of stderr
}

func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ANYGATE_TEST_AS_PROGRAM=1", "TMPDIR="+t.TempDir())
	return cmd
}

var listening = regexp.MustCompile(`listening on ([^ ,]+)[^(]* \(`)

// launch starts anygate, and returns when it listens.
func launch(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, read: make(chan struct{})}
	for _, e := range cmd.Env {
		if dir, ok := strings.CutPrefix(e, "TMPDIR="); ok {
			p.tmp = dir
		}
	}
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	addr := make(chan string, 1)
	go func() {
		defer close(p.read)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			p.mu.Lock()
			p.stderr.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case addr <- m[1]:
				default: // another process that goes on writes to the same pipe
				}
			}
		}
	}()
	select {
	case p.addr = <-addr:
	case <-p.read:
		t.Fatalf("anygate ended:\n%s", p.log())
	case <-time.After(20 * time.Second):
		t.Fatalf("anygate does not listen:\n%s", p.log())
	}
	if p.addr[0] == ':' {
		p.addr = "127.0.0.1" + p.addr
	}
	return p
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// logged waits until a text is in the log as often as that: what a process has written comes through a pipe.
func (p *process) logged(text string, times int) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); strings.Count(p.log(), text) < times; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%q is not in the log %d times:\n%s", text, times, p.log())
		}
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end, and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	timer := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	<-p.read
	_ = p.cmd.Wait()
	if !timer.Stop() {
		p.t.Fatalf("anygate does not end:\n%s", p.log())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) get(path string) (status int, body string) {
	p.t.Helper()
	resp, err := http.Get("http://" + p.addr + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
