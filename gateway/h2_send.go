package gateway

import (
	"math"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
)

// h2Piece is content that waits for a window, or for its turn: bytes in a
// buffer, bytes that stay as they are, a range of a file, or trailers.
type h2Piece struct {
	p       []byte // nil for a file
	off     int64
	known   int64 // up to where a file can be read without waiting for a disk
	n       int64
	fd      int32
	token   uint32     // of a file or its memory, 0 for other bytes
	buf     engine.Buf // that p lies in, 0 for other bytes
	trailer bool
}

// drop gives back what a piece holds.
func (h *h2Conn) drop(p *h2Piece) {
	switch {
	case p.buf != 0:
		h.held -= int64(len(h.g.s.Bytes(p.buf)))
		h.g.s.ReleaseBuffer(p.buf)
	case p.token != 0:
		h.g.files.ReleaseToken(p.token)
	}
}

// space is how large a DATA frame may be that is sent at once: 0 if others are
// waiting to send.
func (h *h2Conn) space(st *h2Stream) int {
	if h.flags.has(h2Full|h2Broken) || st.waits() || h.c.HasReady() {
		return 0
	}
	return min(h.c.Room(st.s), h.c.MaxFrame(), h2Copy)
}

// push sends a piece, or queues it until its turn comes.
func (h *h2Conn) push(st *h2Stream, p h2Piece) {
	at := h.space(st) > 0
	st.queue = append(st.queue, p)
	st.queued += p.n
	for at && st.waits() && !h.flags.has(h2Full|h2Broken) && !st.flags.has(h2Cut|h2Absent) && h.c.Room(st.s) > 0 {
		if !h.send(st) {
			return
		}
	}
	if st.waits() && !st.flags.has(h2Absent) {
		h.c.Ready(st.s)
	}
}

// hold queues a copy of content, and holdTrailers of trailers; false if there
// is no buffer.
func (h *h2Conn) hold(st *h2Stream, p []byte) bool {
	s := h.g.s
	st.queued += int64(len(p))
	if n := len(st.queue); n > int(st.first) {
		if last := &st.queue[n-1]; last.buf != 0 && !last.trailer {
			k := copy(s.Bytes(last.buf)[last.off:], p)
			last.p = s.Bytes(last.buf)[last.off-last.n : last.off+int64(k)]
			last.off += int64(k)
			last.n += int64(k)
			p = p[k:]
		}
	}
	for len(p) > 0 {
		b := h.buffer(min(len(p), engine.LargeBuffer))
		if b == 0 {
			return false
		}
		k := copy(s.Bytes(b), p)
		st.queue = append(st.queue, h2Piece{p: s.Bytes(b)[:k], off: int64(k), n: int64(k), buf: b})
		p = p[k:]
	}
	h.c.Ready(st.s)
	return true
}

func (h *h2Conn) holdTrailers(st *h2Stream, lines []byte) bool {
	s := h.g.s
	b := h.buffer(len(lines))
	if b == 0 {
		return false
	}
	k := copy(s.Bytes(b), lines)
	st.queue = append(st.queue, h2Piece{p: s.Bytes(b)[:k], buf: b, trailer: true})
	h.c.Ready(st.s)
	return true
}

// buffer takes a buffer for a piece; drop gives it back.
func (h *h2Conn) buffer(n int) engine.Buf {
	b := h.g.s.Buffer(n)
	if b != 0 {
		h.held += int64(len(h.g.s.Bytes(b)))
	}
	return b
}

// lose gives up a stream whose content cannot be kept. The exchange is in the
// middle of a call, so the end comes with the next Drained.
func (h *h2Conn) lose(st *h2Stream) {
	st.flags |= h2Cut
	h.flags |= h2Lossy
	h.g.s.NotifyDrained(h.conn, math.MaxInt32)
}

// mend resets the streams that were given up.
func (h *h2Conn) mend() {
	h.flags &^= h2Lossy
	for st := h.streams; st != nil; {
		next := st.next
		if st.flags.has(h2Cut) {
			h.kill(st, h2.InternalError)
		}
		st = next
	}
}

// send sends a frame of what is queued for a stream. It reports false if that
// was the last of the stream.
func (h *h2Conn) send(st *h2Stream) bool {
	p := &st.queue[st.first]
	if p.trailer {
		if room := h.room(headSize(p.p)); room != nil {
			h.commit(room, h.c.AppendTrailers(room[:0], st.s, p.p))
		}
		h.pop(st)
		h.over(st)
		return false
	}
	n := int(min(p.n, int64(h.c.Room(st.s)), int64(h.c.MaxFrame()), h2Copy))
	if p.p == nil {
		if p.off >= p.known && !h.resident(st, p) {
			return true
		}
		n = int(min(int64(n), p.known-p.off))
	}
	end := int64(n) == p.n && int(st.first)+1 == len(st.queue) && st.complete()
	room := h.room(h2.FrameHeader + n)
	if room == nil || n == 0 {
		return true
	}
	content := room[h2.FrameHeader:][:n]
	if p.p != nil {
		copy(content, p.p)
		p.p = p.p[n:]
	} else if !h.g.s.ReadFile(p.fd, content, p.off) {
		h.g.s.Commit(h.conn, 0)
		h.lose(st)
		return true
	} else {
		p.off += int64(n)
	}
	h.commit(room, h.c.AppendDataHeader(room[:0], st.s, n, end)[:h2.FrameHeader+n])
	h.sent(st, p, n)
	if end {
		h.over(st)
		return false
	}
	return true
}

// sent counts n bytes of a piece as sent.
func (h *h2Conn) sent(st *h2Stream, p *h2Piece, n int) {
	st.sent += int64(n)
	st.queued -= int64(n)
	if p.n -= int64(n); p.n == 0 {
		h.pop(st)
	}
}

// pop forgets the first piece of a stream's queue.
func (h *h2Conn) pop(st *h2Stream) {
	h.drop(&st.queue[st.first])
	st.queue[st.first] = h2Piece{}
	if st.first++; !st.waits() {
		st.queue, st.first = st.queue[:0], 0
		if st.flags.has(h2Stalled) {
			h.flags |= h2Wake
		}
	}
}

// pump sends what waits, a frame of each stream at a time in the order of their
// priorities, as far as windows and the connection's output allow, and tells
// sources that have stopped when there is room again.
func (h *h2Conn) pump() {
	for {
		for !h.flags.has(h2Full | h2Broken) {
			s := h.c.NextReady()
			if s == nil {
				break
			}
			st := h.g.mux.streams[s.User]
			if st == nil || !st.waits() || st.flags.has(h2Cut|h2Absent) {
				continue
			}
			if h.send(st) && st.waits() && !st.flags.has(h2Cut|h2Absent) {
				h.c.Ready(s)
			}
		}
		if !h.flags.has(h2Wake) || h.flags.has(h2Full|h2Broken) {
			return
		}
		h.flags &^= h2Wake
		h.wake()
	}
}

// wake tells the sources that wait for room, where there is some.
func (h *h2Conn) wake() {
	for st := h.streams; st != nil; {
		next := st.next
		if st.flags.has(h2Stalled) && st.x != nil {
			st.flags &^= h2Stalled
			if h.Room(st.x) > 0 {
				st.x.Writable()
			}
		}
		st = next
	}
}
