package gateway

import (
	"math"
	"unsafe"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
)

var serverName = []byte("anygate")

// Interim sends a 1xx response.
func (h *h2Conn) Interim(x *Exchange, status int, block []byte) {
	if st := h.of(x); st != nil && !x.Responding() {
		h.enter()
		h.interim(st, status, block)
		h.leave()
	}
}

func (h *h2Conn) interim(st *h2Stream, status int, block []byte) {
	m := &h.g.mux
	m.head = h2.ResponseHead{Status: status, Length: -1, Block: block}
	if room := h.room(headSize(block)); room != nil {
		h.commit(room, h.c.AppendInterim(room[:0], st.s, &m.head))
	}
}

// Respond begins the final response.
func (h *h2Conn) Respond(x *Exchange, r *Response) {
	st := h.of(x)
	if st == nil {
		return
	}
	h.enter()
	length, end := r.Length, false
	switch {
	case x.HEAD() || r.Status == 304:
		st.flags |= h2NoContent
		end = true
	case r.Status == 204:
		st.flags |= h2NoContent
		length, end = -1, true // never stated (RFC 9110, section 8.6)
	case length >= 0:
		st.flags |= h2Counted
		st.left = length
		end = length == 0
		if x.call == nil {
			// Only what comes from an upstream may have trailers.
			st.flags |= h2Whole
		}
	}
	h.head(st, r, r.Status, length, end)
	h.leave()
}

// head writes the head of a response.
func (h *h2Conn) head(st *h2Stream, r *Response, status int, length int64, end bool) {
	m := &h.g.mux
	hsts := h.under.hsts()
	if hsts != nil && declaresHSTS(r.Block) {
		hsts = nil
	}
	if r.Kept {
		if e := m.heads.find(r, length); e != nil {
			h.encoded(st, e.block, m.encodeHSTS(hsts), e.date, end)
			return
		}
	}
	m.head = h2.ResponseHead{Status: status, Length: length, Block: r.Block, More: hsts}
	if !r.HasServer {
		m.head.Server = serverName
	}
	if !r.HasDate {
		m.head.Date = h.g.now()
	}
	if room := h.room(headSize(r.Block) + len(hsts)); room != nil {
		h.commit(room, h.c.AppendResponse(room[:0], st.s, &m.head, end))
	}
}

// encoded writes a head that is encoded already, but for its date.
func (h *h2Conn) encoded(st *h2Stream, block, more []byte, date int, end bool) {
	n := len(block) + len(more)
	if room := h.room(n + h2.FrameHeader); room != nil {
		b := h.c.AppendEncoded(room[:0], st.s, block, more, end)
		copy(b[len(b)-n+date:], h.g.now())
		h.commit(room, b)
	}
}

// headSize is how large the head of a response with these field lines may be
// as frames. Where it is larger, which takes odd lines, commit copies it.
func headSize(block []byte) int { return len(block) + headRoom }

// room returns at least n writable bytes at the end of the connection's
// output, to be followed by commit; nil if the output is broken.
func (h *h2Conn) room(n int) []byte {
	if h.flags.has(h2Broken) {
		return nil
	}
	if len(h.g.mux.scratch.Out) > 0 {
		h.flush()
	}
	s := h.g.s
	if h.burst > engine.SmallBuffer/2 && n <= engine.SmallBuffer {
		// Where there is a lot to be sent, one large piece costs less than
		// many small ones.
		if b := s.Reserve(h.conn, engine.SmallBuffer+1); b != nil {
			return b
		}
	}
	b := s.Reserve(h.conn, min(n, engine.LargeBuffer))
	if b == nil {
		h.fail()
	}
	return b
}

// commit takes what was appended to the room that the last call of room has
// returned; if there was more of it than room, it lies elsewhere.
func (h *h2Conn) commit(room, b []byte) {
	if unsafe.SliceData(room) == unsafe.SliceData(b) {
		h.g.s.Commit(h.conn, len(b))
	} else if h.g.s.Commit(h.conn, 0); !h.g.s.Append(h.conn, b) {
		h.fail()
	}
	h.checkFull()
}

// Prebuilt sends a whole response.
func (h *h2Conn) Prebuilt(x *Exchange, f *Fixed) {
	st := h.of(x)
	if st == nil {
		return
	}
	h.enter()
	if x.HEAD() {
		st.flags |= h2NoContent
	} else {
		x.log.sent += int64(len(f.body))
	}
	h.prebuilt(st, f)
	st.flags |= h2Finished
	st.x = nil
	x.Done()
	h.over(st)
	h.leave()
}

