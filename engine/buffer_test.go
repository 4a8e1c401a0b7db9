package engine

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine/offheap"
)

func newPool(t testing.TB, small, large int) *pool {
	t.Helper()
	p := new(pool)
	if err := p.open(&Limits{SmallBuffers: small, LargeBuffers: large}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

func TestPoolSizes(t *testing.T) {
	p := newPool(t, 4, 4)
	for _, tc := range []struct {
		name string
		n    int
		size int
	}{
		{"nothing", 0, SmallBuffer},
		{"one byte", 1, SmallBuffer},
		{"all of a small one", SmallBuffer, SmallBuffer},
		{"one more", SmallBuffer + 1, LargeBuffer},
		{"all of a large one", LargeBuffer, LargeBuffer},
		{"more than there is", LargeBuffer + 1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := p.get(tc.n)
			if tc.size == 0 {
				if b != 0 {
					t.Fatalf("got buffer %#x", b)
				}
				return
			}
			if b == 0 || p.size(b) != tc.size {
				t.Fatalf("got buffer %#x of %d bytes, want %d", b, p.size(b), tc.size)
			}
			mem := offheap.Bytes(p.addr(b), tc.size)
			mem[0], mem[len(mem)-1] = 1, 2
			p.release(b)
		})
	}
}

func TestPoolBuffersDoNotOverlap(t *testing.T) {
	p := newPool(t, 8, 8)
	var all []Buf
	for _, n := range []int{SmallBuffer, LargeBuffer} {
		for range 8 {
			b := p.get(n)
			mem := offheap.Bytes(p.addr(b), n)
			for i := range mem {
				mem[i] = byte(len(all))
			}
			all = append(all, b)
		}
	}
	for k, b := range all {
		for i, v := range offheap.Bytes(p.addr(b), p.size(b)) {
			if v != byte(k) {
				t.Fatalf("byte %d of buffer %#x was overwritten", i, b)
			}
		}
	}
}

func TestPoolCountsReferences(t *testing.T) {
	p := newPool(t, 1, 1)
	for _, n := range []int{SmallBuffer, LargeBuffer} {
		b := p.get(n)
		p.retain(b)
		p.retain(b)
		for k := range 3 {
			if p.get(n) != 0 {
				t.Fatalf("a buffer with %d references was handed out again", 3-k)
			}
			p.release(b)
		}
		if again := p.get(n); again != b {
			t.Fatalf("got %#x, want the released %#x", again, b)
		}
		p.release(b)
	}
}

func TestPoolReleaseOfAFreeBufferPanics(t *testing.T) {
	p := newPool(t, 2, 1)
	b := p.get(1)
	p.release(b)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	p.release(b)
}

func TestPoolExhaustionAndReturn(t *testing.T) {
	p := newPool(t, 3, 2)
	var held []Buf
	for {
		b := p.get(1)
		if b == 0 {
			break
		}
		held = append(held, b)
	}
	if len(held) != 3 || p.small.inUse() != 3 {
		t.Fatalf("%d buffers handed out, %d in use, want 3", len(held), p.small.inUse())
	}
	if p.get(LargeBuffer) == 0 {
		t.Error("the large ones are gone as well")
	}
	p.release(held[1])
	if b := p.get(1); b != held[1] {
		t.Errorf("got %#x, want %#x", b, held[1])
	}
	for _, b := range held {
		p.release(b)
	}
	if p.small.inUse() != 0 {
		t.Errorf("%d in use at the end", p.small.inUse())
	}
}

// resident counts the pages of a class that have memory behind them.
func resident(t *testing.T, c *class) int {
	t.Helper()
	pages := make([]byte, (len(c.mem)+4095)/4096)
	if err := mincore(c.mem, pages); err != 0 {
		t.Fatalf("mincore: %v", err)
	}
	n := 0
	for _, p := range pages {
		n += int(p & 1)
	}
	return n
}

func mincore(mem, pages []byte) unix.Errno {
	_, _, e := unix.Syscall(unix.SYS_MINCORE, offheap.Addr(mem), uintptr(len(mem)), offheap.Addr(pages))
	return e
}

func TestPoolTrimGivesIdlePagesBack(t *testing.T) {
	p := newPool(t, 64, 0)
	c := &p.small
	before := resident(t, c)
	var held []Buf
	for range 64 {
		b := p.receiveInto(SmallBuffer)
		offheap.Bytes(p.addr(b), 1)[0] = 7
		held = append(held, b)
	}
	if n := resident(t, c) - before; n != 64 {
		t.Fatalf("%d pages touched, want 64", n)
	}
	for _, b := range held {
		p.release(b)
	}
	c.trim(100)
	if n := resident(t, c) - before; n != 64 {
		t.Errorf("%d pages left after the first trim, want 64: they were in use since the last", n)
	}
	// Four buffers are in use at a time; the others lie idle.
	for range 3 {
		for k := range 4 {
			held[k] = p.receiveInto(1)
		}
		for k := range 4 {
			p.release(held[k])
		}
	}
	c.trim(10)
	if n := resident(t, c) - before; n != 54 {
		t.Errorf("%d pages left, want 54: the limit was 10", n)
	}
	c.trim(100)
	if n := resident(t, c) - before; n != 0 && n != 4 {
		t.Errorf("%d pages left, want those of the buffers in use", n)
	}
	for range 64 {
		b := p.receiveInto(1)
		offheap.Bytes(p.addr(b), 1)[0] = 9
	}
	if p.receiveInto(1) != 0 || c.inUse() != 64 {
		t.Errorf("trim changed how many buffers there are: %d in use", c.inUse())
	}
}

func TestPoolAllocatesNothing(t *testing.T) {
	p := newPool(t, 128, 8)
	var held [100]Buf
	if n := testing.AllocsPerRun(100, func() {
		for k := range held {
			held[k] = p.get(1)
			p.retain(held[k])
		}
		for _, b := range held {
			p.release(b)
			p.release(b)
		}
		p.small.trim(16)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPoolKeepsBuffersForReceiving(t *testing.T) {
	p := newPool(t, 256, 64)
	for _, n := range []int{SmallBuffer, LargeBuffer} {
		for p.get(n) != 0 {
		}
		if p.receiveInto(n) == 0 {
			t.Errorf("no buffer of %d bytes is left to receive into", n)
		}
	}
	if p.forContent(LargeBuffer) != 0 {
		t.Error("output took what is kept for receiving")
	}
}

func TestPoolWritesWithWhatIsLeft(t *testing.T) {
	p := newPool(t, 256, 64)
	for p.get(LargeBuffer) != 0 {
	}
	if b := p.forContent(LargeBuffer); b == 0 || p.size(b) != SmallBuffer {
		t.Errorf("got %#x, want a small buffer", b)
	}
	for p.forContent(1) != 0 {
	}
	if p.get(1) == 0 {
		t.Error("content has taken what heads need")
	}
	for i := range Buf(10) {
		p.release(largeBit | (i + 1))
	}
	if b := p.forContent(1); b == 0 || p.size(b) != LargeBuffer {
		t.Errorf("got %#x, want a large buffer", b)
	}
}

func TestPoolPressure(t *testing.T) {
	p := newPool(t, 64, 64)
	var got []int
	for used := range 65 {
		if got = append(got, p.pressure()); used < 64 {
			p.receiveInto(LargeBuffer)
		}
	}
	for used, want := range map[int]int{0: 0, 31: 0, 32: 1, 47: 1, 48: 2, 55: 2, 56: 3, 64: 3} {
		if got[used] != want {
			t.Errorf("the pressure is %d with %d of 64 in use, want %d", got[used], used, want)
		}
	}
}
