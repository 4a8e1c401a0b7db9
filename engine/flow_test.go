package engine

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
)

// producer answers every connection with size bytes, as far as Drained asks.
type producer struct {
	s     *Shard
	t     *testing.T
	size  int
	chunk int
	low   int
	made  map[Conn]int
	calls int
	turn  uint64
	peak  int64
}

func (p *producer) accepted(c Conn, _ int) { p.fill(c) }

func (p *producer) drained(c Conn) {
	p.calls++
	if q := p.s.Queued(c); q > int64(p.low) {
		p.t.Errorf("Drained with %d bytes left, the mark is %d", q, p.low)
	}
	if turn := p.s.Stats().Turns; len(p.made) == 1 && turn == p.turn {
		p.t.Errorf("Drained twice in turn %d: one connection may occupy it for ever", turn)
	} else {
		p.turn = turn
	}
	p.fill(c)
}

func (p *producer) fill(c Conn) {
	at := p.made[c]
	n := min(p.chunk, p.size-at)
	if !p.s.Append(c, pattern(n, at)) {
		p.t.Error("no buffer")
	}
	p.made[c] = at + n
	p.peak = max(p.peak, p.s.Queued(c))
	if p.made[c] < p.size {
		p.s.NotifyDrained(c, p.low)
	} else {
		p.s.Close(c)
	}
}

func TestSlowReaderBlocksAndResumes(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, clients := range []int{1, 4} {
			t.Run(fmt.Sprintf("%d readers", clients), func(t *testing.T) {
				p := &producer{t: t, size: 16 << 20, chunk: 128 << 10, low: 32 << 10, made: map[Conn]int{}}
				r := start(t, kind, smallLimits, Handler{
					Accepted: func(c Conn, l int) { p.accepted(c, l) },
					Drained:  p.drained,
				})
				r.do(func() { p.s = r.s })
				var conns []*net.TCPConn
				for range clients {
					conns = append(conns, r.client())
				}
				r.eventually("every connection is blocked by its reader", func() bool {
					n := 0
					for i := uint32(1); i < r.s.made; i++ {
						if r.s.conns[i].has(flagPollOut | flagSending) {
							n++
						}
					}
					return n == clients && len(r.s.dirty) == 0
				})
				// Nothing moves while nobody reads. The first turns after
				// blocking may still move what the kernel made room for.
				r.do(func() {
					for c, n := range p.made {
						if n >= p.size {
							t.Errorf("connection %#x has produced all of its %d bytes", uint64(c), n)
						}
					}
				})
				want := pattern(p.size, 0)
				for _, c := range conns {
					got, err := io.ReadAll(c)
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("read %d bytes, %v, want %d, or others", len(got), err, len(want))
					}
				}
				r.do(func() {
					if limit := int64(p.chunk + p.low); p.peak > limit {
						t.Errorf("%d bytes were queued, want at most %d", p.peak, limit)
					}
					if p.calls < 16 {
						t.Errorf("Drained came %d times", p.calls)
					}
				})
			})
		}
	})
}

// TestNotifyDrainedComesAtOnce asks for a mark that the queue is below
// already: empty, blocked, and while connecting.
func TestNotifyDrainedComesAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		drained, opened := make(chan Conn, 10), make(chan Conn, 10)
		r := start(t, kind, smallLimits, Handler{
			Accepted: func(c Conn, _ int) { opened <- c },
			Drained:  func(c Conn) { drained <- c },
		})
		r.client()
		c := receive(t, opened)
		r.do(func() { r.s.NotifyDrained(c, 0) })
		if receive(t, drained) != c {
			t.Error("Drained named another connection")
		}
		r.do(func() { r.s.Append(c, make([]byte, 16<<20)) })
		r.eventually("the connection is blocked", func() bool {
			return r.s.conns[c.Index()].has(flagPollOut|flagSending) && len(r.s.dirty) == 0
		})
		r.do(func() { r.s.NotifyDrained(c, 64<<20) })
		receive(t, drained)
		addr := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		r.do(func() {
			up, e := r.s.Connect(TCPAddr(netip.MustParseAddrPort(addr.String())), 0)
			if e != 0 {
				t.Errorf("connect: %v", e)
			}
			r.s.NotifyDrained(up, 0)
		})
		receive(t, drained)
	})
}

// collector checks that a pattern arrives in order.
type collector struct {
	t    *testing.T
	want []byte
	at   int
}

func (k *collector) take(p []byte) {
	if k.at+len(p) > len(k.want) || !bytes.Equal(p, k.want[k.at:k.at+len(p)]) {
		k.t.Errorf("at byte %d: other bytes than were sent", k.at)
	}
	k.at += len(p)
}

