package h2

import "math/bits"

// The schedule of RFC 9218, section 10, is a ring of streams for each urgency and kind. The rings are visited in this
// order: the streams of an urgency that are not incremental, by their identifiers, which is the order of the requests;
// those that are, in turn; then the next urgency.

const rings = 16

// ring is the number of the ring that a stream belongs to.
func (s *Stream) ring() int {
	r := int(s.priority&urgencyMask) << 1
	if s.priority&incrementalFlag != 0 {
		r++
	}
	return r
}

// Ready says that the owner has content waiting for the stream.
func (c *Conn) Ready(s *Stream) {
	if s.flags&(queued|parked|endSent|dead) != 0 {
		return
	}
	if s.send <= 0 {
		s.flags |= parked
		return
	}
	s.flags |= queued
	r := s.ring()
	last := c.stream(c.turns[r])
	if last == nil {
		s.nextReady, s.prevReady = s.index, s.index
		c.turns[r] = s.index
		c.waiting |= 1 << r
		return
	}
	before := last
	if s.priority&incrementalFlag == 0 && s.ID < last.ID {
		// Nearly always it goes to the front again, where it came from.
		for first := c.sc.slab.at(last.nextReady); first.ID < s.ID; first = c.sc.slab.at(first.nextReady) {
			before = first
		}
	} else {
		c.turns[r] = s.index
	}
	s.prevReady, s.nextReady = before.index, before.nextReady
	c.sc.slab.at(before.nextReady).prevReady = s.index
	before.nextReady = s.index
}

// unready takes a stream out of the schedule.
func (c *Conn) unready(s *Stream) {
	s.flags &^= parked
	if !s.flags.has(queued) {
		return
	}
	s.flags &^= queued
	r := s.ring()
	if s.nextReady == s.index {
		c.turns[r] = 0
		c.waiting &^= 1 << r
		return
	}
	l := &c.sc.slab
	l.at(s.prevReady).nextReady = s.nextReady
	l.at(s.nextReady).prevReady = s.prevReady
	if c.turns[r] == s.index {
		c.turns[r] = s.prevReady
	}
}

// NextReady returns the stream whose turn it is, nil if there is none or the connection's window is used up. It is no
// longer ready: the owner sends a frame or some, as far as Room allows, and calls Ready again if more is waiting. A
// stream without a window waits, and is ready again by itself when it opens.
func (c *Conn) NextReady() *Stream {
	for c.HasReady() {
		l := &c.sc.slab
		s := l.at(l.at(c.turns[bits.TrailingZeros16(c.waiting)]).nextReady)
		c.unready(s)
		if s.send > 0 {
			return s
		}
		s.flags |= parked
	}
	return nil
}

// HasReady reports whether a stream is ready and the connection's window is open.
func (c *Conn) HasReady() bool {
	if c.waiting == 0 {
		return false
	}
	if c.send <= 0 {
		c.flags |= starved
		return false
	}
	return true
}

// reopened makes a stream ready again that has waited for its window.
func (c *Conn) reopened(s *Stream) {
	if s.flags.has(parked) && s.send > 0 {
		s.flags &^= parked
		c.Ready(s)
	}
}
