package engine

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"

	"github.com/anygate/anygate/engine/offheap"
)

// handed is a transform that offers the kernel to take over. Until then records are
// in angle brackets. There is no TLS in the kernel of these tests: what is said by a
// record's type comes as content does.
type handed struct {
	s       *Shard
	name    Conn
	hello   string // what it says before content
	refuses bool   // HandOver does
	late    int    // so many times Flushed says no
	fd      int32
	offers  int
	asked   int // Flushed
	sent    uint64
	closing bool
	closed  bool
	failed  bool
	gone    int
}

func (x *handed) Open(in []byte) (plain []byte, n int, err error) {
	if i := bytes.IndexByte(in, '!'); i >= 0 {
		x.failed = true
		return nil, len(in), errors.New("refused")
	}
	return in, len(in), nil
}

func (x *handed) Ready() bool { return true }

func (x *handed) Next(waiting int) int {
	switch {
	case x.hello != "" || x.failed:
		return -1
	case waiting > 0:
		return min(waiting, 10)
	case x.closing && !x.closed:
		return -1
	}
	return 0
}

func (x *handed) Seal(dst, content []byte) (int, error) {
	n := copy(dst[1:], content)
	dst[0], dst[n+1] = '<', '>'
	return n + 2, nil
}

func (x *handed) Say(dst []byte) int {
	words := x.hello
	switch {
	case x.hello != "":
		x.hello = ""
	case x.failed:
		x.failed, words = false, "(alert)"
	default:
		x.closed, words = true, "(bye)"
	}
	if x.fd == 0 {
		return copy(dst, words)
	}
	dst[0] = 21
	return 1 + copy(dst[1:], words)
}

func (x *handed) HandOver(fd int32) bool {
	x.offers++
	if !x.refuses {
		x.fd = fd
	}
	return !x.refuses
}

func (x *handed) Flushed(sent uint64) (uint64, bool) {
	x.asked++
	x.sent = sent
	return sent + 1000, x.asked > x.late
}

func (x *handed) Close() { x.closing = true }
func (x *handed) Drop()  { x.gone++ }

// handRig accepts connections under transforms like the one given.
func handRig(t *testing.T, kind Kind, like handed, h Handler) (r *rig, transforms *[]*handed) {
	transforms = new([]*handed)
	begun := make(chan struct{})
	accepted := h.Accepted
	h.Accepted = func(c Conn, l int) {
		<-begun
		x := like
		x.s, x.name = r.s, c
		*transforms = append(*transforms, &x)
		r.s.SetTransform(c, &x)
		r.s.Offload(c, &x)
		if accepted != nil {
			accepted(c, l)
		}
	}
	r = start(t, kind, smallLimits, h)
	close(begun)
	return r, transforms
}

// TestOffload has everything that can be output go through a connection whose records
// the kernel makes, to one client and to several at once, whose sends are queued. The
// end waits until the kernel has nothing left.
func TestOffload(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, clients := range []int{1, 6} {
			t.Run(fmt.Sprintf("%d clients", clients), func(t *testing.T) {
				f := file(t, 3<<20)
				mem := foreign(t, 1<<20)
				var s *Shard
				var k tokens
				r, transforms := handRig(t, kind, handed{hello: "hello ", late: 2}, Handler{
					Received: func(c Conn, p []byte) {
						if string(p) == "small" {
							s.Append(c, p)
							return
						}
						s.Append(c, []byte("head "))
						s.AppendFile(c, int32(f.Fd()), 1, 3<<20-1, k.next())
						s.Append(c, []byte(" middle "))
						s.AppendMemory(c, offheap.Addr(mem), len(mem), k.next())
						s.Append(c, pattern(100_000, 0))
						s.Close(c)
					},
					Released: k.released(t),
				})
				r.do(func() { s = r.s })
				want := append([]byte("head "), pattern(3<<20, 0)[1:]...)
				want = append(append(want, " middle "...), mem...)
				want = append(append(want, pattern(100_000, 0)...), "(bye)"...)
				var conns []*net.TCPConn
				for range clients {
					c := r.client()
					expect(t, c, []byte("hello "))
					for range 3 {
						send(t, c, []byte("small"))
						expect(t, c, []byte("small"))
					}
					conns = append(conns, c)
				}
				for _, c := range conns {
					send(t, c, []byte("large"))
				}
				for _, c := range conns {
					expect(t, c, want)
					expectEnd(t, c)
					_ = c.Close()
				}
				r.eventually("they are gone", func() bool { return s.Stats().Open == 0 })
				r.do(func() {
					if k.back != 2*clients {
						t.Errorf("%d of %d tokens came back", k.back, 2*clients)
					}
					for _, x := range *transforms {
						if x.offers != 1 || x.asked != x.late+1 || x.gone != 1 {
							t.Errorf("offered %d times, asked %d times, dropped %d times", x.offers, x.asked, x.gone)
						}
						if n := uint64(len("hello ") + 3*len("small") + len(want)); x.sent != n {
							t.Errorf("asked whether %d bytes have gone, not %d", x.sent, n)
						}
					}
				})
				r.stop()
			})
		}
	})
}

// TestOffloadWaitsForWhatIsSealed begins with content before the transform's words are
// sent.
func TestOffloadWaitsForWhatIsSealed(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r, _ := handRig(t, kind, handed{hello: "hello "}, Handler{
			Accepted: func(c Conn, _ int) { s.Append(c, []byte("at once")); s.CloseWrite(c) },
			EOF:      func(c Conn) { s.Close(c) },
		})
		r.do(func() { s = r.s })
		c := r.client()
		expect(t, c, []byte("hello at once(bye)"))
		expectEnd(t, c)
		_ = c.Close()
		r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 })
	})
}

