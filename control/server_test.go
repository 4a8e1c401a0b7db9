package control

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running is a Server under test with its signals.
type running struct {
	*Server
	t        *testing.T
	signals  chan os.Signal
	ended    chan error
	out, err journal
}

// engines runs a test on both engines.
func engines(t *testing.T, f func(t *testing.T, engine string)) {
	for _, engine := range []string{"io_uring", "epoll"} {
		t.Run(engine, func(t *testing.T) { f(t, engine) })
	}
}

func start(t *testing.T, dir, text string, repeat ...time.Duration) *running {
	t.Helper()
	r := &running{t: t, signals: make(chan os.Signal, 2), ended: make(chan error, 1)}
	s, err := Start(Options{Config: parse(t, dir, text), Version: "0.0.0", Stdout: &r.out, Stderr: &r.err})
	if err != nil {
		t.Fatal(err)
	}
	r.Server = s
	// A test says when it means a second request; TestRepeatedSignal is about those that come too soon.
	s.repeat = 0
	if len(repeat) > 0 {
		s.repeat = repeat[0]
	}
	go func() { r.ended <- s.Serve(r.signals) }()
	t.Cleanup(func() {
		if r.ended != nil {
			r.signals <- syscall.SIGTERM
			r.signals <- syscall.SIGTERM
			<-r.ended
		}
	})
	return r
}

// end waits for the end, which some signal has caused.
func (r *running) end() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		r.ended = nil
		return err
	case <-time.After(20 * time.Second):
		r.t.Fatalf("the server does not end; its log:\n%s", r.err.String())
		return nil
	}
}

func (r *running) dial() net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.Addresses()[0])
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func (r *running) get(path string) (status int, body string) {
	r.t.Helper()
	resp, err := http.Get("http://" + r.Addresses()[0] + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const minimal = `
listen: "127.0.0.1:0"
server: {engine: %s, shards: 2, timeouts: {drain: 10s}}
log: {access: stdout json, error: debug}
routes:
  "/hello": OK hello
`

func TestServe(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		r := start(t, "", fmt.Sprintf(minimal, engine))
		for range 20 {
			if status, body := r.get("/hello"); status != 200 || body != "hello" {
				t.Fatalf("%d %q", status, body)
			}
		}
		if status, _ := r.get("/none"); status != 404 {
			t.Errorf("an unknown path is answered %d", status)
		}
		r.signals <- syscall.SIGHUP
		waitFor(t, "the answer to SIGHUP", func() bool { return strings.Contains(r.err.String(), "the one before stays") })
		r.signals <- syscall.SIGTERM
		if err := r.end(); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
		wantIn(t, r.err.String(),
			fmt.Sprintf("info anygate v0.0.0: listening on %s (%s, 2 shards), 1 route\n", r.Addresses()[0], engine),
			"nothing to load again", "info draining signal=SIGTERM connections=")
		wantIn(t, r.out.String(), `"target":"/hello"`, `"status":404`, `"route":"/hello"`)
		if n := strings.Count(r.out.String(), "\n"); n != 21 {
			t.Errorf("%d access lines of 21 requests:\n%s", n, r.out.String())
		}
		if _, err := net.Dial("tcp", r.Addresses()[0]); err == nil {
			t.Error("the address is still listened on")
		}
	})
}

// TestDrainFinishesWhatIsInFlight signals the server while a request is half sent. The request is answered, the
// connection closed, and only then does the server end.
func TestDrainFinishesWhatIsInFlight(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		r := start(t, "", fmt.Sprintf(minimal, engine))
		c := r.dial()
		// One whole exchange makes sure that the connection is accepted.
		in := bufio.NewReader(c)
		fmt.Fprint(c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		fmt.Fprint(c, "GET /hello HTTP/1.1\r\nHo")
		arrived(t, c)

		r.signals <- syscall.SIGTERM
		refused(t, r.Addresses()[0])
		select {
		case err := <-r.ended:
			t.Fatalf("the server ended (%v) with a request under way", err)
		default:
		}
		fmt.Fprint(c, "st: x\r\n\r\n")
		if resp, err = http.ReadResponse(in, nil); err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" || !resp.Close {
			t.Errorf("%q, %v, Connection: close %t", body, err, resp.Close)
		}
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("the connection stays open: %v", err)
		}
		c.Close()
		if err := r.end(); err != nil {
			t.Error(err)
		}
	})
}

// arrived waits until the kernel has passed on everything that was sent, as far as the sender can see.
func arrived(t *testing.T, c net.Conn) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for queued := 1; queued > 0; {
		if e := raw.Control(func(fd uintptr) { queued, err = ioctlOutq(int(fd)) }); e != nil || err != nil {
			t.Fatal(e, err)
		}
	}
}

// refused waits until nobody listens on the address any more.
func refused(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Fatalf("%s is still listened on", addr)
		}
	}
}

