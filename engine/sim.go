package engine

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine/offheap"
)

// Faults says how unkind a simulation is: each value is the chance, from 0 to
// 1, that an event goes that way.
type Faults struct {
	Short   float64 // a receive or send moves only some of the bytes
	Delay   float64 // an event waits for a later turn
	Reset   float64 // a connection is reset by its peer
	NoBufs  float64 // a receive finds no buffer and is armed again
	Cancel  float64 // a receive or send is interrupted and tried again
	Refused float64 // a connect is refused
}

// Sim is a deterministic backend: peers are values in the test, the order and
// the size of events come from a seed, and time is a number. It mimics
// io_uring: bytes of a send stay in place until its completion, which it
// verifies.
type Sim struct {
	s       *Shard
	rng     *rand.Rand
	faults  Faults
	seed    uint64
	peers   map[uint32]*SimPeer
	order   []uint32
	backlog []*SimPeer
	accept  map[int]*listener
	hash    maphash.Seed
	pending *SimPeer // being accepted

	// OnDial is asked when the shard connects; nil, or a nil peer, refuses.
	OnDial func(addr *Addr) *SimPeer
}

// NewSim makes a shard on a simulated backend.
func NewSim(seed uint64, f Faults, limits Limits, h Handler) (*Sim, error) {
	s, err := New(Config{CPU: -1, Limits: limits, Backend: simulated}, h)
	if err != nil {
		return nil, err
	}
	m := &Sim{
		s: s, rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)), faults: f, seed: seed,
		peers: map[uint32]*SimPeer{}, accept: map[int]*listener{}, hash: maphash.MakeSeed(),
	}
	s.loop = m
	s.now = int64(time.Hour)
	s.timers.tick = s.now >> tickShift
	s.ticked = s.now
	s.unix = 1_700_000_000
	s.msg = &message{}
	return m, nil
}

// Shard is the simulated shard.
func (m *Sim) Shard() *Shard { return m.s }

// SetPresent is Config.Present.
func (m *Sim) SetPresent(f func(fd int32, off, n int64) bool) { m.s.cfg.Present = f }

// Release frees the shard's memory.
func (m *Sim) Release() { m.s.release() }

// Step runs one turn.
func (m *Sim) Step() { m.turn() }

// Run runs turns until done reports true; it fails, naming the seed, when
// that takes more than limit turns.
func (m *Sim) Run(limit int, done func() bool) error {
	for range limit {
		if done() {
			return nil
		}
		m.turn()
	}
	if done() {
		return nil
	}
	return fmt.Errorf("not done after %d turns (seed %d)", limit, m.seed)
}

// Advance moves the clock; deadlines that pass are called in the next turn.
func (m *Sim) Advance(d time.Duration) {
	m.s.now += int64(d)
	m.s.unix += int64(d / time.Second)
}

func (m *Sim) chance(p float64) bool { return p > 0 && m.rng.Float64() < p }

// part is how many of n bytes an event moves.
func (m *Sim) part(n int) int {
	if n > 1 && m.chance(m.faults.Short) {
		return 1 + m.rng.IntN(n-1)
	}
	return n
}

func (m *Sim) turn() {
	s := m.s
	s.now += int64(time.Duration(m.rng.IntN(200)) * time.Microsecond)
	s.stats.Turns++
	if s.handler.Turn != nil {
		s.handler.Turn()
	}
	m.acceptSome()
	m.order = m.order[:0]
	for i := range s.made {
		if m.peers[i] != nil {
			m.order = append(m.order, i)
		}
	}
	m.rng.Shuffle(len(m.order), func(a, b int) { m.order[a], m.order[b] = m.order[b], m.order[a] })
	s.batch = len(m.order)
	for _, i := range m.order {
		m.event(i)
	}
	s.work()
	s.flush(m.send)
}

func (m *Sim) acceptSome() {
	waiting := m.backlog
	m.backlog = nil
	for _, p := range waiting {
		l := m.accept[p.listener]
		if l == nil || !m.s.room() || m.chance(m.faults.Delay) {
			m.backlog = append(m.backlog, p)
			continue
		}
		m.pending = p
		m.s.accepted(-1, l)
		m.pending = nil
	}
}

