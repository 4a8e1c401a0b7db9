package main

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
)

// TestCommandsFromAnotherContainer find the process by the path of the configuration, which is another one there: it is not
// commanded, and its health is none of theirs.
func TestCommandsFromAnotherContainer(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, dir, "anygate.yml", "listen: 127.0.0.1:0\nroutes: {/: OK}\n")
	p := launch(t, program(t, dir, "serve", "-c", file))
	elsewhere := func(args ...string) (code int, errs string) {
		t.Helper()
		cmd := program(t, dir, append(args, "-c", file)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatalf("this test needs to make a PID namespace, which only root may: %v", err)
		}
		return cmd.ProcessState.ExitCode(), stderr.String()
	}
	for _, command := range []string{"reload", "upgrade", "stop"} {
		if code, errs := elsewhere(command); code != exitFailure || !strings.Contains(errs, "is in another container") || !strings.Contains(errs, "--control @anygate-") {
			t.Errorf("%s: exit %d, %q", command, code, errs)
		}
	}
	writeFile(t, dir, "anygate.yml", "listen: 127.0.0.1:1\nroutes: {/: OK}\n")
	if code, errs := elsewhere("health"); code != exitFailure || !strings.Contains(errs, "127.0.0.1:1 does not answer") {
		t.Errorf("health of what does not run: exit %d, %q", code, errs)
	}
	writeFile(t, dir, "anygate.yml", "listen: "+p.addr+"\nroutes: {/: OK}\n")
	if code, errs := elsewhere("health"); code != exitOK || errs != "" {
		t.Errorf("health of what runs: exit %d, %q", code, errs)
	}
}