func TestPauseStopsAndResumeGoesOn(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, bulk := range []bool{false, true} {
			t.Run(fmt.Sprintf("bulk %v", bulk), func(t *testing.T) {
				var s *Shard
				var conn Conn
				k := &collector{t: t, want: pattern(16<<20, 0)}
				calls := 0
				r := start(t, kind, smallLimits, Handler{
					Accepted: func(c Conn, _ int) { conn = c; s.Bulk(c, bulk) },
					Received: func(c Conn, p []byte) {
						k.take(p)
						calls++
						s.Pause(c)
					},
				})
				r.do(func() { s = r.s })
				c := r.client()
				errs := make(chan error, 1)
				go func() {
					_, err := c.Write(k.want)
					errs <- err
				}()
				at, n := 0, 0
				for ended := false; !ended; {
					r.eventually("bytes arrive after Resume", func() bool {
						s.Resume(conn)
						return calls > n || k.at == len(k.want)
					})
					r.do(func() {
						s.Pause(conn)
						at, n = k.at, calls
						ended = at == len(k.want)
					})
					// In bulk at most the receive that was under way may
					// still deliver; otherwise the kernel's ring may.
					bound := recvSmall * SmallBuffer
					if bulk {
						bound = LargeBuffer
					}
					for range 3 {
						r.do(func() {
							if k.at > at+bound {
								t.Errorf("%d bytes arrived during a pause", k.at-at)
							}
						})
					}
				}
				if err := receive(t, errs); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// TestPauseResumeBulkInAnyOrder changes its mind at every chance, within calls
// and between them.
func TestPauseResumeBulkInAnyOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for seed := range uint64(4) {
			var s *Shard
			rng := rand.New(rand.NewPCG(seed, 3))
			k := &collector{t: t, want: pattern(8<<20, 0)}
			var conn Conn
			jolt := func() {
				for range rng.IntN(5) {
					switch rng.IntN(4) {
					case 0:
						s.Pause(conn)
					case 1:
						s.Resume(conn)
					case 2:
						s.Bulk(conn, true)
					case 3:
						s.Bulk(conn, false)
					}
				}
			}
			ended := make(chan struct{})
			r := start(t, kind, smallLimits, Handler{
				Accepted: func(c Conn, _ int) { conn = c; jolt() },
				Received: func(_ Conn, p []byte) { k.take(p); jolt() },
				EOF:      func(c Conn) { s.Close(c); close(ended) },
			})
			r.do(func() { s = r.s })
			c := r.client()
			go func() {
				_, _ = c.Write(k.want)
				_ = c.CloseWrite()
			}()
			r.eventually("all has arrived", func() bool {
				jolt()
				s.Resume(conn)
				return k.at == len(k.want)
			})
			r.do(func() { s.Resume(conn) })
			receive(t, ended)
			expectEnd(t, c)
			_ = c.Close()
			r.stop()
		}
	})
}

// relay pumps between pairs of connections with bounded queues.
type relay struct {
	s      *Shard
	t      *testing.T
	to     *Addr
	peer   map[Conn]Conn
	high   int64
	low    int
	copied int64
	small  int
	large  int
	faults func(c Conn, why Reason, e Errno)
}

func (y *relay) handler() Handler {
	return Handler{
		Accepted: func(c Conn, _ int) {
			up, e := y.s.Connect(y.to, 0)
			if e != 0 {
				y.t.Errorf("connect: %v", e)
				return
			}
			y.peer[c], y.peer[up] = up, c
			y.s.Bulk(c, true)
			y.s.Bulk(up, true)
		},
		Received: func(c Conn, p []byte) {
			to := y.peer[c]
			if !y.s.Relay(to, p) {
				y.t.Error("no buffer")
			}
			y.copied += int64(len(p))
			if y.s.Queued(to) > y.high {
				y.s.Pause(c)
				y.s.NotifyDrained(to, y.low)
			}
			st := y.s.Stats()
			y.small, y.large = max(y.small, st.SmallInUse), max(y.large, st.LargeInUse)
		},
		Drained: func(c Conn) { y.s.Resume(y.peer[c]) },
		EOF: func(c Conn) {
			to := y.peer[c]
			y.s.CloseWrite(to)
			if y.peer[to] == NoConn {
				y.s.Close(to)
				y.s.Close(c)
			}
			y.peer[c] = NoConn
		},
		Closed: func(c Conn, why Reason, e Errno) {
			if y.faults == nil {
				y.t.Errorf("connection %#x ended: %v %v", uint64(c), why, e)
				return
			}
			y.faults(c, why, e)
		},
	}
}

// TestRelayByReference pumps 64 MiB through a shard of few buffers, there and
// then back.
func TestRelayByReference(t *testing.T) {
	const total = 64 << 20
	onBoth(t, func(t *testing.T, kind Kind) {
		want := sha256.Sum256(repeated(total))
		sums := make(chan [32]byte, 1)
		addr := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
			h := sha256.New()
			_, _ = io.Copy(h, c)
			sums <- [32]byte(h.Sum(nil))
			_, _ = c.Write([]byte("done"))
		})
		y := &relay{
			t: t, peer: map[Conn]Conn{}, high: 512 << 10, low: 128 << 10,
			to: TCPAddr(netip.MustParseAddrPort(addr.String())),
		}
		limits := smallLimits
		limits.SmallBuffers, limits.LargeBuffers = 320, 64
		r := start(t, kind, limits, y.handler())
		r.do(func() { y.s = r.s })
		c := r.client()
		go func() {
			_, _ = c.Write(repeated(total))
			_ = c.CloseWrite()
		}()
		if got := receive(t, sums); got != want {
			t.Error("other bytes arrived than were sent")
		}
		expect(t, c, []byte("done"))
		expectEnd(t, c)
		r.do(func() {
			if y.copied < total {
				t.Errorf("%d bytes passed", y.copied)
			}
			if large := y.large - r.base.LargeInUse; large > 24 {
				t.Errorf("%d large buffers were in use for a queue of at most %d bytes", large, y.high)
			}
			t.Logf("at most %d small and %d large buffers beyond those at rest", y.small-r.base.SmallInUse, y.large-r.base.LargeInUse)
		})
	})
}

