package integration

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// refuseCommand makes the test binary a wrapper that takes io_uring away, as container runtimes do, and then becomes the
// program named behind it.
const refuseCommand = "refuse-io_uring_setup"

// refuseRing installs a seccomp filter that answers io_uring_setup(2) with an errno, and executes a program under it.
func refuseRing(args []string) {
	fail := func(what string, err error) {
		fmt.Fprintf(os.Stderr, "%s: %s: %v\n", refuseCommand, what, err)
		os.Exit(3)
	}
	errno, err := strconv.ParseUint(args[0], 10, 12)
	if err != nil {
		fail("errno", err)
	}
	// The filter is the thread's that installs it, and execve(2) keeps that thread only.
	runtime.LockOSThread()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_IO_URING_SETUP, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		fail("no_new_privs", err)
	}
	// SAFETY: the kernel copies the program before prctl returns; program and filter live until then.
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		fail("seccomp", err)
	}
	runtime.KeepAlive(filter)
	fail("execve", syscall.Exec(args[1], args[1:], os.Environ()))
}

// refusing is a wrapper for product.Command.
func refusing(t testing.TB, errno syscall.Errno) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, refuseCommand, strconv.Itoa(int(errno))}
}

// Peer: curl, under a seccomp filter.
func TestAutoFallsBackToEpoll(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			t.Parallel()
			s := product.Start(t, product.Config{Engine: "auto", Text: "routes: {/: OK served}\n", Wrapper: refusing(t, errno)})
			if s.Engine != product.Epoll {
				t.Fatalf("anygate runs on %s, where io_uring is refused", s.Engine)
			}
			for range 3 {
				if a := peer.Curl(t, s.URL("/")); a.Status != 200 || a.Body != "served" {
					t.Errorf("status %d, content %q", a.Status, a.Body)
				}
			}
			line := s.Stderr.Line(t, "io_uring")
			s.Stop(t)
			if n := s.Stderr.Count("io_uring"); n != 1 {
				t.Errorf("%d lines speak of io_uring, want one:\n%s", n, s.Stderr)
			}
			if !strings.Contains(line, " warn ") || !strings.Contains(line, "epoll") {
				t.Errorf("the line does not warn of epoll: %s", line)
			}
			for _, part := range []string{"a seccomp filter", "--security-opt seccomp="} {
				if !strings.Contains(line, part) {
					t.Errorf("the line does not name cause and cure (%s): %s", part, line)
				}
			}
		})
	}
}

// A user who insists on io_uring is told why there is none, instead of getting something else.
func TestForcedRingIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/anygate.yml", []byte("listen: 127.0.0.1:0\nserver: {engine: io_uring}\nroutes: {/: OK}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := product.Run(t, product.Command{Args: []string{"serve"}, Dir: dir, Wrapper: refusing(t, syscall.EPERM)})
	if r.Code != 1 || !strings.Contains(r.Stderr, "io_uring") || !strings.Contains(r.Stderr, "epoll") {
		t.Errorf("exit code %d, standard error:\n%s", r.Code, r.Stderr)
	}
}

// Where io_uring works, auto takes it, and says nothing more.
func TestAutoTakesRing(t *testing.T) {
	t.Parallel()
	if len(engines) == 1 && engines[0] == product.Epoll {
		return // Said to be missing here.
	}
	s := product.Start(t, product.Config{Engine: "auto", Server: "user: root", Text: "routes: {/: OK served}\n"})
	if s.Engine != product.IOUring {
		t.Errorf("anygate runs on %s", s.Engine)
	}
	if a := peer.Curl(t, s.URL("/")); a.Status != 200 {
		t.Errorf("status %d", a.Status)
	}
	s.Stop(t)
	if n := s.Stderr.Count(" warn "); n != 0 {
		t.Errorf("a start without trouble warns:\n%s", s.Stderr)
	}
}
