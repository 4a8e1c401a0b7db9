package proxy

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// Proxy is the upstream side of one shard: its pools and the calls under way.
type Proxy struct {
	s     *engine.Shard
	kind  uint64 // what marks a connection as ours, in its user value
	pools []*pool
	turns []uint32    // round-robin positions, by Plan.ID
	conns []*upstream // by the connection's index in the shard's table
	calls []*Call     // free records

	// Scratch of the call in progress. What an interface is given would
	// otherwise lie on the heap.
	resp  http1.Response
	out   Response
	trail http1.TrailerSection
	block []byte
}

// New makes the upstream side of a shard. Its connections carry user in their
// user value, by which the owner of the shard's Handler tells them apart.
func New(s *engine.Shard, user uint64) *Proxy {
	return &Proxy{s: s, kind: user, block: make([]byte, 0, http1.MaxHeadBytes)}
}

// pool is the connections of a shard to one member.
type pool struct {
	member      *Member
	idle        []*upstream // a stack: the one used last is the likeliest to live
	failedUntil int64       // shard clock; see balance.go
}

// upstream is a connection to a member. Its record is used again for the next
// connection in the same place of the shard's table.
type upstream struct {
	conn    engine.Conn
	pool    *pool
	call    *Call // nil while idle
	at      int   // its place among the idle ones
	stash   engine.Buf
	stashed int // bytes of an incomplete head in stash
	scanned int
}

func (p *Proxy) pool(m *Member) *pool {
	for len(p.pools) <= int(m.ID) {
		p.pools = append(p.pools, nil)
	}
	if p.pools[m.ID] == nil {
		p.pools[m.ID] = &pool{member: m}
	}
	return p.pools[m.ID]
}

// take gives the call a connection to a member: an idle one, unless it has
// just met a stale one, or a new one.
func (p *Proxy) take(pl *pool, c *Call, fresh bool) engine.Errno {
	for n := len(pl.idle); n > 0 && !fresh; n = len(pl.idle) {
		u := pl.idle[n-1]
		pl.idle = pl.idle[:n-1]
		if p.s.Alive(u.conn) {
			c.u, c.reused = u, true
			u.call = c
			return 0
		}
	}
	conn, e := p.s.Connect(pl.member.Addr, p.kind)
	if e != 0 {
		return e
	}
	u := p.record(conn)
	u.conn, u.pool, u.call = conn, pl, c
	c.u, c.reused = u, false
	c.phase = connecting
	return 0
}

// record is the place of a connection's record.
func (p *Proxy) record(conn engine.Conn) *upstream {
	i := int(conn.Index())
	for len(p.conns) <= i {
		p.conns = append(p.conns, nil)
	}
	if p.conns[i] == nil {
		p.conns[i] = &upstream{}
	}
	return p.conns[i]
}

// release ends a call's hold on its connection: it goes back to the pool, or
// is closed if it cannot carry another request.
func (p *Proxy) release(u *upstream, reusable bool) {
	received := u.call.received
	u.call = nil
	p.unstash(u)
	if !reusable || len(u.pool.idle) >= maxIdle {
		p.s.Drop(u.conn)
		return
	}
	u.at = len(u.pool.idle)
	u.pool.idle = append(u.pool.idle, u)
	// What the last response was like is the best guess at the next one.
	p.s.Bulk(u.conn, received >= bulkSize)
	p.s.Resume(u.conn)
	p.s.SetDeadline(u.conn, idleTime)
}

// forget takes an idle connection that has ended out of its pool.
func (p *Proxy) forget(u *upstream) {
	last := len(u.pool.idle) - 1
	moved := u.pool.idle[last]
	u.pool.idle[u.at] = moved
	moved.at = u.at
	u.pool.idle = u.pool.idle[:last]
	p.s.Drop(u.conn)
}

func (p *Proxy) unstash(u *upstream) {
	if u.stash != 0 {
		p.s.ReleaseBuffer(u.stash)
	}
	u.stash, u.stashed, u.scanned = 0, 0, 0
}

// CloseIdle closes the idle connections of all pools.
func (p *Proxy) CloseIdle() {
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
