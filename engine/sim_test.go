package engine

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/anygate/anygate/engine/offheap"
)

// smallLimits suit a test with a handful of connections.
var smallLimits = Limits{Connections: 64, Clients: 48, SmallBuffers: 1024, LargeBuffers: 256}

// testAddr is dialled where the simulation decides what is there.
var testAddr = TCPAddr(netip.MustParseAddrPort("192.0.2.1:80"))

func lockThread() { runtime.LockOSThread() }

func newSim(t testing.TB, seed uint64, f Faults, l Limits, h Handler) *Sim {
	t.Helper()
	m, err := NewSim(seed, f, l, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Release)
	return m
}

func mustRun(t testing.TB, m *Sim, done func() bool) {
	t.Helper()
	if err := m.Run(100_000, done); err != nil {
		t.Fatal(err)
	}
}

// world is a simulation: clients that send a message through a relay to an
// upstream that echoes it. Before the echo each client gets a greeting out of
// foreign memory. Everything is drawn from the seed.
type world struct {
	t      testing.TB
	seed   uint64
	rng    *rand.Rand
	m      *Sim
	s      *Shard
	k      tokens
	hello  []byte
	pairs  map[Conn]*pair
	users  []*user
	ups    []*upstream
	pipes  int  // calls of Piped
	stalls bool // nobody grants or echoes anything: deadlines have to end it
	veiled bool // clients speak through a transform
}

// pair is a client's and an upstream's connection, and which have ended.
type pair struct {
	conn [2]Conn
	eof  [2]bool
}

func (p *pair) side(c Conn) int {
	if p.conn[1] == c {
		return 1
	}
	return 0
}

// user is a client of the simulation.
type user struct {
	*SimPeer
	sends []byte // bytes on the wire that have yet to be written
	want  []byte // what comes back if nothing fails
	v     *veil
	ended bool
}

type upstream struct {
	*SimPeer
	echoed int
	ended  bool
}

const (
	worldHigh     = 48 << 10
	worldLow      = 16 << 10
	worldDeadline = 20 * time.Second
)

func newWorld(t testing.TB, seed uint64, veiled bool) *world {
	rng := rand.New(rand.NewPCG(seed, 77))
	w := &world{t: t, seed: seed, rng: rng, pairs: map[Conn]*pair{}, veiled: veiled, stalls: seed%10 == 9}
	chance := func(most float64) float64 {
		if rng.IntN(3) == 0 {
			return 0
		}
		return most * rng.Float64()
	}
	f := Faults{
		Short: chance(1), Delay: chance(0.8), Reset: chance(0.002),
		NoBufs: chance(0.5), Cancel: chance(0.5), Refused: chance(0.3),
	}
	limits := smallLimits
	limits.Clients = 1 + rng.IntN(6)
	w.m = newSim(t, seed, f, limits, Handler{
		Accepted: w.accepted, Received: w.received, Piped: w.piped, Drained: w.drained, EOF: w.eof, Closed: w.closed,
		Timer: func(c Conn) { w.end(c, true) }, Released: w.k.released(t),
	})
	w.s = w.m.Shard()
	w.s.AddListener(-1, 3)
	w.m.OnDial = func(*Addr) *SimPeer {
		u := &upstream{SimPeer: w.m.NewPeer()}
		w.ups = append(w.ups, u)
		return u.SimPeer
	}
	w.hello = foreign(t, 3000)
	for n := 1 + rng.IntN(8); n > 0; n-- {
		w.users = append(w.users, w.newUser())
	}
	return w
}

func (w *world) newUser() *user {
	u := &user{SimPeer: w.m.Client(3)}
	u.Window = w.rng.IntN(2000)
	message := pattern(w.rng.IntN(1<<w.rng.IntN(18)+1), w.rng.Int())
	u.want = append(bytes.Clone(w.hello), message...)
	if !w.veiled {
		u.sends = message
		return u
	}
	u.v = new(veil)
	room := make([]byte, veilHead+veilLimit)
	u.sends = append(u.sends, room[:u.v.record(room, veilHello, nil)]...)
	for len(message) > 0 {
		n := min(len(message), 1+w.rng.IntN(veilLimit))
		u.sends = append(u.sends, room[:u.v.record(room, veilData, message[:n])]...)
		message = message[n:]
	}
	return u
}

