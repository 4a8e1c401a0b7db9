package tlsedge

import (
	"crypto/tls"

	"github.com/anygate/anygate/engine"
)

// Edge is the TLS of a shard's connections. Its methods run on the shard's thread.
type Edge struct {
	s       *engine.Shard
	post    func(job any) bool
	workers *Workers

	conns   []*Conn // by the connection's index
	warm    []*Conn // those with key schedules
	looked  int     // up to where Tick has looked at those
	scratch []byte  // content that crypto/tls has decrypted
	info    infoBuffer

	servers map[*Server]*serverConfigs
	clients map[*Client]*clientState
	keys    map[*tls.Certificate]*tls.Certificate // with keys that sign elsewhere

	idle    []*flight
	flights int     // handshakes under way
	running *flight // the one whose coroutine runs

	line    []*Conn // handshakes that wait for their turn; nil for those that have gone
	first   int     // of them, in line
	before  uint32  // how many places were before the beginning of line
	waiting int
	granted int    // those whose turn has come, and that have not begun
	turn    uint64 // of the shard, in which
	starts  int    // so many may still begin

	patients patients

	signing  int    // signatures under way
	unsigned []*job // and not yet

	stats Stats

	plainStd bool // crypto/tls makes all records, in tests
}

// Stats counts what an edge did; read it on the shard's thread.
type Stats struct {
	Handshakes, Resumed, Failed uint64 // ended well, by a ticket among them, and not
	Queued                      uint64 // that had to wait for their turn
	Crowded                     uint64 // among those that failed, ended in favour of such
	Signatures, Verifications   uint64 // by Workers
	Unsigned                    uint64 // of both, refused because there were too many
	Kernelled, Unkernelled      uint64 // connections handed to the kernel, and those that it did not take
	Spent                       uint64 // of the former, ended because the kernel cannot change its key
	Flights, Waiting, Warm      int    // handshakes under way, and before; connections with key schedules
}

// NewEdge makes the TLS of a shard. post hands a job of Workers that is done to the shard,
// as a message, from any goroutine; its receiver calls Signed. Without workers
// every signature is made on the shard.
func NewEdge(s *engine.Shard, post func(job any) bool, workers *Workers) *Edge {
	return &Edge{
		s: s, post: post, workers: workers, scratch: make([]byte, recordContent),
		servers: make(map[*Server]*serverConfigs),
		clients: make(map[*Client]*clientState),
		keys:    make(map[*tls.Certificate]*tls.Certificate),
	}
}

// Server puts TLS between an accepted connection and its protocol.
func (e *Edge) Server(name engine.Conn, s *Server) *Conn {
	return e.add(&Conn{edge: e, name: name, server: s})
}

// Client puts TLS between a connection that is being opened and its protocol. Its
// handshake begins when the connection is there: how many of them there are is for
// those to bound who open connections.
func (e *Edge) Client(name engine.Conn, cl *Client) *Conn {
	return e.add(&Conn{edge: e, name: name, client: cl, granted: true})
}

func (e *Edge) add(c *Conn) *Conn {
	for len(e.conns) <= int(c.name.Index()) {
		e.conns = append(e.conns, nil)
	}
	e.conns[c.name.Index()] = c
	e.s.SetTransform(c.name, c)
	return c
}

// Of is the TLS of a connection, nil if it has none; in a call of Closed, too.
func (e *Edge) Of(name engine.Conn) *Conn {
	if i := int(name.Index()); i < len(e.conns) {
		if c := e.conns[i]; c != nil && c.name == name {
			return c
		}
	}
	return nil
}

// forget ends what Of knows of a connection.
func (e *Edge) forget(c *Conn) {
	if i := c.name.Index(); e.conns[i] == c {
		e.conns[i] = nil
	}
}

// Stats returns the edge's counters.
func (e *Edge) Stats() Stats {
	st := e.stats
	st.Flights, st.Waiting, st.Warm = e.flights, e.waiting, len(e.warm)
	return st
}

// Tick is called about once a second: it drops the key schedules of connections
// that rest, and ends handshakes whose clients keep others waiting.
func (e *Edge) Tick() {
	e.cool(coolPerTick)
	e.crowd()
}

// warmed notes that a connection has key schedules. Where many have, others lose
// theirs as soon as they rest for a moment.
func (e *Edge) warmed(c *Conn) {
	if e.warm = append(e.warm, c); len(e.warm) > warmMost {
		e.cool(coolPerWake)
	}
}

// cool looks at n of the connections with key schedules.
func (e *Edge) cool(n int) {
	now, after := e.s.Now(), int64(coolAfter)
	if len(e.warm) > warmMost {
		after = int64(coolSoon)
	}
	for range min(n, len(e.warm)) {
		if e.looked >= len(e.warm) {
			e.looked = 0
		}
		if !e.warm[e.looked].rest(now, after) {
			e.looked++
			continue
		}
		last := len(e.warm) - 1
		e.warm[e.looked], e.warm[last] = e.warm[last], nil
		e.warm = e.warm[:last]
	}
}

// Stop ends the coroutines, on the thread on which they have run. No connection is
// left: handshakes that were under way have ended with theirs. Jobs that no worker
// has yet are given up; those that one has are nobody's when they come back.
func (e *Edge) Stop() {
	for _, f := range e.idle {
		f.next()
	}
	e.idle, e.line, e.unsigned = nil, nil, nil
}

// queue puts a handshake that could begin behind those that wait for their turn.
func (e *Edge) queue(c *Conn) {
	if e.waiting == 0 && e.granted == 0 && e.flights < flightsMost && e.left() > 0 {
		c.granted = true
		e.granted++
		return
	}
	c.waiting, c.place = true, e.before+uint32(len(e.line))
	e.waiting++
	e.stats.Queued++
	e.line = append(e.line, c)
	e.grant()
	e.crowd()
}

// left is how many handshakes may still begin in this turn of the shard.
func (e *Edge) left() int {
	if t := e.s.Turns(); t != e.turn {
		e.turn, e.starts = t, startsPerTurn
	}
	return e.starts
}

// begins reports whether a handshake that was granted begins now: else it is asked
// again in the next turn.
func (e *Edge) begins(c *Conn) bool {
	if e.left() == 0 {
		e.s.Nudge(c.name)
		return false
	}
	e.starts--
	return true
}

// grant lets handshakes that wait begin, as many as a turn can do.
func (e *Edge) grant() {
	for e.first < len(e.line) && e.granted < startsPerTurn && e.flights+e.granted < flightsMost {
		c := e.line[e.first]
		e.line[e.first] = nil
		if e.first++; e.first > len(e.line)/2 {
			n := copy(e.line, e.line[e.first:])
			clear(e.line[n:])
			e.line, e.before, e.first = e.line[:n], e.before+uint32(e.first), 0
		}
		if c == nil {
			continue // it has gone
		}
		c.waiting, c.granted = false, true
		e.waiting--
		e.granted++
		e.s.Nudge(c.name)
	}
}

// began follows the beginning of a handshake that was admitted or granted.
func (e *Edge) began() {
	e.granted--
	e.grant()
}

// leave takes a connection that is gone out of the line.
func (e *Edge) leave(c *Conn) {
	switch {
	case c.waiting:
		c.waiting = false
		e.waiting--
		e.line[c.place-e.before] = nil
	case c.granted && c.client == nil:
		c.granted = false
		e.began()
	}
}
