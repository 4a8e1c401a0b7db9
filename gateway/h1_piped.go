package gateway

import "github.com/anygate/anygate/http1"

// pipe asks the engine for the rest of a large request's content in a pipe, if
// the action can pass it on from there. There is content still to come.
func (h *h1Conn) pipe() {
	if h.credit > 0 && len(h.queue) == 0 && h.body.Kind() == http1.BodyLength &&
		h.body.Remaining() >= pipeContent && h.x != nil && h.x.TakesPiped() {
		h.g.s.ReceivePiped(h.conn, h.body.Remaining())
	}
}

// piped takes content that the engine has received into a pipe.
func (h *h1Conn) piped(n int) {
	h.bytesIn += uint64(n)
	if !h.flags.has(h1Content) {
		h.abort() // asked for, and no longer expected
		return
	}
	h.credit -= int64(n)
	done := h.body.Skip(int64(n))
	if h.x == nil || !h.x.Piped(n) {
		if h.discarded += uint32(n); h.discarded > discardLimit && h.x == nil {
			h.close()
			return
		}
	}
	if h.flags.has(h1Dead) {
		return
	}
	if done {
		h.contentEnd()
	}
	if !h.flags.has(h1Dead) {
		h.settle(moreNeeded)
	}
}
