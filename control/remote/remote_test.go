package remote

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, name string, do func(Request) Answer) *Server {
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
		if _, err := Ask(name, Request{Do: Reload}); !errors.Is(err, ErrNobody) {
			t.Errorf("nobody listens on %s: %v", name, err)
		}
		asked := make(chan Request, 1)
		serve(t, name, func(r Request) Answer {
			asked <- r
			return Answer{OK: true, Text: "done\n"}
		})
		a, err := Ask(name, Request{Do: Upgrade, Program: "/x"})
		if err != nil || a != (Answer{OK: true, Text: "done\n"}) {
			t.Errorf("%+v, %v", a, err)
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

// TestLeftover finds a socket that nobody listens on.
func TestLeftover(t *testing.T) {
	name := filepath.Join(t.TempDir(), "control.sock")
	s := serve(t, name, nil)
	s.Leave()
	if _, err := Listen(name, 0, nil); err == nil || !strings.Contains(err.Error(), "nobody listens on the control socket "+name) {
		t.Errorf("%v", err)
	}
}

// TestPrintable has a server answer with what a terminal would act upon.
func TestPrintable(t *testing.T) {
	name := filepath.Join(t.TempDir(), "control.sock")
	serve(t, name, func(Request) Answer { return Answer{OK: true, Text: "~ route /ü\t1\n\x1b]0;mine\a\r\u009b2J\u202e\n"} })
	a, err := Ask(name, Request{Do: Reload})
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
		_, err := Ask(name, Request{Do: Stop})
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
	old := serve(t, name, func(Request) Answer { return Answer{Text: "old"} })
	fd, err := old.Duplicate()
	if err != nil {
		t.Fatal(err)
	}
	old.Leave()
	s, err := Listen(name, fd, func(Request) Answer { return Answer{Text: "new"} })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if a, err := Ask(name, Request{Do: Reload}); err != nil || a.Text != "new" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestNonsense sends what is no request.
func TestNonsense(t *testing.T) {
	name := filepath.Join(t.TempDir(), "control.sock")
	serve(t, name, func(r Request) Answer {
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
