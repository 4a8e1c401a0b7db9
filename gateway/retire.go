package gateway

import (
	"time"

	"github.com/anygate/anygate/engine"
)

// A connection that has to go while its client has no reason to know, because
// its listener was removed or another process goes on in its place, is retired:
// its next response is the last, and says so. A client that is about to send a
// request when its connection is closed has lost it, without having done
// anything wrong; so a connection is closed without a word only when its client
// has been silent for retireQuiet, and nothing of it waits in the kernel.

// Renew takes up the current generation now, and not with the next turn. On the
// shard's thread, like all of this file.
func (g *Gateway) Renew() { g.turn() }

// RetireAll is Drain for a process in whose place another one goes on: no client
// notices. It stops accepting, and retires all connections.
func (g *Gateway) RetireAll() {
	if g.draining {
		return
	}
	g.draining = true
	g.retire(func(*h1Conn) bool { return true })
	// Last, and what it takes from the backlogs is retired by g.draining: they
	// have their answer.
	g.s.CloseListeners()
	g.proxy.CloseIdle()
}

// RetireListener stops accepting on the listener with that id, and retires its
// connections.
func (g *Gateway) RetireListener(id int) {
	g.s.CloseListener(id)
	g.RetireClients(id)
}

// RetireClients retires the connections that the listener with that id has
// accepted.
func (g *Gateway) RetireClients(id int) {
	g.retire(func(h *h1Conn) bool { return int(h.listener) == id })
}

func (g *Gateway) retire(which func(*h1Conn) bool) {
	g.s.Each(func(c engine.Conn) {
		user := g.s.User(c)
		if user == userUpstream || !which(g.client(c)) {
			return
		}
		if user == userH2 {
			g.h2[c.Index()].drain()
			return
		}
		g.client(c).retire()
	})
}

// retire makes the response that begins next the last. One that has begun has
// not said so.
func (h *h1Conn) retire() {
	h.flags |= h1Retired
	if h.x != nil && !h.x.Responding() {
		h.flags |= h1Close
	}
	if h.waiting() && !h.flags.has(h1Full) {
		h.deadline(h.quiet(h.g.gen.Settings.Idle))
	}
}

// waiting reports whether there is no request, and no part of one.
func (h *h1Conn) waiting() bool {
	return h.x == nil && !h.flags.has(h1Partial|h1Content|h1Preamble|h1Handshake) && len(h.queue) == 0
}

// quiet is how long the client of a retired connection may be silent, which is
// never longer than that of any other.
func (h *h1Conn) quiet(idle time.Duration) time.Duration {
	if idle > 0 {
		return min(idle, retireQuiet)
	}
	return retireQuiet
}

// pending reports whether a retired connection is about to be closed whose
// client has sent something in this moment, and leaves it some more time.
func (h *h1Conn) pending() bool {
	if !h.flags.has(h1Retired) || !h.waiting() || !h.g.s.Stale(h.conn) {
		return false
	}
	h.deadline(h.quiet(h.g.gen.Settings.Idle))
	return true
}
