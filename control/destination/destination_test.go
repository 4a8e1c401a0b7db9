package destination

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const twoLines = "first line\nsecond \"line\"\n"

func write(t *testing.T, w io.Writer, s string) {
	t.Helper()
	if n, err := io.WriteString(w, s); n != len(s) || err != nil {
		t.Fatalf("%d bytes of %d were taken: %v", n, len(s), err)
	}
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "access.log")
	f, err := OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, "one\n")
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, f, "two\n")
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	write(t, f, "three\n")
	for file, want := range map[string]string{name + ".1": "one\ntwo\n", name: "three\n"} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s has %q, want %q (%v)", file, got, want, err)
		}
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm()&^fileMode != 0 {
		t.Errorf("the file has the mode %v (%v)", info.Mode(), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestFileThatCannotBeReopened goes on with what it has.
func TestFileThatCannotBeReopened(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(filepath.Join(dir, "access.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	if err := f.Reopen(); err == nil {
		t.Error("a file in a directory that is gone was opened")
	}
	write(t, f, "line\n")
	if got, err := os.ReadFile(filepath.Join(dir+".old", "access.log")); err != nil || string(got) != "line\n" {
		t.Errorf("the file has %q (%v)", got, err)
	}
}

func TestSyslogDatagrams(t *testing.T) {
	for _, network := range []string{"unixgram", "udp"} {
		t.Run(network, func(t *testing.T) {
			addr, to := "127.0.0.1:0", ""
			if network == "unixgram" {
				addr = filepath.Join(t.TempDir(), "socket")
			}
			server, err := net.ListenPacket(network, addr)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			if to = "syslog:" + addr; network == "udp" {
				to = "syslog://" + server.LocalAddr().String()
			}
			s := NewSyslog(to, Kind{ID: "access"})
			defer s.Close()
			write(t, s, twoLines)
			for _, want := range []string{"first line", `second "line"`} {
				b := make([]byte, 2048)
				if err := server.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				n, _, err := server.ReadFrom(b)
				if err != nil {
					t.Fatal(err)
				}
				if got := string(b[:n]); !strings.HasPrefix(got, "<30>1 20") || !strings.HasSuffix(got, " access - "+want) {
					t.Errorf("a message is %q", got)
				}
			}
		})
	}
}

// TestSyslogStream loses its connection between two writes.
func TestSyslogStream(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := NewSyslog("syslog+tcp://"+server.Addr().String(), Kind{ID: "error", Levels: true})
	defer s.Close()
	lines := "2026-01-02T03:04:05Z error it burns a=1\n2026-01-02T03:04:05Z debug oh\nsomething else\n"
	for range 2 {
		write(t, s, lines)
		c, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		for _, want := range []struct{ priority, text string }{{"<27>1 ", "it burns a=1"}, {"<31>1 ", "oh"}, {"<30>1 ", "something else"}} {
			length, err := r.ReadString(' ')
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(strings.TrimSpace(length))
			if err != nil {
				t.Fatal(err)
			}
			message := make([]byte, n)
			if _, err := io.ReadFull(r, message); err != nil {
				t.Fatal(err)
			}
			if got := string(message); !strings.HasPrefix(got, want.priority) || !strings.HasSuffix(got, " error - "+want.text) {
				t.Errorf("a message is %q, want %q and %q", got, want.priority, want.text)
			}
		}
		// The next line notices that there is nobody any more, and finds the server again.
		c.Close()
		waitUntilGone(t, s)
	}
}

// waitUntilGone waits until the end of the connection has reached s.
func waitUntilGone(t *testing.T, s *Syslog) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !s.gone(); {
		if time.Now().After(end) {
			t.Fatal("the end of a connection is not noticed")
		}
		runtime.Gosched()
	}
}

// TestSyslogMessage compares a message as a whole.
func TestSyslogMessage(t *testing.T) {
	s := NewSyslog("syslog", Kind{ID: "access"})
	s.now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6_000, time.UTC) }
	if s.network != "unixgram" || s.addr != DevLog {
		t.Errorf("syslog is %s %s", s.network, s.addr)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("<30>1 2026-01-02T03:04:05.000006Z %s anygate %d access - text", host, os.Getpid())
	if got := string(s.appendMessage(nil, []byte("text"))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestSyslogWithoutServer takes nothing, and takes it when there is one.
func TestSyslogWithoutServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	s := NewSyslog("syslog:"+path, Kind{ID: "access"})
	defer s.Close()
	if n, err := s.Write([]byte(twoLines)); n != 0 || err == nil {
		t.Fatalf("%d bytes were taken by nobody: %v", n, err)
	}
	server, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	write(t, s, twoLines)
	server.Close()
	if n, err := s.Write([]byte(twoLines)); n != 0 || err == nil {
		t.Errorf("%d bytes were taken by a server that has gone: %v", n, err)
	}
}
