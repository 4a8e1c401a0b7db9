//go:build linux && amd64

package tuning

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// doomedRoot and doomedWord are set for the process that is killed: the tree that it works on, and what it does there.
const (
	doomedRoot = "ANYGATE_TEST_DOOMED_ROOT"
	doomedWord = "ANYGATE_TEST_DOOMED_WORD"
)

// TestKilledAnywhere kills apply and revert before each call by which they change a file: whatever was done by then, a revert
// makes everything what it was, byte for byte, and warns of nothing.
func TestKilledAnywhere(t *testing.T) {
	if root := os.Getenv(doomedRoot); root != "" {
		doom(t, root)
		return
	}
	for _, word := range []string{"apply", "revert"} {
		t.Run(word, func(t *testing.T) {
			// All calls of the beginning, where the kinds of files change, and some of the many that each set one sysctl.
			for n, ended := 1, false; !ended; n++ {
				if n > 20 {
					n += 12
				}
				h := newHost(t, map[string]*string{SysctlFile: is("# mine\nvm.swappiness = 5")})
				must(t, os.Chown(h.path(SysctlFile), 1234, 1234))
				before := snapshot(t, h.Root)
				if word == "revert" {
					must(t, Apply(h, plan(t, h, edgeMeasure), DefaultState))
				}
				ended = killAt(t, h.Root, word, n)
				r, err := Revert(h, DefaultState, false)
				if err != nil && !errors.Is(err, ErrNothing) {
					t.Fatalf("killed before change %d: %v", n, err)
				}
				if r != nil && len(r.Warnings) != 0 {
					t.Errorf("killed before change %d: %q", n, r.Warnings)
				}
				sameSnapshot(t, "killed before change", before, snapshot(t, h.Root))
				if t.Failed() {
					t.Fatalf("killed before change %d", n)
				}
				if ended && n < 20 {
					t.Fatalf("only %d changes were seen", n)
				}
			}
		})
	}
}

// doom is what the process does that is killed. The mark is a call that nothing else makes.
func doom(t *testing.T, root string) {
	h := &Host{Root: root}
	p := plan(t, h, edgeMeasure)
	_, _ = unix.Getpriority(unix.PRIO_PROCESS, 0)
	if os.Getenv(doomedWord) == "apply" {
		must(t, Apply(h, p, DefaultState))
	} else {
		_, err := Revert(h, DefaultState, false)
		must(t, err)
	}
	_, _ = unix.Getpriority(unix.PRIO_PROCESS, 0)
}

// killAt runs the process, and kills it as it is about to make a change for the n-th time. It reports whether all was over before.
func killAt(t *testing.T, root, word string, n int) (ended bool) {
	t.Helper()
	runtime.LockOSThread() // only the thread that has started it may trace it
	defer runtime.UnlockOSThread()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledAnywhere$", "-test.count=1")
	cmd.Env = append(os.Environ(), doomedRoot+"="+root, doomedWord+"="+word, "GOMAXPROCS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	must(t, cmd.Start())
	pid := cmd.Process.Pid
	var status unix.WaitStatus
	_, err := unix.Wait4(pid, &status, unix.WALL, nil)
	must(t, err)
	must(t, unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL))
	must(t, unix.PtraceSyscall(pid, 0))
	inside := make(map[int]bool) // threads that are in a call
	began, shortened, seen := false, false, 0
	defer func() {
		_ = cmd.Process.Kill()
		for {
			if _, err := unix.Wait4(-pid, &status, unix.WALL, nil); errors.Is(err, unix.ECHILD) {
				_ = cmd.Wait()
				return
			}
		}
	}()
	for {
		thread, err := unix.Wait4(-pid, &status, unix.WALL, nil)
		must(t, err)
		if status.Exited() || status.Signaled() {
			if thread == pid {
				t.Fatalf("it ended by itself: %v", status)
			}
			continue
		}
		signal := 0
		switch s := status.StopSignal(); {
		case s == unix.SIGTRAP|0x80:
			if inside[thread] = !inside[thread]; !inside[thread] {
				break
			}
			var regs unix.PtraceRegs
			must(t, unix.PtraceGetRegs(thread, &regs))
			switch {
			case regs.Orig_rax == unix.SYS_GETPRIORITY && began:
				return true
			case regs.Orig_rax == unix.SYS_GETPRIORITY:
				began = true
			case began && changes(regs):
				// The write after it is the same change: the kernel's own files, which these stand for, are not shortened.
				if !shortened {
					seen++
				}
				shortened = regs.Orig_rax == unix.SYS_OPENAT && regs.Rdx&unix.O_TRUNC != 0
				if seen == n {
					return false
				}
			}
		case s != unix.SIGTRAP && s != unix.SIGSTOP:
			signal = int(s)
		}
		if err := unix.PtraceSyscall(thread, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			t.Fatal(err)
		}
	}
}

// changes reports whether a call changes a file or a directory.
func changes(regs unix.PtraceRegs) bool {
	switch regs.Orig_rax {
	case unix.SYS_OPENAT:
		return regs.Rdx&(unix.O_WRONLY|unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC) != 0
	case unix.SYS_WRITE:
		return regs.Rdi > 2
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT, unix.SYS_RMDIR, unix.SYS_FCHMOD, unix.SYS_FCHOWN:
		return true
	}
	return false
}
