package uring

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pool is a buffer ring with its buffers.
type pool struct {
	*BufRing
	mem  []byte
	size int
}

func newPool(tb testing.TB, r *Ring, group uint16, entries, size int) *pool {
	tb.Helper()
	b, err := r.NewBufRing(group, uint32(entries))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Errorf("closing the buffer ring: %v", err)
		}
	})
	p := &pool{b, offHeap(tb, entries*size), size}
	for id := range entries {
		p.give(uint16(id))
	}
	p.Publish()
	return p
}

func (p *pool) give(id uint16) { p.Add(address(p.mem[int(id)*p.size:]), uint32(p.size), id) }

// received returns the bytes of a completion.
func (p *pool) received(tb testing.TB, c CQE) string {
	tb.Helper()
	if c.Res < 0 || c.Flags&CQEFBuffer == 0 || uint32(BufferID(c.Flags)) >= p.Entries() || int(c.Res) > p.size {
		tb.Fatalf("no data in completion %+v", c)
	}
	at := int(BufferID(c.Flags)) * p.size
	return string(p.mem[at : at+int(c.Res)])
}

// Buffers come back in whatever order; 70,000 rounds carry the tail past its 16 bits, and a ring of one entry keeps using
// the slot that shares its word with the tail.
func TestMultishotReceiveRecyclesBuffers(t *testing.T) {
	for _, c := range []struct{ entries, messages int }{{1, 1000}, {2, 70_000}, {8, 300}, {256, 2000}} {
		t.Run(fmt.Sprintf("%d buffers", c.entries), func(t *testing.T) {
			r := openRing(t, Options{Entries: 8})
			p := newPool(t, r, 7, c.entries, 32)
			pair := socketpair(t, unix.SOCK_STREAM)
			r.Next().RecvMulti(pair[0], p.Group(), 1)
			// A receive that has taken the last buffer ends for want of another unless the kernel knows that the socket is
			// empty. Linux 6.1 never does, and 6.12 not of unix sockets.
			next := func() CQE {
				got := take(t, r)
				if c.entries == 1 && got.Res == -int32(unix.ENOBUFS) && got.Flags&CQEFMore == 0 {
					r.Next().RecvMulti(pair[0], p.Group(), 1)
					got = take(t, r)
				}
				return got
			}
			for i := range c.messages {
				message := fmt.Sprintf("message %d", i)
				write(t, pair[1], message)
				got := next()
				if got.UserData != 1 || got.Flags&CQEFMore == 0 || p.received(t, got) != message {
					t.Fatalf("completion %+v for message %d", got, i)
				}
				p.give(BufferID(got.Flags))
				p.Publish()
			}
			unix.Shutdown(int(pair[1]), unix.SHUT_WR)
			if got := next(); got.Res != 0 || got.Flags&CQEFMore != 0 {
				t.Fatalf("at the end of the stream: %+v", got)
			}
		})
	}
}

// A burst takes several buffers at once, all but one at most; they are returned in reverse, so that ids and slots part
// company.
func TestMultishotReceiveOfABurst(t *testing.T) {
	for _, rung := range rungs(t) {
		t.Run(fmt.Sprintf("%#x", rung), func(t *testing.T) {
			r := openRungs(t, Options{Entries: 8}, []uint32{rung})
			p := newPool(t, r, 0, 8, 16)
			pair := socketpair(t, unix.SOCK_STREAM)
			r.Next().RecvMulti(pair[0], 0, 1)
			var sent, got strings.Builder
			for round := range 300 {
				burst := strings.Repeat(string(rune('a'+round%26)), 1+round%(7*16))
				sent.WriteString(burst)
				write(t, pair[1], burst)
				var ids []uint16
				for n := 0; n < len(burst); {
					c := take(t, r)
					if c.Flags&CQEFMore == 0 {
						t.Fatalf("round %d: the receive ended with %+v", round, c)
					}
					piece := p.received(t, c)
					n += len(piece)
					got.WriteString(piece)
					ids = append(ids, BufferID(c.Flags))
				}
				for i := range ids {
					p.give(ids[len(ids)-1-i])
				}
				p.Publish()
			}
			if got.String() != sent.String() {
				t.Fatal("the bytes received are not those sent")
			}
		})
	}
}

