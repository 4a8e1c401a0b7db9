package h2

// Stream is one exchange of a connection. The record lies in the shard's slab and is another's after Release.
type Stream struct {
	// ID is the stream's identifier.
	ID uint32
	// User is the owner's, 0 at first.
	User uint32

	index     uint32 // its place in the slab
	same      uint32 // the next in the same place of the connection's table; of the slab's free list
	next      uint32 // the next of the connection, and the one before
	prev      uint32
	nextReady uint32 // the next of the same turn, and the one before; both are in a ring
	prevReady uint32

	send int32  // what may be sent, which a change of settings can make negative (RFC 9113, section 6.9.2)
	recv int32  // what the peer may send
	pend uint32 // what was granted and not announced
	held int32  // what was delivered and not granted; below 0: granted and not delivered
	left int64  // what Content-Length says is to come, -1: nothing known

	flags    streamFlags
	debt     uint16 // see Conn.idles
	priority uint8  // see priority.go
}

type streamFlags uint16

const (
	endReceived   streamFlags = 1 << iota // the peer has ended its side
	endSent                               // we have ended ours
	dead                                  // reset by either end
	discard                               // content is not wanted
	refused                               // by EventRefuse
	queued                                // in the schedule
	parked                                // would be, if it had a window
	headSeen                              // the head has come (client)
	headSent                              // and the one we send
	methodHead                            // the request's method is HEAD (client)
	methodConnect                         // CONNECT: content has no length
)

func (f streamFlags) has(g streamFlags) bool { return f&g != 0 }

// EndReceived reports whether the peer has ended its side, EndSent whether we have ended ours.
func (s *Stream) EndReceived() bool { return s.flags.has(endReceived) }

// EndSent reports whether we have ended our side.
func (s *Stream) EndSent() bool { return s.flags.has(endSent) }

// Dead reports whether the stream was reset, by either end: nothing comes and nothing may be sent.
func (s *Stream) Dead() bool { return s.flags.has(dead) }

// over reports whether nothing more happens on the stream.
func (s *Stream) over() bool {
	return s.flags.has(dead) || s.flags&(endReceived|endSent) == endReceived|endSent
}

// Held is how much content was delivered and is not granted yet.
func (s *Stream) Held() int { return int(max(s.held, 0)) }

// blockStreams is how many records of streams are allocated at a time: 8 KiB.
const blockStreams = 128

// slab holds the records of all connections of a shard. They have no pointers, so the garbage collector does not look
// at them, and stay where they are, so that they can be pointed to. Place 0 is nobody's.
type slab struct {
	blocks []*[blockStreams]Stream
	free   uint32 // the first that is free; 0: none
	fresh  uint32 // the first that was never used
	used   int
}

func (l *slab) at(i uint32) *Stream { return &l.blocks[i/blockStreams][i%blockStreams] }

// take returns a clean record.
func (l *slab) take() *Stream {
	i := l.free
	if i != 0 {
		l.free = l.at(i).same
	} else {
		if l.fresh == 0 {
			l.fresh = 1
		}
		i = l.fresh
		l.fresh++
		if int(i/blockStreams) >= len(l.blocks) {
			l.blocks = append(l.blocks, new([blockStreams]Stream))
		}
	}
	s := l.at(i)
	*s = Stream{index: i}
	l.used++
	return s
}

func (l *slab) put(s *Stream) {
	i := s.index
	*s = Stream{same: l.free}
	l.free = i
	l.used--
}

// lookup returns the stream with an identifier, nil if it is not open. The identifiers of a peer's streams are odd, or
// even, and each is greater than the last, so that their halves fill the table one place after the other.
func (c *Conn) lookup(id uint32) *Stream {
	for i := c.table[id>>1&uint32(len(c.table)-1)]; i != 0; {
		s := c.sc.slab.at(i)
		if s.ID == id {
			return s
		}
		i = s.same
	}
	return nil
}

// begin makes the record of a stream.
func (c *Conn) begin(id uint32) *Stream {
	if int(c.open) >= len(c.table) {
		c.growTable()
	}
	l := &c.sc.slab
	s := l.take()
	s.ID = id
	s.send = int32(c.peerWindow)
	s.recv = int32(c.cfg.Window)
	s.left = -1
	s.priority = defaultPriority
	place := &c.table[id>>1&uint32(len(c.table)-1)]
	s.same, *place = *place, s.index
	s.next = c.first
	if c.first != 0 {
		l.at(c.first).prev = s.index
	}
	c.first = s.index
	c.open++
	c.sc.Stats.Streams++
	return s
}

