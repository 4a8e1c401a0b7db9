package control

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/anygate/anygate/control/remote"
)

// TestSecondOfOneName serves one configuration twice: the second process serves too, and says who has the control socket,
// which goes on to reach the first only.
func TestSecondOfOneName(t *testing.T) {
	name, err := remote.Name(filepath.Join(t.TempDir(), "anygate.yml"))
	if err != nil {
		t.Fatal(err)
	}
	serve := func() *running {
		r := &running{t: t, signals: make(chan os.Signal, 2), ended: make(chan error, 1)}
		s, err := Start(Options{Config: parse(t, "", fmt.Sprintf(minimal, "epoll")), Control: name, Stdout: &r.out, Stderr: &r.err})
		if err != nil {
			t.Fatal(err)
		}
		r.Server = s
		go func() { r.ended <- s.Serve(r.signals) }()
		return r
	}
	first, second := serve(), serve()
	// Ask would wait for the end of the process, which is this one.
	c, err := net.Dial("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(c).Encode(remote.Request{Do: remote.Stop}); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if err := first.end(); err != nil {
		t.Error(err)
	}
	second.signals <- syscall.SIGTERM
	if err := second.end(); err != nil {
		t.Error(err)
	}
	const refused = "there is no control socket"
	if text := first.err.String(); strings.Contains(text, refused) {
		t.Errorf("the first has no control socket:\n%s", text)
	}
	text := second.err.String()
	for _, want := range []string{refused, fmt.Sprintf("another process, %d of the user %d", os.Getpid(), os.Geteuid()), name, "--control"} {
		if !strings.Contains(text, want) {
			t.Errorf("the second does not say %q:\n%s", want, text)
		}
	}
}
