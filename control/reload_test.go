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
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
)

// waitFor waits until something is true.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// reloading is a Server under test whose configuration can be replaced.
type reloading struct {
	*running
	dir    string
	mu     sync.Mutex
	text   string
	accept func() error
}

func startReloading(t *testing.T, dir, text string) *reloading {
	t.Helper()
	r := &reloading{running: &running{t: t, signals: make(chan os.Signal, 2), ended: make(chan error, 1)}, dir: dir, text: text}
	s, err := Start(Options{Config: parse(t, dir, text), Version: "0.0.0", Stdout: &r.out, Stderr: &r.err, Load: r.load})
	if err != nil {
		t.Fatal(err)
	}
	s.repeat, r.Server = 0, s
	go func() { r.running.ended <- s.Serve(r.signals) }()
	t.Cleanup(func() {
		if r.running.ended != nil {
			r.signals <- syscall.SIGTERM
			r.signals <- syscall.SIGTERM
			<-r.running.ended
		}
	})
	return r
}

func (r *reloading) load() (*Loaded, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cfg, diagnostics := config.Parse("test.yml", []byte(r.text), config.Options{BaseDir: r.dir, Stat: os.Stat, ReadFile: os.ReadFile})
	if len(diagnostics) > 0 {
		return nil, &Invalid{diagnostics}
	}
	return &Loaded{Config: cfg, Accept: r.accept}, nil
}

// change reloads another text.
func (r *reloading) change(text string, dry bool) (*Report, error) {
	r.mu.Lock()
	r.text = text
	r.mu.Unlock()
	return r.Reload(dry)
}

func (r *reloading) mustChange(text string) *Report {
	r.t.Helper()
	report, err := r.change(text, false)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// exchange sends a request on a connection, and returns the response with its content read.
func exchange(t *testing.T, c net.Conn, in *bufio.Reader, path string) (*http.Response, string) {
	t.Helper()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

const reloadable = `
listen: [%s]
server: {engine: %s, shards: 2, timeouts: {drain: 10s}}
routes:
  "/hello": OK %s
`

func TestReloadReplacesRoutes(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		r := startReloading(t, "", fmt.Sprintf(reloadable, `"127.0.0.1:0"`, engine, "one"))
		addr := r.Addresses()[0]
		c := r.dial()
		in := bufio.NewReader(c)
		if _, body := exchange(t, c, in, "/hello"); body != "one" {
			t.Fatalf("%q", body)
		}
		report := r.mustChange(fmt.Sprintf(reloadable, `"127.0.0.1:0"`, engine, "two") + "  \"/more\": OK more\n")
		if got, want := report.String(), "~ route /hello\n+ route /more\n"; got != want {
			t.Errorf("the report is\n%swant\n%s", got, want)
		}
		// The same connection has the new generation with its next request, and goes on.
		for _, want := range [][2]string{{"/hello", "two"}, {"/more", "more"}} {
			if resp, body := exchange(t, c, in, want[0]); body != want[1] || resp.Close {
				t.Errorf("%s: %q, Connection: close %t", want[0], body, resp.Close)
			}
		}
		if r.Addresses()[0] != addr {
			t.Errorf("the address is %s, and was %s", r.Addresses()[0], addr)
		}
		waitFor(t, "the log says so", func() bool { return strings.Contains(r.err.String(), "the configuration was loaded changes=2") })
		wantIn(t, r.err.String(), "reload: ~ route /hello", "reload: + route /more")
	})
}

func TestReloadThatIsRefusedChangesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good := fmt.Sprintf(reloadable, `"127.0.0.1:0"`, "auto", "one")
	r := startReloading(t, t.TempDir(), good)
	for name, tt := range map[string]struct{ text, want string }{
		"syntax":           {strings.Replace(good, "OK one", "OOK one", 1), "test.yml:5"},
		"a directory":      {good + "  \"/files/\": ./nowhere/\n", "nowhere"},
		"a name":           {good + "  \"/up\": \"http://no-such-name.invalid\"\n", "no-such-name.invalid"},
		"a taken address":  {fmt.Sprintf(reloadable, `"127.0.0.1:0", "`+taken.Addr().String()+`"`, "auto", "one"), "another process does already"},
		"a path of nobody": {fmt.Sprintf(reloadable, `"127.0.0.1:0", "unix:/no/such/dir.sock"`, "auto", "one"), "the directory does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			before := r.generation.Load()
			if _, err := r.change(tt.text, true); err == nil && name != "a path of nobody" {
				t.Error("a dry run finds nothing")
			}
			_, err := r.change(tt.text, false)
			if err == nil {
				t.Fatal("it is served")
			}
			wantIn(t, err.Error(), tt.want)
			waitFor(t, "the log says so", func() bool {
				return strings.Contains(r.err.String(), "the configuration was not loaded: the one before stays") &&
					strings.Contains(r.err.String(), tt.want)
			})
			if r.generation.Load() != before || len(r.Addresses()) != 1 {
				t.Error("something has changed")
			}
			if _, body := r.get("/hello"); body != "one" {
				t.Errorf("%q", body)
			}
		})
	}
}

func TestDryReloadChangesNothing(t *testing.T) {
	r := startReloading(t, "", fmt.Sprintf(reloadable, `"127.0.0.1:0"`, "auto", "one"))
	before := r.generation.Load()
	report, err := r.change(fmt.Sprintf(reloadable, `"127.0.0.1:0", "127.0.0.2:0"`, "epoll", "two"), true)
	if err != nil {
		t.Fatal(err)
	}
	wantIn(t, report.String(), "+ listener 127.0.0.2:0\n", "~ route /hello\n", "~ section server\n", "! server.engine stays as it was at the start")
	if r.generation.Load() != before || len(r.Addresses()) != 1 {
		t.Error("something has changed")
	}
}

// TestReloadTellsWhatHasToWait changes each of the settings that are made use of at the start only.
func TestReloadTellsWhatHasToWait(t *testing.T) {
	const fixed = "listen: 127.0.0.1:0\nroutes: {/: OK}\n"
	r := startReloading(t, "", fixed+"server: {shards: 1}\n")
	for name, text := range map[string]string{
		"server.engine":             "server: {shards: 1, engine: epoll}\n",
		"server.shards":             "server: {shards: 2}\n",
		"server.spin":               "server: {shards: 1, spin: 20us}\n",
		"server.limits.connections": "server: {shards: 1, limits: {connections: 100}}\n",
		"server.limits.buffers":     "server: {shards: 1, limits: {buffers: 64MiB}}\n",
		"server.limits.files":       "server: {shards: 1, limits: {files: 8MiB}}\n",
		"log.error.level":           "server: {shards: 1}\nlog: {error: warn}\n",
	} {
		report, err := r.change(fixed+text, true)
		if err != nil {
			t.Fatal(err)
		}
		wantIn(t, report.String(), "! "+name+" stays as it was at the start: ")
	}
}

// TestReloadAsksTheSignature has the configuration refused by what remembers signed ones.
func TestReloadAsksTheSignature(t *testing.T) {
	r := startReloading(t, "", fmt.Sprintf(reloadable, `"127.0.0.1:0"`, "auto", "one"))
	r.accept = func() error { return errors.New("not remembered") }
	before := r.generation.Load()
	if _, err := r.change(fmt.Sprintf(reloadable, `"127.0.0.1:0", "127.0.0.2:0"`, "auto", "two"), false); err == nil || err.Error() != "not remembered" {
		t.Errorf("the error is %v", err)
	}
	if r.generation.Load() != before || len(r.Addresses()) != 1 {
		t.Error("something has changed")
	}
	accepted := 0
	r.accept = func() error { accepted++; return nil }
	if _, err := r.change(fmt.Sprintf(reloadable, `"127.0.0.1:0"`, "auto", "two"), true); err != nil || accepted != 0 {
		t.Errorf("a dry run: %v, accepted %d times", err, accepted)
	}
	r.mustChange(fmt.Sprintf(reloadable, `"127.0.0.1:0"`, "auto", "two"))
	if _, body := r.get("/hello"); body != "two" || accepted != 1 {
		t.Errorf("%q, accepted %d times", body, accepted)
	}
}

