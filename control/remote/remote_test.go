package remote

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func serve(t *testing.T, name string, do func(Request, Peer) Answer) *Server {
	t.Helper()
	s, err := Listen(name, 0, do)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestAsk(t *testing.T) {
	abstract, err := Name(filepath.Join(t.TempDir(), "anygate.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{abstract, filepath.Join(t.TempDir(), "control.sock")} {
		if _, _, err := Ask(t.Context(), name, Request{Do: Reload}); !errors.Is(err, ErrNobody) {
			t.Errorf("nobody listens on %s: %v", name, err)
		}
		asked := make(chan Request, 1)
		serve(t, name, func(r Request, _ Peer) Answer {
			asked <- r
			return Answer{OK: true, Text: "done\n"}
		})
		a, by, err := Ask(t.Context(), name, Request{Do: Upgrade, Program: "/x"})
		if err != nil || a != (Answer{OK: true, Text: "done\n"}) || by != (Peer{os.Getpid(), uint32(os.Geteuid())}) {
			t.Errorf("%+v, %+v, %v", a, by, err)
		}
		if r := <-asked; r != (Request{Do: Upgrade, Program: "/x"}) {
			t.Errorf("the server was asked for %+v", r)
		}
		want := fmt.Sprintf("another process, %d of the user %d, has the control socket %s already", os.Getpid(), os.Geteuid(), name)
		if _, err := Listen(name, 0, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a second server: %v; want %s", err, want)
		}
	}
}

// TestLeftover takes the place of a socket that nobody listens on, and of nothing else.
func TestLeftover(t *testing.T) {
	name := filepath.Join(t.TempDir(), "control.sock")
	s := serve(t, name, nil)
	s.Leave()
	serve(t, name, func(Request, Peer) Answer { return Answer{Text: "new"} })
	if a, _, err := Ask(t.Context(), name, Request{Do: Reload}); err != nil || a.Text != "new" {
		t.Errorf("%+v, %v", a, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, 0, nil); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestWithoutDescriptors has a client come while the process cannot take it: it is answered when it can.
func TestWithoutDescriptors(t *testing.T) {
	name := filepath.Join(t.TempDir(), "control.sock")
	var had unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	serve(t, name, func(Request, Peer) Answer { return Answer{Text: "heard"} })
	c, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(c)
	// No number below that of this socket is free, nor one above it allowed.
	var filled []int
	defer func() {
		for _, fd := range filled {
			unix.Close(fd)
		}
	}()
	for {
		fd, err := unix.FcntlInt(uintptr(c), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		filled = append(filled, fd)
		if fd > c+8 {
			break
		}
	}
	scarce := unix.Rlimit{Cur: uint64(filled[len(filled)-1] + 1), Max: had.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &scarce); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &had) }()
	if err := unix.Connect(c, &unix.SockaddrUnix{Name: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(c, []byte("{\"do\":\"reload\"}\n")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * acceptAgain) // in which it cannot be taken
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &had); err != nil {
		t.Fatal(err)
	}
	_ = unix.SetsockoptTimeval(c, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20})
	b := make([]byte, 100)
	if n, err := unix.Read(c, b); err != nil || !strings.Contains(string(b[:max(n, 0)]), "heard") {
		t.Errorf("%q, %v", b[:max(n, 0)], err)
	}
}

// TestBehindOthers has somebody ask how the process is, while many wait for a reload that does not end: the answer would come
// too late otherwise, and whoever has asked would end a process that works.
func TestBehindOthers(t *testing.T) {
	name := filepath.Join(t.TempDir(), "control.sock")
	begun, end := make(chan bool, maxCommands), make(chan bool)
	serve(t, name, func(r Request, _ Peer) Answer {
		if r.Do == Reload {
			begun <- true
			<-end
		}
		return Answer{OK: true, Text: r.Do}
	})
	answers := make(chan string, maxCommands)
	for range maxCommands {
		go func() {
			a, _, err := Ask(t.Context(), name, Request{Do: Reload})
			answers <- fmt.Sprint(a.Text, err)
		}()
		<-begun
	}
	if a, _, err := Ask(t.Context(), name, Request{Do: Reload}); err != nil || a.OK || !strings.Contains(a.Text, "too many") {
		t.Errorf("one more: %+v, %v", a, err)
	}
	end <- true
	if got := <-answers; got != "reload<nil>" {
		t.Error(got)
	}
	if a, _, err := Ask(t.Context(), name, Request{Do: Health}); err != nil || !a.OK {
		t.Errorf("%+v, %v", a, err)
	}
	close(end)
	for range maxCommands - 1 {
		if got := <-answers; got != "reload<nil>" {
			t.Error(got)
		}
	}
}

// TestPrintable has a server answer with what a terminal would act upon.
func TestPrintable(t *testing.T) {
	name := filepath.Join(t.TempDir(), "control.sock")
	serve(t, name, func(Request, Peer) Answer {
		return Answer{OK: true, Text: "~ route /ü\t1\n\x1b]0;mine\a\r\u009b2J\u202e\n"}
	})
	a, _, err := Ask(t.Context(), name, Request{Do: Reload})
	if want := "~ route /ü\t1\n\ufffd]0;mine\ufffd\ufffd\ufffd2J\ufffd\n"; err != nil || a.Text != want {
		t.Errorf("%q, %v; want %q", a.Text, err, want)
	}
}

// TestWait has a client wait for the end of what it has asked for.
func TestWait(t *testing.T) {
	name := filepath.Join(t.TempDir(), "control.sock")
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		_, _, err := Ask(t.Context(), name, Request{Do: Stop})
		done <- err
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var r Request
	if err := read(c, &r); err != nil || r.Do != Stop {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := write(c, Answer{OK: true, Wait: true}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		t.Fatalf("it does not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	c.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestHandOver has another server go on with the same socket.
func TestHandOver(t *testing.T) {
	name, err := Name(filepath.Join(t.TempDir(), "anygate.yml"))
	if err != nil {
		t.Fatal(err)
	}
	old := serve(t, name, func(Request, Peer) Answer { return Answer{Text: "old"} })
	fd, err := old.Duplicate()
	if err != nil {
		t.Fatal(err)
	}
	old.Leave()
	s, err := Listen(name, fd, func(Request, Peer) Answer { return Answer{Text: "new"} })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if a, _, err := Ask(t.Context(), name, Request{Do: Reload}); err != nil || a.Text != "new" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestCloseWhileSomebodyComes closes while clients come, whom the kernel has let in already: what is done for them is done
// when Close returns, as what it needs is gone then.
func TestCloseWhileSomebodyComes(t *testing.T) {
	dir := t.TempDir()
	for n := range 500 {
		name := filepath.Join(dir, fmt.Sprint(n))
		var closed atomic.Bool
		s, err := Listen(name, 0, func(Request, Peer) Answer {
			if closed.Load() {
				t.Error("a command is done after the end")
			}
			return Answer{OK: true}
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		// It may be turned away.
		_, _ = c.Write([]byte("{\"do\":\"reload\"}\n"))
		s.Close()
		closed.Store(true)
		c.Close()
	}
}

// TestNonsense sends what is no request.
func TestNonsense(t *testing.T) {
	name := filepath.Join(t.TempDir(), "control.sock")
	serve(t, name, func(r Request, _ Peer) Answer {
		t.Errorf("the server does %+v", r)
		return Answer{}
	})
	for _, text := range []string{"\n", "{\n", "[]\n", "GET / HTTP/1.1\r\n"} {
		c, err := net.Dial("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(c).ReadString('\n'); err == nil {
			t.Errorf("%q is answered %q", text, line)
		}
		c.Close()
	}
}
