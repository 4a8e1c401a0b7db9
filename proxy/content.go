package proxy

import "github.com/anygate/anygate/http1"

// The content of the request, from the client to the upstream.

// Content passes on content of the request, borrowed from the receive in
// progress.
func (c *Call) Content(b []byte) {
	if c.phase == over || len(b) == 0 {
		return
	}
	if c.phase == tunnelling {
		c.tunnelContent(b)
		return
	}
	c.taken += int64(len(b))
	c.owed += len(b)
	held := c.holding && c.hold(b)
	if !held {
		c.state = contentGone
	}
	if c.u == nil {
		if !held {
			c.fail(NoBuffers)
		}
		return
	}
	if c.f != nil {
		c.f.content(b, held)
		return
	}
	s, conn := c.p.s, c.u.conn
	var ok bool
	switch {
	case held:
		ok = c.appendHeld(c.heldLen-len(b), len(b))
	case c.content == http1.BodyChunked:
		ok = c.appendChunkHeader(len(b)) && s.Relay(conn, b) && s.Append(conn, crlf)
	default:
		ok = s.Relay(conn, b)
	}
	if !ok {
		c.fail(NoBuffers)
		return
	}
	c.passed()
}

// passed follows content that was queued for the upstream.
func (c *Call) passed() {
	if c.phase != connecting {
		c.deadline(c.plan.Timeouts.Idle)
	}
	c.grantLater()
}

// grantLater has the client granted more when the upstream has taken most of what
// there is for it: now, if that is so already.
func (c *Call) grantLater() {
	s, conn := c.p.s, c.u.conn
	low := contentLow >> (2 * s.Pressure())
	if c.f != nil {
		if c.f.left() <= low {
			c.grant()
		}
		return
	}
	if s.Queued(conn) <= int64(low) {
		c.grant()
		return
	}
	s.NotifyDrained(conn, low)
}

// grant lets the client send as much again as the upstream has taken. As long
// as content is kept it may send as much as can be, and no more.
func (c *Call) grant() {
	n := c.owed
	if n == 0 || c.sentAll {
		return
	}
	if c.holding {
		if c.taken < c.granted || c.taken == c.length {
			return
		}
		c.letGo()
	}
	c.owed = 0
	c.granted += int64(n)
	c.d.Want(n)
}

// drained is called when the upstream has taken enough of the request.
func (c *Call) drained() {
	switch {
	case c.sentAll && c.phase == awaiting:
		c.awaitResponse()
		return
	case c.phase == tunnelling:
		c.touch()
	}
	c.grant()
}

var (
	crlf      = []byte(http1.CRLF)
	lastChunk = []byte(http1.LastChunkLine)
)

// ContentEnd ends the content of the request; trailers are field lines or nil.
func (c *Call) ContentEnd(trailers []byte) {
	if c.phase == over {
		return
	}
	if c.phase == tunnelling {
		c.tunnelContentEnd()
		return
	}
	c.sentAll = true
	if e := c.plan.Edits; e != nil && len(trailers) > 0 {
		// What the route takes out of the head, or says in its place, does not
		// come back behind the content: an upstream may join the two.
		trailers = e.Strip(trailers, 0)
	}
	switch {
	case c.f != nil:
		if c.content == http1.BodyChunked {
			c.holdTrailers(trailers)
		}
		if !c.f.finish(trailers) {
			c.fail(NoBuffers)
			return
		}
	case c.content == http1.BodyChunked:
		if c.holdTrailers(trailers); c.u == nil {
			if c.state == contentGone {
				c.fail(NoBuffers)
			}
			return
		}
		s, conn := c.p.s, c.u.conn
		if !s.Append(conn, lastChunk) || !s.Append(conn, trailers) || !s.Append(conn, crlf) {
			c.fail(NoBuffers)
			return
		}
	}
	if c.phase == awaiting {
		c.awaitResponse()
	}
}
