package engine

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func tcpAddr(a net.Addr) *Addr { return TCPAddr(a.(*net.TCPAddr).AddrPort()) }

// outcome of a connect.
type connectOutcome struct {
	c    Conn
	user uint64
	why  Reason
	e    Errno
}

func connectRig(t *testing.T, kind Kind) (*rig, chan connectOutcome) {
	var s *Shard
	out := make(chan connectOutcome, 10)
	r := start(t, kind, smallLimits, Handler{
		Connected: func(c Conn) { out <- connectOutcome{c: c, user: s.User(c)} },
		Closed:    func(c Conn, why Reason, e Errno) { out <- connectOutcome{c, s.User(c), why, e} },
		Timer:     func(c Conn) { out <- connectOutcome{c: c, e: unix.ETIMEDOUT}; s.Abort(c) },
		EOF:       func(c Conn) { s.Close(c) },
	})
	r.do(func() { s = r.s })
	return r, out
}

func TestConnect(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, network := range []string{"tcp4", "tcp6", "unix", "abstract"} {
			t.Run(network, func(t *testing.T) {
				r, out := connectRig(t, kind)
				where := map[string][2]string{
					"tcp4": {"tcp", "127.0.0.1:0"}, "tcp6": {"tcp", "[::1]:0"},
					"unix": {"unix", t.TempDir() + "/s"}, "abstract": {"unix", "@anygate-connect-" + kind.String()},
				}[network]
				got := make(chan string, 1)
				la := sink(t, where[0], where[1], func(c net.Conn) {
					b, _ := io.ReadAll(c)
					got <- string(b)
				})
				var addr *Addr
				if where[0] == "tcp" {
					addr = tcpAddr(la)
				} else {
					var err error
					if addr, err = UnixAddr(where[1]); err != nil {
						t.Fatal(err)
					}
				}
				var c Conn
				r.do(func() {
					var e Errno
					c, e = r.s.Connect(addr, 5)
					if e != 0 {
						t.Errorf("connect: %v", e)
					}
					// All of it is due once the connection stands.
					r.s.Append(c, []byte("queued meanwhile"))
					r.s.CloseWrite(c)
				})
				if o := receive(t, out); o.c != c || o.user != 5 || o.e != 0 || o.why != 0 {
					t.Errorf("the outcome is %+v", o)
				}
				if p := receive(t, got); p != "queued meanwhile" {
					t.Errorf("the server received %q", p)
				}
				r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 })
			})
		}
	})
}

// TestCloseWriteWhileConnecting has nothing to send at all.
func TestCloseWriteWhileConnecting(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		r, out := connectRig(t, kind)
		got := make(chan struct{}, 1)
		la := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
			_, _ = io.ReadAll(c)
			got <- struct{}{}
		})
		r.do(func() {
			c, _ := r.s.Connect(tcpAddr(la), 0)
			r.s.CloseWrite(c)
		})
		receive(t, out)
		receive(t, got)
	})
}

func TestConnectRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		r, out := connectRig(t, kind)
		// A port that was free a moment ago.
		fd, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		ap, err := LocalAddr(fd)
		if err != nil {
			t.Fatal(err)
		}
		closeFD(fd)
		var c Conn
		r.do(func() {
			var e Errno
			if c, e = r.s.Connect(TCPAddr(ap), 6); e != 0 {
				t.Errorf("connect: %v", e)
			}
			r.s.Append(c, []byte("never sent"))
		})
		if o := receive(t, out); o.c != c || o.user != 0 && o.user != 6 || o.why != ReasonConnect || o.e != unix.ECONNREFUSED {
			t.Errorf("the outcome is %+v", o)
		}
		missing, err := UnixAddr(t.TempDir() + "/nobody")
		if err != nil {
			t.Fatal(err)
		}
		r.do(func() {
			if c, e := r.s.Connect(missing, 0); c != NoConn || e != unix.ENOENT {
				t.Errorf("connect to nobody's unix socket: %#x, %v", uint64(c), e)
			}
		})
	})
}

// silent is a listener that answers no further connects: its backlog is full.
func silent(t *testing.T) *Addr {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	ap, err := LocalAddr(int32(fd))
	if err != nil {
		t.Fatal(err)
	}
	dialTCP(t, ap) // fills the backlog of one, a moment after the client knows
	for deadline := time.Now().Add(patience); ; {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.Fatal(err)
		}
		if info.Unacked > 0 { // of a listener: those who wait
			return TCPAddr(ap)
		}
		if time.Now().After(deadline) {
			t.Fatal("the backlog stays empty")
		}
	}
}

