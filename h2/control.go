package h2

import "encoding/binary"

// fault resets a stream because of what the peer has sent for it (RFC 9113, section 5.4.2), and tells the owner.
func (c *Conn) fault(s *Stream, code Code, reason string, ev *Event) {
	if s.over() {
		// There is nothing left to reset: such a stream is closed, and what comes for it an error of the connection.
		c.fail(ev, StreamClosed, reason)
		return
	}
	c.sc.Stats.Faults++
	// A server's connection is everybody's: who knows of one address whose answers are wrong must not be able to end it
	// for the others. There are no more of these faults than streams that we have opened.
	if c.flags&client == 0 && !c.cost(ev, costFault, "stream_errors") {
		return
	}
	c.Reset(s, code)
	ev.Kind, ev.Stream, ev.Code, ev.Reason = EventReset, s, code, reason
}

// idles charges for a frame by which a stream comes no nearer to its end, and reports false if it is too much. Of a client
// it is the connection that is charged. A server's is shared by all clients, one of which may know an address that is
// answered like that: there each stream has an account of its own, and what it costs to exceed that is the stream.
func (c *Conn) idles(s *Stream, reason string, ev *Event) bool {
	if !c.flags.has(client) {
		return c.cost(ev, costEmpty, reason)
	}
	if s.debt += costEmpty; s.debt <= streamPoints {
		return true
	}
	c.fault(s, EnhanceYourCalm, reason, ev)
	return false
}

// refuse resets a stream that the owner has never seen.
func (c *Conn) refuse(id uint32, code Code, points uint32, ev *Event) {
	c.sc.Stats.Faults++
	if c.cost(ev, points, "stream_errors") {
		c.sc.Out = appendRST(c.sc.Out, id, code)
		c.remember(id)
	}
}

// rstStream handles RST_STREAM (RFC 9113, section 6.4).
func (c *Conn) rstStream(b []byte, ev *Event) {
	id := c.frame.id
	s := c.lookup(id)
	if s == nil && c.idle(id) && !c.ignored(id) {
		c.fail(ev, ProtocolError, "reset_of_idle_stream")
		return
	}
	if s == nil || s.over() {
		c.late(0, ev)
		return
	}
	if !s.flags.has(endSent) {
		c.sc.Stats.PeerResets++
		if !c.flags.has(client) && !c.cost(ev, costReset, "rapid_reset") {
			return
		}
	}
	c.kill(s)
	ev.Kind, ev.Stream, ev.Remote, ev.Code, ev.Reason = EventReset, s, true, Code(binary.BigEndian.Uint32(b)), "peer_reset"
}

// rfc7540Priority handles PRIORITY, which means nothing any more (RFC 9113, section 5.3.2), but can still be wrong.
func (c *Conn) rfc7540Priority(b []byte, ev *Event) {
	id := c.frame.id
	if binary.BigEndian.Uint32(b)&^reservedBit != id {
		c.cost(ev, costFrame, "useless_frames")
		return
	}
	// A stream that depends on itself (RFC 7540, section 5.3.1).
	s := c.lookup(id)
	switch {
	case s == nil:
		c.fail(ev, ProtocolError, "self_dependency")
	case s.over():
		c.cost(ev, costFrame, "useless_frames")
	default:
		c.fault(s, ProtocolError, "self_dependency", ev)
	}
}

// priorityFrame handles PRIORITY_UPDATE (RFC 9218, section 7.1).
func (c *Conn) priorityFrame(b []byte, ev *Event) {
	id := binary.BigEndian.Uint32(b) &^ reservedBit
	if id&1 == 0 {
		// There are no pushed streams, and 0 is none.
		c.fail(ev, ProtocolError, "priority_update_of_no_stream")
		return
	}
	if c.cost(ev, costFrame, "useless_frames") {
		c.priorityUpdate(id, b[4:])
	}
}

// ping handles PING (RFC 9113, section 6.7). Ours carry their number.
func (c *Conn) ping(b []byte, ev *Event) {
	if c.frame.has(flagAck) {
		if c.pinging && binary.BigEndian.Uint64(b) == uint64(c.pings) {
			c.pinging = false
			ev.Kind, ev.Stream = EventPingAck, nil
			return
		}
		c.cost(ev, costPing, "ping_flood")
		return
	}
	if !c.cost(ev, costPing, "ping_flood") {
		return
	}
	c.sc.Out = appendFrame(c.sc.Out, 8, framePing, flagAck, 0)
	c.sc.Out = append(c.sc.Out, b[:8]...)
}