func (w *world) accepted(c Conn, id int) {
	if w.veiled {
		w.s.SetTransform(c, new(veil))
	}
	if w.rng.IntN(20) == 0 {
		w.s.Append(c, []byte("busy"))
		w.s.Close(c)
		return
	}
	if w.rng.IntN(20) == 0 {
		w.s.Abort(c)
		return
	}
	up, e := w.s.Connect(testAddr, 1)
	if e != 0 {
		w.fatal("connect: %v", e)
	}
	p := &pair{conn: [2]Conn{c, up}}
	w.pairs[c], w.pairs[up] = p, p
	w.s.AppendMemory(c, offheap.Addr(w.hello), len(w.hello), w.k.next())
	w.s.SetDeadline(c, worldDeadline)
	w.s.SetDeadline(up, worldDeadline)
}

func (w *world) received(c Conn, b []byte) {
	p := w.pairs[c]
	if p == nil {
		w.fatal("received on connection %#x, which has ended", uint64(c))
	}
	to := p.conn[1-p.side(c)]
	if !w.s.Relay(to, b) {
		w.fatal("no buffer")
	}
	if w.rng.IntN(4) == 0 {
		w.s.Bulk(c, w.rng.IntN(2) == 0)
	}
	if w.rng.IntN(3) == 0 && w.s.Piping(to) {
		w.s.ReceivePiped(c, int64(1+w.rng.IntN(20_000)))
	}
	w.flow(c, to)
}

func (w *world) piped(c Conn, _ int) {
	p := w.pairs[c]
	if p == nil {
		w.fatal("piped on connection %#x, which has ended", uint64(c))
	}
	to := p.conn[1-p.side(c)]
	if w.rng.IntN(50) == 0 {
		w.end(c, true)
		return
	}
	w.s.RelayPiped(to)
	w.pipes++
	w.flow(c, to)
}

func (w *world) flow(c, to Conn) {
	w.s.SetDeadline(c, worldDeadline)
	if w.rng.IntN(8) == 0 {
		w.s.Pause(c)
		w.s.Resume(c)
	}
	if w.s.Queued(to) > worldHigh {
		w.s.Pause(c)
		w.s.NotifyDrained(to, worldLow)
	}
}

func (w *world) drained(c Conn) {
	p := w.pairs[c]
	if q := w.s.Queued(c); q > worldLow {
		w.fatal("Drained with %d bytes left", q)
	}
	w.s.Resume(p.conn[1-p.side(c)])
}

func (w *world) eof(c Conn) {
	p := w.pairs[c]
	side := p.side(c)
	p.eof[side] = true
	w.s.CloseWrite(p.conn[1-side])
	if p.eof[1-side] {
		w.end(c, false)
	}
}

func (w *world) closed(c Conn, _ Reason, _ Errno) { w.end(c, true) }

// end lets go of both connections of a pair.
func (w *world) end(c Conn, abort bool) {
	p := w.pairs[c]
	if p == nil {
		w.fatal("connection %#x ended twice", uint64(c))
	}
	for _, c := range p.conn {
		delete(w.pairs, c)
		if abort {
			w.s.Abort(c)
		} else {
			w.s.Close(c)
		}
	}
}

func (w *world) fatal(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("seed %d (veiled %v): "+format, append([]any{w.seed, w.veiled}, args...)...)
}

