package gateway

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
)

type h2StreamFlags uint16

const (
	h2InUse     h2StreamFlags = 1 << iota // the exchange's Begin, Received or RequestEnd is on the stack
	h2Expect                              // the client waits for 100 (Continue)
	h2Ended                               // the client has ended its side
	h2Told                                // and the exchange knows
	h2NoContent                           // the response has no content
	h2Counted                             // the length of the response is known
	h2Whole                               // and nothing follows its content
	h2Finished                            // all of the response has been handed over
	h2Stalled                             // the source of the response waits for room
	h2Offer                               // what follows the head is for a tunnel, if there is to be one
	h2Tunnel                              // the stream carries another protocol
	h2Seen                                // the timer has looked at the stream
	h2Asked                               // content has been asked for
	h2Cut                                 // a piece of the response is missing: see lose
	h2Absent                              // what comes next is not in memory: see resident
	h2Weighed                             // weighed holds what was sent
)

func (f h2StreamFlags) has(g h2StreamFlags) bool { return f&g != 0 }

// h2Stream is what an h2Conn knows of a request and its response. It outlives
// the exchange until both directions have ended: what is still to be sent after
// Finish is here.
type h2Stream struct {
	h          *h2Conn
	s          *h2.Stream
	x          *Exchange // nil once it is over
	next, prev *h2Stream
	number     uint32    // its place in h2Shared.streams, and Exchange.Stream
	early      []piece   // content of the request that came before it was asked for
	queue      []h2Piece // content of the response that waits
	h2Progress
}

// h2Progress is how far a stream has come: what begins anew with each.
type h2Progress struct {
	flags    h2StreamFlags
	first    uint32 // of queue
	absence  uint32 // by which the stream is known to wait, 0 if it is not
	trailers piece  // of the request, behind early

	received  int64 // content of the request that has come
	passed    int64 // was passed on to the exchange
	wanted    int64 // was asked for
	allowed   int64 // and may come
	discarded int64 // content that nobody wanted

	left   int64 // content of the response that its length still promises
	queued int64 // bytes of content in queue
	sent   int64 // and what was sent

	lastIn, lastOut, lastQueued int64 // received, sent and queued, at the last look of the timer
	weighed                     int64 // sent, at the last look of shed
}

// waits reports whether content of the response, or trailers, are queued.
func (st *h2Stream) waits() bool { return int(st.first) < len(st.queue) }

// newStream makes the record for a stream that the client has begun.
func (h *h2Conn) newStream(s *h2.Stream) *h2Stream {
	m := &h.g.mux
	var st *h2Stream
	if n := len(m.free); n > 0 {
		st = m.streams[m.free[n-1]]
		m.free = m.free[:n-1]
	} else {
		st = &h2Stream{number: uint32(len(m.streams))}
		m.streams = append(m.streams, st)
	}
	st.h, st.s, st.next = h, s, h.streams
	st.h2Progress = h2Progress{allowed: int64(h.cfg.Window)}
	if st.next != nil {
		st.next.prev = st
	}
	h.streams = st
	h.flags &^= h2Idle
	s.User = st.number
	return st
}

// of is the stream of an exchange, nil if the exchange is over.
func (h *h2Conn) of(x *Exchange) *h2Stream {
	if st := h.g.mux.streams[x.Stream]; st.x == x {
		return st
	}
	return nil
}

// release forgets a stream. If the client has not ended its side it is told
// that nothing more is wanted.
func (h *h2Conn) release(st *h2Stream) {
	m := &h.g.mux
	for i := range st.early {
		h.g.s.ReleaseBuffer(st.early[i].buf)
	}
	if st.trailers.buf != 0 {
		h.g.s.ReleaseBuffer(st.trailers.buf)
	}
	for i := int(st.first); i < len(st.queue); i++ {
		h.drop(&st.queue[i])
	}
	clear(st.queue) // nothing of a configuration that has gone is to be held
	st.early, st.queue = st.early[:0], st.queue[:0]
	if cap(st.queue) > h2KeptPieces {
		st.queue = nil
	}
	if st.prev != nil {
		st.prev.next = st.next
	} else {
		h.streams = st.next
	}
	if st.next != nil {
		st.next.prev = st.prev
	}
	if !h.flags.has(h2Dead) {
		h.own()
		h.c.Release(st.s)
	}
	st.h, st.s, st.next, st.prev, st.flags = nil, nil, nil, nil, 0
	m.free = append(m.free, st.number)
}

// cancel ends a stream whose client has gone, or does not want it any more.
func (h *h2Conn) cancel(st *h2Stream) {
	x := st.x
	st.x = nil
	h.release(st)
	if x != nil {
		x.Cancel()
	}
}

// kill resets a stream.
func (h *h2Conn) kill(st *h2Stream, code h2.Code) {
	h.own()
	h.c.Reset(st.s, code)
	h.cancel(st)
}

// over follows the end of an exchange, and the sending of the last frame of its
// response: it forgets a stream that has ended on both sides, and reads over
// content of the request that nobody wants, if it is not long.
func (h *h2Conn) over(st *h2Stream) {
	switch {
	case st.x != nil || !st.s.EndSent() && !st.s.Dead():
	case st.flags.has(h2Ended) || st.s.Dead() || st.flags.has(h2Offer|h2Expect):
		h.release(st)
	default:
		h.discard(st, 0)
	}
}

// discard reads over n bytes of content that nobody wants.
func (h *h2Conn) discard(st *h2Stream, n int) {
	for i := range st.early {
		n += int(st.early[i].to - st.early[i].from)
		h.g.s.ReleaseBuffer(st.early[i].buf)
	}
	st.early = st.early[:0]
	st.discarded += int64(n)
	if st.discarded > discardLimit && st.x == nil && st.s.EndSent() {
		h.release(st)
		return
	}
	st.passed += int64(n)
	h.renew(st)
}

// renew lets the client send more: as much as was asked for, and always a
// window beyond what was passed on, so that it is not kept waiting.
func (h *h2Conn) renew(st *h2Stream) {
	if allowed := max(st.passed+int64(h.cfg.Window), st.wanted); allowed > st.allowed {
		h.own()
		h.c.Grant(st.s, int(allowed-st.allowed))
		st.allowed = allowed
	}
}

// keep copies content that nobody has asked for yet.
func (h *h2Conn) keep(st *h2Stream, p []byte) bool {
	s := h.g.s
	for len(p) > 0 {
		if n := len(st.early); n > 0 {
			last := &st.early[n-1]
			k := copy(s.Bytes(last.buf)[last.to:], p)
			last.to += uint32(k)
			if p = p[k:]; len(p) == 0 {
				break
			}
		}
		b := s.Buffer(min(len(p), engine.LargeBuffer))
		if b == 0 {
			return false
		}
		st.early = append(st.early, piece{buf: b})
	}
	return true
}
