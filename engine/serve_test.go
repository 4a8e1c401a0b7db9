package engine

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// echoHandler answers every byte with itself.
func echoHandler(t testing.TB, shard **Shard) Handler {
	return Handler{
		Received: func(c Conn, p []byte) {
			if !(*shard).Append(c, p) {
				t.Error("no buffer")
			}
		},
		EOF: func(c Conn) { (*shard).Close(c) },
	}
}

func TestEcho(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		h := echoHandler(t, &s)
		accepted := make(chan int, 100)
		h.Accepted = func(c Conn, listener int) { accepted <- listener }
		h.Turn = func() {}
		r := start(t, kind, smallLimits, h)
		r.do(func() { s = r.s })
		c := r.client()
		if id := receive(t, accepted); id != 7 {
			t.Errorf("accepted on listener %d, want 7", id)
		}
		for i := range 100 {
			msg := []byte(fmt.Sprintf("message %d", i))
			send(t, c, msg)
			expect(t, c, msg)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		expectEnd(t, c)
		r.eventually("the connection is gone", func() bool { return r.s.Stats().Open == 0 })
	})
}

// TestEchoOfMany makes turns with many completions, which io_uring answers by
// queued sends.
func TestEchoOfMany(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r := start(t, kind, smallLimits, echoHandler(t, &s))
		r.do(func() { s = r.s })
		const clients, rounds = 40, 20
		conns := make([]*net.TCPConn, clients)
		for k := range conns {
			conns[k] = r.client()
		}
		for i := range rounds {
			// The shard stands still while the requests come in.
			hold, held := make(chan struct{}), make(chan struct{})
			for !r.s.Post(Message{Value: func() { close(held); <-hold }}) {
			}
			<-held
			for k, c := range conns {
				send(t, c, []byte(fmt.Sprintf("client %d, round %d", k, i)))
			}
			close(hold)
			for k, c := range conns {
				expect(t, c, []byte(fmt.Sprintf("client %d, round %d", k, i)))
			}
		}
		r.do(func() {
			if st := r.s.Stats(); kind == IOUring && st.QueuedSends < clients*rounds/2 {
				t.Errorf("%d sends were queued and %d made directly", st.QueuedSends, st.DirectSends)
			}
		})
	})
}

func TestPipelinedAnswersKeepOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const requests = 5000
		var s *Shard
		var rest []byte
		r := start(t, kind, smallLimits, Handler{
			Received: func(c Conn, p []byte) {
				rest = append(rest, p...)
				for ; len(rest) >= 8; rest = rest[8:] {
					b := s.Reserve(c, 16)
					copy(b, "<")
					copy(b[1:], rest[:8])
					copy(b[9:], ">")
					s.Commit(c, 10)
				}
			},
		})
		r.do(func() { s = r.s })
		c := r.client()
		var in, want []byte
		for i := range requests {
			in = fmt.Appendf(in, "%08d", i)
			want = fmt.Appendf(want, "<%08d>", i)
		}
		go func() { _, _ = c.Write(in) }()
		expect(t, c, want)
	})
}

func TestPostFromManyGoroutines(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const senders, each = 8, 2000
		var sum, count uint64
		last := map[uint32]uint64{}
		all := make(chan struct{})
		r := start(t, kind, smallLimits, Handler{Message: func(m Message) {
			if m.Arg <= last[m.Kind] {
				t.Errorf("message %d of %d came after %d", m.Arg, m.Kind, last[m.Kind])
			}
			last[m.Kind] = m.Arg
			sum += m.Arg
			if count++; count == senders*each {
				close(all)
			}
		}})
		var wg sync.WaitGroup
		for k := range senders {
			wg.Go(func() {
				for i := range each {
					for !r.s.Post(Message{Kind: uint32(k), Arg: uint64(i + 1)}) {
						runtime.Gosched()
					}
				}
			})
		}
		wg.Wait()
		receive(t, all)
		r.do(func() {
			if sum != senders*each*(each+1)/2 {
				t.Errorf("the messages sum up to %d", sum)
			}
		})
		// Alone, each message has to wake a shard that sleeps.
		for range 200 {
			r.do(func() {})
		}
	})
}

func TestTwoShardsShareAPort(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		// Descriptors are counted around both.
		fds := fdCount(t)
		var rigs [2]*rig
		var got [2]atomic.Int64
		for k := range rigs {
			addr := netip.MustParseAddrPort("127.0.0.1:0")
			if k == 1 {
				addr = rigs[0].addr
			}
			fd, err := Listen(addr)
			if err != nil {
				t.Fatal(err)
			}
			rg := &rig{t: t, lis: fd, fds: -1, gone: true}
			if rg.addr, err = LocalAddr(fd); err != nil {
				t.Fatal(err)
			}
			rigs[k] = rg
			var s *Shard
			h := echoHandler(t, &s)
			h.Accepted = func(Conn, int) { got[k].Add(1) }
			rg.run(kind, smallLimits, h)
			rg.do(func() { s = rg.s })
		}
		const clients = 80
		for i := range clients {
			c := dialTCP(t, rigs[0].addr)
			send(t, c, []byte{byte(i)})
			expect(t, c, []byte{byte(i)})
			_ = c.Close()
		}
		a, b := got[0].Load(), got[1].Load()
		if a+b != clients || a == 0 || b == 0 {
			t.Errorf("the shards accepted %d and %d of %d clients", a, b, clients)
		}
		for _, r := range rigs {
			r.gone = false
			r.stop()
		}
		if n := fdCount(t); n != fds {
			t.Errorf("%d descriptors open, %d before", n, fds)
		}
	})
}

// TestSteadyStateAllocatesNothing counts the allocations of the whole process
// while a loop serves, first in batches, then one request at a time.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const clients, depth, size = 8, 64, 32
		var s *Shard
		answer := []byte("0123456789abcdef0123456789abcdef")
		h := Handler{
			Received: func(c Conn, p []byte) {
				for ; len(p) >= size; p = p[size:] {
					s.Append(c, answer)
				}
				s.SetDeadline(c, patience)
			},
			Turn: func() {}, Tick: func() {},
		}
		r := start(t, kind, smallLimits, h)
		r.do(func() { s = r.s })
		conns := make([]*net.TCPConn, clients)
		for k := range conns {
			conns[k] = r.client()
		}
		request, reply := make([]byte, depth*size), make([]byte, depth*size)
		round := func(n int) {
			for _, c := range conns {
				if _, err := c.Write(request[:n*size]); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range conns {
				for got := 0; got < n*size; {
					k, err := c.Read(reply)
					if err != nil {
						t.Fatal(err)
					}
					got += k
				}
			}
		}
		measure := func(rounds, n int) {
			for _, c := range conns {
				wait(c)
			}
			for range 20 {
				round(n)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range rounds {
				round(n)
			}
			runtime.ReadMemStats(&after)
			requests := rounds * n * clients
			if n := after.Mallocs - before.Mallocs; n > 200 {
				t.Errorf("%d allocations in %d requests", n, requests)
			} else {
				t.Logf("%d allocations in %d requests", n, requests)
			}
		}
		measure(200, depth)
		measure(500, 1)
		r.do(func() { s.spinner.limit = int64(patience) })
		measure(500, 1)
		for _, c := range conns {
			_ = c.Close()
		}
	})
}