func TestConnectTimesOutByDeadline(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		r, out := connectRig(t, kind)
		addr := silent(t)
		var c Conn
		r.do(func() {
			var e Errno
			if c, e = r.s.Connect(addr, 0); e != 0 {
				t.Errorf("connect: %v", e)
			}
			r.s.SetDeadline(c, 20*time.Millisecond)
		})
		if o := receive(t, out); o.c != c || o.e != unix.ETIMEDOUT {
			t.Errorf("the outcome is %+v", o)
		}
		r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 })
	})
}

func TestEveryEndWhileConnecting(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		r, out := connectRig(t, kind)
		addr := silent(t)
		for name, end := range map[string]func(s *Shard, c Conn){
			"Close": func(s *Shard, c Conn) { s.Close(c) },
			"Abort": func(s *Shard, c Conn) { s.Abort(c) },
			"Drop":  func(s *Shard, c Conn) { s.Drop(c) },
			"Pause, Resume, Bulk and Close": func(s *Shard, c Conn) {
				s.Pause(c)
				s.Resume(c)
				s.Bulk(c, true)
				s.Close(c)
			},
		} {
			var c Conn
			r.do(func() {
				c, _ = r.s.Connect(addr, 0)
				r.s.Append(c, []byte("x"))
			})
			r.do(func() { end(r.s, c) })
			r.eventually("it is gone after "+name, func() bool { return r.s.Stats().Open == 0 && !r.s.Alive(c) })
		}
		if len(out) != 0 {
			t.Errorf("told of an end it had asked for: %+v", <-out)
		}
	})
}

func TestConnectAtTheTableLimit(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		limits := smallLimits
		limits.Connections = 3
		r := start(t, kind, limits, Handler{})
		addr := silent(t)
		r.do(func() {
			var conns []Conn
			for range 3 {
				c, e := r.s.Connect(addr, 0)
				if e != 0 {
					t.Errorf("connect: %v", e)
				}
				conns = append(conns, c)
			}
			if c, e := r.s.Connect(addr, 0); c != NoConn || e != unix.EMFILE {
				t.Errorf("beyond the limit: %#x, %v", uint64(c), e)
			}
			for _, c := range conns {
				r.s.Drop(c)
			}
		})
		r.eventually("there is room again", func() bool { return r.s.Stats().Open == 0 })
	})
}

func TestPeerAddrAndProgress(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		opened := make(chan Conn, 1)
		r := start(t, kind, smallLimits, Handler{Accepted: func(c Conn, _ int) { opened <- c }})
		c := r.client()
		conn := receive(t, opened)
		var before uint64
		r.do(func() {
			if got := r.s.PeerAddr(conn); got.String() != c.LocalAddr().String() {
				t.Errorf("the peer is %v, want %v", got, c.LocalAddr())
			}
			if got := r.s.LocalAddr(conn); got.String() != c.RemoteAddr().String() {
				t.Errorf("this side is %v, want %v", got, c.RemoteAddr())
			}
			before = r.s.Progress(conn)
			r.s.Append(conn, make([]byte, 1000))
		})
		expect(t, c, make([]byte, 1000))
		r.eventually("the bytes are acknowledged", func() bool { return r.s.Progress(conn) == before+1000 })
	})
}

// TestAnswerBeforeAReset is about a server that answers early and goes away
// with bytes unread, which resets the connection: the answer is received
// although a send meets the reset first.
func TestAnswerBeforeAReset(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		read, busy, reset := make(chan bool, 1), make(chan bool), make(chan bool)
		la := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 1))
			read <- true
			<-busy
			_, _ = c.Write([]byte("too large"))
			_ = c.Close()
			reset <- true
		})
		var s *Shard
		var got []byte
		up, end := make(chan Conn, 1), make(chan string, 1)
		r := start(t, kind, smallLimits, Handler{
			Connected: func(c Conn) { up <- c },
			Received:  func(_ Conn, p []byte) { got = append(got, p...) },
			Closed:    func(Conn, Reason, Errno) { end <- string(got) },
		})
		r.do(func() {
			s = r.s
			_, _ = s.Connect(tcpAddr(la), 0)
		})
		c := receive(t, up)
		r.do(func() { s.Append(c, []byte("one byte is read")) })
		receive(t, read)
		r.do(func() {
			busy <- true
			<-reset
			s.Append(c, []byte("and this meets the reset"))
		})
		if p := receive(t, end); p != "too large" {
			t.Fatalf("received %q of the answer", p)
		}
		r.stop()
	})
}
