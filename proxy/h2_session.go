package proxy

import (
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
)

// session is a connection of HTTP/2 to a member: the codec, and the calls that
// it carries. Its record is used again.
type session struct {
	p    *Proxy
	u    *link
	conn h2.Conn
	// flights are the calls that it carries, in no order.
	flights []*flight
	at      int // its place in pool.sessions, -1 if it takes no calls

	up      bool // the connection stands
	settled bool // the member's settings have come
	closing bool // it takes no further calls
	losing  bool // its calls are being told that it has ended
	broken  bool // what was to be sent is not all there: it ends by its timer
	blocked bool // more is queued than outputHigh
	suspect bool // a call has waited in vain: the member is asked whether it is there

	flow     Flow
	received uint64 // bytes
	heard    int64  // when the last of them came
	pinged   int64  // when a sign of life was asked for, 0 if none is outstanding
	armed    int64  // when the connection's timer comes, 0 if it is of no use
}

// newSession begins the record of a connection that is being opened.
func (p *Proxy) newSession(u *link) *session {
	if p.h2 == nil {
		p.h2 = h2.NewScratch()
		p.flights = append(p.flights, nil) // no stream has the number 0
	}
	var m *session
	if n := len(p.ended); n > 0 {
		m = p.ended[n-1]
		p.ended = p.ended[:n-1]
	} else {
		m = &session{p: p}
	}
	m.u, m.at = u, -1
	m.up, m.settled, m.closing, m.losing, m.broken, m.blocked, m.suspect = false, false, false, false, false, false, false
	m.flow, m.received, m.heard, m.pinged, m.armed = Flow{}, 0, 0, 0, 0
	return m
}

// endSession gives the record of a connection that has ended back.
func (p *Proxy) endSession(u *link) {
	m := u.h2
	if len(m.flights) > 0 {
		panic("proxy: a connection ends under its calls")
	}
	u.pool.strike(m)
	if m.up {
		m.conn.Close()
		p.h2.Out = p.h2.Out[:0]
	}
	m.u, u.h2 = nil, nil
	p.ended = append(p.ended, m)
}

// h2config is what connections to the upstream announce.
func (v *view) h2config() *h2.Config {
	if v.asOf != v.settings {
		streams := v.settings.KeepAlive.Streams
		v.asOf = v.settings
		v.config = &h2.Config{
			Streams: uint32(streams), Window: streamWindow, ConnWindow: uint32(streamWindow * streams),
			FrameSize: h2.DefaultConfig.FrameSize, TableSize: h2.DefaultConfig.TableSize,
			HTTP: http1.DefaultLimits, Budget: h2.DefaultBudget,
		}
	}
	return v.config
}

// connected begins to speak, and sends the requests that have waited for it.
func (m *session) connected() {
	p, u := m.p, m.u
	m.up, m.heard = true, p.s.Now()
	p.h2.Now = p.s.Now() / int64(time.Millisecond)
	m.conn.Dial(p.h2, u.pool.v.h2config())
	m.flush()
	if len(m.flights) == 0 {
		p.warmed(u, true)
		return
	}
	m.sendWaiting()
}

// sendWaiting sends the requests that can go out now and have not.
func (m *session) sendWaiting() {
	u, conn := m.u, m.u.conn
	for i := 0; i < len(m.flights); {
		f := m.flights[i]
		if f.call == nil || f.stream != nil || f.call.offers() && !m.settled {
			i++
			continue
		}
		// What it causes may change the list.
		f.call.sendHead()
		if u.h2 != m || u.conn != conn {
			return
		}
		i = 0
	}
}

// flush queues the frames that the codec has written. They go out at the end
// of the turn, with all others of the connection.
func (m *session) flush() bool {
	out := m.p.h2.Out
	if len(out) == 0 {
		return true
	}
	m.p.h2.Out = out[:0]
	if m.broken {
		return false
	}
	if m.p.s.Append(m.u.conn, out) {
		return true
	}
	return m.hole()
}

// hole notes that something is missing in what was to be sent. Nothing follows
// it, and the connection ends as soon as nobody is in the middle of using it.
func (m *session) hole() bool {
	m.broken = true
	m.retire()
	m.arm(m.p.s.Now() + 1)
	return false
}

// outRoom is how much content may be queued before it has to wait.
func (m *session) outRoom() int {
	s := m.p.s
	return outputHigh>>(2*s.Pressure()) - int(s.Queued(m.u.conn))
}

// drained sends content that has waited for what was before it.
func (m *session) drained() {
	if m.blocked {
		m.blocked = false
		m.sendReady()
	}
}

// block has drained called when there is room again.
func (m *session) block() {
	if !m.blocked {
		m.blocked = true
		m.p.s.NotifyDrained(m.u.conn, outputLow>>(2*m.p.s.Pressure()))
	}
}

// sendReady sends content that waits, of the streams whose turn it is.
func (m *session) sendReady() {
	u, conn := m.u, m.u.conn
	for m.up && !m.blocked && !m.broken {
		if m.outRoom() <= 0 {
			m.block()
			return
		}
		st := m.conn.NextReady()
		if st == nil {
			return
		}
		m.p.flights[st.User].writable()
		if u.h2 != m || u.conn != conn {
			return
		}
	}
}

// farewell says that nothing more will come, as far as that can still be said.
func (m *session) farewell() {
	m.conn.GoAway(true, h2.NoError)
	m.flush()
}

// retire lets the connection take no further calls. It ends with the last that
// it has.
func (m *session) retire() {
	m.closing = true
	m.u.pool.strike(m)
}

// lost ends a connection, and every call on it, for a reason. Those of which
// that may be are sent again.
func (m *session) lost(why Failure) {
	p, u := m.p, m.u
	if len(m.flights) == 0 {
		p.endIdle(u)
		return
	}
	m.retire()
	m.losing = true
	for n := len(m.flights); n > 0; n = len(m.flights) {
		f := m.flights[n-1]
		if f.call == nil {
			p.leave(f)
		} else {
			f.call.sessionLost(why)
		}
		if len(m.flights) >= n {
			panic("proxy: a call stays on a connection that has ended")
		}
	}
	p.drop(u)
}

// endIdle ends a connection that carries no calls.
func (p *Proxy) endIdle(u *link) {
	if u.at < 0 && u.pool.warming > 0 {
		p.warmed(u, false)
		return
	}
	p.forget(u)
}

// closed handles the failure of the connection.
func (m *session) closed(why engine.Reason, e engine.Errno) {
	switch {
	case why == engine.ReasonMemory:
		m.lost(NoBuffers)
	case !m.up && len(m.flights) > 0:
		m.lost(connectFailure(e))
	default:
		m.lost(UpstreamReset)
	}
}

// sessionLost handles the end of the connection that carries the call.
func (c *Call) sessionLost(why Failure) {
	switch {
	case !why.Fault():
		c.fail(why)
	case !c.f.s.up || why == TLSHandshake || why == TLSCertificate:
		// The member has looked at nothing that was sent, if anything was.
		c.unreachable(why)
	case c.phase == tunnelling && c.ended:
		c.endTunnel()
	case c.phase == tunnelling:
		c.fail(UpstreamReset)
	case c.phase == relaying && c.f.bare:
		c.f.complete(nil)
	case c.phase == relaying:
		c.fail(Truncated)
	case c.f.stream == nil:
		c.trouble(causeRefused, why) // it has not gone out
	default:
		c.lost(why)
	}
}