// Ping asks the peer for a sign of life: EventPingAck. While one is on its way no second is sent.
func (c *Conn) Ping() {
	if c.pinging || c.flags.has(fatal) {
		return
	}
	c.pinging = true
	c.pings++
	c.sc.Out = appendFrame(c.sc.Out, 8, framePing, 0, 0)
	c.sc.Out = binary.BigEndian.AppendUint64(c.sc.Out, uint64(c.pings))
}

// Pinging reports whether the answer to Ping is still to come.
func (c *Conn) Pinging() bool { return c.pinging }

// peerGoAway handles GOAWAY (RFC 9113, section 6.8).
func (c *Conn) peerGoAway(b []byte, ev *Event) {
	last := binary.BigEndian.Uint32(b) &^ reservedBit
	if !c.cost(ev, costFrame, "useless_frames") {
		return
	}
	if c.flags.has(gotGoAway) {
		last = min(last, c.peerAway) // it may not become greater
	}
	c.flags |= gotGoAway
	c.peerAway = last
	if c.flags.has(client) {
		c.flags |= sweeping
	}
	ev.Kind, ev.Stream, ev.Last = EventGoAway, nil, last
	ev.Code = Code(binary.BigEndian.Uint32(b[4:]))
	ev.Data = b[8:min(len(b), 8+maxDebugData)]
}

// sweep reports one of the streams that the peer's GOAWAY leaves out.
func (c *Conn) sweep(ev *Event) bool {
	for s := c.First(); s != nil; s = c.After(s) {
		if s.ID > c.peerAway && !s.over() {
			c.kill(s)
			ev.Kind, ev.Stream, ev.Remote, ev.Code, ev.Reason = EventReset, s, true, RefusedStream, "goaway"
			return true
		}
	}
	c.flags &^= sweeping
	return false
}

// GoAway tells the peer to start no further streams. final false is the announcement (RFC 9113, section 6.8): streams
// that are on their way are still accepted; final true, a round trip later, names the last one that was, and ends the
// acceptance.
func (c *Conn) GoAway(final bool, code Code) {
	if c.flags.has(fatal) || c.flags.has(finalGoAway) || c.flags.has(sentGoAway) && !final {
		return
	}
	c.flags |= sentGoAway
	last := uint32(maxWindow)
	if final {
		last = c.lastHandled()
		c.goAway = last
		c.flags |= finalGoAway
	}
	c.sc.Out = appendGoAway(c.sc.Out, last, code)
}

// windowUpdate handles WINDOW_UPDATE (RFC 9113, section 6.9).
func (c *Conn) windowUpdate(b []byte, ev *Event) {
	n := binary.BigEndian.Uint32(b) &^ reservedBit
	if n < smallUpdate && !c.cost(ev, costUpdate, "tiny_window_updates") {
		return
	}
	id := c.frame.id
	if id == 0 {
		c.connectionUpdate(n, ev)
		return
	}
	s := c.lookup(id)
	switch {
	case s == nil:
		if c.idle(id) && !c.ignored(id) {
			c.fail(ev, ProtocolError, "update_of_idle_stream")
		}
	case s.over():
	case n == 0:
		c.fault(s, ProtocolError, "empty_window_update", ev)
	case int64(s.send)+int64(n) > maxWindow:
		c.fault(s, FlowControlError, "window_overflow", ev)
	default:
		s.send += int32(n)
		c.reopened(s)
		if s.send > 0 && !s.flags.has(endSent) {
			ev.Kind, ev.Stream = EventWritable, s
		}
	}
}

func (c *Conn) connectionUpdate(n uint32, ev *Event) {
	switch {
	case n == 0:
		c.fail(ev, ProtocolError, "empty_window_update")
	case int64(c.send)+int64(n) > maxWindow:
		c.fail(ev, FlowControlError, "window_overflow")
	default:
		c.send += int32(n)
		if c.flags.has(starved) && c.send > 0 {
			c.flags &^= starved
			ev.Kind, ev.Stream = EventWritable, nil
		}
	}
}