// repeated is n bytes of a pattern, cheap to make.
func repeated(n int) []byte {
	return bytes.Repeat(pattern(1<<20, 0), n>>20)
}

// TestReceiveWaitsForBuffers takes every receive buffer away. Receiving stops
// without spinning, and goes on when they come back.
func TestReceiveWaitsForBuffers(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, bulk := range []bool{false, true} {
			t.Run(fmt.Sprintf("bulk %v", bulk), func(t *testing.T) {
				var s *Shard
				var held []Buf
				holding := true
				k := &collector{t: t, want: pattern(24<<20, 0)}
				passed := make(chan Stats, 2)
				limits := Limits{Connections: 8, SmallBuffers: recvSmall, LargeBuffers: recvLarge}
				var conn Conn
				r := start(t, kind, limits, Handler{
					Accepted: func(c Conn, _ int) { conn = c; s.Bulk(c, bulk) },
					Received: func(c Conn, p []byte) {
						k.take(p)
						if holding {
							s.pool.retain(s.rx)
							held = append(held, s.rx)
						}
					},
					Timer: func(c Conn) { passed <- s.Stats() },
				})
				r.do(func() { s = r.s })
				c := r.client()
				go func() { _, _ = c.Write(k.want) }()
				r.eventually("the buffers are gone", func() bool { return s.Stats().NoBuffers > 0 })
				var before Stats
				r.do(func() {
					before = s.Stats()
					s.SetDeadline(conn, 30*1e6)
				})
				after := receive(t, passed)
				// A look every starvedWait, and some for other reasons.
				if turns := after.Turns - before.Turns; turns > 100 {
					t.Errorf("%d turns in 30 ms without a buffer: the loop spins", turns)
				}
				r.do(func() {
					if k.at == len(k.want) {
						t.Error("all has arrived, without buffers")
					}
					holding = false
					for _, b := range held {
						s.pool.release(b)
					}
				})
				r.eventually("all has arrived", func() bool { return k.at == len(k.want) })
			})
		}
	})
}

// TestManyReceiversFewBuffers lets more connections receive in one turn than
// the kernel has buffers for.
func TestManyReceiversFewBuffers(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const clients = recvSmall + 100
		got := map[Conn]int{}
		limits := Limits{Connections: clients + 1, SmallBuffers: recvSmall, LargeBuffers: recvLarge}
		r := start(t, kind, limits, Handler{
			Received: func(c Conn, p []byte) { got[c] += len(p) },
		})
		var conns []*net.TCPConn
		for range clients {
			conns = append(conns, r.client())
		}
		r.eventually("all are accepted", func() bool { return r.s.Stats().Open == clients })
		for range 3 {
			hold, held := make(chan struct{}), make(chan struct{})
			for !r.s.Post(Message{Value: func() { close(held); <-hold }}) {
			}
			<-held
			for _, c := range conns {
				send(t, c, make([]byte, 5000))
			}
			close(hold)
		}
		r.eventually("all has arrived", func() bool {
			for _, n := range got {
				if n != 15000 {
					return false
				}
			}
			return len(got) == clients
		})
		r.do(func() { t.Logf("%d receives were short of a buffer", r.s.Stats().NoBuffers) })
		for _, c := range conns {
			_ = c.Close()
		}
	})
}
