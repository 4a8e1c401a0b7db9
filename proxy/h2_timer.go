package proxy

import "time"

// A connection has one timer, and each call on it a deadline of its own. The
// timer comes for the earliest of them, or before: deadlines that are put off
// leave it as it is, so that a call costs it no more than a comparison.

// arm sees to it that the timer comes by a time.
func (m *session) arm(at int64) {
	if m.armed == 0 || at < m.armed {
		m.armed = at
		m.p.s.SetDeadline(m.u.conn, max(1, time.Duration(at-m.p.s.Now())))
	}
}

// timer looks what has to be done by now.
func (m *session) timer() {
	p, u := m.p, m.u
	now := p.s.Now()
	switch {
	case m.broken:
		m.lost(NoBuffers)
		return
	case len(m.flights) == 0:
		p.endIdle(u)
		return
	case m.pinged != 0 && now-m.pinged >= int64(pingTime):
		m.broken = true // nobody is there to say goodbye to
		m.lost(UpstreamReset)
		return
	}
	m.armed = 0
	if !m.expire(now) {
		return
	}
	if ping := int64(u.pool.v.settings.KeepAlive.Ping); ping > 0 && m.up && now-m.heard >= ping {
		m.ping()
	}
	m.rearm()
}

// expire ends what has taken too long. It reports whether the connection still
// carries calls.
func (m *session) expire(now int64) bool {
	u, conn := m.u, m.u.conn
	for i := 0; i < len(m.flights); {
		f := m.flights[i]
		if f.due == 0 || f.due > now {
			i++
			continue
		}
		f.due = 0
		c := f.call
		if c == nil {
			m.p.leave(f)
		} else {
			sending, waited := c.sending, c.phase == awaiting || c.phase == relaying
			c.expired()
			if waited && (f.call != c || c.sending != sending) && u.h2 == m && u.conn == conn {
				m.doubt()
			}
		}
		if u.h2 != m || u.conn != conn || len(m.flights) == 0 {
			return false
		}
		i = 0 // what it has caused may have changed the list
	}
	return true
}

// doubt has the member asked whether it is still there, because a call has
// waited for it in vain: on this connection, all would. Until it answers, no
// further ones are sent there.
func (m *session) doubt() {
	if len(m.flights) == 0 {
		m.p.endIdle(m.u)
		return
	}
	m.suspect = true
	m.ping()
}

// ping asks for a sign of life.
func (m *session) ping() {
	if m.up && m.pinged == 0 {
		m.conn.Ping()
		m.flush()
		m.pinged = m.p.s.Now()
		m.arm(m.pinged + int64(pingTime))
	}
}

// rearm sets the timer for what is next.
func (m *session) rearm() {
	at := int64(0)
	earlier := func(t int64) {
		if at == 0 || t < at {
			at = t
		}
	}
	for _, f := range m.flights {
		if f.due != 0 {
			earlier(f.due)
		}
	}
	if m.pinged != 0 {
		earlier(m.pinged + int64(pingTime))
	} else if ping := int64(m.u.pool.v.settings.KeepAlive.Ping); ping > 0 && m.up {
		earlier(m.heard + ping)
	}
	if at != 0 {
		m.arm(at)
	}
}

// deadline bounds what the call waits for; 0 is no bound.
func (f *flight) deadline(d time.Duration) {
	if d == 0 {
		f.due = 0
		return
	}
	f.due = f.s.p.s.Now() + int64(d)
	f.s.arm(f.due)
}
