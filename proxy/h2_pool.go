package proxy

import "github.com/anygate/anygate/h2"

// A member's connections of HTTP/2 are filled one after the other: as long as
// one has room no other is opened, so that requests which come together go out
// together. When all are full another one is opened, within the upstream's
// limits.

// enlist lets a connection take calls, strike does not any more.
func (pl *pool) enlist(m *session) {
	m.at = len(pl.sessions)
	pl.sessions = append(pl.sessions, m)
}

func (pl *pool) strike(m *session) {
	if m.at < 0 {
		return
	}
	last := len(pl.sessions) - 1
	moved := pl.sessions[last]
	pl.sessions[m.at] = moved
	moved.at = m.at
	pl.sessions = pl.sessions[:last]
	m.at = -1
}

// room is how many calls the connection takes.
func (m *session) room() int {
	k := &m.u.pool.v.settings.KeepAlive
	if m.closing || m.suspect {
		return 0
	}
	n := k.Streams - len(m.flights)
	if m.up {
		n = min(n, m.conn.CanOpen()-m.unsent())
	}
	return n
}

// unsent is how many calls wait for the member's settings.
func (m *session) unsent() (n int) {
	if m.settled {
		return 0
	}
	for _, f := range m.flights {
		if f.stream == nil {
			n++
		}
	}
	return n
}

// used reports whether the connection has carried all that one may, or is too
// old to carry more.
func (m *session) used() bool {
	k := &m.u.pool.v.settings.KeepAlive
	return m.u.outdated() || k.Requests > 0 && m.u.served >= k.Requests || k.Age > 0 && m.p.s.Now()-m.u.born >= int64(k.Age)
}

// hasRoom reports whether a call gets a connection of the pool at once.
func (pl *pool) hasRoom() bool {
	if len(pl.idle) > 0 {
		return true
	}
	for _, m := range pl.sessions {
		if m.room() > 0 {
			return true
		}
	}
	return false
}

// roomy finds a connection that takes the call: the one that took the last, if
// it still has room, another one that is in use, or one that is idle.
func (p *Proxy) roomy(pl *pool, c *Call) *session {
	for k := 0; k < len(pl.sessions); k++ {
		if pl.turn >= len(pl.sessions) {
			pl.turn = 0
		}
		m := pl.sessions[pl.turn]
		if m.used() {
			m.retire() // which puts another one into its place
			k--
			continue
		}
		if m.room() > 0 {
			return m
		}
		pl.turn++
	}
	u := p.idleOne(pl, c, false)
	if u == nil {
		return nil
	}
	u.h2.armed = 0
	pl.turn = len(pl.sessions)
	pl.enlist(u.h2)
	return u.h2
}

// flight is a call on a connection of HTTP/2. Its record is used again.
type flight struct {
	s      *session
	call   *Call      // nil once the call has ended, and the rest of its bytes are on their way
	stream *h2.Stream // nil until the request has gone out
	id     uint32     // its place in Proxy.flights, which the stream has as its User
	at     int        // its place in session.flights
	due    int64      // when what the call waits for has taken too long, 0 never
	base   uint64     // bytes the connection had received before the request

	// Content of the request; see h2_content.go.
	sent     uint64
	pieces   []piece
	waiting  int // bytes in pieces
	heldAt   int // bytes of what the call holds that have been sent
	trailers []byte
	ended    bool // the request is complete, over: and all of it is on its way
	over     bool
	wide     bool // its window was a large one, narrow: and content waits until it is again
	narrow   bool

	withheld int  // content of the response that the client has not taken
	bare     bool // the response has no content, whatever comes
}

// join ties a call to a connection.
func (p *Proxy) join(m *session, c *Call) {
	var f *flight
	if n := len(p.landed); n > 0 {
		f = p.landed[n-1]
		p.landed = p.landed[:n-1]
	} else {
		f = &flight{id: uint32(len(p.flights))}
		p.flights = append(p.flights, f)
	}
	u := m.u
	f.s, f.call, f.at = m, c, len(m.flights)
	m.flights = append(m.flights, f)
	c.u, c.f = u, f
	c.reused = u.served > 0 && m.up
	u.served++
	u.pool.busy++
	u.pool.v.busy++
	u.pool.count()
}

// leave unties a call from its connection. What is not over of its exchange is
// given up, and the member told.
func (p *Proxy) leave(f *flight) {
	m := f.s
	u := m.u
	if f.stream != nil {
		m.conn.Release(f.stream)
		m.flush()
	}
	for _, piece := range f.pieces {
		p.s.ReleaseBuffer(piece.buf)
	}
	last := len(m.flights) - 1
	m.flights[f.at] = m.flights[last]
	m.flights[f.at].at = f.at
	m.flights = m.flights[:last]
	if f.call != nil {
		f.call.f = nil
	}
	*f = flight{id: f.id, pieces: f.pieces[:0], trailers: f.trailers[:0]}
	p.landed = append(p.landed, f)

	u.pool.busy--
	v := u.pool.v
	v.busy--
	u.pool.count()
	switch {
	case m.losing:
		// Its end is handled already.
	case len(m.flights) > 0:
		if v.first != nil {
			v.kick() // there is room for one that waits
		}
	case m.closing || !m.up || m.suspect || m.used() || m.conn.CanOpen() == 0:
		p.drop(u)
	default:
		u.pool.strike(m)
		m.armed, m.pinged = 0, 0
		p.park(u)
	}
}

// linger lets go of a call that is over, whose last bytes the member is still
// to get.
func (p *Proxy) linger(f *flight) {
	f.call.f = nil
	f.call = nil
	if !f.unsent() {
		p.leave(f)
		return
	}
	f.s.conn.Discard(f.stream)
	f.s.flush()
	f.deadline(lingerTime)
}
