package gateway

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
)

// verdict says why process has stopped.
type verdict uint8

const (
	moreNeeded verdict = iota // all is used up, or a head is incomplete
	blocked                   // something has to happen first
)

// received takes bytes from the socket. They are processed where they lie;
// only what cannot be processed yet is copied.
func (h *h1Conn) received(p []byte) {
	h.bytesIn += uint64(len(p))
	h.flags &^= h1Sealed
	if len(h.queue) > 0 {
		h.keep(p)
		h.resume()
		return
	}
	h.flags |= h1Processing
	n, v := h.process(p)
	h.flags &^= h1Processing
	if h.flags.has(h1Dead) {
		return
	}
	if n < len(p) {
		h.keep(p[n:])
		h.scanned = uint32(len(p) - n)
		if v == blocked {
			h.scanned = 0
		}
	}
	h.settle(v)
}

// resume processes what has been kept.
func (h *h1Conn) resume() {
	if h.flags.has(h1Processing | h1Dead) {
		return
	}
	h.flags |= h1Processing
	v := moreNeeded
	for len(h.queue) > 0 && !h.flags.has(h1Dead) {
		first := &h.queue[0]
		b := h.g.s.Bytes(first.buf)[first.from:first.to]
		if h.scanned > 0 && h.headIncomplete(b) {
			if !h.merge() {
				break
			}
			continue
		}
		h.scanned = 0
		var n int
		n, v = h.process(b)
		if h.flags.has(h1Dead) {
			return
		}
		first = &h.queue[0]
		if first.from += uint32(n); first.from == first.to {
			h.g.s.ReleaseBuffer(first.buf)
			h.queue = append(h.queue[:0], h.queue[1:]...)
			continue
		}
		if v == blocked {
			break
		}
		h.scanned = first.to - first.from
	}
	h.flags &^= h1Processing
	if !h.flags.has(h1Dead) {
		h.settle(v)
	}
}

// headIncomplete reports whether the head that b begins has no end in it, as
// far as the bytes that are new can tell.
func (h *h1Conn) headIncomplete(b []byte) bool {
	if h.flags.has(h1Preamble) {
		return h.preambleIncomplete(b)
	}
	if http1.HeadEnd(b, int(h.scanned)) > 0 {
		return false
	}
	if http1.Incomplete(b, &h.g.gen.Settings.HTTP) != http1.OK {
		return false
	}
	h.scanned = uint32(len(b))
	return true
}

// merge brings the first two pieces of the queue together, because a head has
// to lie in one; false if there is only one.
func (h *h1Conn) merge() bool {
	if len(h.queue) < 2 {
		return false
	}
	s := h.g.s
	first, second := &h.queue[0], &h.queue[1]
	n := first.to - first.from
	large := s.Buffer(engine.LargeBuffer)
	if large == 0 {
		h.abort()
		return true
	}
	mem := s.Bytes(large)
	copy(mem, s.Bytes(first.buf)[first.from:first.to])
	k := uint32(copy(mem[n:], s.Bytes(second.buf)[second.from:second.to]))
	s.ReleaseBuffer(first.buf)
	h.queue[0] = piece{large, 0, n + k}
	if second.from += k; second.from == second.to {
		s.ReleaseBuffer(second.buf)
		h.queue = append(h.queue[:1], h.queue[2:]...)
	}
	return true
}

// keep copies bytes that cannot be processed yet.
func (h *h1Conn) keep(p []byte) {
	s := h.g.s
	for len(p) > 0 {
		if n := len(h.queue); n > 0 {
			last := &h.queue[n-1]
			k := copy(s.Bytes(last.buf)[last.to:], p)
			last.to += uint32(k)
			if p = p[k:]; len(p) == 0 {
				return
			}
		}
		b := s.Buffer(min(len(p), engine.LargeBuffer))
		if b == 0 {
			h.abort()
			return
		}
		h.queue = append(h.queue, piece{buf: b})
	}
}

