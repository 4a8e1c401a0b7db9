package engine

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestClientLimit lets more clients come than may be in. They wait, nobody is
// refused, and the limit is never passed, not even by a multishot accept that
// delivers until it is cancelled.
func TestClientLimit(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const limit, clients = 4, 25
		var s *Shard
		limits := smallLimits
		limits.Clients = limit
		most := 0
		h := echoHandler(t, &s)
		h.Accepted = func(Conn, int) {
			if most = max(most, s.Stats().Clients); most > limit {
				t.Errorf("%d clients are in", most)
			}
		}
		r := start(t, kind, limits, h)
		r.do(func() { s = r.s })
		// The shard stands still until all of them wait.
		hold, held := make(chan struct{}), make(chan struct{})
		for !r.s.Post(Message{Value: func() { close(held); <-hold }}) {
		}
		<-held
		conns := make([]*net.TCPConn, clients)
		for k := range conns {
			conns[k] = r.client()
			send(t, conns[k], []byte{byte(k)})
		}
		close(hold)
		left := clients
		for left > 0 {
			// Exactly those that are in are answered; each makes room when
			// it goes.
			for k, c := range conns {
				if c == nil {
					continue
				}
				in := false
				local := c.LocalAddr().String()
				r.do(func() {
					s.Each(func(conn Conn) { in = in || s.PeerAddr(conn).String() == local })
				})
				if in {
					expect(t, c, []byte{byte(k)})
					_ = c.Close()
					conns[k] = nil
					left--
				}
			}
		}
		r.eventually("all are gone", func() bool { return s.Stats().Open == 0 })
		r.do(func() {
			if most != limit || s.Stats().Accepted != clients {
				t.Errorf("%d clients were in at a time, %d in all", most, s.Stats().Accepted)
			}
		})
	})
}

// TestClientLimitWakesASleepingShard frees the only place at the very end of
// a turn; the shard must not go to sleep over the client that waits.
func TestClientLimitWakesASleepingShard(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		limits := smallLimits
		limits.Clients = 1
		r := start(t, kind, limits, Handler{
			Received: func(c Conn, p []byte) { s.Append(c, p); s.Close(c) },
		})
		r.do(func() { s = r.s })
		conns := make([]*net.TCPConn, 20)
		for k := range conns {
			conns[k] = r.client()
			send(t, conns[k], []byte{byte(k)})
			if err := conns[k].CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		// Nobody but the clients wakes the shard from here on.
		for k, c := range conns {
			_ = c.SetDeadline(time.Now().Add(patience))
			expect(t, c, []byte{byte(k)})
			expectEnd(t, c)
		}
	})
}

func TestTableLimitRestsAccepting(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		limits := smallLimits
		limits.Connections, limits.Clients = 3, 3
		r := start(t, kind, limits, echoHandler(t, &s))
		r.do(func() { s = r.s })
		addr := silent(t)
		var ups []Conn
		r.do(func() {
			for range 3 {
				c, _ := s.Connect(addr, 0)
				ups = append(ups, c)
			}
		})
		c := r.client()
		send(t, c, []byte("x"))
		r.do(func() {
			if s.Stats().Clients != 0 {
				t.Error("accepted into a full table")
			}
		})
		r.do(func() { s.Drop(ups[0]) })
		expect(t, c, []byte("x"))
	})
}

// TestCloseListenersTakesTheBacklog accepts those who had come before, and no
// one after.
func TestCloseListenersTakesTheBacklog(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, limit := range []int{48, 4} {
			t.Run(fmt.Sprintf("limit %d", limit), func(t *testing.T) {
				const clients = 20
				var s *Shard
				limits := smallLimits
				limits.Clients = limit
				r := start(t, kind, limits, echoHandler(t, &s))
				r.do(func() { s = r.s })
				hold, held := make(chan struct{}), make(chan struct{})
				for !r.s.Post(Message{Value: func() { close(held); <-hold; r.s.CloseListeners() }}) {
				}
				<-held
				conns := make([]*net.TCPConn, clients)
				for k := range conns {
					conns[k] = r.client()
					send(t, conns[k], []byte{byte(k)})
					if err := conns[k].CloseWrite(); err != nil {
						t.Fatal(err)
					}
				}
				close(hold)
				for k, c := range conns {
					expect(t, c, []byte{byte(k)})
					expectEnd(t, c)
					_ = c.Close()
				}
				if c, err := net.Dial("tcp", r.addr.String()); err == nil {
					_ = c.Close()
					t.Error("the listener still answers")
				}
				r.stop()
			})
		}
	})
}

func TestAddListenerWhileRunning(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		h := echoHandler(t, &s)
		ids := make(chan int, 10)
		h.Accepted = func(_ Conn, id int) { ids <- id }
		r := start(t, kind, smallLimits, h)
		r.do(func() { s = r.s })
		path := t.TempDir() + "/l.sock"
		fd, err := ListenUnix(path)
		if err != nil {
			t.Fatal(err)
		}
		r.do(func() { s.AddListener(fd, 9) })
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		send(t, c, []byte("over a unix socket"))
		expect(t, c, []byte("over a unix socket"))
		if id := receive(t, ids); id != 9 {
			t.Errorf("accepted on listener %d, want 9", id)
		}
		send(t, c, []byte("x"))
		expect(t, c, []byte("x"))
	})
}