// TestReloadListeners adds addresses and removes them. Who is connected to one that goes has an answer that says so.
func TestReloadListeners(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		path := filepath.Join(t.TempDir(), "s.sock")
		one := fmt.Sprintf(reloadable, `"127.0.0.1:0"`, engine, "hi")
		three := fmt.Sprintf(reloadable, `"127.0.0.2:0", "127.0.0.1:0", "unix:`+path+`"`, engine, "hi")
		r := startReloading(t, "", one)
		// Everybody has been accepted here; TestReloadServesWhoIsConnecting is about others.
		r.deaf = 10 * time.Millisecond
		stays := r.Addresses()[0]
		for range 2 {
			r.mustChange(three)
			list := r.Addresses()
			if len(list) != 3 || list[1] != stays || list[2] != "unix:"+path {
				t.Fatalf("the addresses are %q", list)
			}
			type client struct {
				net.Conn
				in *bufio.Reader
			}
			var clients []client
			for _, where := range [][2]string{{"tcp", list[0]}, {"unix", path}} {
				for range 4 {
					c, err := net.Dial(where[0], where[1])
					if err != nil {
						t.Fatal(err)
					}
					_ = c.SetDeadline(time.Now().Add(20 * time.Second))
					cl := client{c, bufio.NewReader(c)}
					if _, body := exchange(t, c, cl.in, "/hello"); body != "hi" {
						t.Fatalf("%q", body)
					}
					clients = append(clients, cl)
				}
			}
			report := r.mustChange(one)
			if got, want := report.String(), "- listener 127.0.0.2:0\n- listener unix:"+path+"\n"; got != want {
				t.Errorf("the report is %q, want %q", got, want)
			}
			for _, addr := range [][2]string{{"tcp", list[0]}, {"unix", path}} {
				if c, err := net.Dial(addr[0], addr[1]); err == nil {
					c.Close()
					t.Errorf("%s is still listened on", addr[1])
				}
			}
			for _, cl := range clients {
				if resp, body := exchange(t, cl, cl.in, "/hello"); body != "hi" || !resp.Close {
					t.Errorf("%q, Connection: close %t", body, resp.Close)
				}
				if _, err := cl.in.ReadByte(); !errors.Is(err, io.EOF) {
					t.Errorf("the connection does not end: %v", err)
				}
				cl.Close()
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is left behind: %v", err)
			}
			if list := r.Addresses(); len(list) != 1 || list[0] != stays {
				t.Fatalf("the addresses are %q", list)
			}
		}
	})
}

// TestReloadServesWhoIsConnecting removes an address while clients connect to it: none of those that get through is reset.
func TestReloadServesWhoIsConnecting(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		one := fmt.Sprintf(reloadable, `"127.0.0.1:0"`, engine, "hi")
		r := startReloading(t, "", fmt.Sprintf(reloadable, `"127.0.0.1:0", "127.0.0.2:0"`, engine, "hi"))
		addr := r.Addresses()[1]
		var served atomic.Int64
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for {
					c, err := net.DialTimeout("tcp", addr, 10*time.Second)
					if err != nil {
						if !errors.Is(err, syscall.ECONNREFUSED) {
							t.Error(err)
						}
						return
					}
					fmt.Fprint(c, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
					if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "\r\n\r\nhi") {
						t.Errorf("%q, %v", b, err)
					}
					c.Close()
					served.Add(1)
				}
			})
		}
		waitFor(t, "clients are served", func() bool { return served.Load() > 50 })
		r.mustChange(one)
		clients.Wait()
	})
}

