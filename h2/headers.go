package h2

import (
	"encoding/binary"

	"github.com/anygate/anygate/h2/hpack"
	"github.com/anygate/anygate/http1"
)

// headers handles HEADERS (RFC 9113, section 6.2): it takes off the padding and the priority of RFC 7540, and decodes the
// block if it is complete.
func (c *Conn) headers(b []byte, ev *Event) {
	f := &c.frame
	pad := 0
	if f.has(flagPadded) {
		if len(b) == 0 {
			c.fail(ev, FrameSizeError, "bad_frame_size")
			return
		}
		pad = int(b[0])
		b = b[1:]
	}
	selfish := false
	if f.has(flagPriority) {
		if len(b) < 5 {
			c.fail(ev, FrameSizeError, "bad_frame_size")
			return
		}
		selfish = binary.BigEndian.Uint32(b)&^reservedBit == f.id
		b = b[5:]
	}
	if pad > len(b) {
		c.fail(ev, ProtocolError, "too_much_padding")
		return
	}
	b = b[:len(b)-pad]
	end := f.has(flagEndStream)
	if f.has(flagEndHeaders) {
		c.block(f.id, b, end, selfish, ev)
		return
	}
	c.flags |= inBlock
	c.blockID, c.blockEnd, c.blockSelf = f.id, end, selfish
	// b may be a part of what is held.
	c.held = c.sc.grow(c.held[:0], len(b))[:len(b)]
	copy(c.held, b)
	c.blockLen = uint32(len(b))
}

// admitContinuation bounds a header block while it comes (RFC 9113, section 10.5.1).
func (c *Conn) admitContinuation(ev *Event) {
	switch {
	case !c.flags.has(inBlock):
		c.fail(ev, ProtocolError, "continuation_without_headers")
	case int64(c.blockLen)+int64(c.frame.left) > blockFactor*int64(c.cfg.HTTP.HeadBytes):
		c.sc.Stats.TooLarge++
		c.fail(ev, EnhanceYourCalm, "header_block_too_large")
	default:
		c.cost(ev, costEmpty, "continuation_flood")
	}
}

// continuation handles CONTINUATION (RFC 9113, section 6.10).
func (c *Conn) continuation(b []byte, ev *Event) {
	if len(c.held) == int(c.blockLen) {
		c.held = append(c.sc.grow(c.held, len(b)), b...)
	}
	c.blockLen = uint32(len(c.held))
	if !c.frame.has(flagEndHeaders) {
		return
	}
	c.flags &^= inBlock
	c.block(c.blockID, c.held, c.blockEnd, c.blockSelf, ev)
}

// block handles a complete header block. It is decoded whatever becomes of it, because the next one refers to the table
// that it changes (RFC 9113, section 4.3).
func (c *Conn) block(id uint32, b []byte, end, selfish bool, ev *Event) {
	s := c.lookup(id)
	switch {
	case s != nil:
		c.further(s, b, end, selfish, ev)
	case !c.idle(id):
		c.closedHeaders(id, b, ev)
	case c.flags.has(client) || id&1 == 0:
		c.fail(ev, ProtocolError, "headers_for_idle_stream")
	default:
		c.fresh(id, b, end, selfish, ev)
	}
}

// closedHeaders handles HEADERS for a stream that is not there any more.
func (c *Conn) closedHeaders(id uint32, b []byte, ev *Event) {
	switch {
	case c.excused(id) || c.ignored(id):
		if c.skip(b, ev) {
			c.late(0, ev)
		}
	case id <= c.skipped && !c.flags.has(client):
		// It may never have been opened (RFC 9113, section 5.1.1).
		c.fail(ev, ProtocolError, "stream_out_of_order")
	default:
		c.fail(ev, StreamClosed, "headers_for_closed_stream")
	}
}

// fresh begins a stream of a client's with its request.
func (c *Conn) fresh(id uint32, b []byte, end, selfish bool, ev *Event) {
	if c.ignored(id) {
		c.skip(b, ev)
		return
	}
	if id != c.highest+2 {
		c.skipped = id - 2
	}
	c.highest = id
	switch {
	case c.open >= c.cfg.Streams:
		if c.skip(b, ev) {
			c.sc.Stats.Refused++
			c.refuse(id, RefusedStream, costRefused, ev)
		}
		return
	case selfish:
		if c.skip(b, ev) {
			c.refuse(id, ProtocolError, costFault, ev)
		}
		return
	}
	sc := c.sc
	sc.composer.AllowProtocol = c.cfg.ExtendedConnect
	sc.composer.BeginRequest(&sc.Request, sc.text(), &c.cfg.HTTP)
	if !c.decode(b, ev) {
		return
	}
	err := sc.composer.EndRequest(end)
	if err != http1.OK && err.Status() == 400 {
		sc.Stats.Malformed++
		c.refuse(id, ProtocolError, costFault, ev)
		return
	}
	if err != http1.OK {
		sc.Stats.TooLarge++
		if !c.cost(ev, costHuge, "huge_heads") {
			return
		}
	}
	s := c.begin(id)
	if end {
		s.flags |= endReceived
	}
	ev.Stream, ev.End = s, end
	if err != http1.OK {
		s.flags |= discard | refused
		ev.Kind, ev.Status, ev.Reason = EventRefuse, uint16(err.Status()), err.Error()
		return
	}
	r := &sc.Request
	s.left = r.ContentLength
	if r.MethodID == http1.HEAD {
		s.flags |= methodHead
	}
	c.prioritise(s)
	ev.Kind = EventHead
}