// event lets one thing happen on a connection.
func (m *Sim) event(i uint32) {
	s, p := m.s, m.peers[i]
	c := &s.conns[i]
	if p == nil || m.chance(m.faults.Delay) {
		return
	}
	if c.has(flagFinishing) {
		m.end(i)
		return
	}
	if c.has(flagConnecting) {
		if p.refuse != 0 {
			s.connected(i, p.refuse)
		} else {
			s.connected(i, 0)
		}
		return
	}
	if p.reset || m.chance(m.faults.Reset) {
		p.reset, p.gone = true, true
		s.failed(i, ReasonPeer, unix.ECONNRESET)
		return
	}
	if c.has(flagSending) && m.rng.IntN(2) == 0 {
		m.sent(i, p)
		return
	}
	if c.has(flagWanted) || p.late {
		p.late = false
		m.receiveSome(i, p)
	}
}

func (m *Sim) receiveSome(i uint32, p *SimPeer) {
	s := m.s
	if m.chance(m.faults.NoBufs) || m.chance(m.faults.Cancel) {
		return // the loop arms it again
	}
	if len(p.toShard) == 0 {
		if p.closed && !s.conns[i].has(flagEOF) {
			s.eof(i)
		}
		return
	}
	if s.conns[i].has(flagPiped) {
		m.receivePiped(i, p)
		return
	}
	size := SmallBuffer
	if s.conns[i].has(flagBulk) && !s.pool.scarce() {
		size = LargeBuffer
	}
	b := s.pool.receiveInto(size)
	if b == 0 {
		s.stats.NoBuffers++
		return
	}
	n := m.part(min(len(p.toShard), size))
	mem := offheap.Bytes(s.pool.addr(b), size)
	copy(mem, p.toShard[:n])
	p.toShard = p.toShard[n:]
	s.rx, s.more = b, len(p.toShard) > 0
	s.received(i, mem[:n])
	s.rx = 0
	if *s.pool.refs(b) == 1 {
		// Bytes are borrowed: whoever kept them will read rubbish.
		for k := range mem[:n] {
			mem[k] = 0xdb
		}
	}
	s.pool.release(b)
}

// send puts the front of the queue "into the kernel".
func (m *Sim) send(i uint32) {
	s := m.s
	c := &s.conns[i]
	if !c.has(flagOpen) || c.has(flagConnecting|flagSending|flagFinishing) {
		return
	}
	if s.rests(i) {
		s.drained(i)
		return
	}
	if c.has(flagFilter) {
		if s.seal(i); !c.has(flagOpen) || c.has(flagFinishing) {
			return
		}
	}
	if c.q.bytes == 0 {
		s.drained(i)
		return
	}
	p := m.peers[i]
	pieces, total, file := s.gather(&c.q, s.msg)
	if pieces == 0 && file {
		for s.segs.all[c.q.head].n == 0 {
			s.pop(&c.q)
		}
		g := &s.segs.all[c.q.head]
		if g.kind == segPipe {
			m.sendPiped(i, p, g)
			return
		}
		if g.kind == segRecord {
			p.flight = [][]byte{offheap.Bytes(uintptr(g.pos), int(g.n))}
			m.fly(i, p, int(g.n))
			return
		}
		piece := s.front(i, g)
		if piece == 0 {
			s.drained(i)
			return
		}
		b := make([]byte, min(piece, 64<<10))
		n, e := pread(g.fd, b, int64(g.pos))
		if n == 0 || e != 0 {
			s.failed(i, ReasonFile, e)
			return
		}
		p.flight, p.sum = [][]byte{b[:n]}, 0
		total = n
	} else {
		p.flight = p.flight[:0]
		for k := range pieces {
			v := &s.msg.vec[k]
			p.flight = append(p.flight, offheap.Bytes(offheap.Addr(bytesOf(v)), int(v.Len)))
		}
	}
	m.fly(i, p, total)
}

// fly begins a send of what p.flight holds.
func (m *Sim) fly(i uint32, p *SimPeer, total int) {
	p.sum = m.checksum(p.flight)
	m.s.conns[i].flags |= flagSending
	p.inflight, p.whole = total, false
}

// receivePiped puts what a peer has sent into a real pipe.
func (m *Sim) receivePiped(i uint32, p *SimPeer) {
	s := m.s
	f := &s.pipes.flows[i]
	if s.conns[i].has(flagDead) || m.chance(m.faults.Short) {
		s.endPiped(i) // there is no pipe to be had
		return
	}
	if !s.enterPipe(f) {
		s.endPiped(i)
		return
	}
	n, e := writeFD(s.pipes.all[f.pipe].w, p.toShard[:m.part(int(min(f.left, int64(len(p.toShard)))))])
	if e != 0 {
		s.leavePipe(f) // it is full
		return
	}
	p.toShard = p.toShard[n:]
	s.piped(i, n)
}

