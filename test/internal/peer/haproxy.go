package peer

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const haproxyConf = `
global
  maxconn 200
  nbthread 1
defaults
  timeout connect 10s
  timeout client 30s
  timeout server 30s
`

// StartHAProxy runs HAProxy with the sections given, and waits until it accepts connections on all of the addresses.
func StartHAProxy(t testing.TB, sections string, addrs ...string) {
	t.Helper()
	program := Find(t, "haproxy")
	conf := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(conf, []byte(haproxyConf+sections), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-db", "-f", conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	stop := func() {
		_ = cmd.Process.Kill()
		<-exited
	}
	t.Cleanup(stop)
	deadline := time.Now().Add(20 * time.Second)
	for _, addr := range addrs {
		for {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				_ = c.Close()
				break
			}
			select {
			case <-exited:
			case <-time.After(5 * time.Millisecond):
				if time.Now().Before(deadline) {
					continue
				}
			}
			stop()
			t.Fatalf("haproxy does not answer on %s: %v\n%s", addr, err, output.String())
		}
	}
}
