package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine/offheap"
)

// Buf names a buffer of a shard's pool. The zero value names none.
type Buf uint32

const largeBit Buf = 1 << 31

// class is a set of equally large buffers: a reserved address range, a
// reference count for each, and a stack of those that are free.
type class struct {
	mem    []byte
	refs   []int32
	free   []uint32 // a stack: the buffer freed last is warm and used next
	size   int
	made   uint32 // buffers ever handed out; those above were never touched
	kept   int    // the last free buffers, which only receives get
	heads  int    // and those before them, which content does not get
	lowest int    // lowest number of free buffers since the last trim
	cold   int    // free[:cold] have no pages behind them
}

func (c *class) open(size, n int) (err error) {
	c.size = size
	if c.mem, err = offheap.Slice[byte](size * (n + 1)); err != nil {
		return err
	}
	if c.refs, err = offheap.Slice[int32](n + 1); err != nil {
		return err
	}
	if c.free, err = offheap.Slice[uint32](n + 1); err != nil {
		return err
	}
	c.free = c.free[:0]
	c.made = 1 // buffer 0 is "none"
	c.kept = min(keptBuffers, n/16)
	c.heads = c.kept + n/16
	return nil
}

func (c *class) close() {
	offheap.Unmap(c.mem)
	offheap.Unmap(c.refs)
	offheap.Unmap(c.free)
}

func (c *class) get() uint32 {
	if n := len(c.free); n > 0 {
		i := c.free[n-1]
		c.free = c.free[:n-1]
		c.lowest = min(c.lowest, n-1)
		c.cold = min(c.cold, n-1)
		c.refs[i] = 1
		return i
	}
	if int(c.made) == len(c.refs) {
		return 0
	}
	i := c.made
	c.made++
	c.refs[i] = 1
	return i
}

// left is how many buffers are not in use.
func (c *class) left() int { return len(c.free) + len(c.refs) - int(c.made) }

func (c *class) put(i uint32) {
	c.free = append(c.free, i)
}

// trim gives the pages of up to limit buffers that nobody needed since the
// last call back to the system.
func (c *class) trim(limit int) {
	idle := min(c.lowest, len(c.free))
	for ; c.cold < idle && limit > 0; limit-- {
		i := c.free[c.cold]
		_ = unix.Madvise(c.mem[int(i)*c.size:(int(i)+1)*c.size], unix.MADV_DONTNEED)
		c.cold++
	}
	c.lowest = len(c.free)
}

func (c *class) inUse() int { return int(c.made) - 1 - len(c.free) }

// pool is a shard's buffers, in two sizes, counted without atomics.
type pool struct {
	small, large class
}

func (p *pool) open(l *Limits) error {
	if err := p.small.open(SmallBuffer, l.SmallBuffers); err != nil {
		return err
	}
	return p.large.open(LargeBuffer, l.LargeBuffers)
}

func (p *pool) close() {
	p.small.close()
	p.large.close()
}

// get returns a buffer of at least n bytes with one reference, or 0. The last
// few are kept for receiving: a shard that has run out of buffers to send from
// goes on listening to those it has room for.
func (p *pool) get(n int) Buf {
	c := &p.small
	if n > SmallBuffer {
		c = &p.large
	}
	if c.left() <= c.kept {
		return 0
	}
	return p.receiveInto(n)
}

// receiveInto is get for a buffer that a receive fills.
func (p *pool) receiveInto(n int) Buf {
	if n <= SmallBuffer {
		return Buf(p.small.get())
	}
	if n > LargeBuffer {
		return 0
	}
	if i := p.large.get(); i != 0 {
		return Buf(i) | largeBit
	}
	return 0
}

// forContent returns a buffer for a piece of content of n bytes: a large one
// if that is not wasteful, and whatever there is when one size has run out. It
// leaves a share to get, so that heads and small answers still go out when
// content that nobody takes has filled the rest.
func (p *pool) forContent(n int) Buf {
	large, small := p.large.left() > p.large.heads, p.small.left() > p.small.heads
	wanted := n >= LargeBuffer/2 || n > 2*SmallBuffer && p.pressure() == 0
	switch {
	case large && (wanted || !small):
		return p.receiveInto(LargeBuffer)
	case small:
		return p.receiveInto(SmallBuffer)
	}
	return 0
}

// worthKeeping reports whether n bytes justify holding on to the buffer they
// were received in, rather than copying them.
func (p *pool) worthKeeping(b Buf, n int) bool {
	c, share := &p.small, 4
	if b&largeBit != 0 {
		c = &p.large
	}
	if p.pressure() > 0 {
		share = 2
	}
	return n*share >= c.size && c.left() > c.heads
}

// pressure says how scarce buffers are: 0 while more than half are left, 1, 2,
// and 3 when there is less than an eighth.
func (p *pool) pressure() int { return max(p.small.pressure(), p.large.pressure()) }

// scarce reports whether what one receive takes should be little: a client
// that does not read holds at least what was received for it.
func (p *pool) scarce() bool { return p.pressure() > 1 }

// exhausted reports whether half of what is left to heads is in use too.
func (p *pool) exhausted() bool {
	c := &p.small
	return c.left() <= c.kept+(c.heads-c.kept)/2
}

func (c *class) pressure() int {
	switch left, all := c.left(), len(c.refs)-1; {
	case left*2 > all:
		return 0
	case left*4 > all:
		return 1
	case left*8 > all:
		return 2
	}
	return 3
}

func (p *pool) addr(b Buf) uintptr {
	if b&largeBit != 0 {
		return uintptr(unsafe.Pointer(unsafe.SliceData(p.large.mem))) + uintptr(b&^largeBit)*LargeBuffer
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(p.small.mem))) + uintptr(b)*SmallBuffer
}

func (p *pool) size(b Buf) int {
	if b&largeBit != 0 {
		return LargeBuffer
	}
	return SmallBuffer
}

func (p *pool) refs(b Buf) *int32 {
	if b&largeBit != 0 {
		return &p.large.refs[b&^largeBit]
	}
	return &p.small.refs[b]
}

func (p *pool) retain(b Buf) { *p.refs(b)++ }

func (p *pool) release(b Buf) {
	r := p.refs(b)
	*r--
	if *r > 0 {
		return
	}
	if *r < 0 {
		panic("engine: a buffer was released more often than retained")
	}
	if b&largeBit != 0 {
		p.large.put(uint32(b &^ largeBit))
	} else {
		p.small.put(uint32(b))
	}
}
