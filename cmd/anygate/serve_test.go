package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemo runs anygate where there is no configuration.
func TestDemo(t *testing.T) {
	p := launch(t, program(t, t.TempDir(), "--listen", "127.0.0.1:0"))
	if status, body := p.get("/"); status != 200 || !strings.Contains(body, "AnyGate is running") {
		t.Errorf("/ is answered %d %q", status, body)
	}
	if status, body := p.get("/api/hello"); status != 200 || !strings.Contains(body, "from AnyGate") {
		t.Errorf("/api/hello is answered %d %q", status, body)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d:\n%s", code, p.log())
	}
	if left, err := os.ReadDir(p.tmp); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
	if log := p.log(); !strings.Contains(log, "anygate: open http://"+p.addr+"/\n") || !strings.Contains(log, "there is no configuration") {
		t.Errorf("it does not say where to look:\n%s", log)
	}
}

// TestForcedDemo asks for the demo where there is a configuration.
func TestForcedDemo(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", "routes: {\"/\": OK mine}\n")
	p := launch(t, program(t, dir, "serve", "--demo", "--listen", "127.0.0.1:0"))
	if _, body := p.get("/"); !strings.Contains(body, "AnyGate is running") {
		t.Errorf("/ is answered %q", body)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d:\n%s", code, p.log())
	}
}

func TestServeDirectory(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "dist/index.html", "the index")
	writeFile(t, dir, "dist/app.js", "the script")
	p := launch(t, program(t, dir, "serve", "./dist", "--listen", "127.0.0.1:0"))
	for path, want := range map[string]string{"/": "the index", "/app.js": "the script"} {
		if status, body := p.get(path); status != 200 || body != want {
			t.Errorf("%s is answered %d %q", path, status, body)
		}
	}
	p.signal(syscall.SIGINT)
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestServeUpstream(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s for %s", r.URL, r.Header.Get("X-Forwarded-For"))
	}))
	defer upstream.Close()
	p := launch(t, program(t, t.TempDir(), "serve", "--listen=127.0.0.1:0", upstream.URL))
	if status, body := p.get("/a/b?c=d"); status != 200 || body != "/a/b?c=d for 127.0.0.1" {
		t.Errorf("the answer is %d %q", status, body)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// TestServeConfig takes ./anygate.yml, and another listen address from the command line.
func TestServeConfig(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", "listen: \":1\"\nroutes: {\"/x\": OK from-the-file}\n")
	for _, args := range [][]string{{"--listen", "127.0.0.1:0"}, {"serve", "-c", "anygate.yml", "--listen", "127.0.0.1:0"}} {
		p := launch(t, program(t, dir, args...))
		if _, body := p.get("/x"); body != "from-the-file" {
			t.Errorf("%q: the answer is %q", args, body)
		}
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != exitOK {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

func TestSecondSignal(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", "listen: \"127.0.0.1:0\"\nserver: {timeouts: {drain: 1h, header: 1h}}\nroutes: {\"/\": OK}\n")
	p := launch(t, program(t, dir))
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET ")
	if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatal(err)
	}
	// What comes within a second is one request; it is asked again and again until it counts as a second one.
	began := time.Now()
	p.signal(syscall.SIGTERM)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for ended := false; !ended && time.Since(began) < 20*time.Second; {
		select {
		case <-p.read:
			ended = true
		case <-again.C:
			_ = p.cmd.Process.Signal(syscall.SIGINT)
		}
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("a repeated signal ends it after %v", took)
	}
	if code := p.exit(); code != exitFailure || !strings.Contains(p.log(), "connections were cut off connections=1") {
		t.Errorf("exit code %d:\n%s", code, p.log())
	}
}

// TestRepeatedListen listens on every address of the command line, whatever is served.
func TestRepeatedListen(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "dist/index.html", "served")
	writeFile(t, dir, "anygate.yml", "listen: \":1\"\nroutes: {\"/\": ./dist/}\n")
	sockets := t.TempDir()
	for name, args := range map[string][]string{"file": {"serve"}, "directory": {"serve", "./dist"}} {
		path := filepath.Join(sockets, name)
		p := launch(t, program(t, dir, append(args, "--listen", "127.0.0.1:0", "--listen", "unix:"+path)...))
		if _, body := p.get("/"); body != "served" {
			t.Errorf("%s: the answer is %q", name, body)
		}
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Errorf("%s: the second address is not listened on: %v", name, err)
		} else {
			c.Close()
		}
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != exitOK {
			t.Errorf("%s: exit code %d", name, code)
		}
	}
}

