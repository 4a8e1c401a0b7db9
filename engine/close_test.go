package engine

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCloseLetsTheAnswerThrough closes on a client that is still sending. A
// reset would destroy the answer it has not read yet (RFC 9112, 9.6).
func TestCloseLetsTheAnswerThrough(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r := start(t, kind, smallLimits, Handler{
			Received: func(c Conn, p []byte) {
				s.Append(c, []byte("413 too large"))
				s.Close(c)
			},
		})
		r.do(func() { s = r.s })
		c := r.client()
		for range 8 {
			send(t, c, make([]byte, 64<<10))
		}
		expect(t, c, []byte("413 too large"))
		expectEnd(t, c)
		send(t, c, make([]byte, 64<<10))
		_ = c.Close()
		r.within(lingerTime/2, "the connection is gone, as its client has closed", func() bool { return s.Stats().Open == 0 })
	})
}

// pass lets a connection's deadline pass.
func pass(s *Shard, i uint32) {
	s.conns[i].deadline = s.now
	s.timers.set(i, s.timers.tick+1)
}

// TestCloseCutsOffAPeerThatGoesOn bounds what a closed connection reads, and
// for how long it stays.
func TestCloseCutsOffAPeerThatGoesOn(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		opened := make(chan Conn, 1)
		r := start(t, kind, smallLimits, Handler{
			Received: func(c Conn, p []byte) {
				s.Close(c)
				opened <- c
			},
		})
		r.do(func() { s = r.s })
		c := r.client()
		failed := make(chan error, 1)
		go func() {
			for {
				if _, err := c.Write(make([]byte, 64<<10)); err != nil {
					failed <- err
					return
				}
			}
		}()
		conn := receive(t, opened)
		k := &s.conns[conn.Index()]
		r.eventually("reading has stopped", func() bool { return k.has(flagShut) && !k.has(flagWanted) })
		r.do(func() {
			if left := k.deadline - s.now; left <= 0 || left > int64(lingerTime) {
				t.Errorf("the deadline is %v away", time.Duration(left))
			}
			if k.discard > lingerBytes+recvSmall*SmallBuffer {
				t.Errorf("%d bytes were read and discarded", k.discard)
			}
			pass(s, conn.Index())
		})
		r.eventually("the connection is gone", func() bool { return s.Stats().Open == 0 })
		if err := receive(t, failed); !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EPIPE) {
			t.Errorf("the peer's write ended by %v", err)
		}
	})
}

// TestCloseOfALargeAnswerHoldsTheUploadBack has both sides full: the client
// sends far more than may be discarded before it reads the answer.
func TestCloseOfALargeAnswerHoldsTheUploadBack(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		answer := pattern(8<<20, 0)
		opened := make(chan Conn, 1)
		r := start(t, kind, smallLimits, Handler{
			Received: func(c Conn, p []byte) {
				s.Append(c, answer)
				s.Close(c)
				opened <- c
			},
		})
		r.do(func() { s = r.s })
		c := r.client()
		go func() { _, _ = c.Write(make([]byte, 64<<20)) }()
		conn := receive(t, opened)
		r.eventually("reading has stopped", func() bool {
			k := &s.conns[conn.Index()]
			return k.discard > lingerBytes && !k.has(flagWanted)
		})
		got := make([]byte, len(answer))
		if n, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, answer) {
			t.Fatalf("read %d of %d bytes of the answer: %v", n, len(answer), err)
		}
		r.eventually("the connection is gone after its time", func() bool {
			if k := &s.conns[conn.Index()]; k.has(flagShut) && k.deadline > s.now {
				pass(s, conn.Index())
			}
			return s.Stats().Open == 0
		})
	})
}