// prebuilt writes a response, or the head of one that is not to be sent at once.
func (h *h2Conn) prebuilt(st *h2Stream, f *Fixed) {
	body := f.body
	if st.flags.has(h2NoContent) {
		body = nil
	}
	together := len(body) <= h2Copy && len(body) <= h.space(st)
	hsts := h.g.mux.encodeHSTS(h.under.hsts())
	head := len(f.h2) + len(hsts)
	n := head + 2*h2.FrameHeader
	if together {
		n += len(body)
	}
	room := h.room(n)
	if room == nil {
		return
	}
	b := h.c.AppendEncoded(room[:0], st.s, f.h2, hsts, len(body) == 0)
	copy(b[len(b)-head+f.h2date:], h.g.now())
	if together && len(body) > 0 {
		b = h.c.AppendDataHeader(b, st.s, len(body), true)
		b = append(b, body...)
		st.sent += int64(len(body))
	}
	h.commit(room, b)
	if !together {
		st.flags |= h2Finished
		h.push(st, h2Piece{p: body, n: int64(len(body))})
	}
}

// Content sends content.
func (h *h2Conn) Content(x *Exchange, p []byte) {
	st := h.of(x)
	if st == nil || st.flags.has(h2NoContent|h2Cut) || len(p) == 0 {
		return
	}
	h.enter()
	p = p[:h.count(st, int64(len(p)))]
	for len(p) > 0 {
		n := min(len(p), h.space(st))
		if n == 0 {
			break
		}
		room := h.room(h2.FrameHeader + n)
		if room == nil {
			break
		}
		b := h.c.AppendDataHeader(room[:0], st.s, n, n == len(p) && st.complete())
		h.commit(room, append(b, p[:n]...))
		st.sent += int64(n)
		p = p[n:]
	}
	if len(p) > 0 && !h.hold(st, p) {
		h.lose(st)
	}
	h.leave()
}

// complete reports whether all of the content has been handed over, and nothing
// is to follow it.
func (st *h2Stream) complete() bool {
	return st.flags.has(h2Finished) || st.flags.has(h2Whole) && st.left == 0
}

// count holds content to the length that the head has promised.
func (h *h2Conn) count(st *h2Stream, n int64) int64 {
	if st.flags.has(h2Counted) {
		n = min(n, st.left)
		st.left -= n
	}
	st.x.log.sent += n
	return n
}

// Frames have to be written around content: it is not piped.
func (h *h2Conn) Pipes(*Exchange) bool { return false }
func (h *h2Conn) Piped(*Exchange, int) { panic("gateway: content of HTTP/2 was piped") }

// Memory sends content from where it lies.
func (h *h2Conn) Memory(x *Exchange, addr uintptr, n int, token uint32) {
	// SAFETY: the memory is off-heap and stays until the token is given back.
	p := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n)
	h.refer(x, h2Piece{p: p, n: int64(n), token: token})
}

// File is like Memory for a range of an open file.
func (h *h2Conn) File(x *Exchange, fd int32, off, n int64, token uint32) {
	h.refer(x, h2Piece{fd: fd, off: off, n: n, token: token})
}

func (h *h2Conn) refer(x *Exchange, p h2Piece) {
	st := h.of(x)
	if st == nil || st.flags.has(h2NoContent|h2Cut) {
		h.g.files.ReleaseToken(p.token)
		return
	}
	if p.n = h.count(st, p.n); p.n == 0 {
		h.g.files.ReleaseToken(p.token)
		return
	}
	h.enter()
	h.push(st, p)
	h.leave()
}

// Finish ends the response.
func (h *h2Conn) Finish(x *Exchange, trailers []byte) {
	st := h.of(x)
	if st == nil {
		return
	}
	if st.flags.has(h2Counted) && st.left > 0 {
		h.Reset(x)
		return
	}
	h.enter()
	h.finish(st, trailers)
	st.x = nil
	x.Done()
	h.over(st)
	h.leave()
}

// finish ends our side of a stream behind what is queued.
func (h *h2Conn) finish(st *h2Stream, trailers []byte) {
	st.flags |= h2Finished
	waiting := st.waits()
	switch {
	case st.s.EndSent() || st.s.Dead() || st.flags.has(h2Cut):
	case waiting && len(trailers) > 0:
		if !h.holdTrailers(st, trailers) {
			h.lose(st)
		}
	case waiting: // its last frame says that it is
	default:
		if room := h.room(headSize(trailers)); room != nil {
			h.commit(room, h.c.AppendTrailers(room[:0], st.s, trailers))
		}
	}
}

// Reset ends the exchange where it stands.
func (h *h2Conn) Reset(x *Exchange) {
	st := h.of(x)
	if st == nil {
		return
	}
	h.enter()
	st.x = nil
	x.Done()
	h.c.Reset(st.s, h2.InternalError)
	h.release(st)
	h.leave()
}

// Room is how many bytes of content can be taken now.
func (h *h2Conn) Room(x *Exchange) int64 {
	st := h.of(x)
	if st == nil {
		return math.MaxInt64
	}
	high := h.g.outputHigh() - h.g.s.Queued(h.conn)
	room := min(int64(h.c.Room(st.s)), high) - st.queued
	if room <= 0 || h.flags.has(h2Full) {
		st.flags |= h2Stalled
		return 0
	}
	// What waits for windows counts for all streams together. One whose window is
	// open goes on, in small pieces, even if others have used that up.
	return min(room, max(high-h.held, h2Copy))
}
