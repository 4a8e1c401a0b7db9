package proc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// stopGrace is how long a process has to end after SIGTERM before its whole group is killed. A server that drains idle
// connections for longer has no clients left to lose: every scenario closes its connections first.
const stopGrace = 2 * time.Second

// Spec says what to run.
type Spec struct {
	// Argv is the program and its arguments.
	Argv []string
	// Dir is the working directory.
	Dir string
	// Env is added to the environment of the benchmark.
	Env []string
	// CPUs is the affinity mask from the first instruction on; empty leaves the benchmark's own.
	CPUs CPUs
	// Output receives standard output and standard error together.
	Output string
}

// Process is a running program and the group of processes it leads.
type Process struct {
	pid     int
	command string
	output  string
	started time.Time
	done    chan struct{}
	waitErr error
}

// Start runs a program in a process group of its own.
func Start(spec Spec) (*Process, error) {
	output, err := os.Create(spec.Output)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	command := exec.Command(spec.Argv[0], spec.Argv[1:]...)
	command.Dir = spec.Dir
	command.Env = append(os.Environ(), spec.Env...)
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = ownGroup()

	p := &Process{command: spec.Argv[0], output: spec.Output, done: make(chan struct{})}
	err = onCPUs(spec.CPUs, func() error {
		p.started = time.Now()
		return command.Start()
	})
	if err != nil {
		if command.Process != nil {
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
			_ = command.Wait()
		}
		return nil, fmt.Errorf("start %s: %w", spec.Argv[0], err)
	}
	p.pid = command.Process.Pid
	go func() {
		p.waitErr = command.Wait()
		close(p.done)
	}()
	return p, nil
}

// ownGroup makes a child the leader of a process group, so that it can be stopped with everything it forks, and has
// the kernel kill it when the benchmark itself is killed.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// PID is the number of the process that was started, which is also the number of its group.
func (p *Process) PID() int { return p.pid }

// Started is the moment just before the fork.
func (p *Process) Started() time.Time { return p.started }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.done }

// Stop ends the process group: SIGTERM first, SIGKILL for whatever is left after the grace period. It returns when the
// process that was started is gone, and may be called more than once.
func (p *Process) Stop() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = syscall.Kill(-p.pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopGrace):
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
		<-p.done
	}
	// Members of the group that outlived their leader are killed too. The group's number cannot have been given to
	// another process while a member holds it; with no member left the call fails with ESRCH.
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
}

// Failure describes why a process that should be running is not, with the end of what it printed.
func (p *Process) Failure() error {
	tail := p.Tail()
	if tail == "" {
		tail = "it printed nothing"
	}
	select {
	case <-p.done:
		return fmt.Errorf("%s ended early (%v): %s", p.command, p.waitErr, tail)
	default:
		return fmt.Errorf("%s did not get ready: %s", p.command, tail)
	}
}

// Tail returns the end of what the process printed.
func (p *Process) Tail() string {
	const tailBytes = 2000
	file, err := os.Open(p.output)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := file.Seek(-tailBytes, io.SeekEnd); err != nil {
			return ""
		}
	}
	text, err := io.ReadAll(io.LimitReader(file, tailBytes))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// Output runs a program to its end on cpus, with env added to the environment of the benchmark, and returns its standard
// output. The error of one that fails holds what it
// printed on standard error. A cancelled context kills its group.
func Output(ctx context.Context, cpus CPUs, env []string, stdin io.Reader, argv ...string) ([]byte, error) {
	var stdout, stderr strings.Builder
	command := exec.Command(argv[0], argv[1:]...)
	command.Env = append(os.Environ(), env...)
	command.Stdin, command.Stdout, command.Stderr = stdin, &stdout, &stderr
	command.SysProcAttr = ownGroup()
	if err := onCPUs(cpus, command.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		err = errors.Join(ctx.Err(), <-done)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", argv[0], err, strings.TrimSpace(stderr.String()))
	}
	return []byte(stdout.String()), nil
}