// TestLingerWaitsForASlowReader has the whole answer in the kernel, and the
// peer takes longer than the linger time to read it.
func TestLingerWaitsForASlowReader(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		answer := pattern(240<<10, 0) // less than unsentBytes, more than the peer receives unasked
		opened := make(chan Conn, 1)
		r := start(t, kind, smallLimits, Handler{
			Received: func(c Conn, p []byte) {
				s.Append(c, answer)
				s.Close(c)
				opened <- c
			},
		})
		r.do(func() { s = r.s })
		c := r.client()
		send(t, c, []byte("x"))
		conn := receive(t, opened)
		k := &s.conns[conn.Index()]
		r.eventually("all is sent", func() bool { return k.has(flagShut) })
		r.do(func() {
			if s.loop.progress(conn.Index()) >= k.sent {
				t.Error("all is acknowledged: the test shows nothing")
			}
			pass(s, conn.Index())
		})
		r.eventually("the linger time was prolonged", func() bool { return k.deadline > s.now })
		send(t, c, []byte("more, which must not cause a reset"))
		expect(t, c, answer)
		expectEnd(t, c)
	})
}

// TestCloseInAccepted refuses clients with an answer, as a server at its
// limit does.
func TestCloseInAccepted(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r := start(t, kind, smallLimits, Handler{
			Accepted: func(c Conn, _ int) {
				s.Append(c, bytes.Repeat([]byte("503 "), 1<<20))
				s.Close(c)
			},
			Received: func(Conn, []byte) { t.Error("received on a closed connection") },
			Closed:   func(Conn, Reason, Errno) { t.Error("told of the end of a closed connection") },
		})
		r.do(func() { s = r.s })
		c := r.client()
		send(t, c, []byte("GET / HTTP/1.1\r\n\r\n"))
		expect(t, c, bytes.Repeat([]byte("503 "), 1<<20))
		expectEnd(t, c)
		_ = c.Close()
		r.within(lingerTime/2, "the connection is gone, as its client has closed", func() bool { return s.Stats().Open == 0 })
	})
}

// TestAbortInAcceptedFreesThePlace lets another connection take the place
// within the same call.
func TestAbortInAcceptedFreesThePlace(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		connected := make(chan uint64, 10)
		addr := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) { _, _ = c.Write([]byte("hello")) })
		r := start(t, kind, smallLimits, Handler{
			Accepted: func(c Conn, _ int) {
				s.Abort(c)
				if up, e := s.Connect(tcpAddr(addr), 77); e != 0 || up.Index() != c.Index() {
					t.Errorf("the place was not taken again: %#x after %#x, %v", uint64(up), uint64(c), e)
				}
			},
			Connected: func(c Conn) { connected <- s.User(c) },
			EOF:       func(c Conn) { s.Close(c) },
		})
		r.do(func() { s = r.s })
		// The reset may come before the client knows that it is connected.
		if c, err := net.Dial("tcp", r.addr.String()); err == nil {
			defer c.Close()
		}
		if user := receive(t, connected); user != 77 {
			t.Errorf("Connected for %d", user)
		}
		r.eventually("both are gone", func() bool { return s.Stats().Open == 0 })
	})
}

func TestAbortResets(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r := start(t, kind, smallLimits, Handler{
			Received: func(c Conn, p []byte) {
				s.Append(c, []byte("never sent"))
				s.Abort(c)
				if s.Alive(c) || !s.Append(c, []byte("ignored")) {
					t.Error("the name outlived its connection")
				}
			},
			Closed: func(Conn, Reason, Errno) { t.Error("told of an end it had asked for") },
		})
		r.do(func() { s = r.s })
		c := r.client()
		send(t, c, []byte("x"))
		if _, err := c.Read(make([]byte, 10)); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("read: %v, want a reset", err)
		}
	})
}

// TestStopAfterAbort ends a shard in the turn in which it lets go of its
// connections, and in one after it.
func TestStopAfterAbort(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, turns := range []int{0, 1} {
			var s *Shard
			r := start(t, kind, smallLimits, Handler{
				Accepted: func(c Conn, _ int) { s.Append(c, make([]byte, 6<<20)) },
			})
			r.do(func() { s = r.s })
			var conns []*net.TCPConn
			for range 4 {
				conns = append(conns, r.client())
			}
			r.eventually("all are there", func() bool { return s.Stats().Open == len(conns) })
			end := func() { s.Each(func(c Conn) { s.Abort(c) }) }
			if turns > 0 {
				r.do(end)
				end = func() {}
			}
			r.do(func() { end(); s.Stop() })
			receive(t, r.done)
			r.gone = true
			for _, c := range conns {
				if _, err := io.Copy(io.Discard, c); !errors.Is(err, unix.ECONNRESET) {
					t.Errorf("read: %v, want a reset", err)
				}
				_ = c.Close()
			}
			if n := fdCount(t); n != r.fds {
				t.Errorf("%d descriptors open, %d before", n, r.fds)
			}
		}
	})
}