// step lets the peers act, and reports whether everybody has gone.
func (w *world) step() bool {
	all := true
	for _, u := range w.users {
		if u.Closed {
			continue
		}
		all = false
		if w.stalls {
			continue
		}
		u.Window += w.rng.IntN(8000)
		if n := min(len(u.sends), w.rng.IntN(6000)); n > 0 {
			u.Write(u.sends[:n])
			u.sends = u.sends[n:]
		}
		if len(u.sends) == 0 && !u.ended {
			u.ended = true
			u.CloseWrite()
		}
	}
	for _, u := range w.ups {
		if w.stalls || u.Closed || u.ended {
			continue
		}
		if n := min(len(u.FromShard)-u.echoed, w.rng.IntN(9000)); n > 0 {
			u.Write(u.FromShard[u.echoed : u.echoed+n])
			u.echoed += n
		}
		if u.GotEOF && u.echoed == len(u.FromShard) {
			u.ended = true
			u.CloseWrite()
		}
	}
	// Time passes faster than it would, slower than the deadlines; where
	// everything stalls it is what ends the connections.
	if w.stalls {
		w.m.Advance(time.Second)
	}
	return all && w.s.Stats().Open == 0
}

// arrived is what a user has got, without the record layer.
func (w *world) arrived(u *user) []byte {
	if !w.veiled {
		return u.FromShard
	}
	v, wire := new(veil), u.FromShard
	var plain []byte
	for {
		p, n, err := v.Open(wire)
		if err != nil {
			w.fatal("a user received no records: %v", err)
		}
		plain = append(plain, p...)
		if wire = wire[n:]; n == 0 && len(p) == 0 {
			return plain
		}
	}
}

// check looks at what is left when everybody has gone.
func (w *world) check() (complete int) {
	for i, u := range w.users {
		got := w.arrived(u)
		switch {
		case bytes.Equal(got, u.want):
			complete++
			continue
		case bytes.Equal(got, []byte("busy")) && !u.WasReset:
			continue
		}
		// One that was cut off has at least nothing wrong.
		if !bytes.HasPrefix(u.want, got) && !bytes.HasPrefix([]byte("busy"), got) {
			w.fatal("user %d received other bytes than were sent (%d of %d)", i, len(got), len(u.want))
		}
		if !u.WasReset && !u.Gone() {
			w.fatal("user %d received %d of %d bytes, and no reset", i, len(got), len(u.want))
		}
	}
	if w.k.back != w.k.given {
		w.fatal("%d tokens given, %d back", w.k.given, w.k.back)
	}
	st := w.s.Stats()
	if st.Open != 0 || st.Clients != 0 || st.SmallInUse != 0 || st.LargeInUse != 0 || st.TimersQueued != 0 {
		w.fatal("left behind: %+v", st)
	}
	if p := &w.s.pipes; len(p.all) > 0 && len(p.idle)+len(p.free) != len(p.all)-1 {
		w.fatal("%d pipes, %d idle and %d closed", len(p.all)-1, len(p.idle), len(p.free))
	}
	if len(w.pairs) != 0 {
		w.fatal("%d connections were forgotten", len(w.pairs))
	}
	return complete
}

func (w *world) run() (complete int) {
	if err := w.m.Run(60_000, w.step); err != nil {
		for i := range w.s.made {
			if c := w.s.conns[i]; c.has(flagOpen) {
				w.t.Logf("connection %d: flags %#x, %+v", i, c.flags, c)
			}
		}
		w.fatal("%v; %+v", err, w.s.Stats())
	}
	return w.check()
}

func TestSimulatedRelay(t *testing.T) {
	for _, veiled := range []bool{false, true} {
		t.Run(fmt.Sprintf("veiled %v", veiled), func(t *testing.T) {
			complete, users, pipes := 0, 0, 0
			for seed := range uint64(300) {
				w := newWorld(t, seed, veiled)
				complete += w.run()
				users += len(w.users)
				pipes += w.pipes
			}
			// Were everybody cut off, nothing would be shown.
			if complete < users/4 {
				t.Errorf("%d of %d users got everything", complete, users)
			}
			if !veiled && pipes < users/4 {
				t.Errorf("only %d pieces were piped", pipes)
			}
			t.Logf("%d of %d users got everything, the others were cut off", complete, users)
		})
	}
}

