package gateway

import "github.com/anygate/anygate/engine"

// mostPressure is the pressure at which buffers are nearly out.
const mostPressure = 3

// outputHigh is how much output of a connection may wait to be sent now. With
// it clients that read slowly, be they many, hold no more than a part of the
// shard's buffers, and the others are served as before.
func (g *Gateway) outputHigh() int64 { return max(int64(outputMost)>>(2*g.s.Pressure()), outputLeast) }

// shed ends connections whose client has taken nothing of what waits for it
// since the last look, a second ago. It goes around the table, some
// connections at a time.
func (g *Gateway) shed() {
	budget := shedding
	g.s.Each(func(c engine.Conn) {
		if budget == 0 || g.s.User(c) == userUpstream {
			return
		}
		if g.s.User(c) == userH2 {
			if h := g.h2[c.Index()]; h.flags.has(h2Full) {
				budget--
				h.shed()
			}
			return
		}
		h := g.client(c)
		if !h.flags.has(h1Full) {
			return
		}
		budget--
		taken := g.s.Progress(c)
		if h.flags.has(h1Measured) && taken == h.lastOut {
			h.abort()
			return
		}
		h.lastOut = taken
		h.flags |= h1Measured
	})
}
