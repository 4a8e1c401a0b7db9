package control

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const loggedTo = `
listen: "127.0.0.1:0"
server: {engine: epoll, shards: 1, timeouts: {drain: 10s}}
log: {access: %, error: debug}
routes:
  "/hello": OK hello
`

func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}

// TestLogFileIsRotated renames the file of a server, and signals that.
func TestLogFileIsRotated(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "access.log")
	r := start(t, dir, strings.Replace(loggedTo, "%", "./access.log json", 1))
	r.get("/hello?first")
	waitFor(t, "the first line", func() bool { return strings.Contains(content(t, name), "/hello?first") })
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	r.get("/hello?second")
	waitFor(t, "the second line in the old file", func() bool { return strings.Contains(content(t, name+".1"), "/hello?second") })
	r.signals <- syscall.SIGUSR1
	waitFor(t, "the new file", func() bool { return strings.Contains(r.err.String(), "a log file was opened again") })
	r.get("/hello?third")
	waitFor(t, "the third line", func() bool { return strings.Contains(content(t, name), "/hello?third") })
	if got := content(t, name); strings.Count(got, "\n") != 1 {
		t.Errorf("the new file has\n%s", got)
	}
	if got := content(t, name+".1"); strings.Count(got, "\n") != 2 {
		t.Errorf("the old file has\n%s", got)
	}
}

// TestFullDisk logs to a device without room: that is told once, and requests are answered.
func TestFullDisk(t *testing.T) {
	r := startReloading(t, "", strings.Replace(loggedTo, "%", "/dev/full", 1))
	const told = `warn log lines wait because their destination refuses them: it is tried again every second destination=/dev/full error="no space left on device"`
	r.get("/hello?first")
	waitFor(t, "the word on it", func() bool { return strings.Contains(r.err.String(), told) })
	refused := r.logs.access.Counts().Refused
	waitFor(t, "further tries", func() bool {
		if status, _ := r.get("/hello"); status != 200 {
			t.Fatalf("a request is answered with %d", status)
		}
		time.Sleep(10 * time.Millisecond)
		return r.logs.access.Counts().Refused >= refused+2
	})
	if n := strings.Count(r.err.String(), "refuses them"); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, r.err.String())
	}
	// What has waited goes to where there is room.
	name := filepath.Join(t.TempDir(), "access.log")
	r.mustChange(strings.Replace(loggedTo, "%", name, 1))
	waitFor(t, "the lines that have waited", func() bool { return strings.Contains(content(t, name), "/hello?first") })
	waitFor(t, "the good news", func() bool {
		return strings.Contains(r.err.String(), "takes lines again, and none was lost destination="+name)
	})
}

// TestLogIsMoved reloads configurations with other destinations, one of which cannot be opened.
func TestLogIsMoved(t *testing.T) {
	dir := t.TempDir()
	r := startReloading(t, dir, strings.Replace(loggedTo, "%", "off", 1))
	r.get("/hello?unseen")
	to := func(where string) string { return strings.Replace(loggedTo, "%", where, 1) }
	r.mustChange(to("one.log"))
	r.get("/hello?one")
	r.mustChange(to("./two.log combined"))
	r.get("/hello?two")
	if _, err := r.change(to("none/three.log"), false); err == nil || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("a log that cannot be written to: %v", err)
	}
	if _, err := r.change(to("four.log"), true); err != nil {
		t.Error(err)
	}
	r.get("/hello?still")
	r.mustChange(to("stdout"))
	r.get("/hello?out")
	r.mustChange(to("off"))
	r.get("/hello?unseen")
	r.signals <- syscall.SIGTERM
	if err := r.end(); err != nil {
		t.Error(err)
	}
	two := content(t, filepath.Join(dir, "two.log"))
	wantIn(t, content(t, filepath.Join(dir, "one.log")), "/hello?one HTTP/1.1 200")
	wantIn(t, two, `"GET /hello?two HTTP/1.1" 200 5 "-"`, "/hello?still")
	wantIn(t, r.out.String(), "/hello?out")
	if all := content(t, filepath.Join(dir, "one.log")) + two + r.out.String(); strings.Contains(all, "unseen") || strings.Count(all, "\n") != 4 {
		t.Errorf("the logs have\n%s", all)
	}
	if _, err := os.Stat(filepath.Join(dir, "four.log")); err == nil {
		t.Error("a dry run has made a file")
	}
}

// TestLogToSyslog has both logs at a server of syslog.
func TestLogToSyslog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "socket")
	server, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	text := strings.Replace(loggedTo, "%, error: debug", "syslog:"+path+", error: {to: \"syslog:"+path+"\"}", 1)
	r := start(t, dir, text)
	r.get("/hello")
	seen := map[string]bool{}
	for b := make([]byte, 8<<10); len(seen) < 2; {
		if err := server.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := server.ReadFrom(b)
		if err != nil {
			t.Fatalf("only %v have come: %v", seen, err)
		}
		switch message := b[:n]; {
		case bytes.Contains(message, []byte(" error - anygate v0.0.0: listening on ")):
			seen["error"] = true
		case bytes.Contains(message, []byte(" access - ")) && bytes.Contains(message, []byte(" /hello HTTP/1.1 200 ")):
			seen["access"] = true
		}
	}
	if r.err.String() != "" {
		t.Errorf("the standard error output has %q", r.err.String())
	}
}
