package engine

import (
	"io"

	"github.com/anygate/anygate/engine/offheap"
)

// Transform is a step between a socket's bytes and a protocol's: TLS, in
// practice. It runs on the shard's thread and never blocks. While it waits for
// something else than bytes, a signature say, it is driven by Nudge.
type Transform interface {
	// Open takes received bytes. It returns the next piece of plaintext,
	// which may alias in, and how many bytes of in are used up; it is called
	// again until it returns no plaintext and uses up nothing. What it does not
	// use up then it never sees again. An io.EOF says that the peer has closed
	// its side in the transform's own terms; any other error ends the
	// connection. It may write to in.
	Open(in []byte) (plain []byte, n int, err error)

	// Ready reports whether plaintext can pass.
	Ready() bool

	// Next says what is to be sealed next: above 0, a record of so many of the
	// waiting bytes of plaintext; below 0, what the transform itself has to say;
	// 0, nothing now.
	Next(waiting int) int

	// Seal makes a record of content, as much as Next has said, at the beginning
	// of dst, and returns its length. content lies where it belongs in the record,
	// at dst[SealHead:] with SealTail bytes of room behind it, or somewhere else
	// altogether. It may be written to, and so may the byte behind it, which is there
	// in either case.
	Seal(dst, content []byte) (m int, err error)

	// Say writes to dst what the transform itself has to say (a handshake
	// message, an alert), or a part of it. dst has at least SayRoom bytes.
	Say(dst []byte) int

	// Close makes the transform say its closing words when no plaintext waits.
	Close()

	// Drop says that the connection is gone, and the transform with it.
	Drop()
}

const (
	// SealHead and SealTail are the room before and behind the plaintext of a
	// record: enough for every cipher of TLS 1.2 and 1.3.
	SealHead = 5
	SealTail = 123

	// SayRoom is the least room that Say is given.
	SayRoom = 256
)

// filter is a connection's transform with the plaintext that waits for it.
type filter struct {
	t       Transform
	plain   queue
	quiet   bool // the transform had nothing more to seal or to say
	ready   bool // Connected has been called
	closed  bool // Close was called
	refused bool // Open has failed
	cut     bool // and what the kernel has not got yet is to be dropped
	lags    bool // in the list of connections whose records the kernel holds

	offer  Offloader // the kernel may make the records from now on
	kernel Offloader // it does
}

// end lets the transform say its closing words after what is queued.
func (f *filter) end() {
	if !f.closed {
		f.closed, f.quiet = true, false
		f.t.Close()
	}
}

// SetTransform puts t between the socket and the protocol, before the
// connection has sent or received anything. Connected tells when it is ready,
// of accepted connections too.
func (s *Shard) SetTransform(c Conn, t Transform) {
	r := s.get(c)
	if r == nil {
		return
	}
	i := int(c.index())
	for len(s.filters) <= i {
		s.filters = append(s.filters, nil)
	}
	if s.filters[i] == nil {
		s.filters[i] = new(filter)
	}
	s.filters[i].t = t
	r.flags |= flagFilter
	s.markDirty(c.index())
}

// Nudge has a connection's transform asked again in this turn, behind its
// messages, or in the next, if this is late: what it waits for has come.
func (s *Shard) Nudge(c Conn) { s.nudged = append(s.nudged, c) }

// drive asks the transforms that were nudged.
func (s *Shard) drive() {
	s.nudged, s.driven = s.driven[:0], s.nudged
	for _, name := range s.driven {
		i := name.index()
		c := &s.conns[i]
		if c.gen&genMask == name.gen() && c.has(flagOpen) && c.has(flagFilter) && !c.has(flagShut|flagFinishing|flagConnecting) && !s.filters[i].refused {
			s.open1(i, nil)
		}
	}
}

// endFilter drops what a connection has of a transform. The record is used again
// for the next connection in the same place.
func (s *Shard) endFilter(i uint32) {
	if c := &s.conns[i]; c.has(flagFilter) {
		f := s.filters[i]
		s.drop(&f.plain)
		f.t.Drop()
		*f = filter{}
		c.flags &^= flagFilter
	}
}

