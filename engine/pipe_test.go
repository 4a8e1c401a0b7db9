package engine

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"io"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// pipedRelay is a relay that receives all it can into pipes.
type pipedRelay struct {
	relay
	piped int64
	most  int64 // bytes queued
}

func (y *pipedRelay) handler(n int64) Handler {
	h := y.relay.handler()
	accepted := h.Accepted
	h.Accepted = func(c Conn, l int) {
		accepted(c, l)
		y.ask(c, n)
	}
	var client Conn
	received := h.Received
	h.Received = func(c Conn, p []byte) {
		if client == NoConn {
			client = c
		}
		received(c, p)
		// What could not be piped was an exception.
		if left := n - y.piped - y.copied; c == client && left > 0 {
			y.s.ReceivePiped(c, left)
		}
	}
	h.Piped = func(c Conn, k int) {
		to := y.peer[c]
		client = cmp.Or(client, c)
		y.piped += int64(k)
		y.s.RelayPiped(to)
		y.most = max(y.most, y.s.Queued(to))
		if y.s.Queued(to) > y.high {
			y.s.Pause(c)
			y.s.NotifyDrained(to, y.low)
		}
	}
	return h
}

func (y *pipedRelay) ask(c Conn, n int64) {
	if !y.s.ReceivePiped(c, n) {
		y.t.Error("a fresh connection is not received from into a pipe")
	}
}

func newPipedRelay(t *testing.T, addr net.Addr) *pipedRelay {
	return &pipedRelay{relay: relay{
		t: t, peer: map[Conn]Conn{}, high: 512 << 10, low: 128 << 10,
		to: TCPAddr(netip.MustParseAddrPort(addr.String())),
	}}
}

// atRest fails if a pipe is held, or of no use and still open.
func atRest(t *testing.T, p *pipes) {
	t.Helper()
	if n := len(p.idle) + len(p.free); len(p.all) > 0 && n != len(p.all)-1 {
		t.Errorf("%d of %d pipes are still held", len(p.all)-1-n, len(p.all)-1)
	}
	for _, i := range p.idle {
		if q := p.all[i]; q.held != 0 || q.lost || q.refs != 0 {
			t.Errorf("an idle pipe is %+v", q)
		}
	}
}

func TestRelayPiped(t *testing.T) {
	const total, beside = 64 << 20, 1000
	onBoth(t, func(t *testing.T, kind Kind) {
		want := sha256.Sum256(repeated(total))
		sums := make(chan [32]byte, 1)
		addr := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
			h := sha256.New()
			_, _ = io.Copy(h, c)
			sums <- [32]byte(h.Sum(nil))
			_, _ = c.Write([]byte("done"))
		})
		y := newPipedRelay(t, addr)
		r := start(t, kind, smallLimits, y.handler(total-beside))
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
			if y.piped+y.copied != total+int64(len("done")) || y.copied < beside {
				t.Errorf("%d bytes piped and %d copied", y.piped, y.copied)
			}
			if y.piped < total/2 {
				t.Errorf("only %d bytes were piped", y.piped)
			}
			atRest(t, &r.s.pipes)
			t.Logf("%d bytes piped, %d copied, %d pipes", y.piped, y.copied, len(r.s.pipes.all)-1)
		})
	})
}

// A reader that stops makes the writer wait, with a bounded number of bytes
// between them, and gets everything when it reads on.
func TestPipedSlowReader(t *testing.T) {
	const total = 8 << 20
	onBoth(t, func(t *testing.T, kind Kind) {
		read := make(chan struct{})
		got := make(chan []byte, 1)
		addr := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
			_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
			<-read
			b, _ := io.ReadAll(c)
			got <- b
		})
		y := newPipedRelay(t, addr)
		r := start(t, kind, smallLimits, y.handler(total))
		r.do(func() { y.s = r.s })
		c := r.client()
		message := pattern(total, 5)
		go func() {
			_, _ = c.Write(message)
			_ = c.CloseWrite()
		}()
		var most, before int64
		r.eventually("the relay rests", func() bool {
			most, before = y.most, y.piped
			return most > y.high
		})
		if bound := y.high + readsPerTurn*pipeBytes; most > bound {
			t.Errorf("%d bytes are queued, more than %d", most, bound)
		}
		if before >= total {
			t.Error("everything was taken although nobody reads")
		}
		close(read)
		if !bytes.Equal(receive(t, got), message) {
			t.Error("other bytes arrived than were sent")
		}
	})
}

// When the reader goes away, what it was to get is dropped with its pipe.
func TestPipedReaderGone(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		addr := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
			b := make([]byte, 1<<20)
			_, _ = io.ReadFull(c, b)
			_ = c.(*net.TCPConn).SetLinger(0)
		})
		y := newPipedRelay(t, addr)
		gone := make(chan struct{})
		y.faults = func(c Conn, _ Reason, _ Errno) {
			y.s.Abort(y.peer[c])
			close(gone)
		}
		r := start(t, kind, smallLimits, y.handler(1<<40))
		r.do(func() { y.s = r.s })
		c := r.client()
		go func() {
			for b := make([]byte, 1<<20); ; {
				if _, err := c.Write(b); err != nil {
					return
				}
			}
		}()
		receive(t, gone)
		r.eventually("both connections are gone", func() bool { return r.s.Stats().Open == 0 })
		r.do(func() { atRest(t, &r.s.pipes) })
	})
}