// TestCloseQuietDoesNotLinger meets a peer that reads all and stays.
func TestCloseQuietDoesNotLinger(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		answer := pattern(5<<20, 0)
		r := start(t, kind, smallLimits, Handler{
			Received: func(c Conn, p []byte) {
				s.Append(c, answer)
				s.CloseQuiet(c)
			},
		})
		r.do(func() { s = r.s })
		c := r.client()
		send(t, c, []byte("x"))
		expect(t, c, answer)
		expectEnd(t, c)
		r.within(lingerTime/2, "the connection is gone, though its peer is not", func() bool { return s.Stats().Open == 0 })
	})
}

func TestAbortOfABlockedSend(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		opened := make(chan Conn, 10)
		r := start(t, kind, smallLimits, Handler{
			Accepted: func(c Conn, _ int) {
				s.Append(c, make([]byte, 8<<20))
				opened <- c
			},
		})
		r.do(func() { s = r.s })
		for range 3 {
			c := r.client()
			conn := receive(t, opened)
			r.eventually("the connection is blocked", func() bool { return s.conns[conn.Index()].has(flagPollOut | flagSending) })
			r.do(func() { s.Abort(conn) })
			if _, err := io.Copy(io.Discard, c); !errors.Is(err, unix.ECONNRESET) {
				t.Errorf("read: %v, want a reset", err)
			}
		}
	})
}

func TestCloseWriteGoesOnReceiving(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, greeting := range []string{"", "hello"} {
			t.Run("after "+greeting, func(t *testing.T) {
				var s *Shard
				got := make(chan string, 100)
				ended := make(chan struct{})
				r := start(t, kind, smallLimits, Handler{
					Accepted: func(c Conn, _ int) {
						s.Append(c, []byte(greeting))
						s.CloseWrite(c)
					},
					Received: func(c Conn, p []byte) { got <- string(p) },
					EOF:      func(c Conn) { s.Close(c); close(ended) },
				})
				r.do(func() { s = r.s })
				c := r.client()
				expect(t, c, []byte(greeting))
				expectEnd(t, c)
				send(t, c, []byte("still here"))
				if p := receive(t, got); p != "still here" {
					t.Errorf("received %q", p)
				}
				_ = c.Close()
				receive(t, ended)
				r.eventually("the connection is gone", func() bool { return s.Stats().Open == 0 })
				r.stop()
			})
		}
	})
}

func TestAnswerAfterEOF(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		answer := pattern(3<<20, 0)
		r := start(t, kind, smallLimits, Handler{
			EOF: func(c Conn) {
				s.Resume(c) // nothing more can come: it must do nothing
				s.Append(c, answer)
				s.Close(c)
			},
		})
		r.do(func() { s = r.s })
		c := r.client()
		send(t, c, []byte("all there is"))
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		expect(t, c, answer)
		expectEnd(t, c)
		r.eventually("the connection is gone at once", func() bool { return s.Stats().Open == 0 })
	})
}