// open1 brings received bytes through the transform.
func (s *Shard) open1(i uint32, p []byte) {
	name, c, f := s.name(i), &s.conns[i], s.filters[i]
	for {
		plain, n, err := f.t.Open(p)
		p = p[n:]
		if !f.ready && f.t.Ready() {
			f.ready = true
			if !c.has(flagDead) && s.handler.Connected != nil {
				s.handler.Connected(name)
				if s.ceased(i, name) {
					return
				}
			}
		}
		if len(plain) > 0 && !c.has(flagDead) && s.handler.Received != nil {
			s.handler.Received(name, plain)
			if s.ceased(i, name) {
				return
			}
		}
		if err == io.EOF {
			s.closedByPeer(i)
			return
		}
		if err != nil {
			s.refused(i)
			return
		}
		if n == 0 && len(plain) == 0 {
			break
		}
	}
	f.quiet = false
	s.markDirty(i)
}

// ceased reports whether nothing more may be done for a connection that the
// protocol was called for.
func (s *Shard) ceased(i uint32, name Conn) bool {
	c := &s.conns[i]
	return s.name(i) != name || !c.has(flagOpen) || c.has(flagFinishing)
}

// closedByPeer handles closing words: what the socket brings behind them is of
// no interest.
func (s *Shard) closedByPeer(i uint32) {
	name, c := s.name(i), &s.conns[i]
	s.filters[i].quiet = false
	s.markDirty(i)
	if c.has(flagEOF) {
		return
	}
	s.eof(i)
	if !s.ceased(i, name) {
		s.loop.receive(i)
	}
}

// refused ends a connection whose bytes the transform does not take. An alert
// may be waiting to tell the peer why; it goes out as a last answer does.
func (s *Shard) refused(i uint32) {
	c, f := &s.conns[i], s.filters[i]
	s.drop(&f.plain)
	f.quiet, f.refused, f.cut = false, true, c.has(flagKernel)
	s.markDirty(i)
	if c.has(flagDead) {
		return
	}
	c.flags |= flagDead | flagClosing
	c.flags &^= flagNotify
	if s.handler.Closed != nil {
		s.handler.Closed(s.name(i), ReasonTransform, 0)
	}
	c.user = 0
	s.setDeadline(i, int64(closeTime))
}

// seal brings queued plaintext through the transform into the connection's
// own queue, as much as one write takes.
func (s *Shard) seal(i uint32) {
	c, f := &s.conns[i], s.filters[i]
	if c.has(flagKernel) {
		s.speak(i)
		return
	}
	most, record := s.sealable()
	f.quiet = false
	if !c.has(flagUnbound) {
		if s.filed(&f.plain) && s.segs.all[f.plain.head].n >= unboundFile {
			s.raiseBound(c)
		}
	} else {
		s.restoreBound(i)
	}
	for c.q.bytes < most {
		waiting := s.passable(i, record)
		if waiting == 0 && f.plain.bytes > 0 {
			return // until Present
		}
		n := f.t.Next(int(waiting))
		if n == 0 {
			f.quiet = true
			return
		}
		if n > 0 && f.offer != nil {
			if c.q.bytes > 0 {
				return // until it has been sent
			}
			if s.handOver(i) {
				s.speak(i)
				return
			}
		}
		room := SayRoom
		if n > 0 {
			room = SealHead + n + SealTail
		}
		dst := s.reserveSealed(&c.q, room, f.plain.bytes)
		if dst == nil {
			if c.q.bytes == 0 {
				s.failed(i, ReasonMemory, 0)
			}
			return
		}
		m := 0
		if n < 0 {
			m = f.t.Say(dst)
		} else {
			var why Reason
			if m, why = s.sealInto(f, dst, n); why != 0 {
				s.failed(i, why, 0)
				return
			}
		}
		if m == 0 {
			f.quiet = true
			s.consume(&c.q, 0) // the room was not needed
			return
		}
		s.commit(&c.q, m)
	}
}

// sealable is how much of a connection's output may be sealed ahead of the
// socket, and in records of how many bytes. Sealed output occupies buffers,
// which a file or shared memory that waits does not.
func (s *Shard) sealable() (most, record int64) {
	switch s.pool.pressure() {
	case 0:
		return sealedBytes, LargeBuffer
	case 1:
		return sealedBytes / 4, LargeBuffer
	case 2:
		return sealedBytes / 16, SmallBuffer - SealHead - SealTail
	}
	return SmallBuffer, SmallBuffer - SealHead - SealTail
}