func TestBrowseURL(t *testing.T) {
	for want, addrs := range map[string][]string{
		"http://localhost:8080/":   {":8080"},
		"http://localhost/":        {"0.0.0.0:80"},
		"http://127.0.0.1:81/":     {"unix:/run/x.sock", "127.0.0.1:81"},
		"http://[2001:db8::1]:81/": {"[2001:db8::1]:81"},
		"http://[2001:db8::1]/":    {"[2001:db8::1]:80"},
		"":                         {"unix:/run/x.sock"},
	} {
		if got := browseURL(addrs); got != want {
			t.Errorf("%q: %q, want %q", addrs, got, want)
		}
	}
}

// TestLostLogReader closes the reading end of the access log: the server goes on.
func TestLostLogReader(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", "listen: \"127.0.0.1:0\"\nlog: stdout json\nroutes: {\"/\": OK}\n")
	cmd := program(t, dir)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = write
	p := launch(t, cmd)
	write.Close()
	p.get("/")
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil || !strings.Contains(line, `"method":"GET"`) {
		t.Errorf("the access log has %q, %v", line, err)
	}
	read.Close()
	for range 3 {
		p.get("/")
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	lost := 0
	for _, m := range regexp.MustCompile(`log lines were dropped .* refused them lines=(\d+) destination=stdout error="broken pipe"`).FindAllStringSubmatch(p.log(), -1) {
		n, _ := strconv.Atoi(m[1])
		lost += n
	}
	if lost != 3 {
		t.Errorf("the loss is not told:\n%s", p.log())
	}
}

func TestServeErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	writeFile(t, dir, "bad.yml", "routez: 1\n")
	writeFile(t, dir, "good.yml", "routes: {\"/\": OK}\n")
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"the port is taken", []string{"serve", "-c", "good.yml", "--listen", taken.Addr().String()}, 1, "cannot listen on " + taken.Addr().String() + ": another process does already"},
		{"the demo's port is taken", []string{"--listen", taken.Addr().String()}, 1, "another process does already"},
		{"a bad configuration", []string{"serve", "-c", "bad.yml"}, 1, `did you mean "routes"?`},
		{"no such configuration", []string{"-c", "none.yml"}, 1, "none.yml"},
		{"a bad address", []string{"serve", "-c", "good.yml", "--listen", "8080"}, 1, `did you mean ":8080"?`},
		{"no such directory", []string{"serve", "./none"}, 1, "none"},
		{"a host without a scheme", []string{"serve", "localhost:3000"}, 1, `did you mean "http://localhost:3000"?`},
		{"a port alone", []string{"serve", ":3000"}, 1, `did you mean "http://localhost:3000"?`},
		{"a bad upstream", []string{"serve", "ftp://x"}, 1, "ftp"},
		{"both", []string{"serve", "-c", "good.yml", "./dist"}, 2, "exclude each other"},
		{"the demo and a file", []string{"serve", "--demo", "-c", "good.yml"}, 2, "exclude each other"},
		{"the demo and a directory", []string{"serve", "--demo", "./dist"}, 2, "exclude each other"},
		{"one good address and a bad one", []string{"serve", "-c", "good.yml", "--listen", "127.0.0.1:0", "--listen", "8080"}, 1, `did you mean ":8080"?`},
		{"two targets", []string{"serve", "./a", "./b"}, 2, `unexpected argument "./b"`},
		{"an unknown option", []string{"serve", "--port", "80"}, 2, "usage: anygate serve"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := program(t, dir, tt.args...)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != tt.code || !strings.Contains(string(out), tt.want) {
				t.Errorf("%v, want exit code %d and %q in:\n%s", err, tt.code, tt.want, out)
			}
		})
	}
}