// TestOffloadRefused goes on in this process, and does not ask again.
func TestOffloadRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r, transforms := handRig(t, kind, handed{refuses: true}, Handler{
			Received: func(c Conn, p []byte) { s.Append(c, p) },
			EOF:      func(c Conn) { s.Close(c) },
		})
		r.do(func() { s = r.s })
		c := r.client()
		for range 2 {
			send(t, c, []byte("content"))
			expect(t, c, []byte("<content>"))
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		expect(t, c, []byte("(bye)"))
		expectEnd(t, c)
		r.do(func() {
			if x := (*transforms)[0]; x.offers != 1 || x.asked != 0 {
				t.Errorf("offered %d times, asked %d times", x.offers, x.asked)
			}
		})
	})
}

// TestOffloadAlertReachesThePeer sends rubbish while a large answer is on its way: what
// the kernel has not got of it gives way to the alert.
func TestOffloadAlertReachesThePeer(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const size = 24 << 20
		var s *Shard
		var k tokens
		f := file(t, size)
		ended, begun := make(chan Reason, 10), make(chan Conn, 1)
		r, _ := handRig(t, kind, handed{}, Handler{
			Received: func(c Conn, p []byte) {
				s.AppendFile(c, int32(f.Fd()), 0, size, k.next())
				begun <- c
			},
			Closed:   func(_ Conn, why Reason, _ Errno) { ended <- why },
			Released: k.released(t),
		})
		r.do(func() { s = r.s })
		c := r.client()
		send(t, c, []byte("go"))
		conn := receive(t, begun)
		r.eventually("the connection is blocked", func() bool {
			return s.conns[conn.Index()].has(flagPollOut|flagSending) && len(s.dirty) == 0
		})
		send(t, c, []byte("!"))
		if why := receive(t, ended); why != ReasonTransform {
			t.Errorf("the reason is %v, want %v", why, ReasonTransform)
		}
		got := drainPeer(t, c)
		if len(got) >= size || !bytes.HasSuffix(got, []byte("(alert)")) {
			t.Errorf("%d bytes that end with %q", len(got), got[max(0, len(got)-10):])
		}
		_ = c.Close()
		r.eventually("it is gone", func() bool { return s.Stats().Open == 0 && k.back == 1 })
	})
}

// drainPeer reads to the end.
func drainPeer(t *testing.T, c net.Conn) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestOffloadOfAPeerThatIsGone ends a connection while the kernel holds records.
func TestOffloadOfAPeerThatIsGone(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r, _ := handRig(t, kind, handed{late: 1 << 30}, Handler{
			Received: func(c Conn, p []byte) { s.Append(c, p); s.Close(c) },
		})
		r.do(func() { s = r.s })
		c := r.client()
		send(t, c, []byte("content"))
		expect(t, c, []byte("content(bye)"))
		r.eventually("it waits for the kernel", func() bool { return len(r.s.lagging) == 1 })
		if err := c.SetLinger(0); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		r.eventually("it is gone", func() bool { return r.s.Stats().Open == 0 && len(r.s.lagging) == 0 })
	})
}

// TestOffloadAllocatesNothing counts the allocations of the process while content is
// echoed.
func TestOffloadAllocatesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r, _ := handRig(t, kind, handed{}, Handler{
			Received: func(c Conn, p []byte) { s.Append(c, p) },
			EOF:      func(c Conn) { s.Close(c) },
		})
		r.do(func() { s = r.s })
		c := r.client()
		message, answer := []byte("message"), make([]byte, 7)
		round := func() {
			if _, err := c.Write(message); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(answer); err != nil {
				t.Fatal(err)
			}
		}
		for range 200 {
			round()
		}
		wait(c)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 5_000 {
			round()
		}
		runtime.ReadMemStats(&after)
		if n := after.Mallocs - before.Mallocs; n > 200 {
			t.Errorf("%d allocations for 5,000 messages", n)
		}
	})
}

// TestOffloadSimulated has short sends, delays and a reader who stops for a while.
func TestOffloadSimulated(t *testing.T) {
	f := file(t, 200_000)
	want := append([]byte("hello head "), pattern(200_000, 0)...)
	want = append(append(want, pattern(9_000, 0)...), "(bye)"...)
	for seed := range uint64(100) {
		var s *Shard
		var k tokens
		m := newSim(t, seed, Faults{Short: 0.3, Delay: 0.3, Cancel: 0.1}, smallLimits, Handler{
			Accepted: func(c Conn, _ int) {
				x := &handed{hello: "hello ", late: int(seed % 3)}
				s.SetTransform(c, x)
				s.Offload(c, x)
			},
			Received: func(c Conn, p []byte) {
				s.Append(c, []byte("head "))
				s.AppendFile(c, int32(f.Fd()), 0, 200_000, k.next())
				s.Append(c, pattern(9_000, 0))
				s.Close(c)
			},
			Released: k.released(t),
		})
		s = m.Shard()
		s.AddListener(-1, 0)
		p := m.Client(0)
		p.Window = 50_000
		p.Write([]byte("x"))
		mustRun(t, m, func() bool { return len(p.FromShard) == p.Window })
		p.Window = -1
		mustRun(t, m, func() bool {
			m.Advance(lagTime)
			return p.GotEOF
		})
		if !bytes.Equal(p.FromShard, want) {
			t.Fatalf("seed %d: %d bytes that end with %q", seed, len(p.FromShard), p.FromShard[max(0, len(p.FromShard)-10):])
		}
		p.CloseWrite()
		mustRun(t, m, func() bool { return s.Stats().Open == 0 })
		if k.back != 1 {
			t.Errorf("seed %d: the token came back %d times", seed, k.back)
		}
	}
}
