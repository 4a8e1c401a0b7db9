package proxy

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy/balance"
	"github.com/anygate/anygate/tlsedge"
)

// Proxy is the upstream side of one shard: its pools and the calls under way.
type Proxy struct {
	s       *engine.Shard
	id      int    // of the shard
	kind    uint64 // what marks a connection as ours, in its user value
	views   []*view
	pools   []*pool           // by Member.ID
	pickers []*balance.Picker // by Plan.ID
	conns   []*link           // by the connection's index in the shard's table
	calls   []*Call           // free records
	edge    *tlsedge.Edge     // see tls.go
	tell    func(Notice)

	h2      *h2.Scratch // of all connections of HTTP/2; nil until there is one
	event   h2.Event
	flights []*flight // by the numbers that their streams have
	landed  []*flight // those that are free
	ended   []*session

	// Wake has Alarm called after a time, at the latest. Nil sets the shard's
	// alarm, which then is the proxy's alone.
	Wake func(time.Duration)

	sends   uint64  // numbers attempts
	kicked  []*view // to be served at the end of the turn
	alarmAt int64   // when the shard's alarm comes, 0 if it is not set
	warmAt  int64   // when connections are opened beforehand again, 0 never

	failures [numFailures]counter

	// Scratch of the call in progress. What an interface is given would
	// otherwise lie on the heap.
	resp  http1.Response
	out   Response
	trail http1.TrailerSection
	block []byte
	ask   balance.Ask
}

// New makes the upstream side of a shard. Its connections carry user in their
// user value, by which the owner of the shard's Handler tells them apart.
func New(s *engine.Shard, user uint64) *Proxy {
	return &Proxy{s: s, id: s.ID(), kind: user, block: make([]byte, 0, http1.MaxHeadBytes)}
}

// pool is the connections of a shard to one member.
type pool struct {
	member *Member
	v      *view
	cell   *Cell
	tls    *tlsedge.Client // of the connection that was opened last
	idle   []*link         // a stack: the one used last is the likeliest to live

	sessions []*session // connections of HTTP/2 that carry calls, and take more
	turn     int        // where the last one with room was found

	open, busy int // connections, and those that serve a call
	warming    int // connections being opened for nobody yet

	listed bool   // the member is in the upstream's set
	fresh  bool   // its state has not been read yet
	passed bool   // it could not be connected to
	state  uint32 // as read last
	since  int64
}

// link is a connection to a member. Its record is used again for the next
// connection in the same place of the shard's table.
type link struct {
	conn    engine.Conn
	pool    *pool
	call    *Call    // nil while idle
	h2      *session // of a connection of HTTP/2, which carries many calls
	at      int      // its place among the idle ones, -1 if it is not
	born    int64
	served  int  // calls
	unit    bool // counts against the upstream's limit
	live    bool // counted as open
	told    bool // begins with a PROXY header; see preamble.go
	heard   bool // something has come of a member with TLS
	client  *tlsedge.Client
	tls     *tlsedge.Conn // nil for a plain connection
	stash   engine.Buf
	stashed int // bytes of an incomplete head in stash
	scanned int
}

// pool is the shard's pool of a member.
func (p *Proxy) pool(m *Member, v *view) *pool {
	for len(p.pools) <= int(m.ID) {
		p.pools = append(p.pools, nil)
	}
	if p.pools[m.ID] == nil {
		p.pools[m.ID] = &pool{member: m, v: v, cell: &m.cells[p.id]}
	}
	return p.pools[m.ID]
}

// take gives the call a connection to a member: an idle one, unless it has
// just met a stale one, or a new one. errNoUnit says that the upstream's limit
// allows none.
func (p *Proxy) take(pl *pool, c *Call, fresh bool) engine.Errno {
	if pl.v.settings.Protocol != HTTP1 {
		if m := p.roomy(pl, c); m != nil {
			p.join(m, c)
			return 0
		}
	} else if u := p.idleOne(pl, c, fresh); u != nil {
		p.engage(u, c)
		c.reused = true
		return 0
	}
	unit := false
	if limit := pl.v.settings.Limits.Connections; limit > 0 {
		if !pl.v.takeConn(limit) {
			return errNoUnit
		}
		unit = true
	}
	u, e := p.connect(pl, unit)
	if e != 0 {
		return e
	}
	c.phase = connecting
	if u.h2 != nil {
		pl.enlist(u.h2)
		p.join(u.h2, c)
		return 0
	}
	p.engage(u, c)
	u.told = c.told
	c.preface(u)
	c.reused = false
	return 0
}

// idleOne takes an idle connection out of a pool, if there is one for the call.
func (p *Proxy) idleOne(pl *pool, c *Call, fresh bool) *link {
	for n := len(pl.idle); n > 0 && !fresh && !c.told; n = len(pl.idle) {
		u := pl.idle[n-1]
		if u.outdated() {
			p.forget(u)
			continue
		}
		// What may be repeated is: for the rest, it is worth a system call to
		// know that the member has not closed the connection.
		if !c.method.Idempotent() && p.s.Stale(u.conn) {
			p.forget(u)
			continue
		}
		pl.idle = pl.idle[:n-1]
		u.at = -1
		return u
	}
	return nil
}

