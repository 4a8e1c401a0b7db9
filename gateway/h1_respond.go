package gateway

import (
	"math"

	"github.com/anygate/anygate/http1"
)

var _ Codec = (*h1Conn)(nil)

var (
	lineClose     = []byte(http1.FieldClose)
	lineKeepAlive = []byte(http1.FieldKeepAlive)
	lineChunked   = []byte(http1.FieldChunked)
	continueLine  = []byte(http1.Continue)
	crlf          = []byte(http1.CRLF)
	lastChunk     = []byte(http1.LastChunkLine)
)

// Want lets n more bytes of content through, and tells a client that waits
// for it (RFC 9110, section 10.1.1).
func (h *h1Conn) Want(x *Exchange, n int) {
	if h.x != x {
		return
	}
	if h.flags.has(h1Expect) {
		h.flags &^= h1Expect
		if !x.Responding() {
			h.append(continueLine)
		}
	}
	if h.credit <= 0 && h.flags.has(h1Content) {
		// What the client could not send so far is not held against it.
		h.lastIn = h.bytesIn
		h.deadline(x.gen.Settings.BodyIdle)
	}
	h.credit += int64(n)
	h.resume()
}

// Interim sends a 1xx response; HTTP/1.0 does not know them.
func (h *h1Conn) Interim(x *Exchange, status int, block []byte) {
	if h.x != x || h.flags.has(h1Old) || x.Responding() || h.flags.has(h1Broken) {
		return
	}
	b := h.g.s.Reserve(h.conn, len(block)+headRoom)
	if b == nil {
		h.fail()
		return
	}
	b = http1.AppendStatusLine(b[:0], status)
	b = append(b, block...)
	h.g.s.Commit(h.conn, len(append(b, crlf...)))
}

// Respond begins the final response.
func (h *h1Conn) Respond(x *Exchange, r *Response) {
	if h.x != x || h.flags.has(h1Broken) {
		return
	}
	b := h.startHead(r, 0)
	if b == nil {
		return
	}
	h.leaveUnread(r.Status)
	if x.HEAD() || r.Status == 204 || r.Status == 304 {
		h.flags |= h1NoContent
	}
	switch {
	case r.Status == 204: // never framed (RFC 9110, section 8.6)
	case r.Length >= 0:
		b = http1.AppendContentLength(b, r.Length)
		h.left = r.Length
		h.flags |= h1Counted
	case h.flags.has(h1NoContent):
	case h.flags.has(h1Old):
		h.flags |= h1Close // the end of the connection is the end of the content
	default:
		b = append(b, lineChunked...)
		h.flags |= h1Chunked
	}
	b = h.appendConnection(b)
	b = append(b, crlf...)
	h.g.s.Commit(h.conn, len(b))
}

// startHead writes what the heads of all responses begin with. It leaves room
// for the fields that are the codec's, and more bytes; nil if there is none.
func (h *h1Conn) startHead(r *Response, more int) []byte {
	room := h.g.s.Reserve(h.conn, len(r.Block)+headRoom+more)
	if room == nil {
		h.fail()
		return nil
	}
	b := http1.AppendStatusLine(room[:0], r.Status)
	if !r.HasServer {
		b = append(b, serverLine...)
	}
	if !r.HasDate {
		b = append(b, "Date: "...)
		b = append(b, h.g.now()...)
		b = append(b, crlf...)
	}
	b = h.appendHSTS(b, r.Block)
	return append(b, r.Block...)
}

// leaveUnread decides, when a response begins, whether the connection can go
// on although content of the request is still to come: not if the client waits
// for a 100 (Continue) that nobody has asked for, because it may send the
// content all the same, or not, and not if there is a lot of it. Only an
// action that still reads may respond early and have the rest, unless what it
// says is that something went wrong.
func (h *h1Conn) leaveUnread(status int) {
	reads := (h.x.call != nil || h.x.echo != nil) && status < 400
	if h.flags.has(h1Content) && (h.flags.has(h1Expect) || h.body.Remaining() > discardLimit && !reads) {
		h.flags |= h1Close
	}
}

// appendConnection says what becomes of the connection, where the version
// does not imply it (RFC 9112, section 9.3).
func (h *h1Conn) appendConnection(b []byte) []byte {
	switch {
	case h.flags.has(h1Close):
		return append(b, lineClose...)
	case h.flags.has(h1Old):
		return append(b, lineKeepAlive...)
	}
	return b
}

// Prebuilt sends a whole response.
func (h *h1Conn) Prebuilt(x *Exchange, f *Fixed) {
	if h.x != x {
		return
	}
	h.leaveUnread(f.Status)
	h.send(f)
	if !x.HEAD() {
		x.log.sent += int64(len(f.body))
	}
	h.checkFull()
	h.done()
}

// send writes a prebuilt response with today's date.
func (h *h1Conn) send(f *Fixed) {
	if h.flags.has(h1Broken) {
		return
	}
	s := h.g.s
	image := f.image
	if h.x != nil && h.x.HEAD() {
		image = image[:f.head]
	}
	hsts := h.hsts()
	if len(image) <= copyImage && !h.flags.has(h1Close|h1Old) && hsts == nil {
		b := s.Grow(h.conn, len(image))
		if b == nil {
			h.fail()
			return
		}
		copy(b, image)
		copy(b[f.date:], h.g.now())
		return
	}
	// The connection's fate goes before the empty line that ends the head.
	b := s.Reserve(h.conn, f.head+headRoom)
	if b == nil {
		h.fail()
		return
	}
	b = append(b[:0], image[:f.head-len(crlf)]...)
	copy(b[f.date:], h.g.now())
	b = append(b, hsts...)
	b = h.appendConnection(b)
	b = append(b, crlf...)
	s.Commit(h.conn, len(b))
	h.append(image[f.head:])
}

