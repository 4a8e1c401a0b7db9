package product

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// Config is a configuration under test. The engine and, unless Listen is given, a free port of the loopback interface
// are added to it.
type Config struct {
	Engine Engine
	// Listen is the value of the section, "127.0.0.1:0" if empty.
	Listen string
	// Server is more of the section `server`, such as "limits: {body: 1KiB}, shards: 1".
	Server string
	// Text is the rest of the file.
	Text string

	Dir     string
	Env     []string
	Wrapper []string
	Stdout  *os.File
}

// Server is an anygate that serves.
type Server struct {
	*Process
	// Addr is where it listens first, HOST:PORT; Addrs are all of its addresses as it prints them.
	Addr  string
	Addrs []string
	// Engine is the one it says it runs on.
	Engine Engine
}

// startLine is what a server says when it accepts connections. It is the contract between the product and its users'
// scripts, and the only way to learn a port that the kernel chose.
var startLine = regexp.MustCompile(`anygate v\S+: listening on (.+) \((\w+), \d+ shards?\), \d+ routes?`)

// Start writes the configuration to a file, starts anygate with it, and waits until it serves.
func Start(t testing.TB, c Config) *Server {
	t.Helper()
	dir := c.Dir
	if dir == "" {
		dir = t.TempDir()
	}
	path := filepath.Join(dir, "anygate.yml")
	listen := c.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	server := fmt.Sprintf("engine: %s", c.Engine)
	if c.Server != "" {
		server += ", " + c.Server
	}
	text := fmt.Sprintf("listen: %s\nserver: {%s}\n%s", listen, server, c.Text)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s := Serve(t, Command{Args: []string{"serve", "-c", path}, Dir: dir, Env: c.Env, Wrapper: c.Wrapper, Stdout: c.Stdout})
	if c.Engine != "auto" && s.Engine != c.Engine {
		t.Fatalf("anygate runs on %s, asked for was %s", s.Engine, c.Engine)
	}
	return s
}

// Serve runs a command that serves, and waits until it does.
func Serve(t testing.TB, c Command) *Server {
	t.Helper()
	s := &Server{Process: Launch(t, c)}
	ready := make(chan string, 1)
	go func() {
		for {
			text, grown := s.Stderr.look()
			if line, ok := find(text, []string{": listening on "}); ok {
				ready <- line
				return
			}
			select {
			case <-grown:
			case <-s.exited:
				ready <- ""
				return
			}
		}
	}()
	line := <-ready
	found := startLine.FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("anygate has not said that it serves, but:\n%s", s.Stderr)
	}
	s.Engine = Engine(found[2])
	s.Addrs = strings.Split(found[1], ", ")
	s.Addr = s.Addrs[0]
	if host, port, err := net.SplitHostPort(s.Addr); err == nil && host == "" {
		s.Addr = net.JoinHostPort("127.0.0.1", port)
	}
	return s
}

// URL is the address of a path on the server.
func (s *Server) URL(path string) string { return "http://" + s.Addr + path }

// Stop ends the server as an operator does, and expects it to agree.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.Signal(t, syscall.SIGTERM)
	if code := s.Wait(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0; standard error:\n%s", code, s.Stderr)
	}
	for _, word := range []string{"panic:", "fatal error:", "DATA RACE"} {
		if strings.Contains(s.Stderr.String(), word) {
			t.Errorf("standard error has %q:\n%s", word, s.Stderr)
		}
	}
}