// errNoUnit is no error of the system's.
const errNoUnit = unix.EDQUOT

// connect opens a connection.
func (p *Proxy) connect(pl *pool, unit bool) (*link, engine.Errno) {
	conn, e := p.s.Connect(pl.member.Addr, p.kind)
	if e != 0 {
		if unit {
			pl.v.giveBack(connections)
		}
		return nil, e
	}
	u := p.record(conn)
	*u = link{conn: conn, pool: pl, at: -1, born: p.s.Now(), unit: unit, live: true}
	p.secure(u)
	if pl.v.settings.Protocol != HTTP1 {
		u.h2 = p.newSession(u)
	}
	pl.open++
	pl.v.open++
	pl.v.count.Connects++
	pl.count()
	return u, 0
}

// engage ties a connection to a call, disengage unties them.
func (p *Proxy) engage(u *link, c *Call) {
	u.call, c.u = c, u
	u.served++
	u.pool.busy++
	u.pool.v.busy++
	u.pool.count()
}

func (p *Proxy) disengage(u *link) {
	u.call = nil
	u.pool.busy--
	u.pool.v.busy--
	u.pool.count()
	p.unstash(u)
}

// gone counts the end of a connection. The engine is told, or has told us,
// besides.
func (p *Proxy) gone(u *link) {
	if !u.live {
		return
	}
	u.live = false
	if u.h2 != nil {
		p.endSession(u)
	}
	u.pool.open--
	u.pool.v.open--
	u.pool.count()
	if u.unit {
		u.unit = false
		u.pool.v.giveBack(connections)
	}
}

// drop closes a connection on which nothing is under way, abort resets one.
func (p *Proxy) drop(u *link) {
	switch {
	case u.h2 != nil && u.h2.broken:
		p.s.Abort(u.conn)
	case u.h2 != nil && u.h2.up:
		u.h2.farewell()
		p.s.Close(u.conn)
	case p.polite(u):
		p.s.CloseQuiet(u.conn)
	default:
		p.s.Drop(u.conn)
	}
	p.gone(u)
}

func (p *Proxy) abort(u *link) {
	p.s.Abort(u.conn)
	p.gone(u)
}

// record is the place of a connection's record.
func (p *Proxy) record(conn engine.Conn) *link {
	i := int(conn.Index())
	for len(p.conns) <= i {
		p.conns = append(p.conns, nil)
	}
	if p.conns[i] == nil {
		p.conns[i] = &link{}
	}
	return p.conns[i]
}

// release ends a call's hold on its connection: it goes back to the pool, or
// is closed if it cannot carry another request.
func (p *Proxy) release(u *link, received int64, reusable bool) {
	k := &u.pool.v.settings.KeepAlive
	p.disengage(u)
	if !reusable || k.Requests > 0 && u.served >= k.Requests {
		p.drop(u)
		return
	}
	// What the last response was like is the best guess at the next one.
	p.s.Bulk(u.conn, received >= bulkSize)
	p.s.Resume(u.conn)
	p.park(u)
}

// park puts a connection that nobody uses into its pool, if there is room and
// no other shard is waiting for a connection to the upstream.
func (p *Proxy) park(u *link) {
	pl := u.pool
	v := pl.v
	k := &v.settings.KeepAlive
	left := k.Idle
	if k.Age > 0 {
		age := time.Duration(p.s.Now() - u.born)
		if age >= k.Age {
			p.drop(u)
			return
		}
		if rest := k.Age - age; left == 0 || rest < left {
			left = rest
		}
	}
	if !pl.listed || len(pl.idle) >= k.Connections || u.told || u.unit && v.wanted(connections) {
		p.drop(u)
		return
	}
	u.at = len(pl.idle)
	pl.idle = append(pl.idle, u)
	p.s.SetDeadline(u.conn, left)
	if v.first != nil {
		v.kick()
	}
}

// forget takes an idle connection out of its pool and closes it, if it has not
// ended by itself.
func (p *Proxy) forget(u *link) {
	p.unpark(u)
	p.drop(u)
}

func (p *Proxy) unpark(u *link) {
	if u.at < 0 {
		return
	}
	pl := u.pool
	last := len(pl.idle) - 1
	moved := pl.idle[last]
	pl.idle[u.at] = moved
	moved.at = u.at
	pl.idle = pl.idle[:last]
	u.at = -1
}

func (p *Proxy) unstash(u *link) {
	if u.stash != 0 {
		p.s.ReleaseBuffer(u.stash)
	}
	u.stash, u.stashed, u.scanned = 0, 0, 0
}

// CloseIdle closes the idle connections of all pools, and opens none
// beforehand any more.
func (p *Proxy) CloseIdle() {
	for _, v := range p.views {
		if v != nil {
			v.warm = false
		}
	}
	for _, pl := range p.pools {
		for pl != nil && len(pl.idle) > 0 {
			p.forget(pl.idle[len(pl.idle)-1])
		}
	}
}

// Idle is how many idle connections the shard keeps.
func (p *Proxy) Idle() (n int) {
	for _, pl := range p.pools {
		if pl != nil {
			n += len(pl.idle)
		}
	}
	return n
}
