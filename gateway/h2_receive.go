package gateway

import (
	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/telemetry"
)

const h2Protocol = "HTTP/2.0"

// received takes bytes from the socket: requests begin exchanges, content goes
// to them. All of the answers leave together, when all of the bytes have been
// looked at.
func (h *h2Conn) received(p []byte) {
	h.enter()
	before := h.g.s.Queued(h.conn)
	ev := &h.g.mux.event
	for {
		n := h.c.Next(p, ev)
		p = p[n:]
		if ev.Kind == h2.EventNone {
			break
		}
		h.event(ev)
		if h.flags.has(h2Dead) {
			return
		}
		h.own()
	}
	h.leave()
	if !h.flags.has(h2Dead) {
		h.burst = uint32(min(h.g.s.Queued(h.conn)-before, outputMost))
	}
}

func (h *h2Conn) event(ev *h2.Event) {
	switch ev.Kind {
	case h2.EventHead:
		h.begin(ev.Stream, ev.End)
	case h2.EventData:
		h.content(h.g.mux.streams[ev.Stream.User], ev.Data, ev.End)
	case h2.EventTrailers:
		g := h.g
		g.block = appendFieldLines(g.block[:0], g.mux.scratch.Trailers())
		h.trailers(g.mux.streams[ev.Stream.User], g.block)
	case h2.EventReset:
		if st := h.g.mux.streams[ev.Stream.User]; st != nil {
			h.cancel(st)
		} else {
			h.c.Release(ev.Stream)
		}
	case h2.EventRefuse:
		h.refuseRequest(ev)
	case h2.EventWritable:
		h.flags |= h2Wake
	case h2.EventPingAck:
		h.conclude()
	case h2.EventSettings:
		h.flags |= h2Wake
	case h2.EventGoAway:
		// The client begins no more requests; we have begun none.
	case h2.EventFatal:
		h.log(ev.Reason, ev.Code)
		h.end()
	}
}

// begin begins the exchange of a request whose head has come.
func (h *h2Conn) begin(s *h2.Stream, end bool) {
	r := &h.g.mux.scratch.Request
	in := Incoming{Head: r, Protocol: h2Protocol}
	flags := h2StreamFlags(0)
	switch {
	case end:
		flags = h2Ended
	case r.MethodID == http1.CONNECT, r.Upgrade:
		flags = h2Offer
	case r.ContentLength == 0: // only its end is still to come
	case r.ContentLength > 0:
		in.Content, in.Length = http1.BodyLength, r.ContentLength
	default:
		in.Content, in.Length = http1.BodyChunked, -1
	}
	st := h.newStream(s)
	st.flags |= flags
	if r.Expect100 && !end {
		st.flags |= h2Expect
	}
	h.start(st, &in)
}

// start begins an exchange on a stream.
func (h *h2Conn) start(st *h2Stream, in *Incoming) {
	g := h.g
	x := g.newExchange()
	x.start(h, st.number)
	st.x = x
	st.flags |= h2InUse
	x.Begin(in)
	if st.x != x {
		return
	}
	st.flags &^= h2InUse
	if h.flags.has(h2EOF) && x.Waiting() {
		h.cancel(st)
	}
}

// refuseRequest answers what is no request that could be served.
func (h *h2Conn) refuseRequest(ev *h2.Event) {
	g, status := h.g, int(ev.Status)
	if g.errors != nil && g.level.Allows(telemetry.Info) {
		g.errors.Error(telemetry.Info, g.s.Unix(), "request refused",
			telemetry.String("reason", ev.Reason),
			telemetry.Int("status", int64(status)),
			telemetry.Addr("client", h.Peer()))
	}
	g.countRefusal(status, ev.Reason)
	g.logRefusal(status, ev.Reason, h.Peer())
	st := h.newStream(ev.Stream)
	if ev.End {
		st.flags |= h2Ended
	}
	st.flags |= h2Finished
	if h.prebuilt(st, g.gen.errorPage(status)); st.s != nil {
		h.over(st)
	}
}

