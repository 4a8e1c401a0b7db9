package gateway

import "github.com/anygate/anygate/engine"

// mostPressure is the pressure at which buffers are nearly out, and
// streamPressure that at which streams have to go that keep some for nothing.
const (
	mostPressure   = 3
	streamPressure = 2
)

// outputHigh is how much output of a connection may wait to be sent now. With
// it clients that read slowly, be they many, hold no more than a part of the
// shard's buffers, and the others are served as before.
func (g *Gateway) outputHigh() int64 { return max(int64(outputMost)>>(2*g.s.Pressure()), outputLeast) }

// shed ends connections, and streams of HTTP/2, whose client has taken nothing of
// what waits for it since the last look, a second ago. Streams are the first to
// go: what their client holds back is its own doing, whereas a socket may be
// slow by no fault of anybody's.
func (g *Gateway) shed() {
	pressure := g.s.Pressure()
	if pressure < streamPressure {
		return
	}
	budget, streams := shedding, sheddingStreams
	g.s.Each(func(c engine.Conn) {
		if budget == 0 || g.s.User(c) == userUpstream {
			return
		}
		if g.s.User(c) == userH2 {
			h := g.h2[c.Index()]
			if h.flags.has(h2Full) && pressure == mostPressure || h.held > 0 && !h.flags.has(h2Full) && streams > 0 {
				budget--
				streams -= h.shed(streams)
			}
			return
		}
		if pressure < mostPressure {
			return
		}
		h := g.client(c)
		if !h.flags.has(h1Full) {
			return
		}
		budget--
		if g.stuck(c) {
			h.abort()
		}
	})
}

// weighing is what a client had taken when shed last looked. The timers have
// their own measure of it, with a period of their own.
type weighing struct {
	conn  engine.Conn
	taken uint64
}

// stuck reports whether a client whose output waits has taken nothing of it since
// shed looked last.
func (g *Gateway) stuck(c engine.Conn) bool {
	i := int(c.Index())
	for len(g.weighed) <= i {
		g.weighed = append(g.weighed, weighing{})
	}
	before := g.weighed[i]
	g.weighed[i] = weighing{c, g.s.Progress(c)}
	return before == g.weighed[i]
}
