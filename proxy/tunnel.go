package proxy

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// A call becomes a tunnel when its upstream answers 101 (Switching Protocols)
// to a request that has offered another protocol (RFC 9110, section 7.8), or
// 2xx to a CONNECT (section 9.3.6). From then on both connections carry bytes
// that mean nothing here. The two directions end independently: the end of one
// side is passed on to the other as an end, and the tunnel is over when both
// have ended.

// switches reports whether a final response makes the call a tunnel.
func (c *Call) switches(r *http1.Response) bool {
	return r.Status == 101 || c.method == http1.CONNECT && r.Status >= 200 && r.Status < 300
}

// beginTunnel passes on the response that makes the call a tunnel. What
// follows the head is relayed by the caller.
func (c *Call) beginTunnel(r *http1.Response) {
	out := &c.p.out
	*out = Response{
		Status: r.Status, Block: c.p.block, Length: -1,
		HasDate: passes(&r.Head, http1.Date), HasServer: passes(&r.Head, http1.Server),
	}
	if r.Status == 101 {
		if !c.offer.accepted(r) {
			c.fail(BadResponse)
			return
		}
		out.Protocol, _ = r.Get(http1.Upgrade)
	}
	c.tunnel()
}

// tunnel makes the call a tunnel, with the response that is in Proxy.out.
func (c *Call) tunnel() {
	c.phase, c.begun = tunnelling, true
	c.sentAll, c.asked, c.owed = false, false, 0
	c.dropHead()
	c.judge()
	c.v.conclude(c)
	c.touch()
	c.d.Tunnel(&c.p.out)
}

// touch begins the time anew in which the tunnel may be silent.
func (c *Call) touch() { c.deadline(c.plan.Timeouts.Tunnel) }

// tunnelReceived relays bytes of the upstream.
func (c *Call) tunnelReceived(u *link, b []byte) {
	s := c.p.s
	if len(b) > 0 {
		c.d.Content(b)
		if c.phase != tunnelling || u.call != c {
			return
		}
		c.touch()
		s.Bulk(u.conn, c.flow.Received(len(b)))
	}
	if !c.paused && c.d.Room() <= 0 {
		c.paused = true
		s.Pause(u.conn)
	}
	if !c.asked {
		// Last, because what the client has sent already may come at once.
		c.asked = true
		c.d.Want(contentWindow >> (2 * s.Pressure()))
	}
}

// tunnelContent relays bytes of the client.
func (c *Call) tunnelContent(b []byte) {
	ok := false
	if c.f != nil {
		ok = c.f.send(b, false)
	} else {
		ok = c.p.s.Relay(c.u.conn, b)
	}
	if !ok {
		c.fail(NoBuffers)
		return
	}
	c.touch()
	c.owed += len(b)
	c.grantLater()
}

// tunnelContentEnd passes the end of what the client sends on.
func (c *Call) tunnelContentEnd() {
	c.sentAll = true
	if c.ended {
		c.endTunnel()
		return
	}
	if c.f != nil {
		c.f.finish(nil)
	} else {
		c.p.s.CloseWrite(c.u.conn)
	}
	c.touch()
}

// tunnelEOF passes the end of what the upstream sends on.
func (c *Call) tunnelEOF() {
	c.ended = true
	if c.sentAll {
		c.endTunnel()
		return
	}
	c.touch()
	c.d.CloseWrite()
}

// endTunnel ends a tunnel both of whose sides have ended. What the upstream
// has still to take is sent to it.
func (c *Call) endTunnel() {
	d := c.d
	c.leaveTunnel()
	d.Finish(nil)
}

// leaveTunnel lets go of the upstream of a tunnel that is over, as gently as
// it can be done.
func (c *Call) leaveTunnel() {
	u, f := c.u, c.f
	c.end()
	if f != nil {
		c.p.linger(f)
		return
	}
	c.p.disengage(u)
	c.p.s.Close(u.conn)
	c.p.gone(u)
}

// tunnelClosed handles the failure of the upstream's connection. Behind its
// end nothing more would have come, and to reset the client for it could
// destroy what is on its way there.
func (c *Call) tunnelClosed(why engine.Reason) {
	switch {
	case c.ended:
		c.endTunnel()
	case why == engine.ReasonMemory:
		c.fail(NoBuffers)
	default:
		c.fail(UpstreamReset)
	}
}

// tunnelTimer ends a tunnel in which nothing moves. A client that does not
// take what there is for it is watched by timers of its own.
func (c *Call) tunnelTimer() {
	if now := c.moved(); c.paused || c.queued() && now != c.progress {
		c.progress = now
		c.touch()
		return
	}
	d, member := c.d, c.Member()
	c.leaveTunnel()
	d.Fail(TunnelIdle, member)
}