// settle brings receiving in line with what has happened: it pauses while
// bytes wait that cannot be processed, or content nobody has asked for.
func (h *h1Conn) settle(v verdict) {
	if v == moreNeeded && !h.flags.has(h1EOF|h1Content|h1Paused) {
		return
	}
	if h.flags.has(h1Switched) {
		h.pause(false)
		if h.flags.has(h1EOF) {
			h.g.h2[h.conn.Index()].eof()
		}
		return
	}
	if h.flags.has(h1EOF) && v == moreNeeded && (h.x == nil || h.flags.has(h1Content)) {
		// Nothing more can come: no request, or only the beginning of one
		// (RFC 9112, section 8).
		h.close()
		return
	}
	if h.flags.has(h1Tunnel) {
		h.settleTunnel()
		return
	}
	stop := v == blocked && len(h.queue) > 0 ||
		h.flags.has(h1Content) && h.x != nil && h.credit <= 0 && !h.x.Over()
	if !stop && h.flags.has(h1Content) {
		h.pipe()
	}
	h.pause(stop)
}

// pause stops receiving, or goes on.
func (h *h1Conn) pause(stop bool) {
	if stop == h.flags.has(h1Paused) {
		return
	}
	h.flags ^= h1Paused
	if stop {
		h.g.s.Pause(h.conn)
	} else {
		h.g.s.Resume(h.conn)
	}
}

// process goes through received bytes: heads begin exchanges, content goes to
// them. It returns how many bytes it has used.
func (h *h1Conn) process(p []byte) (n int, v verdict) {
	for n < len(p) {
		switch {
		case h.flags.has(h1Dead | h1Switched):
			if !h.flags.has(h1Dead) {
				h.g.h2[h.conn.Index()].received(p[n:])
			}
			return len(p), moreNeeded
		case h.flags.has(h1Preamble):
			k, ok := h.preamble(p[n:])
			if !ok {
				return n, moreNeeded
			}
			n += k
		case h.flags.has(h1Sealed):
			h.unseal(p[n:])
			return len(p), moreNeeded
		case h.flags.has(h1Tunnel):
			k := h.tunnel(p[n:])
			if n += k; k == 0 {
				return n, blocked
			}
		case h.flags.has(h1Content):
			k, wait := h.content(p[n:])
			n += k
			if wait {
				return n, blocked
			}
		case h.x != nil:
			return n, blocked // requests are answered in their order
		case h.flags.has(h1Full):
			return n, blocked
		default:
			k, ok := h.head(p[n:])
			if !ok {
				return n + k, moreNeeded
			}
			n += k
		}
	}
	return n, moreNeeded
}

// head begins an exchange with the head at the start of p; ok is false if it
// is incomplete.
func (h *h1Conn) head(p []byte) (n int, ok bool) {
	g := h.g
	set := &g.gen.Settings
	if k := http1.EmptyLine(p); k > 0 {
		return k, true
	}
	r := &g.req
	n, err := r.Scan(p, &set.HTTP)
	if err != http1.OK {
		if h.prior(p) {
			return 0, h.flags.has(h1Switched)
		}
		h.refuse(err, err.Status())
		return len(p), true
	}
	if n == 0 {
		if !h.flags.has(h1Partial) {
			h.flags |= h1Partial
			h.deadline(set.Header)
		}
		return 0, false
	}
	h.flags = h.flags&^(h1Partial|h1Chunked|h1NoContent|h1Counted|h1Expect|h1Measured|h1Old) | h1Later
	if r.Close {
		h.flags |= h1Close | h1Asked
	} else if r.MethodID == http1.CONNECT || r.Upgrade && proxy.Leaves(r) {
		// If there is not going to be a tunnel, what follows may be meant for
		// it by a client that has not waited, and chosen by somebody else: it
		// must not be read as requests.
		h.flags |= h1Close
	} else if r.Upgrade && h.upgrade(r) {
		return n, true
	} else if g.draining || h.flags.has(h1Retired) {
		h.flags |= h1Close
	}
	in := Incoming{Head: r, Protocol: "HTTP/1.1"}
	if r.Minor == 0 {
		in.Protocol = "HTTP/1.0"
		h.flags |= h1Old
	}
	in.Content, in.Length = r.Content()
	// It stays so until the next request: what this one is like is the best
	// guess at that.
	g.s.Bulk(h.conn, in.Content == http1.BodyChunked || in.Length > bulkContent)
	period := set.Write
	if in.Content != http1.BodyNone {
		h.body.Reset(in.Content, in.Length, &set.HTTP)
		h.flags |= h1Content
		h.credit, h.discarded = 0, 0
		if h.trailer != nil {
			*h.trailer = (*h.trailer)[:0]
		}
		if r.Expect100 {
			h.flags |= h1Expect
		}
		h.lastIn = h.bytesIn
		period = set.BodyIdle
	}
	h.x = g.newExchange()
	h.x.start(h, 0)
	h.x.Begin(&in)
	if h.ghost() {
		h.close()
	} else if h.x != nil {
		h.deadline(period)
	}
	return n, true
}

