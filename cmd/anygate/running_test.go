package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const changeable = "listen: \"127.0.0.1:0\"\nserver: {engine: %s, shards: 2, timeouts: {drain: 2m}}\nroutes:\n  \"/\": OK %s\n"

// command runs an anygate to its end.
func (p *process) command(args ...string) (code int, out, err string) {
	p.t.Helper()
	var stdout, stderr strings.Builder
	cmd := program(p.t, p.cmd.Dir, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if e := cmd.Run(); e != nil && cmd.ProcessState == nil {
		p.t.Fatal(e)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func onBothEngines(t *testing.T, f func(t *testing.T, engine string)) {
	for _, engine := range []string{"io_uring", "epoll"} {
		t.Run(engine, func(t *testing.T) { f(t, engine) })
	}
}

// interruptible has programs that the test starts heed SIGINT: what a script starts in its background ignores it, and so does
// everything below, this test maybe among it.
func interruptible(t *testing.T) {
	t.Helper()
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	t.Cleanup(func() { signal.Stop(c) })
}

// TestSignalsEndCommands interrupts a command that waits, as people do by the terminal. The server goes on with what it does.
func TestSignalsEndCommands(t *testing.T) {
	interruptible(t)
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "epoll", "one"))
	p := launch(t, program(t, dir, "serve"))
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// It is answered, and its content is still to come.
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	stop := program(t, dir, "stop")
	if err := stop.Start(); err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(10 * time.Second); !strings.Contains(p.log(), "anygate stop has asked for it"); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("the server does not drain:\n%s", p.log())
		}
	}
	if err := stop.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = stop.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		_ = stop.Process.Kill()
		t.Error("the command goes on waiting after it was interrupted")
	}
	if p.ended() {
		t.Error("the server has ended although a request is under way")
	}
}

func TestReloadCommand(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "auto", "one"))
	p := launch(t, program(t, dir, "serve"))
	if _, body := p.get("/"); body != "one" {
		t.Fatalf("%q", body)
	}
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "auto", "two"))
	if code, out, err := p.command("reload", "--dry-run"); code != exitOK || out != "~ route /\n" || err != "" {
		t.Errorf("a dry run: %d, %q, %q", code, out, err)
	}
	if _, body := p.get("/"); body != "one" {
		t.Errorf("%q after a dry run", body)
	}
	if code, out, err := p.command("reload"); code != exitOK || !strings.HasPrefix(out, "~ route /\nloaded in ") || err != "" {
		t.Errorf("reload: %d, %q, %q", code, out, err)
	}
	if _, body := p.get("/"); body != "two" {
		t.Errorf("%q after a reload", body)
	}
	writeFile(t, dir, "anygate.yml", "routes:\n  \"/\": OKK three\n")
	if code, out, err := p.command("reload"); code != exitFailure || out != "" || !strings.Contains(err, "anygate.yml:2:") || !strings.Contains(err, "^") {
		t.Errorf("a bad configuration: %d, %q, %q", code, out, err)
	}
	if _, body := p.get("/"); body != "two" {
		t.Errorf("%q after a bad one", body)
	}
	if code, _, err := p.command("reload", "-c", "other.yml"); code != exitFailure || !strings.Contains(err, "no AnyGate is running that serves this configuration") {
		t.Errorf("another configuration: %d, %q", code, err)
	}
	if code, out, err := p.command("stop"); code != exitOK || out != "" || err != "" {
		t.Errorf("stop: %d, %q, %q", code, out, err)
	}
	if code := p.exit(); code != exitOK {
		t.Errorf("the process ends with %d", code)
	}
}

// TestCommandsAreInterrupted has a process that never answers: who asks it can stop waiting.
func TestCommandsAreInterrupted(t *testing.T) {
	interruptible(t)
	dir := t.TempDir()
	l, err := net.Listen("unix", dir+"/control.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, name := range []string{"reload", "upgrade", "stop"} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			cmd := program(t, dir, name, "--control", dir+"/control.sock")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			c, err := l.Accept() // it waits from now on
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
			err = cmd.Wait()
			if !late.Stop() {
				t.Errorf("%s goes on after %v", name, signal)
			}
			if err == nil {
				t.Errorf("%s succeeds without an answer", name)
			}
			c.Close()
		}
	}
}