// content takes content of a request: to the exchange as far as it is wanted,
// and the rest, which is a window at most, into buffers.
func (h *h2Conn) content(st *h2Stream, p []byte, end bool) {
	if st == nil {
		return
	}
	if end {
		st.flags |= h2Ended
	}
	st.received += int64(len(p))
	x := st.x
	switch {
	case x == nil:
		h.discard(st, len(p))
		if end && st.s != nil {
			h.over(st)
		}
		return
	case len(p) == 0:
	case st.wanted > st.passed && len(st.early) == 0:
		// As with HTTP/1.1, all of a receive goes with the last byte that is
		// wanted.
		if !h.pass(st, p) {
			return
		}
	case x.Over():
		h.discard(st, len(p))
	default:
		if !h.keep(st, p) {
			h.kill(st, h2.InternalError)
			return
		}
	}
	h.requestEnd(st)
}

// pass gives content to the exchange; it reports false if that has ended it.
func (h *h2Conn) pass(st *h2Stream, p []byte) bool {
	x := st.x
	st.flags |= h2InUse
	wanted := x.Received(p)
	if st.x != x {
		return false
	}
	st.flags &^= h2InUse
	st.passed += int64(len(p))
	if !wanted {
		st.discarded += int64(len(p))
	}
	if st.discarded <= discardLimit {
		h.renew(st)
	}
	return true
}

// trailers ends the content of a request.
func (h *h2Conn) trailers(st *h2Stream, lines []byte) {
	if st == nil {
		return
	}
	st.flags |= h2Ended
	if st.x == nil {
		h.over(st)
		return
	}
	if len(lines) > 0 {
		s := h.g.s
		b := s.Buffer(len(lines))
		if b == 0 {
			h.kill(st, h2.InternalError)
			return
		}
		st.trailers = piece{buf: b, to: uint32(copy(s.Bytes(b), lines))}
	}
	h.requestEnd(st)
}

// requestEnd tells the exchange that its request is complete, once all of the
// content has been passed on. It is not told of content that it has not asked
// for yet, even if there turns out to be none.
func (h *h2Conn) requestEnd(st *h2Stream) {
	x := st.x
	if !st.flags.has(h2Ended) || st.flags.has(h2Told|h2InUse) || len(st.early) > 0 || !x.RequestOpen() || !st.flags.has(h2Asked) {
		return
	}
	st.flags |= h2Told | h2InUse
	if t := st.trailers; t.buf != 0 {
		st.trailers = piece{}
		x.RequestEnd(h.g.s.Bytes(t.buf)[:t.to])
		h.g.s.ReleaseBuffer(t.buf)
	} else {
		x.RequestEnd(nil)
	}
	if st.x == x {
		st.flags &^= h2InUse
	}
}

// deliver passes on what has come early, as far as it is wanted now.
func (h *h2Conn) deliver(st *h2Stream) {
	for x := st.x; len(st.early) > 0 && st.wanted > st.passed; {
		first := &st.early[0]
		buf := first.buf
		p := h.g.s.Bytes(buf)[first.from:first.to]
		n := min(int64(len(p)), st.wanted-st.passed)
		p = p[:n]
		if first.from += uint32(n); first.from == first.to {
			st.early = append(st.early[:0], st.early[1:]...)
			ok := h.pass(st, p)
			h.g.s.ReleaseBuffer(buf)
			if !ok {
				return
			}
		} else if !h.pass(st, p) {
			return
		}
		if st.x != x {
			return
		}
	}
	h.requestEnd(st)
}

// Want lets n more bytes of content through, and tells a client that waits for
// it (RFC 9110, section 10.1.1).
func (h *h2Conn) Want(x *Exchange, n int) {
	st := h.of(x)
	if st == nil {
		return
	}
	h.enter()
	if st.flags.has(h2Expect) {
		st.flags &^= h2Expect
		if !x.Responding() {
			h.interim(st, 100, nil)
		}
	}
	if st.wanted <= st.passed {
		// What the client could not send so far is not held against it.
		st.flags &^= h2Seen
	}
	st.flags |= h2Asked
	st.wanted += int64(n)
	h.renew(st)
	if !st.flags.has(h2InUse) {
		h.deliver(st)
	}
	h.leave()
}