// content passes content of the request on; wait is true if it has to wait
// until it is asked for.
func (h *h1Conn) content(p []byte) (n int, wait bool) {
	x := h.x
	if x != nil && h.credit <= 0 && !x.Over() {
		return 0, true
	}
	data, n, done, err := h.body.Next(p)
	if err != http1.OK {
		h.badContent(err)
		return len(p), false
	}
	if x != nil && h.body.HasTrailer() {
		if h.trailer == nil {
			h.trailer = new([]byte)
		}
		*h.trailer = append(*h.trailer, h.body.TrailerPart(p[:n])...)
	}
	h.credit -= int64(len(data))
	if len(data) > 0 && (x == nil || !x.Received(data)) {
		if h.discarded = min(h.discarded+uint32(len(data)), discardLimit+1); h.discarded > discardLimit && h.x == nil {
			h.close()
			return len(p), false
		}
	}
	if done && !h.flags.has(h1Dead) {
		h.contentEnd()
	}
	return n, false
}

// contentEnd is reached when the request is complete.
func (h *h1Conn) contentEnd() {
	g := h.g
	h.flags &^= h1Content | h1Expect
	if h.x == nil {
		if h.flags.has(h1Close) {
			h.close()
			return
		}
		h.idle()
		return
	}
	var trailers []byte
	if h.trailer != nil && len(*h.trailer) > 0 && g.trail.Parse(*h.trailer, &g.gen.Settings.HTTP) == http1.OK {
		g.block = appendFieldLines(g.block[:0], &g.trail.Head)
		trailers = g.block
	}
	h.deadline(h.x.gen.Settings.Write)
	h.x.RequestEnd(trailers)
}

// appendFieldLines appends the fields of a trailer section, without those that
// concern one connection only, and those that would say behind the content who
// the client is: an upstream may take them for what stood before it.
func appendFieldLines(dst []byte, h *http1.Head) []byte {
	for i := range h.Fields {
		if f := &h.Fields[i]; !f.HopByHop() && (f.ID != http1.FieldOther || !proxy.Identifies(h.Name(f))) {
			dst = http1.AppendField(dst, h.Name(f), h.Value(f))
		}
	}
	return dst
}

// badContent ends a request whose framing breaks off.
func (h *h1Conn) badContent(err http1.Error) {
	h.g.refused(err, h.Peer())
	h.flags |= h1Close
	x := h.x
	if x == nil || x.Responding() {
		h.close()
		return
	}
	x.drop()
	x.refuse(err.Status(), err.Error())
}

// refuse answers a head that is none, and closes.
func (h *h1Conn) refuse(err http1.Error, status int) {
	reason := "header_timeout"
	if err != http1.OK {
		h.g.refused(err, h.Peer())
		reason = err.Error()
	}
	h.g.countRefusal(status, reason)
	h.g.logRefusal(status, reason, h.Peer())
	h.flags |= h1Close
	h.flags &^= h1Content
	h.send(h.g.gen.errorPage(status))
	h.close()
}
