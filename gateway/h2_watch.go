package gateway

import (
	"math"
	"time"

	"github.com/anygate/anygate/h2"
)

// A connection has one deadline. Without a stream it is for the client to begin
// one; with streams it comes once a period, and looks at what each of them has
// done since the last time.

func (h *h2Conn) deadline(d time.Duration) { h.g.s.SetDeadline(h.conn, d) }

// patience is how long a client without a stream may take to begin one; if a
// part of it has come, the rest of the head has its own time.
func (h *h2Conn) patience(partial bool) time.Duration {
	set := &h.g.gen.Settings
	d := max(1, set.Idle-time.Duration(h.g.s.Now()-h.quiet))
	if partial {
		d = min(d, set.Header)
	}
	return d
}

// period is the time until the streams are looked at next.
func (h *h2Conn) period() time.Duration {
	set := &h.g.gen.Settings
	d := min(set.BodyIdle, set.Write)
	if h.flags.has(h2Announced) && !h.flags.has(h2Last) {
		d = min(d, h2DrainPatience)
	}
	return d
}

// timer is called when the connection's deadline has passed.
func (h *h2Conn) timer() {
	set := &h.g.gen.Settings
	switch {
	case !h.c.SettingsAcked() && h.g.s.Now()-h.opened >= int64(set.Header):
		// Its first bytes, or the answer to ours, have not come (RFC 9113,
		// section 6.5.3).
		h.refuse(h2.SettingsTimeout, "settings_timeout")
		return
	case h.flags.has(h2Partial) && h.g.s.Now()-h.begun >= int64(set.Header):
		h.refuse(h2.NoError, "header_timeout")
		return
	case h.flags.has(h2Announced) && !h.flags.has(h2Last):
		// The client has not said that it has read the first GOAWAY.
		h.enter()
		h.conclude()
		h.flags &^= h2Watched
		h.leave()
		return
	case h.streams == nil && h.g.s.Queued(h.conn) == 0:
		h.own()
		h.c.GoAway(true, h2.NoError)
		h.end()
		return
	}
	h.enter()
	if h.slow(set) {
		h.abort()
		return
	}
	for st := h.streams; st != nil; {
		next := st.next
		h.watch(st, set)
		st = next
	}
	h.flags &^= h2Watched
	h.leave()
	if !h.flags.has(h2Dead) && h.streams == nil && h.g.s.Queued(h.conn) > 0 {
		// The last of the output is still on its way.
		h.deadline(set.Write)
	}
}

// slow looks whether the client has taken what it should have of the
// connection's output in the period that has passed. No more can be asked for
// than what waited at the last look: the rest may have come a moment ago.
func (h *h2Conn) slow(set *Settings) bool {
	queued := h.g.s.Queued(h.conn)
	if queued == 0 {
		h.flags &^= h2Measured
		return false
	}
	out := h.g.s.Progress(h.conn)
	if h.flags.has(h2Measured) && out-h.lastOut < min(enough(set.MinWrite, h.period()), uint64(h.lastQueued)) {
		return true
	}
	h.lastOut, h.lastQueued = out, uint32(min(queued, math.MaxUint32))
	h.flags |= h2Measured
	return false
}

// watch looks whether the client has sent content of a stream that is wanted,
// and opened windows for what waits to be sent to it, as it should have in the
// period that has passed.
func (h *h2Conn) watch(st *h2Stream, set *Settings) {
	x := st.x
	if st.flags.has(h2Seen) && !st.flags.has(h2Tunnel) {
		if !st.flags.has(h2Ended) && (x == nil || st.wanted > st.passed) && uint64(st.received-st.lastIn) < enough(set.MinBody, set.BodyIdle) {
			switch {
			case x == nil && st.s.EndSent():
				h.release(st) // all that is missing is the end of what nobody wants
				return
			case x == nil || x.Responding():
				h.kill(st, h2.Cancel)
				return
			default:
				x.drop()
				x.refuse(408, "content_timeout")
				return
			}
		}
	}
	if st.flags.has(h2Seen) && st.lastQueued > 0 && !h.flags.has(h2Full) && st.queued > 0 &&
		uint64(st.sent-st.lastOut) < min(enough(set.MinWrite, set.Write), uint64(st.lastQueued)) {
		// Its window is what has held it back, or the disk that its file is on.
		code := h2.Cancel
		if st.flags.has(h2Absent) {
			code = h2.InternalError
		}
		h.kill(st, code)
		return
	}
	st.lastIn, st.lastOut, st.lastQueued = st.received, st.sent, st.queued
	st.flags |= h2Seen
}

// shed ends what the client has taken nothing of since the last look, a second
// ago: all of the connection if its output waits, or the streams whose content
// waits for a window, of which there may be as many as the budget has left. It
// returns how many were ended.
func (h *h2Conn) shed(budget int) (ended int) {
	if !h.flags.has(h2Full) {
		return h.shedStreams(budget)
	}
	if !h.g.stuck(h.conn) {
		return 0
	}
	for st := h.streams; st != nil; st = st.next {
		ended++
	}
	h.abort()
	return ended
}

// shedStreams ends streams. A client that opens no windows, or that of the
// connection no further, keeps the output empty, and the shard's buffers full.
func (h *h2Conn) shedStreams(budget int) (ended int) {
	h.enter()
	for st := h.streams; st != nil && ended < budget; {
		next := st.next
		switch {
		case !st.buffered() || h.c.Room(st.s) > 0:
		case st.flags.has(h2Weighed) && st.weighed == st.sent:
			h.kill(st, h2.Cancel)
			ended++
		default:
			st.flags |= h2Weighed
			st.weighed = st.sent
		}
		st = next
	}
	h.leave()
	return ended
}

// buffered reports whether some of what waits to be sent takes up buffers.
func (st *h2Stream) buffered() bool {
	for i := range st.queue[st.first:] {
		if st.queue[int(st.first)+i].buf != 0 {
			return true
		}
	}
	return false
}
