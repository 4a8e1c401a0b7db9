package engine

import "github.com/anygate/anygate/engine/offheap"

// queue is a connection's output: a list of segments, sent in order. Offsets
// into the shard's segment slab stand in for pointers.
type queue struct {
	head, tail uint32
	room       uint32 // bytes free behind the tail, if the tail is our own buffer
	low        uint32 // the mark of NotifyDrained
	bytes      int64
}

type segKind uint8

const (
	segBuffer segKind = iota // bytes in a pool buffer, counted
	segMemory                // bytes elsewhere off-heap, released by token
	segFile                  // bytes of a file, sent by sendfile(2), released by token
	segPipe                  // bytes in a pipe, sent by splice(2)
	segRecord                // content of a record of a type of its own, in a pool buffer
)

// segment is a piece of output.
type segment struct {
	pos   uint64 // address of the next byte; for a file its offset
	n     int64  // bytes left
	next  uint32
	owner uint32 // Buf, release token, or pipe
	fd    int32  // of a record its type
	kind  segKind

	// window tells which part of the file at pos is known to be in memory.
	window uint16
}

// segments is a slab of segments with a free list; index 0 is "none".
type segments struct {
	all  []segment
	free uint32
}

func (g *segments) get() uint32 {
	if i := g.free; i != 0 {
		g.free = g.all[i].next
		return i
	}
	if len(g.all) == 0 {
		g.all = make([]segment, 1, 1024)
	}
	g.all = append(g.all, segment{})
	return uint32(len(g.all) - 1)
}

func (g *segments) put(i uint32) {
	g.all[i].next = g.free
	g.free = i
}

// push appends a segment.
func (s *Shard) push(q *queue, seg segment) { *s.extend(q, seg.n, 0) = seg }

// extend appends a segment of n bytes, with room for more behind them, and
// returns it to be filled in: a literal would be made elsewhere and copied.
func (s *Shard) extend(q *queue, n int64, room int) *segment {
	i := s.segs.get()
	if q.tail != 0 {
		s.segs.all[q.tail].next = i
	} else {
		q.head = i
	}
	q.tail = i
	q.room = uint32(room)
	q.bytes += n
	g := &s.segs.all[i]
	g.n, g.next = n, 0
	return g
}

// consume removes n sent bytes from the front.
func (s *Shard) consume(q *queue, n int64) {
	q.bytes -= n
	for n > 0 {
		g := &s.segs.all[q.head]
		if g.n > n {
			g.n -= n
			g.pos += uint64(n)
			return
		}
		n -= g.n
		g.n = 0
		s.pop(q)
	}
	// A connection with nothing to send holds no buffer.
	for q.bytes == 0 && q.head != 0 {
		s.pop(q)
	}
}

// pop drops the first segment, sent or not, without changing q.bytes.
func (s *Shard) pop(q *queue) {
	i := q.head
	g := &s.segs.all[i]
	q.head = g.next
	if q.head == 0 {
		q.tail, q.room = 0, 0
	}
	kind, owner, left := g.kind, g.owner, g.n
	s.segs.put(i)
	switch {
	case kind == segBuffer || kind == segRecord:
		s.pool.release(Buf(owner))
	case kind == segPipe:
		s.dropPiped(owner, left)
	case s.handler.Released != nil:
		s.handler.Released(owner)
	}
}

// drop empties the queue without sending.
func (s *Shard) drop(q *queue) {
	for q.head != 0 {
		s.pop(q)
	}
	q.bytes = 0
}

// reserve returns n writable bytes at the end of the queue, nil if there is
// no buffer.
func (s *Shard) reserve(q *queue, n int) []byte {
	if int(q.room) < n || q.tail == 0 {
		b := s.pool.get(n)
		if b == 0 {
			return nil
		}
		s.pushBuffer(q, b)
	}
	g := &s.segs.all[q.tail]
	return offheap.Bytes(uintptr(g.pos)+uintptr(g.n), int(q.room))
}

// pushBuffer puts an empty buffer of ours behind the queue.
func (s *Shard) pushBuffer(q *queue, b Buf) {
	g := s.extend(q, 0, s.pool.size(b))
	g.pos, g.owner, g.kind = uint64(s.pool.addr(b)), uint32(b), segBuffer
}

func (s *Shard) commit(q *queue, n int) {
	if uint32(n) > q.room {
		panic("engine: more bytes committed than reserved")
	}
	s.segs.all[q.tail].n += int64(n)
	q.room -= uint32(n)
	q.bytes += int64(n)
}

// write copies p to the end of the queue; false if buffers ran out, with the
// queue then holding a part of p.
func (s *Shard) write(q *queue, p []byte) bool {
	for len(p) > 0 {
		if q.room == 0 || q.tail == 0 {
			b := s.pool.forContent(len(p))
			if b == 0 {
				return false
			}
			s.pushBuffer(q, b)
		}
		g := &s.segs.all[q.tail]
		k := copy(offheap.Bytes(uintptr(g.pos)+uintptr(g.n), int(q.room)), p)
		s.commit(q, k)
		p = p[k:]
	}
	return true
}