// growTable doubles the table, so that there are at least as many places as streams.
func (c *Conn) growTable() {
	class := 1
	for smallestTable<<class <= len(c.table) {
		class++
	}
	old := c.table
	c.table = c.sc.table(class)
	mask := uint32(len(c.table) - 1)
	for i := c.first; i != 0; {
		s := c.sc.slab.at(i)
		place := &c.table[s.ID>>1&mask]
		s.same, *place = *place, i
		i = s.next
	}
	clear(old)
	c.sc.freeTable(old)
}

// end forgets the record of a stream.
func (c *Conn) end(s *Stream) {
	l := &c.sc.slab
	c.unready(s)
	at := &c.table[s.ID>>1&uint32(len(c.table)-1)]
	for *at != s.index {
		at = &l.at(*at).same
	}
	*at = s.same
	if s.prev != 0 {
		l.at(s.prev).next = s.next
	} else {
		c.first = s.next
	}
	if s.next != 0 {
		l.at(s.next).prev = s.prev
	}
	l.put(s)
	c.open--
	if c.open == 0 && len(c.table) > smallestTable {
		c.sc.freeTable(c.table)
		c.table = c.few[:]
	}
}

// First returns one of the streams that are not released, and After another, until there is none: nil. The order means
// nothing. After is called before the stream it is given is released.
func (c *Conn) First() *Stream { return c.stream(c.first) }

// After returns the stream behind s; see First.
func (c *Conn) After(s *Stream) *Stream { return c.stream(s.next) }

func (c *Conn) stream(i uint32) *Stream {
	if i == 0 {
		return nil
	}
	return c.sc.slab.at(i)
}

// OpenStreams is how many streams are not released.
func (c *Conn) OpenStreams() int { return int(c.open) }

// Release gives a stream back. One that is not over is reset first: with NO_ERROR by a server that has ended its side
// (RFC 9113, section 8.1), with CANCEL otherwise. What was delivered and not granted is granted to the connection.
func (c *Conn) Release(s *Stream) {
	switch {
	case s.over():
		if s.flags&(dead|refused) == 0 {
			c.pay(paidStream)
		}
	case s.flags.has(endSent) && !c.flags.has(client):
		c.Reset(s, NoError)
	default:
		c.Reset(s, Cancel)
	}
	c.credit(uint32(s.Held()))
	c.end(s)
}

// Reset ends a stream at once with RST_STREAM. It remains the owner's. No event follows.
func (c *Conn) Reset(s *Stream, code Code) {
	if s.over() {
		return
	}
	// A stream whose head was never sent is unknown to the peer.
	if !c.flags.has(client) || s.flags.has(headSent) {
		c.sc.Out = appendRST(c.sc.Out, s.ID, code)
		if !s.flags.has(endReceived) {
			c.remember(s.ID)
			if c.flags.has(client) {
				c.excuses = min(c.excuses+framesAfterReset, mostExcuses)
				if s.debt > 0 {
					// A flood does not end at once where we, or the owner, have had enough.
					c.excuses = mostExcuses
				}
			}
		}
	}
	c.kill(s)
}

// kill marks a stream as over.
func (c *Conn) kill(s *Stream) {
	s.flags |= dead
	c.unready(s)
	if c.data == s.index {
		// The rest of the DATA frame in progress goes nowhere.
		c.data = 0
		c.credit(c.frame.left)
	}
}

// remember notes that we have reset a stream on which the peer may still be sending.
func (c *Conn) remember(id uint32) {
	at := &c.recent[c.recentAt%recentResets]
	c.forgotten = max(c.forgotten, *at)
	*at = id
	c.recentAt++
}

// late charges for a frame of content of size bytes, or one of another kind, for a stream that is closed. A server that
// goes on for as long as our RST_STREAM is on its way does nothing wrong, however many of our clients lose interest: its
// content is bounded by the windows that we gave, and its heads by the streams that we opened.
func (c *Conn) late(size uint32, ev *Event) bool {
	if c.flags.has(client) {
		if size > 0 {
			return true
		}
		if c.excuses > 0 {
			c.excuses--
			return true
		}
	}
	return c.cost(ev, costFrame, "frames_for_closed_streams")
}

// excused reports whether frames for a closed stream are what the peer had sent before it knew that we had reset the
// stream.
func (c *Conn) excused(id uint32) bool {
	if id <= c.forgotten {
		return true
	}
	for _, r := range c.recent {
		if r == id {
			return true
		}
	}
	return false
}