// TestReplaceListeners adds and closes listeners again and again. Their places are used again, and who waits when one is
// closed is served.
func TestReplaceListeners(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		h := echoHandler(t, &s)
		ids := make(chan int, 10)
		h.Accepted = func(_ Conn, id int) { ids <- id }
		r := start(t, kind, smallLimits, h)
		r.do(func() { s = r.s })
		for id := 100; id < 120; id++ {
			fd, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
			if err != nil {
				t.Fatal(err)
			}
			addr, err := LocalAddr(fd)
			if err != nil {
				t.Fatal(err)
			}
			r.do(func() { s.AddListener(fd, id) })
			c, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(patience))
			send(t, c, []byte("x"))
			if err := Deafen(fd); err != nil {
				t.Fatal(err)
			}
			r.do(func() { s.CloseListener(id) })
			expect(t, c, []byte("x"))
			if got := receive(t, ids); got != id {
				t.Errorf("accepted on listener %d, want %d", got, id)
			}
			_ = c.Close()
			if c, err := net.Dial("tcp", addr.String()); err == nil {
				_ = c.Close()
				t.Errorf("listener %d still answers", id)
			}
		}
		c := r.client()
		send(t, c, []byte("y"))
		expect(t, c, []byte("y"))
		r.do(func() {
			if n := len(s.listeners); n > 4 {
				t.Errorf("%d places for 2 listeners", n)
			}
		})
	})
}

// TestDeafen lets nobody begin to connect, and those who have begun go on.
func TestDeafen(t *testing.T) {
	fd, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(fd)
	addr, err := LocalAddr(fd)
	if err != nil {
		t.Fatal(err)
	}
	before, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if err := Deafen(fd); err != nil {
		t.Fatal(err)
	}
	if c, err := net.DialTimeout("tcp", addr.String(), 50*time.Millisecond); err == nil {
		c.Close()
		t.Error("somebody is let in")
	}
	if _, err := before.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	n, e := acceptFD(fd)
	if e != 0 {
		t.Fatal(e)
	}
	closeFD(n)
}

// childVariable makes the test binary serve with few descriptors, for
// TestDescriptorLimit.
const childVariable = "ANYGATE_ENGINE_TEST_CHILD"

// fewDescriptors is how many connections the child has room for.
const fewDescriptors = 5

// serveWithFewDescriptors is the child: an echo server that prints its
// address, lowers its own limit, and serves until its input ends. It then
// prints how many accepts have failed.
func serveWithFewDescriptors(name string) {
	kind := Epoll
	if name == IOUring.String() {
		kind = IOUring
	}
	fd, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		panic(err)
	}
	var s *Shard
	s, err = New(Config{CPU: -1, Limits: smallLimits, Backend: kind}, Handler{
		Received: func(c Conn, p []byte) { s.Append(c, p) },
		EOF:      func(c Conn) { s.Close(c) },
		Message:  func(Message) { s.Stop() },
	})
	if err != nil {
		panic(err)
	}
	s.AddListener(fd, 0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(func(err error) {
			if err != nil {
				panic(err)
			}
			open, _ := os.ReadDir("/proc/self/fd")
			highest := uint64(len(open)) - 1 // without the directory's own
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: highest + fewDescriptors, Max: highest + fewDescriptors}); err != nil {
				panic(err)
			}
			ap, _ := LocalAddr(fd)
			fmt.Println(ap)
		})
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	for !s.Post(Message{}) {
	}
	<-done
	fmt.Println(s.stats.AcceptErrors)
}

// TestDescriptorLimit runs a server out of descriptors. It must neither spin
// nor stop: clients wait, and get in when others go.
func TestDescriptorLimit(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+kind.String())
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out := bufio.NewReader(pipe)
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		addr := netip.MustParseAddrPort(strings.TrimSpace(line))
		const clients = 3 * fewDescriptors
		conns := make(chan *net.TCPConn, clients)
		served := make(chan *net.TCPConn, clients)
		for range clients {
			conns <- dialTCP(t, addr)
		}
		close(conns)
		for c := range conns {
			go func() {
				b := []byte("x")
				if _, err := c.Write(b); err == nil {
					if _, err = io.ReadFull(c, b); err == nil {
						served <- c
					}
				}
			}()
		}
		for range clients {
			_ = receive(t, served).Close()
		}
		_ = in.Close()
		rest, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		var failed int
		if _, err := fmt.Sscan(string(rest), &failed); err != nil || failed == 0 {
			t.Errorf("the child reports %q failed accepts, want some", rest)
		} else if failed > 1000 {
			t.Errorf("%d accepts failed: the server spins", failed)
		}
	})
}
