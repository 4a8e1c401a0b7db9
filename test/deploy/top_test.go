package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/test/internal/product"
)

// pseudoTerminal is the two ends of a terminal of the kernel.
func pseudoTerminal(t *testing.T, width, height uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var e error
	if err := raw.Control(func(fd uintptr) {
		if e = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); e == nil {
			n, e = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
		if e == nil {
			e = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width})
		}
	}); err != nil || e != nil {
		t.Fatal(err, e)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// TestTop runs anygate top in a terminal of the kernel, and then without one.
func TestTop(t *testing.T) {
	t.Setenv("TOP_TOKEN", "a-token-of-this-test")
	s := product.Start(t, product.Config{Engine: "auto", Server: "shards: 2", Env: []string{"TOP_TOKEN=a-token-of-this-test"}, Text: `
admin: {listen: "127.0.0.1:0", token: TOP_TOKEN}
routes: {"/the-route": OK}
`})
	for range 3 {
		get(t, s.URL("/the-route"))
	}
	args := []string{"top", "--admin", Admin(t, s), "--token", "TOP_TOKEN"}
	master, slave := pseudoTerminal(t, 100, 30)
	c := exec.Command(product.Binary(), append(args, "--every", "200ms")...)
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.Env = append(os.Environ(), "TERM=xterm-256color")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	_ = master.SetReadDeadline(time.Now().Add(20 * time.Second))
	var seen strings.Builder
	b := make([]byte, 4096)
	for !strings.Contains(seen.String(), "/the-route") || !strings.Contains(seen.String(), "SHARD") {
		n, err := master.Read(b)
		seen.Write(b[:n])
		if err != nil {
			t.Fatalf("%v; it shows %q", err, seen.String())
		}
	}
	if _, err := master.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for {
			if _, err := master.Read(b); err != nil {
				return
			}
		}
	}()
	if err := c.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	master.Close()
	<-drained

	once := exec.Command(product.Binary(), append(args, "--once", "--every", "200ms")...)
	out, err := once.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "/the-route") || strings.Contains(string(out), "\x1b") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = exec.Command(product.Binary(), args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--once") {
		t.Errorf("without a terminal: %v\n%s", err, out)
	}
	out, err = exec.Command(product.Binary(), args[:3]...).CombinedOutput()
	if err == nil {
		t.Errorf("without a token: %v\n%s", err, out)
	}
	s.Stop(t)
}