// sendPiped takes a segment out of its pipe.
func (m *Sim) sendPiped(i uint32, p *SimPeer, g *segment) {
	n := int(min(g.n, 64<<10))
	if p.Window >= 0 {
		n = min(n, p.Window-len(p.FromShard))
	}
	if n <= 0 {
		m.s.later = append(m.s.later, i)
		return
	}
	b := make([]byte, m.part(n))
	q := &m.s.pipes.all[g.owner]
	n, e := readFD(q.r, b)
	if e != 0 {
		panic(fmt.Sprintf("engine: a pipe holds less than its segments say: %v (seed %d)", e, m.seed))
	}
	q.held -= int64(n)
	p.flight = [][]byte{b[:n]}
	m.fly(i, p, n)
	p.whole = true
}

// sent completes a send: some bytes reach the peer, as far as it reads.
func (m *Sim) sent(i uint32, p *SimPeer) {
	s := m.s
	c := &s.conns[i]
	if m.checksum(p.flight) != p.sum {
		panic(fmt.Sprintf("engine: bytes of a send changed before it completed (seed %d)", m.seed))
	}
	n := m.part(p.inflight)
	if p.Window >= 0 {
		n = min(n, p.Window-len(p.FromShard))
	}
	if p.whole {
		n = p.inflight
	}
	if n <= 0 {
		return
	}
	left := n
	for _, f := range p.flight {
		k := min(left, len(f))
		p.FromShard = append(p.FromShard, f[:k]...)
		left -= k
	}
	c.flags &^= flagSending
	s.written(i, int64(n))
	if c.q.bytes > 0 || c.has(flagFilter) {
		s.markDirty(i)
	}
	s.drained(i)
}

func (m *Sim) checksum(pieces [][]byte) uint64 {
	var h maphash.Hash
	h.SetSeed(m.hash)
	for _, p := range pieces {
		_, _ = h.Write(p)
	}
	return h.Sum64()
}

// end lets go of a dead connection.
func (m *Sim) end(i uint32) {
	c := &m.s.conns[i]
	p := m.peers[i]
	if c.has(flagSending) && m.checksum(p.flight) != p.sum {
		panic(fmt.Sprintf("engine: bytes of a send changed before it completed (seed %d)", m.seed))
	}
	p.Closed = true
	p.WasReset = c.has(flagReset)
	p.conn = NoConn
	delete(m.peers, i)
	m.s.retire(i)
}

func (m *Sim) dial(i uint32, a *Addr) Errno {
	var p *SimPeer
	if m.OnDial != nil {
		p = m.OnDial(a)
	}
	if p == nil || m.chance(m.faults.Refused) {
		p = m.NewPeer()
		p.refuse = unix.ECONNREFUSED
	}
	m.peers[i] = p
	p.conn = m.s.name(i)
	return 0
}

func (m *Sim) added(i uint32) Errno {
	if !m.s.conns[i].has(flagConnecting) {
		m.peers[i] = m.pending
		m.pending.conn = m.s.name(i)
	}
	return 0
}

// receive is told of a pause. As with a multishot receive, something may be on
// its way already.
func (m *Sim) receive(i uint32) {
	if c, p := &m.s.conns[i], m.peers[i]; p != nil && !c.has(flagWanted|flagBulk|flagEOF) {
		p.late = m.chance(m.faults.Delay)
	}
}

func (m *Sim) finish(i uint32) {
	m.s.conns[i].flags |= flagFinishing
	if m.peers[i] == nil { // aborted as it was accepted
		m.pending.Closed = true
		m.pending.WasReset = m.s.conns[i].has(flagReset)
		m.s.retire(i)
	}
}

func (m *Sim) shut(i uint32) {
	if p := m.peers[i]; p != nil {
		p.GotEOF = true
	}
}

func (m *Sim) progress(i uint32) uint64 { return m.s.conns[i].sent }

func (m *Sim) stale(i uint32) bool {
	p := m.peers[i]
	return p == nil || p.closed || p.reset || len(p.toShard) > 0
}

func (m *Sim) peer(i uint32) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), uint16(i))
}

func (m *Sim) listen(l *listener) { m.accept[l.id] = l }
func (m *Sim) rest(l *listener)   { delete(m.accept, l.id) }
func (m *Sim) close()             {}