func TestResetByThePeerIsTold(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, tc := range []struct {
			name  string
			setup func(s *Shard, c Conn)
		}{
			{"while receiving", func(*Shard, Conn) {}},
			{"while sending", func(s *Shard, c Conn) { s.Append(c, make([]byte, 8<<20)) }},
			{"while paused and sending", func(s *Shard, c Conn) { s.Pause(c); s.Append(c, make([]byte, 8<<20)) }},
			{"in bulk", func(s *Shard, c Conn) { s.Bulk(c, true) }},
		} {
			t.Run(tc.name, func(t *testing.T) {
				var s *Shard
				opened, ended := make(chan Conn, 1), make(chan Reason, 10)
				r := start(t, kind, smallLimits, Handler{
					Accepted: func(c Conn, _ int) { tc.setup(s, c); opened <- c },
					Closed:   func(c Conn, why Reason, e Errno) { ended <- why },
				})
				r.do(func() { s = r.s })
				c := r.client()
				conn := receive(t, opened)
				if tc.name != "while receiving" && tc.name != "in bulk" {
					r.eventually("the connection is blocked", func() bool {
						return s.conns[conn.Index()].has(flagPollOut|flagSending) && len(s.dirty) == 0
					})
				}
				_ = c.SetLinger(0)
				_ = c.Close()
				if why := receive(t, ended); why != ReasonPeer {
					t.Errorf("the reason is %v, want %v", why, ReasonPeer)
				}
				r.eventually("it is gone", func() bool { return s.Stats().Open == 0 })
				if len(ended) != 0 {
					t.Error("told twice")
				}
				r.stop()
			})
		}
	})
}

// TestCloseIsBoundedInTime meets a peer that neither reads nor closes.
func TestCloseIsBoundedInTime(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		opened := make(chan Conn, 1)
		r := start(t, kind, smallLimits, Handler{
			Accepted: func(c Conn, _ int) {
				s.Append(c, make([]byte, 8<<20))
				s.Close(c)
				opened <- c
			},
		})
		r.do(func() { s = r.s })
		r.client()
		conn := receive(t, opened)
		r.eventually("the connection is blocked", func() bool {
			return s.conns[conn.Index()].has(flagPollOut|flagSending) && len(s.dirty) == 0
		})
		k := &s.conns[conn.Index()]
		// The peer's kernel has taken some bytes since Close: that is worth a
		// further period. When it takes no more, that is the end.
		r.do(func() {
			if left := k.deadline - s.now; left <= 0 || left > int64(closeTime) {
				t.Errorf("the deadline is %v away", time.Duration(left))
			}
			pass(s, conn.Index())
		})
		r.eventually("the deadline was prolonged", func() bool { return k.deadline > s.now })
		r.eventually("it is gone", func() bool {
			if s.Stats().Open > 0 && k.deadline > s.now {
				pass(s, conn.Index())
			}
			return s.Stats().Open == 0
		})
	})
}

func TestDeadlines(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		type call struct {
			c  Conn
			at int64
		}
		var s *Shard
		opened, timed := make(chan Conn, 4), make(chan call, 10)
		r := start(t, kind, smallLimits, Handler{
			Accepted: func(c Conn, _ int) { opened <- c },
			Timer:    func(c Conn) { timed <- call{c, s.Now()} },
		})
		r.do(func() { s = r.s })
		var conns [4]Conn
		for k := range conns {
			r.client()
			conns[k] = receive(t, opened)
		}
		var begin int64
		r.do(func() {
			begin = s.Now()
			s.SetDeadline(conns[0], 40*time.Millisecond)
			s.SetDeadline(conns[1], 10*time.Millisecond)
			s.SetDeadline(conns[1], 60*time.Millisecond) // later
			s.SetDeadline(conns[2], time.Hour)
			s.SetDeadline(conns[2], 20*time.Millisecond) // earlier
			s.SetDeadline(conns[3], 10*time.Millisecond)
			s.SetDeadline(conns[3], 0) // never
		})
		for _, want := range []struct {
			c     Conn
			after time.Duration
		}{
			{conns[2], 20 * time.Millisecond},
			{conns[0], 40 * time.Millisecond},
			{conns[1], 60 * time.Millisecond},
		} {
			got := receive(t, timed)
			if got.c != want.c || got.at-begin < int64(want.after) {
				t.Errorf("Timer for %#x after %v, want %#x after %v", uint64(got.c), time.Duration(got.at-begin), uint64(want.c), want.after)
			}
		}
		r.do(func() {
			if len(timed) != 0 {
				t.Error("Timer for a deadline that was taken back")
			}
			if now := time.Now().Unix(); s.Unix() < now-1 || s.Unix() > now {
				t.Errorf("the wall clock says %d, want %d", s.Unix(), now)
			}
		})
	})
}
