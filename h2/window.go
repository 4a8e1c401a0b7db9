package h2

// Grant says that the owner can take n bytes of content more: because EventData has delivered as many and they are disposed
// of, or because it has room for as many that are still to come. Without it a stream brings Config.Window bytes and stops.
// What was delivered and is not granted takes up room in the connection's window. WINDOW_UPDATE goes to Out when half a
// window is to be announced.
func (c *Conn) Grant(s *Stream, n int) {
	if n <= 0 {
		return
	}
	c.credit(uint32(min(n, s.Held())))
	s.held = int32(max(int64(s.held)-int64(n), -maxWindow))
	if s.flags&(endReceived|dead|discard) == 0 {
		c.renew(s, n)
	}
}

// renew opens the stream's window by n bytes, in updates of half the window: one for each piece would be as many
// frames as it saves.
func (c *Conn) renew(s *Stream, n int) {
	// The sum of both is what the window may become, and that has a limit.
	s.pend += uint32(min(int64(n), maxWindow-int64(s.recv)-int64(s.pend)))
	if s.pend < c.cfg.Window/2 {
		return
	}
	c.sc.Out = appendWindowUpdate(c.sc.Out, s.ID, s.pend)
	s.recv += int32(s.pend)
	s.pend = 0
}

// credit opens the connection's window by n bytes.
func (c *Conn) credit(n uint32) {
	c.pend += n
	if c.pend < c.cfg.ConnWindow/2 || c.flags.has(fatal) {
		return
	}
	c.sc.Out = appendWindowUpdate(c.sc.Out, 0, c.pend)
	c.recv += int32(c.pend)
	c.pend = 0
}

// Discard says that no content of the stream is wanted any more: it is not delivered, and the connection's window gets
// it back at once. Its end is still reported. The stream's window is not renewed, so a peer that has more than that to
// say has to be told with Reset to stop.
func (c *Conn) Discard(s *Stream) { s.flags |= discard }

// Held is how much content of all streams was delivered, or is being, and is not granted yet.
func (c *Conn) Held() int { return int(int64(c.cfg.ConnWindow) - int64(c.recv) - int64(c.pend)) }

// Room is how much content may be sent on the stream now: the smaller of the stream's and the connection's window, 0 at
// least. EventWritable tells when there may be more.
func (c *Conn) Room(s *Stream) int {
	if s.flags&(dead|endSent) != 0 {
		return 0
	}
	if c.send < s.send {
		c.flags |= starved
	}
	return int(max(0, min(c.send, s.send)))
}

// InitialWindow is what the peer lets be sent on a stream before it gives back any of it.
func (c *Conn) InitialWindow() int { return int(c.peerWindow) }

// MaxFrame is the largest frame that the peer accepts, without its header: 16384 at least.
func (c *Conn) MaxFrame() int { return int(c.maxFrame) }