// TestReloadOfASignedConfiguration loads what was signed, nothing else, and nothing older; with an upgrade in between.
func TestReloadOfASignedConfiguration(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "auto", "one"))
	p := &process{t: t, cmd: program(t, dir, "serve", "--trust", "release.pub", "--trust-state", "state")}
	must := func(args ...string) {
		t.Helper()
		if code, _, err := p.command(args...); code != exitOK {
			t.Fatalf("%q: %d, %s", args, code, err)
		}
	}
	refused := func(want string) {
		t.Helper()
		if code, _, err := p.command("reload"); code != exitFailure || !strings.Contains(err, want) {
			t.Errorf("the exit code is %d, with %q; want %q", code, err, want)
		}
	}
	must("sign", "keygen", "-o", "release")
	must("sign", "--key", "release.key")
	old, err := os.ReadFile(dir + "/anygate.yml.sig")
	if err != nil {
		t.Fatal(err)
	}
	p = launch(t, p.cmd)
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "auto", "two"))
	refused("is not what was signed")
	must("sign", "--key", "release.key")
	must("reload")
	if _, body := p.get("/"); body != "two" {
		t.Errorf("%q", body)
	}
	must("upgrade")
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "auto", "one"))
	writeFile(t, dir, "anygate.yml.sig", string(old))
	refused("older than one that was accepted before")
	if _, body := p.get("/"); body != "two" {
		t.Errorf("%q", body)
	}
	must("stop")
	<-p.read
}

func TestServeFollowsFiles(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "auto", "one"))
	p := launch(t, program(t, dir, "serve", "--watch"))
	writeFile(t, dir, "anygate.yml", fmt.Sprintf(changeable, "auto", "another"))
	deadline := time.Now().Add(20 * time.Second)
	for body := ""; body != "another"; _, body = p.get("/") {
		if time.Now().After(deadline) {
			t.Fatalf("the change is not seen; the log:\n%s", p.log())
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != exitOK {
		t.Errorf("the process ends with %d", code)
	}
}

var goesOn = regexp.MustCompile(`^process (\d+) goes on; process (\d+) finishes what it has\n$`)

// rounds is how many upgrades TestUpgrade makes, and reloads how many reloads before each of them; make churn asks for more.
func rounds(t *testing.T) (upgrades, reloads int) {
	t.Helper()
	text := os.Getenv("ANYGATE_TEST_UPGRADES")
	if text == "" {
		return 4, 2
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("ANYGATE_TEST_UPGRADES is %q", text)
	}
	return n, 10
}

// tunnelOrigin is an upstream that echoes lines to those who ask for the protocol echo.
func tunnelOrigin(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(c, both)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// TestUpgrade reloads, and replaces the process, again and again under load: no request fails, no connection is refused,
// and the download and the tunnel that the first process has begun go on to their end.
func TestUpgrade(t *testing.T) {
	onBothEngines(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		const size = 24 << 20
		writeFile(t, dir, "site/large.bin", strings.Repeat("0123456789abcdef", size/16))
		text := fmt.Sprintf(changeable, engine, "hi") + "  \"/site/\": ./site/\n  \"/up/\": http://" + tunnelOrigin(t) + "\n"
		writeFile(t, dir, "anygate.yml", text)
		p := launch(t, program(t, dir, "serve"))
		last := p.cmd.Process.Pid
		t.Cleanup(func() { _ = syscall.Kill(last, syscall.SIGKILL) })

		large, err := http.Get("http://" + p.addr + "/site/large.bin")
		if err != nil {
			t.Fatal(err)
		}
		defer large.Body.Close()

		tunnel, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer tunnel.Close()
		_ = tunnel.SetDeadline(time.Now().Add(5 * time.Minute))
		fmt.Fprint(tunnel, "GET /up/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		said := bufio.NewReader(tunnel)
		if resp, err := http.ReadResponse(said, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%v, %v", resp, err)
		}

		var stop atomic.Bool
		var kept, fresh atomic.Int64
		var clients sync.WaitGroup
		for range 3 {
			// One connection until the server says that it has to go.
			clients.Go(func() {
				var c net.Conn
				var in *bufio.Reader
				for !stop.Load() {
					if c == nil {
						var err error
						if c, err = net.Dial("tcp", p.addr); err != nil {
							t.Error(err)
							return
						}
						_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
						in = bufio.NewReader(c)
					}
					fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
					resp, err := http.ReadResponse(in, nil)
					if err != nil {
						t.Errorf("a kept connection: %v", err)
						return
					}
					if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "hi" {
						t.Errorf("a kept connection: %q, %v", b, err)
						return
					}
					if resp.Close {
						c.Close()
						c = nil
					}
					kept.Add(1)
				}
				if c != nil {
					c.Close()
				}
			})
		}
		// A connection for each request.
		clients.Go(func() {
			for !stop.Load() {
				c, err := net.Dial("tcp", p.addr)
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "\r\n\r\nhi") {
					t.Errorf("a new connection: %q, %v", b, err)
					return
				}
				c.Close()
				fresh.Add(1)
			}
		})
		upgrades, reloads := rounds(t)
		for i := range upgrades {
			for k := range reloads {
				writeFile(t, dir, "anygate.yml", text+fmt.Sprintf("  \"/round/%d/%d\": OK\n", i, k))
				if code, out, errs := p.command("reload"); code != exitOK || !strings.Contains(out, fmt.Sprintf("+ route /round/%d/%d\n", i, k)) {
					t.Fatalf("reload: %d, %q, %q", code, out, errs)
				}
			}
			fmt.Fprintf(tunnel, "round %d\n", i)
			if line, err := said.ReadString('\n'); err != nil || line != fmt.Sprintf("round %d\n", i) {
				t.Fatalf("the tunnel says %q, %v", line, err)
			}
			code, out, errs := p.command("upgrade")
			m := goesOn.FindStringSubmatch(out)
			if code != exitOK || m == nil || m[2] != strconv.Itoa(last) {
				t.Fatalf("upgrade: %d, %q, %q; the log:\n%s", code, out, errs, p.log())
			}
			last, _ = strconv.Atoi(m[1])
			for at := kept.Load() + fresh.Load(); kept.Load()+fresh.Load() < at+50 && !t.Failed(); {
				time.Sleep(time.Millisecond)
			}
		}
		// One that does not start changes nothing.
		writeFile(t, dir, "anygate.yml", "routes: nonsense\n")
		if code, _, errs := p.command("upgrade"); code != exitFailure || !strings.Contains(errs, "the other process did not come to serve") {
			t.Errorf("an upgrade that fails: %d, %q", code, errs)
		}
		if code, _, errs := p.command("upgrade", "--program", "/bin/true"); code != exitFailure || !strings.Contains(errs, "(exit status 0)") {
			t.Errorf("an upgrade to something else: %d, %q", code, errs)
		}
		n := kept.Load() + fresh.Load()
		for kept.Load()+fresh.Load() < n+50 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		stop.Store(true)
		clients.Wait()
		if n, err := io.Copy(io.Discard, large.Body); err != nil || n != size {
			t.Errorf("the download of the first process brings %d bytes, %v", n, err)
		}
		fmt.Fprint(tunnel, "end\n")
		if line, err := said.ReadString('\n'); err != nil || line != "end\n" {
			t.Errorf("the tunnel of the first process says %q, %v", line, err)
		}
		tunnel.Close()
		http.DefaultClient.CloseIdleConnections()
		// Wait, and not p.exit: the error output is that of all processes.
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("the first process ends with %v", err)
		}
		if code, _, errs := p.command("stop"); code != exitOK {
			t.Errorf("stop: %d, %q", code, errs)
		}
		<-p.read
		if kept.Load() < 100 || fresh.Load() < 20 {
			t.Errorf("only %d and %d requests", kept.Load(), fresh.Load())
		}
	})
}

