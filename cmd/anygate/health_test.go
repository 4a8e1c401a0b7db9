package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/config"
)

func TestHealth(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(t.TempDir(), "admin.sock")
	file := writeFile(t, dir, "anygate.yml", "listen: 127.0.0.1:0\nadmin: unix:"+socket+"\nroutes: {\"GET /healthz\": OK}\n")
	p := launch(t, program(t, dir, "serve", "-c", file))
	// The address that the kernel chose is that of a second configuration, which nobody serves.
	same := writeFile(t, dir, "same.yml", "listen: [\"127.0.0.1:1 proxy-protocol\", "+p.addr+"]\nroutes: {/: OK}\n")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	deaf := writeFile(t, dir, "deaf.yml", "listen: "+nobody+"\nroutes: {/: OK}\n")
	foreign := writeFile(t, dir, "foreign.yml", "listen: \"127.0.0.1:1 proxy-protocol\"\nroutes: {/: OK}\n")
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
		{"the admin address", []string{"-c", file}, 0, ""},
		{"a configuration", []string{"-c", same}, 0, ""},
		{"a configuration that nobody serves", []string{"-c", deaf}, 1, nobody + " does not answer"},
		{"no address that can be asked", []string{"-c", foreign}, 1, "expects the PROXY protocol"},
		{"a configuration that is not there", []string{"-c", "none.yml"}, 1, "cannot read the configuration"},
		{"no URL", []string{"ftp://x"}, 1, "is not a URL"},
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
