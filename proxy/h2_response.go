package proxy

import (
	"time"

	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
)

// take takes bytes of the member.
func (m *session) take(b []byte) {
	p, u := m.p, m.u
	conn := u.conn
	m.received += uint64(len(b))
	m.heard = p.s.Now()
	m.pinged, m.suspect = 0, false // it is there
	p.s.Bulk(conn, m.flow.Received(len(b)))
	p.h2.Now = m.heard / int64(time.Millisecond)
	ev := &p.event
	for {
		n := m.conn.Next(b, ev)
		b = b[n:]
		m.flush()
		if ev.Kind == h2.EventNone {
			return
		}
		m.handle(ev)
		// What it has caused may have ended the connection, and others may
		// have its records.
		if u.h2 != m || u.conn != conn {
			return
		}
	}
}

// handle acts on what a member has sent.
func (m *session) handle(ev *h2.Event) {
	switch ev.Kind {
	case h2.EventHead:
		m.flightOf(ev.Stream).head(&m.p.h2.Response, ev.End)
	case h2.EventInterim:
		if c := m.flightOf(ev.Stream).call; c != nil {
			c.passInterim(&m.p.h2.Response)
		}
	case h2.EventData:
		m.flightOf(ev.Stream).data(ev.Data, ev.End)
	case h2.EventTrailers:
		m.flightOf(ev.Stream).end(ev.Trailers)
	case h2.EventReset:
		m.flightOf(ev.Stream).reset(ev.Code, ev.Remote)
	case h2.EventWritable:
		m.opened(ev.Stream)
		m.sendReady()
	case h2.EventSettings:
		m.settle()
	case h2.EventGoAway:
		m.leaving()
	case h2.EventFatal:
		m.lost(BadResponse)
	}
}

func (m *session) flightOf(st *h2.Stream) *flight { return m.p.flights[st.User] }

// settle takes up the member's settings. They may open the windows of streams,
// and then are all that the member says of that.
func (m *session) settle() {
	u, conn := m.u, m.u.conn
	m.settled = true
	if m.conn.InitialWindow() < wideWindow {
		for _, f := range m.flights {
			f.wide = false // its window was a large one, and does not become that again
		}
	}
	m.sendWaiting()
	if u.h2 != m || u.conn != conn {
		return
	}
	if v := u.pool.v; v.first != nil {
		v.kick() // there may be room for one that waits
	}
	m.opened(nil)
	m.sendReady()
}

// leaving handles the announcement of the member that it takes no further
// requests here (RFC 9113, section 6.8). Those that it has not handled were
// refused before.
func (m *session) leaving() {
	if len(m.flights) == 0 {
		m.p.endIdle(m.u)
		return
	}
	m.retire()
}

// head passes the head of a final response on.
func (f *flight) head(r *http1.Response, end bool) {
	c := f.call
	if c == nil {
		return
	}
	p := c.p
	c.received++
	if r.Status < 200 {
		// HTTP/2 does not switch protocols in this manner (RFC 9113, section
		// 8.6), and other interim responses are told apart already.
		c.fail(BadResponse)
		return
	}
	if c.rejects(r) {
		c.u = nil
		p.leave(f)
		c.again()
		return
	}
	p.block = appendResponseFields(p.block[:0], r)
	if r.Status < 300 && (c.extended || c.method == http1.CONNECT) && !end {
		c.beginStreamTunnel(r)
		return
	}
	if c.grpc && end {
		c.judgeGRPC(p.block)
	}
	kind, length := http1.BodyUntilClose, int64(-1)
	switch {
	case end || c.method == http1.HEAD || r.Status == 204 || r.Status == 304:
		kind, length = http1.BodyNone, 0
	case r.ContentLength >= 0:
		kind, length = http1.BodyLength, r.ContentLength
	}
	sending := c.sending
	f.bare = kind == http1.BodyNone
	c.passHead(r, kind, length)
	switch {
	case c.phase != relaying || c.sending != sending:
	case end:
		f.complete(nil)
	default:
		c.deadline(c.plan.Timeouts.Idle)
	}
}

// data passes content on.
func (f *flight) data(b []byte, end bool) {
	c := f.call
	switch {
	case c == nil:
		if end && !f.unsent() {
			f.s.p.leave(f)
		}
		return
	case c.phase == tunnelling:
		f.tunnelData(b, end)
		return
	}
	if len(b) > 0 {
		c.received += int64(len(b))
		sending := c.sending
		c.d.Content(b)
		if c.phase != relaying || c.sending != sending {
			return
		}
		f.took(len(b))
	}
	if end {
		f.complete(nil)
		return
	}
	c.deadline(c.plan.Timeouts.Idle)
}

// end ends the content, with trailer fields.
func (f *flight) end(trailers []byte) {
	c := f.call
	switch {
	case c == nil:
		f.data(nil, true)
	case c.phase == tunnelling:
		f.tunnelData(nil, true)
	default:
		if c.grpc {
			c.judgeGRPC(trailers)
		}
		f.complete(trailers)
	}
}

// complete ends a call whose response has been passed on whole.
func (f *flight) complete(trailers []byte) {
	c := f.call
	p, d := c.p, c.d
	c.verdict()
	c.end()
	p.leave(f)
	d.Finish(trailers)
}

// reset handles the end of a stream that is not that of its response: the
// member has reset it, or has broken the rules.
func (f *flight) reset(code h2.Code, remote bool) {
	c := f.call
	switch {
	case c == nil:
		f.s.p.leave(f)
	case c.phase == tunnelling && c.ended:
		c.endTunnel()
	case c.phase == relaying && f.bare:
		// The head was all of the response (RFC 9110, section 6.4.1), and the client
		// has it: what the member has done behind it concerns nobody else.
		f.complete(nil)
	case !remote:
		c.fail(BadResponse)
	case c.overdue(0), code == h2.Cancel && c.overdue(deadlineSlack):
		// The member was told the deadline too, and is no worse for keeping it.
		c.fail(GRPCDeadline)
	case c.phase == tunnelling:
		c.fail(UpstreamReset)
	case c.phase == relaying:
		c.fail(Truncated)
	case code == h2.RefusedStream:
		c.trouble(causeRefused, Refused)
	default:
		c.trouble(causeReset, UpstreamReset)
	}
}
