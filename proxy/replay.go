package proxy

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// Content of a request that may be sent again is copied into one buffer of the
// call's, and sent from there by reference. That goes on until there is more
// of it than the buffer takes: then the content is gone, and the rest is
// relayed as it comes. The client is not asked for more than the buffer takes
// before it is clear that there is no way round it, so that content never
// comes that can neither be kept nor sent.

// mayHold reports whether content of the request is worth keeping: only for a
// method that may be repeated, on a route that does, and while memory is not
// scarce.
func (c *Call) mayHold(length int64) bool {
	r := &c.plan.Retry
	worth := r.Attempts > 0 && (r.On&(RetryReset|RetryTimeout) != 0 || !r.Statuses.empty())
	return worth && c.method.Idempotent() && length <= replayBytes && c.p.s.Pressure() == 0
}

// hold keeps content. It reports false if that is not possible, or not any
// more; what was kept is given up then.
func (c *Call) hold(b []byte) bool {
	s := c.p.s
	if c.held == 0 {
		if c.held = s.Buffer(min(len(b), engine.LargeBuffer)); c.held == 0 {
			c.letGo()
			return false
		}
	}
	mem := s.Bytes(c.held)
	if c.heldLen+len(b) > len(mem) && len(mem) < engine.LargeBuffer && c.heldLen+len(b) <= engine.LargeBuffer {
		large := s.Buffer(engine.LargeBuffer)
		if large == 0 {
			c.letGo()
			return false
		}
		// What refers to the small one keeps it until it is sent.
		copy(s.Bytes(large), mem[:c.heldLen])
		s.ReleaseBuffer(c.held)
		c.held, mem = large, s.Bytes(large)
	}
	if c.heldLen+len(b) > len(mem) {
		c.letGo()
		return false
	}
	c.heldLen += copy(mem[c.heldLen:], b)
	c.state = contentHeld
	return true
}

// holdTrailers keeps the end of chunked content.
func (c *Call) holdTrailers(trailers []byte) {
	switch {
	case !c.holding:
		c.state = contentGone
	case len(trailers) == 0:
		c.state = contentHeld
	case c.hold(trailers):
		c.heldTrailers = len(trailers)
	}
}

// letGo gives up what is kept: the content is gone from now on.
func (c *Call) letGo() {
	c.dropHeld()
	c.holding, c.state = false, contentGone
}

func (c *Call) dropHeld() {
	switch {
	case c.held == 0:
	case c.f != nil && c.f.heldLeft() > 0:
		c.f.adopt() // it has not been sent yet
	default:
		c.p.s.ReleaseBuffer(c.held)
	}
	c.held, c.heldLen, c.heldTrailers = 0, 0, 0
}

// replay queues what is kept behind the head, on a connection that has seen
// none of it.
func (c *Call) replay() bool {
	s, conn := c.p.s, c.u.conn
	n := c.heldLen - c.heldTrailers
	if n > 0 && !c.appendHeld(0, n) {
		return false
	}
	if !c.sentAll || c.content != http1.BodyChunked {
		return true
	}
	if !s.Append(conn, lastChunk) {
		return false
	}
	if c.heldTrailers > 0 {
		s.AppendBuffer(conn, c.held, n, c.heldTrailers)
	}
	return s.Append(conn, crlf)
}

// appendHeld queues a range of what is kept, framed as content.
func (c *Call) appendHeld(off, n int) bool {
	s, conn := c.p.s, c.u.conn
	if c.content != http1.BodyChunked {
		s.AppendBuffer(conn, c.held, off, n)
		return true
	}
	if !c.appendChunkHeader(n) {
		return false
	}
	s.AppendBuffer(conn, c.held, off, n)
	return s.Append(conn, crlf)
}

func (c *Call) appendChunkHeader(n int) bool {
	s, conn := c.p.s, c.u.conn
	h := s.Reserve(conn, 32)
	if h == nil {
		return false
	}
	s.Commit(conn, len(http1.AppendChunkHeader(h[:0], n)))
	return true
}
