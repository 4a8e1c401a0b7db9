package integration

import (
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// What is in flight at SIGTERM is finished; nothing new is accepted. Peers: raw connections before, Go's net/http behind.
func TestDrain(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		for _, path := range []string{"/hold", "/hold?begin"} {
			up := origin.Start(t)
			s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: http://" + up.Addr + "\n"})
			busy, idle := wire.Dial(t, s.Addr), wire.Dial(t, s.Addr)
			idle.Get("/x", 200)
			busy.Send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n")
			up.Arrived(t)

			s.Signal(t, syscall.SIGTERM)
			idle.ExpectClosed()
			_ = idle.Close()
			refused(t, s.Addr)
			s.Running(t)

			up.Release()
			r := busy.Read("GET", 200)
			if !strings.HasSuffix(r.Body, "released") {
				t.Errorf("%s: content %q", path, r.Body)
			}
			if path == "/hold" && !r.Close {
				t.Error("the last response of the connection does not say close")
			}
			busy.ExpectClosed()
			_ = busy.Close()
			if code := s.Wait(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
		}
	})
}

// refused waits until nobody accepts connections any more: the shards do not stop at the same moment.
func refused(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", address)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		if err == nil {
			_ = c.Close()
		}
		if time.Now().After(deadline) {
			t.Fatal("connections are still accepted while draining")
		}
	}
}

// SIGTERM under load: every response that begins is whole, and afterwards connections are refused. What HTTP allows is
// that a connection is closed between two responses (RFC 9112, section 9.6). Peer: raw connections.
func TestDrainUnderLoad(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		content := digits(100_000)
		root := writeSite(t, map[string]string{"file.txt": content})
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "routes: {/fixed: OK hello, /static/: " + root + ", /up/: 'http://" + up.Addr + "/'}\n"})
		requests := []struct{ path, content string }{{"/fixed", "hello"}, {"/static/file.txt", content}, {"/up/drip", "drop by drop"}}
		var served atomic.Int64
		var clients sync.WaitGroup
		warm := make(chan struct{}, 500)
		for i := range 32 {
			clients.Go(func() {
				for n := 0; ; n++ {
					c, err := net.Dial("tcp", s.Addr)
					if err != nil {
						if !errors.Is(err, syscall.ECONNREFUSED) {
							t.Errorf("connecting: %v", err)
						}
						return
					}
					r := requests[(i+n)%len(requests)]
					err = exchangeUntilClosed(wire.New(t, c), r.path, r.content, &served, warm)
					_ = c.Close()
					if err != nil {
						t.Errorf("%s: %v", r.path, err)
						return
					}
				}
			})
		}
		for range cap(warm) {
			<-warm
		}
		s.Signal(t, syscall.SIGTERM)
		clients.Wait()
		if code := s.Wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		t.Logf("%d responses", served.Load())
	})
}

// exchangeUntilClosed sends requests on a connection until the server closes it between two responses.
func exchangeUntilClosed(c *wire.Conn, path, content string, served *atomic.Int64, warm chan<- struct{}) error {
	for {
		if err := c.TrySend("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
			return nil // closed before the request
		}
		if !c.Begun() {
			return nil // closed before the response
		}
		r, err := c.Next("GET")
		switch {
		case err != nil:
			return err
		case r.StatusCode != 200 || r.Body != content:
			return errors.New("wrong response: " + r.Status)
		}
		served.Add(1)
		select {
		case warm <- struct{}{}:
		default:
		}
		if r.Close {
			return nil
		}
	}
}

// A second signal ends the server at once, if it comes a second after the first: that second is what this waits for. Peers: raw connections before, Go's net/http behind.
func TestSecondSignal(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: http://" + up.Addr + "\n"})
		c := wire.Dial(t, s.Addr)
		c.Send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n")
		up.Arrived(t)
		s.Signal(t, syscall.SIGTERM)
		// Within a second it means the same as the first: so it is there before that is told of, however busy the machine is.
		s.Signal(t, syscall.SIGINT)
		s.Stderr.Line(t, "draining")
		time.Sleep(1200 * time.Millisecond)
		s.Running(t)
		start := time.Now()
		s.Signal(t, syscall.SIGINT)
		if code := s.Wait(t); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("ending took %s", d)
		}
		s.Stderr.Line(t, "interrupted")
	})
}