func TestRunningOutOfBuffers(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	p := newPool(t, r, 1, 2, 4)
	pair := socketpair(t, unix.SOCK_STREAM)
	r.Next().RecvMulti(pair[0], 1, 1)
	wantNone(t, r)
	write(t, pair[1], "AAAABBBBCCCCDDDD")
	first, second, end := take(t, r), take(t, r), take(t, r)
	if p.received(t, first) != "AAAA" || p.received(t, second) != "BBBB" || first.Flags&second.Flags&CQEFMore == 0 {
		t.Fatalf("completions %+v, %+v", first, second)
	}
	if end.Res != -int32(unix.ENOBUFS) || end.Flags&(CQEFMore|CQEFBuffer) != 0 {
		t.Fatalf("completion %+v, want ENOBUFS without more", end)
	}

	// Armed again without a buffer it fails again; with buffers it goes on where it was.
	r.Next().RecvMulti(pair[0], 1, 2)
	if c := take(t, r); c.Res != -int32(unix.ENOBUFS) {
		t.Fatalf("completion %+v, want ENOBUFS", c)
	}
	p.give(BufferID(second.Flags))
	p.give(BufferID(first.Flags))
	// Without Publish the kernel has not seen them.
	r.Next().Recv(pair[0], 1, 0, 3)
	if c := take(t, r); c.Res != -int32(unix.ENOBUFS) {
		t.Fatalf("completion %+v, want ENOBUFS", c)
	}
	p.Publish()
	r.Next().RecvMulti(pair[0], 1, 4)
	if a, b := take(t, r), take(t, r); p.received(t, a) != "CCCC" || p.received(t, b) != "DDDD" ||
		BufferID(a.Flags) != BufferID(second.Flags) {
		t.Fatalf("completions %+v, %+v", a, b)
	}
}

func TestOneShotReceive(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	p := newPool(t, r, 1, 4, 64)
	pair := socketpair(t, unix.SOCK_STREAM)
	r.Next().Recv(pair[0], 1, 5, 1)
	wantNone(t, r)
	write(t, pair[1], "limited to five")
	if c := take(t, r); p.received(t, c) != "limit" || c.Flags&CQEFMore != 0 {
		t.Fatalf("completion %+v", c)
	}
	wantNone(t, r)
	r.Next().Recv(pair[0], 1, 0, 2)
	if c := take(t, r); p.received(t, c) != "ed to five" {
		t.Fatalf("completion %+v", c)
	}
}

func TestCancelledReceiveKeepsTheBuffers(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	p := newPool(t, r, 1, 1, 64)
	pair := socketpair(t, unix.SOCK_STREAM)
	for i := range uint64(100) {
		r.Next().RecvMulti(pair[0], 1, i)
		r.Next().CancelFD(pair[0], 1000)
		if all := takeAll(t, r, 2); all[i].Res != -int32(unix.ECANCELED) || all[i].Flags&CQEFBuffer != 0 || all[1000].Res != 1 {
			t.Fatalf("round %d: %+v", i, all)
		}
	}
	write(t, pair[1], "still there")
	r.Next().RecvMulti(pair[0], 1, 1)
	if c := take(t, r); p.received(t, c) != "still there" {
		t.Fatalf("completion %+v", c)
	}
}

func TestNewBufRingErrors(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	for _, entries := range []uint32{0, 3, 100, MaxBuffers + 1, 2 * MaxBuffers} {
		if _, err := r.NewBufRing(1, entries); err == nil {
			t.Errorf("a ring of %d buffers was accepted", entries)
		}
	}
	newPool(t, r, 1, 2, 16)
	if _, err := r.NewBufRing(1, 2); err == nil {
		t.Error("a group was registered twice")
	}
	newPool(t, r, 2, MaxBuffers, 16)
}

func TestClosedBufRing(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	b, err := r.NewBufRing(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	pair := socketpair(t, unix.SOCK_STREAM)
	write(t, pair[1], "x")
	r.Next().RecvMulti(pair[0], 1, 1)
	if c := take(t, r); c.Res != -int32(unix.ENOBUFS) {
		t.Fatalf("receive from a closed group: %+v, want ENOBUFS", c)
	}

	// The number is free again, and a ring that outlives its io_uring can still be closed.
	if b, err = r.NewBufRing(1, 2); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBufRingAllocatesNothing(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	b, err := r.NewBufRing(1, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	mem := offHeap(t, 4096)
	if n := testing.AllocsPerRun(100, func() {
		b.Add(address(mem), 64, 3)
		b.Publish()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
