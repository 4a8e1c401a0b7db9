package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/remote"
)

func TestHealth(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(t.TempDir(), "admin.sock")
	file := writeFile(t, dir, "anygate.yml", "listen: 127.0.0.1:0\nadmin: unix:"+socket+"\nroutes: {\"GET /healthz\": OK}\n")
	p := launch(t, program(t, dir, "serve", "-c", file))
	// The address that the kernel chose is that of a second configuration, which nobody serves.
	same := writeFile(t, dir, "same.yml", "listen: [\"127.0.0.1:1 proxy-protocol\", "+p.addr+"]\nroutes: {/: OK}\n")
	administered := writeFile(t, dir, "administered.yml", "listen: 127.0.0.1:1\nadmin: unix:"+socket+"\nroutes: {/: OK}\n")
	control, err := remote.Name(file)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	deaf := writeFile(t, dir, "deaf.yml", "listen: "+nobody+"\nroutes: {/: OK}\n")
	foreign := writeFile(t, dir, "foreign.yml", "listen: \"127.0.0.1:1 proxy-protocol\"\nroutes: {/: OK}\n")
	// Two processes that answer at the address, and by the control socket: one has looked, the other one hears only root.
	answering := func(name string, a remote.Answer) string {
		t.Helper()
		file := writeFile(t, dir, name, "listen: "+p.addr+"\nroutes: {/: OK}\n")
		socket, err := remote.Name(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := remote.Listen(socket, 0, func(remote.Request, remote.Peer) remote.Answer { return a })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return file
	}
	silent := answering("silent.yml", remote.Answer{Looked: true, Text: "shards that do not answer: 1"})
	roots := answering("roots.yml", remote.Answer{Text: "only root may command it"})
	heard, err := remote.Name(roots)
	if err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(secure.Close)

	tests := []struct {
		name string
		args []string
		code int
		err  string
	}{
		{"a URL", []string{"http://" + p.addr + "/healthz"}, 0, ""},
		{"a URL that is not there", []string{"http://" + p.addr + "/none"}, 1, "answers with 404"},
		{"over TLS", []string{secure.URL}, 0, ""},
		{"nobody", []string{"http://" + nobody + "/"}, 1, "connection refused"},
		{"the process", []string{"-c", file}, 0, ""},
		{"the admin address", []string{"-c", administered}, 0, ""},
		{"a control socket", []string{"--control", control}, 0, ""},
		{"a process that has found something", []string{"-c", silent}, 1, "shards that do not answer: 1"},
		{"a process that hears others only", []string{"-c", roots}, 0, ""},
		{"the control socket of such a process", []string{"--control", heard}, 1, "only root may command it"},
		{"a control socket that nobody has", []string{"--control", "@anygate-of-nobody"}, 1, "no AnyGate is running"},
		{"a configuration", []string{"-c", same}, 0, ""},
		{"a configuration that nobody serves", []string{"-c", deaf}, 1, nobody + " does not answer"},
		{"no address that can be asked", []string{"-c", foreign}, 1, "expects the PROXY protocol"},
		{"a configuration that is not there", []string{"-c", "none.yml"}, 1, "cannot read the configuration"},
		{"no URL", []string{"ftp://x"}, 1, "is not a URL"},
		{"a URL and a socket", []string{"http://x", "--control", control}, 2, "exclude each other"},
		{"both", []string{"http://x", "-c", same}, 2, "exclude each other"},
		{"no time", []string{"--timeout", "0s"}, 2, "not a time"},
		{"too little time", []string{"http://" + p.addr + "/healthz", "--timeout", "1ns"}, 1, "deadline"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := invoke(t, dir, append([]string{"health"}, tt.args...)...)
			if code != tt.code || out != "" || !strings.Contains(errs, tt.err) || tt.err == "" && errs != "" {
				t.Errorf("exit %d, %q, %q; want %d and %q", code, out, errs, tt.code, tt.err)
			}
		})
	}
}

// TestHealthOfWhatIsServed changes the configuration under a running process: it is refused, and the one before goes on, or
// it has another address, and is not served yet. Both are no reason to kill a process that works.
func TestHealthOfWhatIsServed(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, dir, "anygate.yml", "listen: 127.0.0.1:0\nroutes: {/: OK}\n")
	p := launch(t, program(t, dir, "serve", "-c", file))
	for _, text := range []string{"routes: {/: NONSENSE}\n", "listen: 127.0.0.1:1\nroutes: {/: OK}\n"} {
		writeFile(t, dir, "anygate.yml", text)
		if code, out, errs := invoke(t, dir, "health", "-c", file); code != 0 || out != "" || errs != "" {
			t.Errorf("%q: exit %d, %q, %q", text, code, out, errs)
		}
	}
	// One that does not turn is found out, and in time. A process that is stopped cannot say so itself.
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// Its threads stop one after the other; the kernel tells when all have.
	var stopped syscall.WaitStatus
	if _, err := syscall.Wait4(p.cmd.Process.Pid, &stopped, syscall.WUNTRACED, nil); err != nil || !stopped.Stopped() {
		t.Fatal(err, stopped)
	}
	code, _, errs := invoke(t, dir, "health", "-c", file, "--timeout", "200ms")
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if code != 1 || !strings.Contains(errs, "has not answered in time") {
		t.Errorf("a process that is stopped: exit %d, %q", code, errs)
	}
}

func TestReachable(t *testing.T) {
	for _, tt := range []struct{ network, addr, want string }{
		{"tcp", ":80", "localhost:80"},
		{"tcp", "0.0.0.0:80", "127.0.0.1:80"},
		{"tcp", "[::]:80", "[::1]:80"},
		{"tcp", "10.0.0.1:80", "10.0.0.1:80"},
		{"unix", "/run/x.sock", "/run/x.sock"},
	} {
		if got := reachable(config.Listener{Network: tt.network, Addr: tt.addr}); got != tt.want {
			t.Errorf("%s is reached at %s, want %s", tt.addr, got, tt.want)
		}
	}
}