// TestSupervised starts as systemd does: with a socket that is listened on already, and somebody who wants to know.
func TestSupervised(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	passed, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer passed.Close()
	addr := l.Addr().String()
	l.Close()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: dir + "/notify", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	said := make(chan string, 100)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := notify.Read(b)
			if err != nil {
				return
			}
			said <- string(b[:n])
		}
	}()
	hear := func(want string) {
		t.Helper()
		for {
			select {
			case s := <-said:
				if strings.Contains(s, want) {
					return
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%q is not said", want)
			}
		}
	}
	writeFile(t, dir, "anygate.yml", strings.Replace(fmt.Sprintf(changeable, "auto", "one"), "127.0.0.1:0", addr, 1))
	cmd := program(t, dir, "serve")
	cmd.ExtraFiles = []*os.File{passed}
	cmd.Env = append(cmd.Env, "LISTEN_FDS=1", "NOTIFY_SOCKET="+dir+"/notify", "WATCHDOG_USEC=100000")
	p := launch(t, cmd)
	hear("READY=1")
	hear("WATCHDOG=1")
	if _, body := p.get("/"); body != "one" || p.addr != addr {
		t.Errorf("%q from %s", body, p.addr)
	}
	p.signal(syscall.SIGHUP)
	hear("RELOADING=1\nMONOTONIC_USEC=")
	hear("READY=1")
	code, out, errs := p.command("upgrade")
	m := goesOn.FindStringSubmatch(out)
	if code != exitOK || m == nil {
		t.Fatalf("upgrade: %d, %q, %q", code, out, errs)
	}
	hear("MAINPID=" + m[1])
	if _, body := p.get("/"); body != "one" {
		t.Errorf("%q after an upgrade", body)
	}
	if code, _, errs := p.command("stop"); code != exitOK {
		t.Errorf("stop: %d, %q", code, errs)
	}
	hear("STOPPING=1")
	<-p.read
}
