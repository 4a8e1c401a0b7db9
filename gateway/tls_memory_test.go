package gateway

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// idleTLS is how many connections TestIdleTLSMemory holds.
var idleTLS = flag.Int("idle-tls", 2000, "connections of TestIdleTLSMemory")

// idleServer in the environment makes the test binary a server.
const idleServer = "ANYGATE_TEST_IDLE_SERVER"

// TestIdleTLSServer is the other process of TestIdleTLSMemory: it serves until its
// standard input ends. On its own it does nothing.
func TestIdleTLSServer(t *testing.T) {
	if os.Getenv(idleServer) == "" {
		return
	}
	w := newWorld(t, engine.Epoll)
	w.limits = engine.Limits{Connections: 40_000, Clients: 39_000, SmallBuffers: 16384, LargeBuffers: 1024}
	w.settings.Idle, w.settings.Header = time.Hour, time.Hour
	w.encrypting(nil)
	w.serve("/*: OK ok")
	fmt.Println("listening on", w.addr)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		// The connections rest for as long as it takes, and the collector is not
		// waited for.
		w.eventually("all connections rest", func() bool { return in.Text() != "rest" || w.g.edge.Stats().Warm == 0 })
		debug.FreeOSMemory()
		fmt.Println("done")
	}
	os.Exit(0)
}

// TestIdleTLSMemory holds connections of TLS 1.3 that have had one request each, and
// looks at what the server's process has grown by when they rest.
func TestIdleTLSMemory(t *testing.T) {
	const most = 2 << 10 // bytes for each
	cmd := exec.Command(os.Args[0], "-test.run=^TestIdleTLSServer$")
	cmd.Env = append(os.Environ(), idleServer+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	}()
	out := bufio.NewReader(stdout)
	line, err := out.ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatalf("the server says %q, %v", line, err)
	}
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	add := func(n int) {
		t.Helper()
		for range n {
			raw, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, raw)
			_ = raw.SetDeadline(time.Now().Add(patience))
			c := tls.Client(raw, insecure(&tls.Config{CurvePreferences: []tls.CurveID{tls.X25519}}))
			if _, err := c.Write([]byte(get("/"))); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 512)
			if n, err := c.Read(got); err != nil || !bytes.HasPrefix(got[:n], []byte("HTTP/1.1 200")) {
				t.Fatalf("%q, %v", got[:n], err)
			}
		}
	}
	// What the first ones take is not theirs alone: the heap's beginning, and
	// coroutines.
	tell := func(what string) {
		t.Helper()
		if _, err := io.WriteString(stdin, what+"\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := out.ReadString('\n'); line != "done\n" {
			t.Fatalf("the server says %q, %v", line, err)
		}
	}
	add(200)
	tell("free")
	before := pss(t, cmd.Process.Pid)
	add(*idleTLS)
	busy := pss(t, cmd.Process.Pid)
	tell("rest")
	after := pss(t, cmd.Process.Pid)
	each := (after - before) / *idleTLS
	t.Logf("%d connections: %d bytes each, %d before they have come to rest", *idleTLS, each, (busy-before) / *idleTLS)
	if each > most {
		t.Errorf("a resting connection takes %d bytes, more than %d", each, most)
	}
}

// pss is the memory of a process, with its share of what it has in common with others.
func pss(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var kib int
		if n, _ := fmt.Sscanf(string(line), "Pss: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	t.Fatal("no Pss")
	return 0
}
