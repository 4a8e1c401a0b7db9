package h2

// step is where in a frame the connection is.
type step uint8

const (
	stepDead    step = iota // nothing is taken in any more
	stepPreface             // the client's preface
	stepFrame               // a frame's header
	stepPayload             // a payload that is taken in as a whole
	stepPad                 // the length of the padding of DATA
	stepData                // content
	stepSkip                // what is ignored
)

// Next consumes bytes from the start of p and reports at most one event, of which n bytes were all it took: the call is
// repeated with the rest, even when the rest is empty, until the event is EventNone, and then nothing of p is left. ev
// is overwritten; which of its fields mean something depends on Kind.
func (c *Conn) Next(p []byte, ev *Event) (n int) {
	ev.Kind, ev.End, ev.Remote = EventNone, false, false
	if c.flags.has(sweeping) && c.sweep(ev) {
		return 0
	}
	for ev.Kind == EventNone {
		switch c.step {
		case stepDead:
			return len(p)
		case stepPreface:
			k, ok := c.preface(p[n:])
			n += k
			if !ok {
				c.fail(ev, ProtocolError, "bad_preface")
			} else if c.step == stepPreface {
				return n
			}
		case stepFrame:
			b := p[n:]
			if c.headLen == 0 && len(b) >= FrameHeader {
				c.frame = parseFrame(b)
				n += FrameHeader
			} else {
				k := copy(c.head[c.headLen:], b)
				n += k
				if c.headLen += uint8(k); c.headLen < FrameHeader {
					return n
				}
				c.headLen = 0
				c.frame = parseFrame(c.head[:])
			}
			c.admit(ev)
		case stepPayload:
			b := p[n:]
			if len(b) < int(c.frame.left) {
				c.hold(b)
				return len(p)
			}
			n += int(c.frame.left)
			c.step = stepFrame
			c.complete(b[:c.frame.left], ev)
		case stepPad:
			if n == len(p) {
				return n
			}
			c.padding(p[n], ev)
			n++
		case stepData:
			k := min(len(p)-n, int(c.frame.left))
			if k == 0 && c.frame.left > 0 {
				return n
			}
			c.content(p[n:n+k:n+k], ev)
			n += k
		case stepSkip:
			k := min(len(p)-n, int(c.frame.left))
			n += k
			if c.frame.left -= uint32(k); c.frame.left > 0 {
				return n
			}
			c.step = stepFrame
		}
	}
	return n
}

// preface reads what is left of the client's preface (RFC 9113, section 3.4).
func (c *Conn) preface(b []byte) (n int, ok bool) {
	rest := Preface[c.headLen:]
	n = min(len(b), len(rest))
	if string(b[:n]) != rest[:n] {
		return 0, false
	}
	c.headLen += uint8(n)
	if int(c.headLen) == len(Preface) {
		c.headLen = 0
		c.step = stepFrame
	}
	return n, true
}

// hold keeps the beginning of a payload whose rest has not come yet.
func (c *Conn) hold(b []byte) {
	if len(b) == 0 {
		return
	}
	c.held = append(c.sc.grow(c.held, len(b)), b...)
	c.frame.left -= uint32(len(b))
}

// complete handles a payload of which b is the last, and most often the only, piece.
func (c *Conn) complete(b []byte, ev *Event) {
	if len(c.held) > int(c.blockLen) {
		c.hold(b)
		b = c.held[c.blockLen:]
	}
	c.handle(b, ev)
	if !c.flags.has(inBlock) && c.held != nil {
		c.drop()
	}
}

// admit looks at the header of a frame, which tells most of what can be wrong before any of the payload is kept.
func (c *Conn) admit(ev *Event) {
	f := &c.frame
	switch {
	case f.left > max(c.cfg.FrameSize, minFrameSize):
		c.fail(ev, FrameSizeError, "frame_too_large")
		return
	case c.flags.has(inBlock) && (f.kind != frameContinuation || f.id != c.blockID):
		c.fail(ev, ProtocolError, "block_interrupted")
		return
	case !c.flags.has(settingsSeen) && (f.kind != frameSettings || f.has(flagAck)):
		c.fail(ev, ProtocolError, "settings_missing")
		return
	}
	c.step = stepPayload
	switch f.kind {
	case frameData:
		c.beginData(ev)
	case frameHeaders:
		if f.id == 0 {
			c.fail(ev, ProtocolError, "headers_without_stream")
		}
	case frameContinuation:
		c.admitContinuation(ev)
	case framePriority:
		c.fixed(ev, 5, true)
	case frameRSTStream:
		c.fixed(ev, 4, true)
	case frameWindowUpdate:
		c.fixed(ev, 4, f.id != 0)
	case framePing:
		c.fixed(ev, 8, false)
	case frameSettings:
		c.admitSettings(ev)
	case frameGoAway:
		switch {
		case f.id != 0:
			c.fail(ev, ProtocolError, "goaway_on_stream")
		case f.left < 8:
			c.fail(ev, FrameSizeError, "bad_frame_size")
		}
	case framePriorityUpdate:
		switch {
		case f.id != 0 || c.flags.has(client):
			c.fail(ev, ProtocolError, "priority_update_misplaced")
		case f.left < 4:
			c.fail(ev, FrameSizeError, "bad_frame_size")
		}
	case framePushPromise:
		// A client may not push, and a server whose client has forbidden it may not either.
		c.fail(ev, ProtocolError, "push_promise")
	default:
		if c.cost(ev, costFrame, "useless_frames") {
			c.step = stepSkip
		}
	}
}

// fixed checks a frame whose payload has a fixed size, and whether it belongs to a stream.
func (c *Conn) fixed(ev *Event, size uint32, onStream bool) {
	switch {
	case onStream != (c.frame.id != 0):
		c.fail(ev, ProtocolError, "wrong_stream")
	case c.frame.left != size:
		c.fail(ev, FrameSizeError, "bad_frame_size")
	}
}

// handle acts on a frame that is complete, other than DATA.
func (c *Conn) handle(b []byte, ev *Event) {
	switch c.frame.kind {
	case frameHeaders:
		c.headers(b, ev)
	case frameContinuation:
		c.continuation(b, ev)
	case framePriority:
		c.rfc7540Priority(b, ev)
	case frameRSTStream:
		c.rstStream(b, ev)
	case frameSettings:
		c.settings(b, ev)
	case framePing:
		c.ping(b, ev)
	case frameGoAway:
		c.peerGoAway(b, ev)
	case frameWindowUpdate:
		c.windowUpdate(b, ev)
	case framePriorityUpdate:
		c.priorityFrame(b, ev)
	}
}