// Content sends content.
func (h *h1Conn) Content(x *Exchange, p []byte) {
	if h.x != x || h.flags.has(h1NoContent|h1Broken) || len(p) == 0 {
		return
	}
	p = p[:h.count(x, int64(len(p)))]
	if h.flags.has(h1Unwatched) {
		h.flags &^= h1Unwatched
		h.deadline(x.gen.Settings.Write)
	}
	s := h.g.s
	ok := true
	if h.flags.has(h1Chunked) {
		b := s.Reserve(h.conn, chunkRoom)
		if ok = b != nil; ok {
			s.Commit(h.conn, len(http1.AppendChunkHeader(b[:0], len(p))))
			ok = s.Relay(h.conn, p) && s.Append(h.conn, crlf)
		}
	} else {
		ok = s.Relay(h.conn, p)
	}
	if !ok {
		h.fail()
		return
	}
	h.checkFull()
}

// Pipes reports whether content may be piped: it must go out as it is.
func (h *h1Conn) Pipes(x *Exchange) bool {
	return h.x == x && h.flags.has(h1Counted) && !h.flags.has(h1NoContent|h1Broken) && h.g.s.Piping(h.conn)
}

// Piped sends content that the engine holds in a pipe.
func (h *h1Conn) Piped(x *Exchange, n int) {
	if h.x != x || h.flags.has(h1NoContent|h1Broken) {
		return
	}
	h.count(x, int64(n))
	h.g.s.RelayPiped(h.conn)
	h.checkFull()
}

// Memory and File send content from where it lies.
func (h *h1Conn) Memory(x *Exchange, addr uintptr, n int, token uint32) {
	if h.x != x || h.flags.has(h1NoContent|h1Broken) {
		h.g.files.ReleaseToken(token)
		return
	}
	h.g.s.AppendMemory(h.conn, addr, int(h.count(x, int64(n))), token)
	h.checkFull()
}

// File is like Memory for a range of an open file.
func (h *h1Conn) File(x *Exchange, fd int32, off, n int64, token uint32) {
	if h.x != x || h.flags.has(h1NoContent|h1Broken) {
		h.g.files.ReleaseToken(token)
		return
	}
	h.g.s.AppendFile(h.conn, fd, off, h.count(x, n), token)
	h.checkFull()
}

// count holds content to the length that the head has promised.
func (h *h1Conn) count(x *Exchange, n int64) int64 {
	if h.flags.has(h1Counted) {
		n = min(n, h.left)
		h.left -= n
	}
	x.log.sent += n
	return n
}

// checkFull stops the sources of output when enough of it waits.
func (h *h1Conn) checkFull() {
	if h.g.s.Queued(h.conn) < outputLeast {
		return
	}
	if high := h.g.outputHigh(); !h.flags.has(h1Full|h1Broken) && h.g.s.Queued(h.conn) >= high {
		h.flags |= h1Full
		h.g.s.NotifyDrained(h.conn, int(high/outputLow))
	}
}

// Finish ends the response.
func (h *h1Conn) Finish(x *Exchange, trailers []byte) {
	if h.x != x {
		return
	}
	if h.flags.has(h1Chunked) {
		h.append(lastChunk)
		h.append(trailers)
		h.append(crlf)
	}
	if h.flags.has(h1Counted) && h.left > 0 && !h.flags.has(h1NoContent) {
		h.Reset(x)
		return
	}
	h.done()
}

// Reset ends a response where it stands: the client can tell, from its length
// or the missing last chunk, or else by the reset of the connection.
func (h *h1Conn) Reset(x *Exchange) {
	if h.x != x {
		return
	}
	h.x = nil
	x.Done()
	if h.flags.has(h1Chunked | h1Counted) {
		h.close()
		return
	}
	h.abort()
}

// Room is how many bytes of content can be taken now.
func (h *h1Conn) Room(x *Exchange) int64 {
	if h.x != x {
		return math.MaxInt64
	}
	return h.g.outputHigh() - h.g.s.Queued(h.conn)
}

// done follows the end of a response.
func (h *h1Conn) done() {
	x := h.x
	h.x = nil
	x.Done()
	if h.flags.has(h1Content) && (h.flags.has(h1Expect) || h.body.Remaining() > discardLimit) {
		h.flags |= h1Close
	}
	switch {
	case h.flags.has(h1Close):
		if h.flags.has(h1Asked) && !h.flags.has(h1Content|h1Broken) && len(h.queue) == 0 {
			// The client has said that this was all, and it was.
			h.gone()
			h.g.s.CloseQuiet(h.conn)
			return
		}
		h.close()
		return
	case h.flags.has(h1Content):
		h.deadline(h.g.gen.Settings.BodyIdle)
	default:
		h.idle()
	}
	h.resume()
}

// idle waits for the next request, or, while a lot of the last response is
// still on its way, for the client to take it.
func (h *h1Conn) idle() {
	if h.flags.has(h1Full) {
		h.deadline(h.g.gen.Settings.Write)
		return
	}
	idle := h.g.gen.Settings.Idle
	if h.flags.has(h1Retired) {
		idle = h.quiet(idle)
	}
	h.deadline(idle)
}

// append queues a few bytes.
func (h *h1Conn) append(p []byte) {
	if !h.flags.has(h1Broken) && !h.g.s.Append(h.conn, p) {
		h.fail()
	}
}

// fail gives a connection up whose output has a hole, for want of buffers.
// The exchange may be in the middle of a call, so the end comes with the next
// Drained, or when the connection would be closed; nothing is appended behind
// the hole until then.
func (h *h1Conn) fail() {
	h.flags |= h1Broken | h1Close
	h.g.s.NotifyDrained(h.conn, math.MaxInt32)
}