// TestDrainSendsWhatIsQueued drains while a slow client still has most of a large file to take.
func TestDrainSendsWhatIsQueued(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		const size = 24 << 20
		dir := t.TempDir()
		write(t, dir, "site/large.bin", strings.Repeat("0123456789abcdef", size/16))
		r := start(t, dir, fmt.Sprintf(minimal, engine)+"  \"/\": ./site/\n")
		c := r.dial()
		fmt.Fprint(c, "GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		in := bufio.NewReader(c)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.signals <- syscall.SIGTERM
		refused(t, r.Addresses()[0])
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil || n != size {
			t.Errorf("%d of %d bytes arrived, %v", n, size, err)
		}
		c.Close()
		if err := r.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestDrainHasALimit(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		r := start(t, "", strings.Replace(fmt.Sprintf(minimal, engine), "drain: 10s", "drain: 50ms", 1))
		c := r.dial()
		fmt.Fprint(c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET ")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		r.signals <- syscall.SIGINT
		if err := r.end(); err != nil {
			t.Error(err)
		}
		wantIn(t, r.err.String(), "the time for draining is over")
	})
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		r := start(t, "", strings.Replace(fmt.Sprintf(minimal, engine), "drain: 10s", "drain: 1h", 1))
		c := r.dial()
		fmt.Fprint(c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET ")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		r.signals <- syscall.SIGTERM
		r.signals <- syscall.SIGHUP
		r.signals <- syscall.SIGTERM
		if err := r.end(); !errors.Is(err, ErrInterrupted) {
			t.Errorf("a second signal gives %v", err)
		}
		wantIn(t, r.err.String(), "warn "+ErrInterrupted.Error()+" connections=1\n")
	})
}

// TestRepeatedSignal asks twice in a row, as a supervisor does that signals a process and its group: what is in flight
// is finished all the same.
func TestRepeatedSignal(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		r := start(t, "", fmt.Sprintf(minimal, engine), time.Hour)
		c := r.dial()
		in := bufio.NewReader(c)
		fmt.Fprint(c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET ")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		// The channel has room for two: when it took the fourth, the second one was looked at.
		for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM} {
			r.signals <- sig
		}
		fmt.Fprint(c, "/hello HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp, err = http.ReadResponse(in, nil); err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" {
			t.Errorf("%q, %v", body, err)
		}
		c.Close()
		if err := r.end(); err != nil {
			t.Errorf("repeated signals give %v", err)
		}
	})
}

// TestSecondSignalCutsNothingOff interrupts a server that has no connections: that is a success.
func TestSecondSignalCutsNothingOff(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		for range 10 {
			r := start(t, "", fmt.Sprintf(minimal, engine))
			r.signals <- syscall.SIGTERM
			r.signals <- syscall.SIGTERM
			if err := r.end(); err != nil {
				t.Errorf("an idle server ends with %v", err)
			}
			if log := r.err.String(); strings.Contains(log, "cut off") {
				t.Errorf("something was cut off:\n%s", log)
			}
		}
	})
}

func TestServeUnixSocket(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		path := filepath.Join(t.TempDir(), "s.sock")
		r := start(t, "", strings.Replace(fmt.Sprintf(minimal, engine), `"127.0.0.1:0"`, "unix:"+path, 1))
		for range 8 {
			c, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(c, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "\r\n\r\nhello") {
				t.Errorf("%q, %v", b, err)
			}
			c.Close()
		}
		r.signals <- syscall.SIGTERM
		if err := r.end(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
	})
}

// TestStartAgain starts on an address right after a server with open connections has left it.
func TestStartAgain(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		text := fmt.Sprintf(minimal, engine)
		r := start(t, "", text)
		addr := r.Addresses()[0]
		for range 3 {
			if status, _ := r.get("/hello"); status != 200 {
				t.Fatal(status)
			}
			r.signals <- syscall.SIGTERM
			if err := r.end(); err != nil {
				t.Fatal(err)
			}
			r = start(t, "", strings.Replace(text, "127.0.0.1:0", addr, 1))
		}
	})
}

func TestStartErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := descriptors(t)
	_, err = Start(Options{
		Config: parse(t, "", fmt.Sprintf("listen: %q\nroutes: {\"/\": OK}\n", l.Addr())), Version: "0", Stdout: io.Discard, Stderr: io.Discard,
	})
	if err == nil {
		t.Fatal("an address that is taken is served")
	}
	wantIn(t, err.Error(), "test.yml:1:9", "another process does already")
	if after := descriptors(t); after > before+4 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// descriptors counts the descriptors of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestClosedChannelDrains ends a server without a signal.
func TestClosedChannelDrains(t *testing.T) {
	var log journal
	cfg := parse(t, "", "listen: \"127.0.0.1:0\"\nserver: {engine: epoll, shards: 2}\nroutes: {\"/\": OK}\n")
	s, err := Start(Options{Config: cfg, Version: "0.0.0", Stdout: io.Discard, Stderr: &log})
	if err != nil {
		t.Fatal(err)
	}
	if s.Backend().Kind.String() != "epoll" || s.Shards() != 2 {
		t.Errorf("%v, %d shards", s.Backend(), s.Shards())
	}
	signals := make(chan os.Signal)
	close(signals)
	if err := s.Serve(signals); err != nil {
		t.Error(err)
	}
}