// prioritise gives a new stream the priority that its client asks for.
func (c *Conn) prioritise(s *Stream) {
	if c.takeEarly(s) {
		return
	}
	if value, ok := c.sc.Request.Get(http1.Priority); ok && !c.sc.Request.Repeated(http1.Priority) {
		s.priority = mergePriority(s.priority, value)
	}
}

// further handles HEADERS on a stream that has begun: a response to a client, trailers to either.
func (c *Conn) further(s *Stream, b []byte, end, selfish bool, ev *Event) {
	switch {
	case s.flags.has(dead):
		if c.skip(b, ev) {
			c.late(0, ev)
		}
	case s.flags.has(endReceived):
		if c.skip(b, ev) {
			c.fault(s, StreamClosed, "headers_after_end", ev)
		}
	case selfish:
		if c.skip(b, ev) {
			c.fault(s, ProtocolError, "self_dependency", ev)
		}
	case c.flags.has(client) && !s.flags.has(headSent):
		c.fail(ev, ProtocolError, "headers_for_idle_stream")
	case c.flags.has(client) && !s.flags.has(headSeen):
		c.response(s, b, end, ev)
	default:
		c.trailers(s, b, end, ev)
	}
}

// response handles the head of a response.
func (c *Conn) response(s *Stream, b []byte, end bool, ev *Event) {
	sc := c.sc
	r := &sc.Response
	sc.composer.BeginResponse(r, sc.text(), &c.cfg.HTTP)
	if !c.decode(b, ev) {
		return
	}
	err := sc.composer.EndResponse()
	switch {
	case err != http1.OK:
		c.malformed(s, err.Error(), ev)
		return
	case r.Status < 200:
		if end {
			c.malformed(s, "end_with_interim_response", ev)
			return
		}
		if c.idles(s, "interim_responses", ev) {
			ev.Kind, ev.Stream = EventInterim, s
		}
		return
	}
	s.flags |= headSeen
	switch {
	case s.flags.has(methodHead), r.Status == 204, r.Status == 304:
		s.left = 0
	case s.flags.has(methodConnect) && r.Status < 300:
		s.left = -1
	default:
		s.left = r.ContentLength
		if end && s.left > 0 {
			c.malformed(s, "content_length_mismatch", ev)
			return
		}
	}
	if end {
		s.flags |= endReceived
	}
	ev.Kind, ev.Stream, ev.End = EventHead, s, end
}

// trailers handles the trailer section, which ends the stream (RFC 9113, section 8.1).
func (c *Conn) trailers(s *Stream, b []byte, end bool, ev *Event) {
	sc := c.sc
	sc.composer.BeginTrailers(&sc.section, sc.text(), &c.cfg.HTTP)
	if !c.decode(b, ev) {
		return
	}
	err := sc.composer.EndTrailers()
	switch {
	case !end:
		c.malformed(s, "second_head", ev)
		return
	case err != http1.OK:
		c.malformed(s, err.Error(), ev)
		return
	case s.left > 0:
		c.malformed(s, "content_length_mismatch", ev)
		return
	}
	s.flags |= endReceived
	ev.Kind, ev.Stream, ev.End = EventTrailers, s, true
	ev.Data, ev.Trailers = nil, sc.trailerLines()
}

func (c *Conn) malformed(s *Stream, reason string, ev *Event) {
	c.sc.Stats.Malformed++
	c.fault(s, ProtocolError, reason, ev)
}

// decode decodes a header block into the message that is being composed. It reports false if the connection is over.
func (c *Conn) decode(b []byte, ev *Event) bool {
	sc := c.sc
	c.dec.Begin()
	n, decoded, err := c.dec.Compose(b, &sc.field, &sc.composer)
	if n < len(b) || err != hpack.OK {
		c.fail(ev, CompressionError, blockReason(err))
		return false
	}
	return c.expansion(len(b), decoded, ev)
}

// skip decodes a header block that is of no use, which is what keeps the table right.
func (c *Conn) skip(b []byte, ev *Event) bool {
	f := &c.sc.field
	wire, decoded := len(b), 0
	c.dec.Begin()
	for len(b) > 0 {
		n, err := c.dec.Next(b, f)
		if err != hpack.OK || n == 0 {
			c.fail(ev, CompressionError, blockReason(err))
			return false
		}
		b = b[n:]
		decoded += len(f.Line)
	}
	return c.expansion(wire, decoded, ev)
}

// expansion charges for a block that has become larger than any head may be: a few bytes that refer to large fields of
// the table, over and over.
func (c *Conn) expansion(wire, decoded int, ev *Event) bool {
	over := decoded - max(wire, c.cfg.HTTP.HeadBytes)
	return over <= 0 || c.cost(ev, uint32(min(over>>10, 1<<16))*costExpansion, "header_expansion")
}

// blockReason names what is wrong with a header block. What ends in the middle of a field is OK to the decoder.
func blockReason(err hpack.Error) string {
	if err == hpack.OK {
		return "header_block_truncated"
	}
	return err.Error()
}

// text is the memory that heads are composed in.
func (sc *Scratch) text() []byte {
	if sc.heads == nil {
		sc.heads = make([]byte, http1.MaxHeadBytes)
	}
	return sc.heads
}

// trailerLines writes the fields of the trailer section as lines, one behind the other; nil if there are none.
func (sc *Scratch) trailerLines() []byte {
	t := &sc.section
	if len(t.Fields) == 0 {
		return nil
	}
	sc.lines = sc.lines[:0]
	for i := range t.Fields {
		f := &t.Fields[i]
		sc.lines = http1.AppendField(sc.lines, t.Name(f), t.Value(f))
	}
	return sc.lines
}