// The limit of draining is kept, and is no failure. Peers: raw connections before, Go's net/http behind.
func TestDrainLimit(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Server: "timeouts: {drain: 700ms}", Text: "routes:\n  /: http://" + up.Addr + "\n"})
		c := wire.Dial(t, s.Addr)
		c.Send("GET /hold?begin HTTP/1.1\r\nHost: test\r\n\r\n")
		up.Arrived(t)
		start := time.Now()
		s.Signal(t, syscall.SIGTERM)
		if code := s.Wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		between(t, start, 600*time.Millisecond, 10*time.Second)
		if r, err := c.Next("GET"); err == nil {
			t.Errorf("a response that was cut off looks whole: %q", r.Body)
		}
		s.Stderr.Line(t, "draining is over")
	})
}

// SIGHUP and SIGPIPE do not end a server.
func TestOtherSignals(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		s := product.Start(t, product.Config{Engine: e, Text: "routes: {/: OK}\n"})
		s.Signal(t, syscall.SIGPIPE)
		s.Signal(t, syscall.SIGHUP)
		s.Stderr.Line(t, "the configuration was loaded")
		if a := peer.Curl(t, s.URL("/")); a.Status != 200 {
			t.Errorf("status %d", a.Status)
		}
		s.Stop(t)
	})
}

// A restart on the same port, over and over with clients connected: the port is free when the process has ended, and
// nothing is left of unix sockets.
func TestRestart(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		address := peer.FreePort(t)
		dir := t.TempDir()
		for range 5 {
			s := product.Start(t, product.Config{Engine: e, Dir: dir, Listen: `["` + address + `", "unix:` + dir + `/any.sock"]`, Text: "routes: {/: OK}\n"})
			a, b := wire.Dial(t, address), wire.Dial(t, "unix:"+dir+"/any.sock")
			a.Get("/", 200)
			b.Get("/", 200)
			s.Signal(t, syscall.SIGTERM)
			a.ExpectClosed()
			b.ExpectClosed()
			_ = a.Close()
			_ = b.Close()
			if code := s.Wait(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
		}
		// A socket that a crash left behind is no obstacle.
		s := product.Start(t, product.Config{Engine: e, Dir: dir, Listen: "unix:" + dir + "/any.sock", Text: "routes: {/: OK}\n"})
		s.Signal(t, syscall.SIGKILL)
		s.Wait(t)
		if _, err := os.Lstat(dir + "/any.sock"); err != nil {
			t.Fatalf("the crash was to leave the socket: %v", err)
		}
		s = product.Start(t, product.Config{Engine: e, Dir: dir, Listen: "unix:" + dir + "/any.sock", Text: "routes: {/: OK}\n"})
		wire.Dial(t, "unix:"+dir+"/any.sock").Get("/", 200)
		s.Signal(t, syscall.SIGTERM)
		if code := s.Wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// A port that is taken is told in words that help, by whoever has it.
func TestPortInUse(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		first := product.Start(t, product.Config{Engine: e, Text: "routes: {/: OK first}\n"})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for _, address := range []string{first.Addr, l.Addr().String()} {
			_, path := write(t, "anygate.yml", "listen: "+address+"\nserver: {engine: "+string(e)+"}\nroutes: {/: OK second}\n")
			r := product.Run(t, product.Command{Args: []string{"serve", "-c", path}})
			if r.Code != 1 {
				t.Errorf("exit code %d", r.Code)
			}
			expectAll(t, "standard error", r.Stderr, "cannot listen on "+address, "another process", "ss -ltnp", "anygate.yml:1:")
		}
		if a := peer.Curl(t, first.URL("/")); a.Body != "first" {
			t.Errorf("the first server answers %q", a.Body)
		}
		first.Stop(t)
	})
}

// Output that nobody reads does not stop the server.
func TestLogNobodyReads(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		s := product.Start(t, product.Config{Engine: e, Stdout: w, Text: "log: stdout json\nroutes: {/: OK}\n"})
		_ = w.Close()
		c := wire.Dial(t, s.Addr)
		// Far more than a pipe and a ring hold.
		long := "/" + strings.Repeat("x", 1000)
		for range 1500 {
			c.Get(long, 200)
		}
		_ = r.Close() // From now on writing fails.
		for range 1500 {
			c.Get(long, 200)
		}
		_ = c.Close()
		s.Stop(t)
	})
}