// TestReloadUnderLoad reloads again and again while clients send requests, read a download and talk through a tunnel.
func TestReloadUnderLoad(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		const size = 8 << 20
		write(t, dir, "site/large.bin", strings.Repeat("0123456789abcdef", size/16))
		origin := newEchoOrigin(t)
		text := func(i int) string {
			s := fmt.Sprintf(reloadable, `"127.0.0.1:0"`, engine, fmt.Sprint("reload ", i))
			return s + fmt.Sprintf("  \"/site/\": ./site/\n  \"/up/\": http://%s\n  \"/only%d\": OK\n", origin, i%3)
		}
		r := startReloading(t, dir, text(0))

		// What is open all the time has as long as it takes.
		dial := func() net.Conn {
			c := r.dial()
			_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
			return c
		}
		download := dial()
		fmt.Fprint(download, "GET /site/large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		content := bufio.NewReader(download)
		large, err := http.ReadResponse(content, nil)
		if err != nil {
			t.Fatal(err)
		}
		tunnel := dial()
		_, _ = io.WriteString(tunnel, "GET /up/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		said := bufio.NewReader(tunnel)
		if resp, err := http.ReadResponse(said, nil); err != nil || resp.StatusCode != 101 {
			t.Fatalf("%v, %v", resp, err)
		}

		var stop atomic.Bool
		var requests atomic.Int64
		var clients sync.WaitGroup
		for _, path := range []string{"/hello", "/up/plain", "/hello"} {
			c := dial()
			clients.Go(func() {
				in := bufio.NewReader(c)
				for !stop.Load() {
					fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
					resp, err := http.ReadResponse(in, nil)
					if err != nil {
						t.Errorf("%s: %v", path, err)
						return
					}
					if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 || resp.Close {
						t.Errorf("%s: %d, %v, Connection: close %t", path, resp.StatusCode, err, resp.Close)
						return
					}
					requests.Add(1)
				}
			})
		}
		reload := func(from, to int) {
			for i := from; i < to; i++ {
				r.mustChange(text(i))
				fmt.Fprintf(tunnel, "ping %d\n", i)
				if line, err := said.ReadString('\n'); err != nil || line != fmt.Sprintf("ping %d\n", i) {
					t.Fatalf("the tunnel says %q, %v", line, err)
				}
				if _, err := io.CopyN(io.Discard, large.Body, 16<<10); err != nil {
					t.Fatalf("the download: %v", err)
				}
			}
		}
		var collected atomic.Int64
		watched := r.generation.Load
		reload(1, 20)
		before, goroutines, files := heap(), runtime.NumGoroutine(), descriptors(t)
		for i := 20; i < 200; i += 20 {
			runtime.AddCleanup(watched(), func(n *atomic.Int64) { n.Add(1) }, &collected)
			reload(i, i+20)
		}
		if after := heap(); after > before+4<<20 {
			t.Errorf("the heap has grown from %d to %d bytes", before, after)
		}
		if n := runtime.NumGoroutine(); n > goroutines+4 {
			t.Errorf("%d goroutines, and %d before", n, goroutines)
		}
		if n := descriptors(t); n > files+8 {
			t.Errorf("%d descriptors, and %d before", n, files)
		}
		stop.Store(true)
		clients.Wait()
		waitFor(t, "old generations are collected", func() bool { runtime.GC(); return collected.Load() >= 8 })
		if _, err := io.Copy(io.Discard, large.Body); err != nil {
			t.Errorf("the download ends with %v", err)
		}
		// The connection that the download was on goes on as well.
		if resp, body := exchange(t, download, content, "/hello"); body != "reload 199" || resp.Close {
			t.Errorf("%q, Connection: close %t", body, resp.Close)
		}
		tunnel.Close()
		if requests.Load() < 200 {
			t.Errorf("only %d requests", requests.Load())
		}
	})
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// newEchoOrigin is an upstream that answers requests, and echoes lines to those who ask for the protocol echo.
func newEchoOrigin(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("Upgrade") != "echo" {
			_, _ = io.WriteString(w, "ok")
			return
		}
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

// TestReloadStorm signals far more often than a configuration can be loaded: what is there at the end is served, and it was
// not loaded as often.
func TestReloadStorm(t *testing.T) {
	r := startReloading(t, t.TempDir(), "listen: 127.0.0.1:0\nserver: {shards: 1}\nroutes: {/: OK one}\n")
	r.changing.Lock() // a reload is under way
	r.mu.Lock()
	r.text = "listen: 127.0.0.1:0\nserver: {shards: 1}\nroutes: {/: OK two}\n"
	r.mu.Unlock()
	for range 100 {
		r.signals <- syscall.SIGHUP
	}
	waitFor(t, "the signals are taken", func() bool { return len(r.signals) == 0 })
	r.changing.Unlock()
	waitFor(t, "the configuration is loaded", func() bool { return r.told.read().Reloads > 0 && !r.reloadDue.Load() })
	waitFor(t, "it is done", r.changing.TryLock)
	r.changing.Unlock()
	if _, body := r.get("/"); body != "two" {
		t.Errorf("%q", body)
	}
	if n := r.told.read().Reloads; n > 2 {
		t.Errorf("it was loaded %d times", n)
	}
}
