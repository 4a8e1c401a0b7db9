package telemetry

import "sync/atomic"

// Ring is a bounded queue of log lines with one producer, a shard, and one consumer, a Writer.
//
// Positions count bytes from the beginning and never wrap; their remainder by the size is a place in the buffer. A line
// is never split: one that does not fit before the end of the buffer begins at its start, and edge remembers where the
// valid bytes before that gap end. One edge is enough, because a second gap cannot be made before the consumer has
// passed the first: both would lie within one length of the buffer.
type Ring struct {
	buf []byte // its length is a power of two

	// The producer's side. end is its next position, gap the position the reserved line starts at (end, or the start of
	// the buffer's next lap), seen the consumer's position as the producer knows it.
	end  uint64
	gap  uint64
	seen uint64
	// nudge tells the consumer that there is much to do; nudged is that it has been told.
	nudge  func()
	nudged bool
	stamp  stamp
	_      [64]byte

	// What the producer publishes.
	head    atomic.Uint64
	edge    atomic.Uint64
	dropped atomic.Uint64
	_       [64]byte

	// What the consumer publishes.
	tail atomic.Uint64
	_    [64]byte
}

// NewRing makes a ring of at least size bytes, rounded up to a power of two.
func NewRing(size int) *Ring {
	n := minRingBytes
	for n < size {
		n <<= 1
	}
	return &Ring{buf: make([]byte, n)}
}

// Reserve returns an empty slice with room for n bytes, to be filled by appending and handed over by Commit. When the
// ring has no such room it returns nil, and the line counts as dropped.
func (r *Ring) Reserve(n int) []byte {
	size := uint64(len(r.buf))
	at := r.end
	if left := size - at&(size-1); uint64(n) > left {
		at += left
	}
	need := at + uint64(n)
	if need-r.seen > size {
		if r.seen = r.tail.Load(); need-r.seen > size {
			// An addition by the only writer needs no locked instruction.
			r.dropped.Store(r.dropped.Load() + 1)
			return nil
		}
	}
	r.gap = at
	from := at & (size - 1)
	return r.buf[from : from : from+uint64(n)]
}

// Commit hands over the first n bytes of what the last Reserve returned; no more than were reserved.
func (r *Ring) Commit(n int) {
	if n <= 0 {
		return
	}
	if r.gap != r.end {
		r.edge.Store(r.end)
	}
	r.end = r.gap + uint64(n)
	r.head.Store(r.end)
	if half := uint64(len(r.buf) / 2); r.end-r.seen > half {
		r.fill(half)
	} else {
		r.nudged = false
	}
}

// fill has the consumer told when the ring is half full, once until it is not.
func (r *Ring) fill(half uint64) {
	r.seen = r.tail.Load()
	full := r.end-r.seen > half
	if full && !r.nudged && r.nudge != nil {
		r.nudge()
	}
	r.nudged = full
}

// OnHalf has f called by the producer, on its thread, each time the ring comes to be half full. It is set before the first
// line.
func (r *Ring) OnHalf(f func()) { r.nudge = f }

// Dropped is how many lines found no room so far. Any goroutine may ask.
func (r *Ring) Dropped() uint64 { return r.dropped.Load() }

// peek returns the oldest bytes that lie in one piece, nil if there are none. They stay until advance.
func (r *Ring) peek() []byte {
	size := uint64(len(r.buf))
	tail, head := r.tail.Load(), r.head.Load()
	if tail == head {
		return nil
	}
	next := tail - tail&(size-1) + size // where the buffer's next lap begins
	if head <= next {
		return r.buf[tail&(size-1):][:head-tail]
	}
	// The producer is a lap ahead, so that edge is where this lap's bytes end, unless they reach the very end.
	end := next
	if edge := r.edge.Load(); edge >= tail && edge < next {
		end = edge
	}
	if end == tail {
		r.tail.Store(next)
		return r.buf[:head-next]
	}
	return r.buf[tail&(size-1):][:end-tail]
}

// advance gives n bytes of what peek returned back to the producer.
func (r *Ring) advance(n int) { r.tail.Store(r.tail.Load() + uint64(n)) }
