package proxy

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// Large content of a known length is passed on by the kernel, from one socket
// to the other by way of a pipe, without a copy of it in this process. All
// else about it, pausing and deadlines and counting, is as with content that
// is received into buffers, which may come in between.

// pipeSize is from how many bytes of a response on that is done. Below, waiting
// for readiness and a pipe cost as much as the copy.
const pipeSize = 48 << 10

// Piped passes on content that the engine has received into a pipe.
func (p *Proxy) Piped(conn engine.Conn, n int) {
	u := p.conns[conn.Index()]
	c := u.call
	if c == nil || c.phase != relaying {
		p.s.Abort(conn)
		return
	}
	c.received += int64(n)
	done := c.body.Skip(int64(n))
	c.d.Piped(n)
	switch {
	case c.phase != relaying || u.call != c:
	case done:
		// What follows the content is still in the socket.
		c.complete(!p.s.Stale(conn))
	default:
		c.goOn()
	}
}

// TakesPiped reports whether content of the request may be given to Piped.
func (c *Call) TakesPiped() bool {
	return c.phase != over && c.phase != tunnelling && c.content == http1.BodyLength && !c.holding && c.u != nil && c.f == nil && c.p.s.Piping(c.u.conn)
}

// Piped passes on n bytes of content of the request, those of the Piped call
// of the engine in progress.
func (c *Call) Piped(n int) {
	if c.phase == over {
		return
	}
	c.taken += int64(n)
	c.owed += n
	c.state = contentGone
	if c.u == nil {
		c.fail(NoBuffers)
		return
	}
	c.p.s.RelayPiped(c.u.conn)
	c.passed()
}
