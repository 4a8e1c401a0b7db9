package product

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what should come at once. It only has to be longer than what a busy machine
// delays a process.
const patience = 20 * time.Second

// runPatience is how long a command may take that has something to do, such as to read a configuration of megabytes.
const runPatience = time.Minute

// Process is a running anygate.
type Process struct {
	Stdout, Stderr *Output

	cmd    *exec.Cmd
	exited chan struct{}
}

// Command describes how to run the binary.
type Command struct {
	Args []string
	Dir  string   // a new empty directory if not given
	Env  []string // in addition to the environment of the test
	// Stdout takes the standard output if given; else it is collected.
	Stdout *os.File
	// Wrapper is a command that ends in executing its arguments, put before the binary.
	Wrapper []string
}

func (c Command) build(ctx context.Context, t testing.TB) *exec.Cmd {
	argv := append(append([]string(nil), c.Wrapper...), binary)
	argv = append(argv, c.Args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	if cmd.Dir = c.Dir; cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Result is what a command that ends by itself leaves.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Run runs the binary to its end.
func Run(t testing.TB, c Command) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), runPatience)
	defer cancel()
	cmd := c.build(ctx, t)
	stdout, stderr := newOutput(), newOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("anygate %q: %v\n%s%s", c.Args, err, stdout, stderr)
	}
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}

// Launch starts the binary without waiting for anything.
func Launch(t testing.TB, c Command) *Process {
	t.Helper()
	p := &Process{Stdout: newOutput(), Stderr: newOutput(), exited: make(chan struct{})}
	p.cmd = c.build(context.Background(), t)
	p.cmd.Stdout, p.cmd.Stderr = p.Stdout, p.Stderr
	if c.Stdout != nil {
		p.cmd.Stdout = c.Stdout
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting anygate: %v", err)
	}
	go func() {
		_ = p.cmd.Wait() // The exit code is read by those who want it.
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // Fails if the process has ended, as it should have.
		<-p.exited
		if t.Failed() {
			t.Logf("standard error of anygate (end):\n%s", tail(p.Stderr.String(), 4000))
		}
	})
	return p
}

func tail(s string, n int) string {
	if len(s) > n {
		return "... " + s[len(s)-n:]
	}
	return s
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal.
func (p *Process) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("sending %v: %v", s, err)
	}
}

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Wait waits for the end of the process and returns its exit code, -1 for one that a signal ended.
func (p *Process) Wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("anygate has not ended within %s; its standard error:\n%s", patience, p.Stderr)
		return -1
	}
}

// Running fails the test if the process has ended.
func (p *Process) Running(t testing.TB) {
	t.Helper()
	select {
	case <-p.exited:
		t.Fatalf("anygate has ended with code %d; its standard error:\n%s", p.cmd.ProcessState.ExitCode(), p.Stderr)
	default:
	}
}
