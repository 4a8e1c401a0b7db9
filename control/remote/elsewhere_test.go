package remote

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestElsewhere has a client in a PID namespace of its own, as in another container, find a process by the path of its
// configuration: what it asks for reaches that only if it means that one.
func TestElsewhere(t *testing.T) {
	const variable = "ANYGATE_TEST_CONTROL"
	if name := os.Getenv(variable); name != "" {
		if _, by, err := Ask(t.Context(), name, Request{Do: Stop}); !errors.Is(err, ErrElsewhere) || by.PID != 0 {
			t.Errorf("%+v, %v", by, err)
		}
		if a, _, err := Ask(t.Context(), name, Request{Do: Health, Anywhere: true}); err != nil || !a.OK {
			t.Errorf("%+v, %v", a, err)
		}
		return
	}
	name, err := Name(filepath.Join(t.TempDir(), "anygate.yml"))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, name, func(r Request, _ Peer) Answer {
		if r.Do != Health {
			t.Errorf("the server is asked for %+v", r)
		}
		return Answer{OK: true}
	})
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestElsewhere$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"="+name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		t.Fatalf("this test needs to make a PID namespace, which only root may: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestElsewhere") {
		t.Fatalf("%v\n%s", err, out)
	}
}
