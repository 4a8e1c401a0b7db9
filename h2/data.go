package h2

// beginData looks at the header of DATA (RFC 9113, section 6.1), and takes all of its payload from the windows.
func (c *Conn) beginData(ev *Event) {
	f := &c.frame
	size := f.left
	switch {
	case f.id == 0:
		c.fail(ev, ProtocolError, "data_without_stream")
		return
	case f.has(flagPadded) && size == 0:
		c.fail(ev, FrameSizeError, "bad_frame_size")
		return
	case int64(size) > int64(c.recv):
		c.fail(ev, FlowControlError, "connection_window_exceeded")
		return
	}
	c.recv -= int32(size)
	c.data = 0
	s := c.lookup(f.id)
	switch {
	case s == nil:
		if !c.closedData(ev) {
			return
		}
	case s.flags.has(dead):
		if !c.late(size, ev) {
			return
		}
	case s.flags.has(endReceived):
		c.fault(s, StreamClosed, "data_after_end", ev)
	case c.flags.has(client) && !s.flags.has(headSeen):
		c.fault(s, ProtocolError, "data_before_head", ev)
	case int64(size) > int64(s.recv):
		c.fault(s, FlowControlError, "stream_window_exceeded", ev)
	default:
		s.recv -= int32(size)
		c.data = s.index
	}
	if c.flags.has(fatal) {
		return
	}
	if c.data == 0 {
		c.credit(size)
	}
	if f.has(flagPadded) {
		c.step = stepPad
		return
	}
	c.step = stepData
	c.measure(ev)
}

// closedData decides about DATA for a stream that is not there.
func (c *Conn) closedData(ev *Event) bool {
	id := c.frame.id
	switch {
	case c.idle(id):
		if c.ignored(id) {
			break // begun after our GOAWAY
		}
		c.fail(ev, ProtocolError, "data_for_idle_stream")
		return false
	case !c.excused(id) && !c.ignored(id):
		c.fail(ev, StreamClosed, "data_for_closed_stream")
		return false
	}
	return c.late(c.frame.left, ev)
}

// ignored reports whether a stream of the peer's is beyond the last that our GOAWAY has named.
func (c *Conn) ignored(id uint32) bool {
	return c.flags.has(finalGoAway) && id > c.goAway && !c.flags.has(client)
}

// padding reads the length of the padding, which is of no use to anybody: it is granted at once.
func (c *Conn) padding(pad byte, ev *Event) {
	f := &c.frame
	f.left--
	if uint32(pad) > f.left {
		c.fail(ev, ProtocolError, "too_much_padding")
		return
	}
	f.left -= uint32(pad)
	f.pad = pad
	if s := c.stream(c.data); s != nil {
		c.credit(uint32(pad) + 1)
		if !f.has(flagEndStream) {
			c.renew(s, int(pad)+1)
		}
	}
	c.step = stepData
	c.measure(ev)
}

// measure compares the content of a frame with Content-Length (RFC 9113, section 8.1.1).
func (c *Conn) measure(ev *Event) {
	f := &c.frame
	end := f.has(flagEndStream)
	s := c.stream(c.data)
	if s == nil {
		return // nobody's
	}
	if s.left >= 0 {
		if int64(f.left) > s.left || end && int64(f.left) < s.left {
			c.sc.Stats.Malformed++
			c.fault(s, ProtocolError, "content_length_mismatch", ev)
			return
		}
		s.left -= int64(f.left)
	}
	switch {
	case f.left >= tiny:
		c.pay(paidReceived)
		s.debt -= min(s.debt, paidReceived)
	case f.left == 0 && !end:
		c.idles(s, "empty_data", ev)
	}
}

// content delivers a piece of DATA.
func (c *Conn) content(p []byte, ev *Event) {
	f := &c.frame
	f.left -= uint32(len(p))
	s := c.stream(c.data)
	last := f.left == 0
	if last {
		c.data = 0
		f.left = uint32(f.pad)
		c.step = stepFrame
		if f.left > 0 {
			c.step = stepSkip
		}
	}
	if s == nil {
		return // nobody's; its room is granted already
	}
	end := last && f.has(flagEndStream)
	if end {
		s.flags |= endReceived
	}
	if s.flags.has(discard) {
		c.credit(uint32(len(p)))
		p = nil
	}
	if len(p) == 0 && !end {
		return
	}
	// What was granted beforehand does not wait to be disposed of.
	c.credit(uint32(min(len(p), int(max(-s.held, 0)))))
	s.held += int32(len(p))
	ev.Kind, ev.Stream, ev.Data, ev.End = EventData, s, p, end
}