// TestSimulationRepeats runs a seed twice; a failing seed has to fail again.
func TestSimulationRepeats(t *testing.T) {
	trace := func(seed uint64) (uint64, Stats) {
		w := newWorld(t, seed, seed%2 == 0)
		w.run()
		h := fnv.New64a()
		for _, u := range w.users {
			_, _ = h.Write(u.FromShard)
		}
		fmt.Fprint(h, w.s.Now())
		return h.Sum64(), w.s.Stats()
	}
	for seed := uint64(1000); seed < 1010; seed++ {
		h1, s1 := trace(seed)
		h2, s2 := trace(seed)
		if h1 != h2 || s1 != s2 {
			t.Errorf("seed %d gave %+v, and then %+v", seed, s1, s2)
		}
	}
}

func TestSimulationNamesTheSeed(t *testing.T) {
	m := newSim(t, 4711, Faults{}, smallLimits, Handler{})
	if err := m.Run(3, func() bool { return false }); err == nil || !bytes.Contains([]byte(err.Error()), []byte("4711")) {
		t.Errorf("the error is %v", err)
	}
}

// TestSimulationCatchesBytesThatChange breaks the rule that bytes of a send
// stay as they are.
func TestSimulationCatchesBytesThatChange(t *testing.T) {
	var s *Shard
	var sent []byte
	m := newSim(t, 1, Faults{}, smallLimits, Handler{Accepted: func(c Conn, _ int) {
		sent = s.Reserve(c, 10)[:10]
		s.Commit(c, 10)
	}})
	s = m.Shard()
	s.AddListener(-1, 0)
	m.Client(0)
	m.Step()
	sent[0]++
	defer func() {
		if recover() == nil {
			t.Error("nobody noticed")
		}
	}()
	for range 100 {
		m.Step()
	}
}

func TestTickComesOnceASecond(t *testing.T) {
	ticks := 0
	m := newSim(t, 1, Faults{}, smallLimits, Handler{Tick: func() { ticks++ }})
	for range 50 {
		m.Advance(100 * time.Millisecond)
		m.Step()
	}
	if ticks < 4 || ticks > 5 {
		t.Errorf("%d ticks in 5 s", ticks)
	}
}

// TestWait says how long a shard may sleep.
func TestWait(t *testing.T) {
	m := newSim(t, 1, Faults{}, Limits{Connections: 4, Clients: 1, SmallBuffers: 8, LargeBuffers: 8}, Handler{})
	s := m.Shard()
	m.OnDial = func(*Addr) *SimPeer { return m.NewPeer() }
	if d := s.wait(); d >= 0 {
		t.Errorf("with nothing to do it wakes after %v", d)
	}
	c, _ := s.Connect(testAddr, 0)
	if d := s.wait(); d <= 0 || d > time.Second {
		t.Errorf("with a connection it wakes after %v, want the tick", d)
	}
	s.SetDeadline(c, 50*time.Millisecond)
	if d := s.wait(); d < 50*time.Millisecond || d > 50*time.Millisecond+2<<tickShift {
		t.Errorf("with a deadline in 50 ms it wakes after %v", d)
	}
	s.Append(c, []byte("x"))
	if d := s.wait(); d != 0 {
		t.Errorf("with output it wakes after %v", d)
	}
	m.Step()
	s.restAccept(10 * time.Millisecond)
	if d := s.wait(); d <= 0 || d > 10*time.Millisecond {
		t.Errorf("while accepting rests for 10 ms it wakes after %v", d)
	}
	m.Advance(10 * time.Millisecond)
	if d := s.wait(); d != 0 {
		t.Errorf("with accepting due it wakes after %v", d)
	}
	s.clients = 1
	if d := s.wait(); d == 0 {
		t.Error("accepting is due only when there is room")
	}
	s.clients = 0
}
