package engine

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
)

// tagged is a transform that is told what to do by the bytes it is given: 'R' makes it
// ready, 'E' is the peer's end, 'W' has it wait until the test lets it go on, '!' is an
// error; all else is content. What goes out, it passes on.
type tagged struct {
	hello  string
	ready  bool
	waits  bool
	held   []byte
	open   bool // it need not wait any more
	closed int
	gone   int
}

func (x *tagged) Open(in []byte) (plain []byte, n int, err error) {
	x.held = append(x.held, in...)
	n = len(in)
	for len(x.held) > 0 {
		if x.waits {
			if !x.open {
				return nil, n, nil
			}
			x.waits = false
		}
		b := x.held[0]
		x.held = x.held[1:]
		switch b {
		case 'R':
			x.ready = true
		case 'W':
			x.waits = true
		case 'E':
			return nil, n, io.EOF
		case '!':
			return nil, n, errors.New("refused")
		default:
			return []byte{b}, n, nil
		}
	}
	return nil, n, nil
}

func (x *tagged) Ready() bool { return x.ready }

func (x *tagged) Next(waiting int) int {
	switch {
	case x.hello != "":
		return -1
	case x.ready:
		return waiting
	}
	return 0
}

func (x *tagged) Seal(dst, content []byte) (int, error) {
	return copy(dst, content), nil
}

func (x *tagged) Say(dst []byte) int {
	n := copy(dst, x.hello)
	x.hello = x.hello[n:]
	return n
}

func (x *tagged) Close() { x.closed++ }
func (x *tagged) Drop()  { x.gone++ }

// tagRig accepts connections under tagged transforms, and notes what becomes of them.
func tagRig(t *testing.T, kind Kind) (r *rig, x *tagged, events chan string) {
	x, events = new(tagged), make(chan string, 100)
	begun := make(chan struct{})
	r = start(t, kind, smallLimits, Handler{
		Accepted:  func(c Conn, _ int) { <-begun; r.s.SetTransform(c, x) },
		Connected: func(Conn) { events <- "ready" },
		Received:  func(c Conn, p []byte) { events <- string(p); r.s.Append(c, p) },
		EOF:       func(Conn) { events <- "end" },
		Closed:    func(_ Conn, why Reason, _ Errno) { events <- why.String() },
	})
	close(begun)
	return r, x, events
}

func expectEvents(t *testing.T, events chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := receive(t, events); got != w {
			t.Fatalf("%q, want %q", got, w)
		}
	}
}

// TestTransformIsReady tells so of an accepted connection, once, before its content.
func TestTransformIsReady(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		r, _, events := tagRig(t, kind)
		c := r.client()
		send(t, c, []byte("Ra"))
		expectEvents(t, events, "ready", "a")
		expect(t, c, []byte("a"))
		send(t, c, []byte("Rb"))
		expectEvents(t, events, "b")
	})
}

// TestTransformEnds has the peer end its side within the transform: what it sends
// behind that is not told of, its FIN neither, and it can still be answered.
func TestTransformEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		r, x, events := tagRig(t, kind)
		var conn Conn
		c := r.client()
		send(t, c, []byte("RaE"))
		expectEvents(t, events, "ready", "a", "end")
		expect(t, c, []byte("a"))
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		r.do(func() { r.s.Each(func(c Conn) { conn = c }) })
		r.do(func() { r.s.Append(conn, []byte("b")); r.s.Close(conn) })
		expect(t, c, []byte("b"))
		expectEnd(t, c)
		r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 })
		r.do(func() {
			if x.closed != 1 || x.gone != 1 || len(events) != 0 {
				t.Errorf("closed %d times, dropped %d times, %d further events", x.closed, x.gone, len(events))
			}
		})
	})
}

// TestTransformIsNudged goes on with a transform that waits for something else than bytes:
// on an open connection, on one that is closing, and not on one that is gone.
func TestTransformIsNudged(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, closing := range []bool{false, true} {
			r, x, events := tagRig(t, kind)
			c := r.client()
			send(t, c, []byte("Wa"))
			var conn Conn
			r.eventually("it waits", func() bool { r.s.Each(func(c Conn) { conn = c }); return x.waits })
			if closing {
				r.do(func() { r.s.Append(conn, []byte("bye")); r.s.Close(conn) })
			}
			r.do(func() { r.s.Nudge(conn); r.s.Nudge(conn) })
			r.do(func() {
				if !x.waits {
					t.Error("it did not wait")
				}
				x.open, x.ready = true, true
				r.s.Nudge(conn)
			})
			if closing {
				expect(t, c, []byte("bye"))
				expectEnd(t, c)
				_ = c.Close()
			} else {
				expectEvents(t, events, "ready", "a")
				expect(t, c, []byte("a"))
			}
			r.do(func() { r.s.Each(func(c Conn) { r.s.Abort(c) }) })
			r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 })
			r.do(func() { r.s.Nudge(conn) })
			r.do(func() {
				if x.gone != 1 {
					t.Errorf("dropped %d times", x.gone)
				}
			})
		}
	})
}

// TestTransformOfAnUpstream tells that a connection is open when its transform is ready,
// which speaks first, and that it could not be, when that fails.
func TestTransformOfAnUpstream(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, row := range []struct {
			answer string
			events []string
		}{
			{"Ra", []string{"ready", "a"}},
			{"!", []string{"transform"}},
			{"", []string{"end"}},
		} {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			r, _, events := tagRig(t, kind)
			x := &tagged{hello: "hello"}
			r.do(func() {
				c, e := r.s.Connect(tcpAddr(ln.Addr()), 1)
				if e != 0 {
					t.Fatal(e)
				}
				r.s.SetTransform(c, x)
				r.s.Append(c, []byte("request"))
			})
			peer, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			expect(t, peer, []byte("hello"))
			if len(events) != 0 {
				t.Errorf("the event %q comes too early", <-events)
			}
			send(t, peer, []byte(row.answer))
			if row.answer == "" {
				_ = peer.Close()
			}
			expectEvents(t, events, row.events...)
			if row.answer == "Ra" {
				expect(t, peer, []byte("request"))
			}
			_ = peer.Close()
			r.stop()
			if x.gone != 1 {
				t.Errorf("dropped %d times", x.gone)
			}
		}
	})
}

// TestStopped is called last, on the shard's thread, when transforms of connections that
// were open are dropped.
func TestStopped(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		x, calls := new(tagged), 0
		var s *Shard
		fd, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		addr, err := LocalAddr(fd)
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan struct{})
		s, err = New(Config{CPU: -1, Limits: smallLimits, Backend: kind}, Handler{
			Accepted: func(c Conn, _ int) { s.SetTransform(c, x); close(accepted) },
			Message:  func(Message) { s.Stop() },
			Stopped: func() {
				if calls++; x.gone != 1 {
					t.Errorf("dropped %d times", x.gone)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.AddListener(fd, 1)
		done := make(chan struct{})
		go func() { defer close(done); s.Run(func(error) {}) }()
		c, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		receive(t, accepted)
		s.Post(Message{})
		<-done
		if calls != 1 {
			t.Errorf("called %d times", calls)
		}
	})
}