// reserveSealed returns n writable bytes at the end of a queue of records, of
// which more follow if there is more plaintext waiting.
func (s *Shard) reserveSealed(q *queue, n int, waiting int64) []byte {
	if int(q.room) < n || q.tail == 0 {
		b := Buf(0)
		if want := max(int64(n), min(waiting, LargeBuffer)); want <= SmallBuffer-SealHead-SealTail || n <= SmallBuffer && s.pool.scarce() {
			b = s.pool.get(n)
		} else if b = s.pool.get(LargeBuffer); b == 0 && n <= SmallBuffer {
			b = s.pool.get(n)
		}
		if b == 0 {
			return nil
		}
		s.pushBuffer(q, b)
	}
	g := &s.segs.all[q.tail]
	return offheap.Bytes(uintptr(g.pos)+uintptr(g.n), int(q.room))
}

// sealLater has a connection whose transform may have more to say written
// again in the next turn: one seal brings through as much as one write takes.
func (s *Shard) sealLater(i uint32) {
	if c := &s.conns[i]; c.has(flagFilter) && !c.has(flagAbsent) && !s.filters[i].quiet {
		s.later = append(s.later, i)
	}
}

// passable is how much plaintext, up to most, can be sealed without waiting for
// a disk: 0 while the file at the front is not in memory. Only there is a file
// looked at, so that Present answers for what was asked.
func (s *Shard) passable(i uint32, most int64) (n int64) {
	f := s.filters[i]
	for k := f.plain.head; k != 0 && n < most; {
		g := &s.segs.all[k]
		k = g.next
		switch {
		case g.n == 0:
		case g.kind != segFile:
			n += g.n
		case n > 0:
			return n
		case s.conns[i].has(flagAbsent):
			return 0
		default:
			return min(s.front(i, g), most)
		}
	}
	return min(n, most)
}

// sealInto makes a record of the next n bytes of plaintext at dst. The reason is 0
// unless that has failed.
func (s *Shard) sealInto(f *filter, dst []byte, n int) (m int, why Reason) {
	var err error
	if p := s.inOnePiece(f, n); p != nil {
		behind := p[n]
		m, err = f.t.Seal(dst, p[:n])
		p[n] = behind
		s.consume(&f.plain, int64(n))
	} else {
		if why = s.fill(f, dst[SealHead:SealHead+n]); why != 0 {
			return 0, why
		}
		m, err = f.t.Seal(dst, dst[SealHead:SealHead+n])
	}
	if err != nil {
		return 0, ReasonTransform
	}
	return m, 0
}

// inOnePiece is the next n bytes of plaintext and the one behind them, if they lie
// in a buffer that is nobody else's: a record can be made of them from there, which
// spares a copy. nil if not. A buffer that others refer to may be on its way to the
// kernel, and must not change even for a moment.
func (s *Shard) inOnePiece(f *filter, n int) []byte {
	g := &s.segs.all[f.plain.head]
	for g.n == 0 {
		s.pop(&f.plain)
		g = &s.segs.all[f.plain.head]
	}
	b := Buf(g.owner)
	if g.kind != segBuffer || g.n < int64(n) || *s.pool.refs(b) != 1 || uintptr(g.pos)+uintptr(n) == s.pool.addr(b)+uintptr(s.pool.size(b)) {
		return nil
	}
	return offheap.Bytes(uintptr(g.pos), n+1)
}

// fill moves plaintext to dst, from wherever it lies, as much as that holds.
// The reason is 0 unless a file ended before its time.
func (s *Shard) fill(f *filter, dst []byte) Reason {
	for len(dst) > 0 {
		g := &s.segs.all[f.plain.head]
		if g.n == 0 { // an empty buffer that a write has since gone behind
			s.pop(&f.plain)
			continue
		}
		k := int(min(g.n, int64(len(dst))))
		if g.kind == segFile {
			n, e := pread(g.fd, dst[:k], int64(g.pos))
			if e != 0 || n <= 0 {
				return ReasonFile
			}
			k = n
		} else {
			copy(dst, offheap.Bytes(uintptr(g.pos), k))
		}
		s.consume(&f.plain, int64(k))
		dst = dst[k:]
	}
	return 0
}