// Without a pipe the bytes come as they always do.
func TestPipedWithoutPipes(t *testing.T) {
	const total = 4 << 20
	onBoth(t, func(t *testing.T, kind Kind) {
		got := make(chan []byte, 1)
		addr := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
			b, _ := io.ReadAll(c)
			got <- b
		})
		y := newPipedRelay(t, addr)
		r := start(t, kind, smallLimits, y.handler(total))
		r.do(func() {
			y.s = r.s
			for range maxPipes + 1 {
				r.s.pipes.all = append(r.s.pipes.all, pipe{r: -1, w: -1})
			}
		})
		c := r.client()
		message := pattern(total, 6)
		send(t, c, message)
		_ = c.CloseWrite()
		if !bytes.Equal(receive(t, got), message) {
			t.Error("other bytes arrived than were sent")
		}
		r.do(func() {
			if y.piped != 0 || y.copied != total {
				t.Errorf("%d bytes piped and %d copied", y.piped, y.copied)
			}
			r.s.pipes.all = nil
		})
	})
}

// Bytes that nobody relays are gone, and with them the pipe; those that follow
// are not mixed up with them.
func TestPipedAndNotRelayed(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		rest := make(chan []byte, 1)
		h := Handler{
			Accepted: func(c Conn, _ int) { s.ReceivePiped(c, 300_000) },
			Piped:    func(Conn, int) {},
			EOF:      func(c Conn) { s.Close(c) },
		}
		var tail []byte
		h.Received = func(_ Conn, p []byte) {
			if tail = append(tail, p...); bytes.HasSuffix(tail, []byte("tail")) {
				rest <- tail
			}
		}
		r := start(t, kind, smallLimits, h)
		r.do(func() { s = r.s })
		c := r.client()
		send(t, c, append(make([]byte, 300_000), "tail"...))
		if got := receive(t, rest); len(bytes.TrimLeft(got, "\x00")) != len("tail") {
			t.Errorf("received %s behind what was piped", brief(got))
		}
		_ = c.CloseWrite()
		expectEnd(t, c)
		r.eventually("the connection is gone", func() bool { return r.s.Stats().Open == 0 })
		r.do(func() { atRest(t, &r.s.pipes) })
	})
}

// An urgent byte stops splice(2) for good; what follows it arrives all the
// same, and nobody spins.
func TestPipedUrgentByte(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		got := make(chan []byte, 1)
		addr := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
			b, _ := io.ReadAll(c)
			got <- b
		})
		y := newPipedRelay(t, addr)
		r := start(t, kind, smallLimits, y.handler(10<<20))
		r.do(func() { y.s = r.s })
		c := r.client()
		before, after := pattern(200_000, 1), pattern(5000, 2)
		send(t, c, before)
		r.eventually("what precedes the urgent byte is there", func() bool {
			return y.piped+y.copied == int64(len(before))
		})
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Write(func(fd uintptr) bool {
			return unix.Sendto(int(fd), []byte("y"), unix.MSG_OOB, nil) == nil
		}); err != nil {
			t.Fatal(err)
		}
		var turns uint64
		r.do(func() { turns = r.s.Stats().Turns })
		send(t, c, after)
		r.eventually("what follows it is there", func() bool {
			return y.piped+y.copied >= int64(len(before)+len(after))
		})
		r.do(func() {
			if n := r.s.Stats().Turns - turns; n > 10_000 {
				t.Errorf("%d turns", n)
			}
		})
		_ = c.CloseWrite()
		if b := receive(t, got); !bytes.HasPrefix(b, before) || !bytes.HasSuffix(b, after) {
			t.Errorf("%d bytes arrived: %s", len(b), brief(b))
		}
	})
}

// The end is noticed although the pipe before it is full.
func TestPipedEndBehindAFullPipe(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		read := make(chan struct{})
		addr := sink(t, "tcp", "127.0.0.1:0", func(c net.Conn) {
			<-read
			_, _ = io.Copy(io.Discard, c)
		})
		y := newPipedRelay(t, addr)
		y.high = 1 << 40
		r := start(t, kind, smallLimits, y.handler(1<<40))
		r.do(func() { y.s = r.s })
		c := r.client()
		total := int64(8 << 20)
		send(t, c, make([]byte, total))
		// Each byte takes a slot of the pipe of its own.
		for range 2 * pipeBytes / 4096 {
			r.eventually("all is received", func() bool { return y.piped+y.copied == total })
			send(t, c, []byte{1})
			total++
		}
		_ = c.CloseWrite()
		ended := func() bool {
			for _, to := range y.peer {
				if to == NoConn {
					return true
				}
			}
			return false
		}
		r.eventually("the end is noticed", ended)
		close(read)
		r.eventually("both connections are gone", func() bool { return r.s.Stats().Open == 0 })
		r.do(func() { atRest(t, &r.s.pipes) })
	})
}
