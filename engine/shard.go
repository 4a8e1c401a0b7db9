package engine

import (
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"github.com/anygate/anygate/engine/offheap"
)

// loop is a backend: the part of a shard that waits for the kernel. It is
// called once a turn and for rare operations, never per event; what happened
// reaches the shard by plain calls of its methods.
type loop interface {
	// turn waits for something to happen (not beyond the shard's next
	// deadline), reports it, lets the shard work, and writes what is queued.
	turn()

	// added starts receiving on (or connecting) a new connection; flagWanted,
	// flagBulk and flagConnecting say what it needs. On an error the loop
	// does not know the connection.
	added(i uint32) Errno

	// receive brings the kernel's state in line with flagWanted and flagBulk.
	receive(i uint32)

	// finish ends all kernel work of a dead connection, then calls retire.
	finish(i uint32)

	// shut closes the sending side of the socket.
	shut(i uint32)

	// progress, stale and peer serve the methods of these names.
	progress(i uint32) uint64
	stale(i uint32) bool
	peer(i uint32) netip.AddrPort

	// listen starts accepting on a listener, rest stops it.
	listen(l *listener)
	rest(l *listener)

	close()
}

// Shard is an event loop with everything it owns. Its methods are for the
// functions of its Handler, on its own thread.
type Shard struct {
	table
	handler Handler
	cfg     Config
	loop    loop
	pool    pool
	segs    segments
	pipes   pipes
	timers  wheel
	inbox   inbox

	now     int64    // ns since the process began
	unix    int64    // wall clock, s
	unixAt  int64    // when it was read
	ticked  int64    // when Tick was called last
	alarm   int64    // when Alarm is to be called, 0 never
	batch   int      // completions in this turn
	dirty   []uint32 // connections to write at the end of this turn
	later   []uint32 // and of the next
	msg     *message
	filters []*filter
	rx      Buf    // buffer that the bytes of the Received in progress lie in
	more    bool   // and the socket holds further ones
	nudged  []Conn // transforms to be asked again
	driven  []Conn // and those that are being asked
	lagging []Conn // of which the kernel holds records
	lagAt   int64  // when to look at those

	resident residency

	listeners []*listener
	parked    []parked // accepted, but without room
	clients   int
	unbound   int  // connections whose bound on unsent bytes is lifted
	full      bool // accepting rests because of a limit
	retryAt   int64

	resting  bool // the next wait is a proper one: see nap.go
	spinner  spinner
	stopping bool
	stats    Stats
	lag      lag
}

// Stats counts what a shard did; read it on the shard's thread.
type Stats struct {
	Turns, Events, Waits        uint64
	Spins, SpinHits             uint64 // waits that began with looking again, and those that this ended
	Accepted, Connects          uint64
	NoBuffers, AcceptErrors     uint64
	DirectSends, QueuedSends    uint64
	Absent                      uint64 // parts of files that were not in memory
	InboxFull                   uint64 // messages that found no room
	Overflows                   uint64 // turns that found more completions than the ring holds
	SmallInUse, LargeInUse      int
	Open, Clients, TimersQueued int
}

var processStart = time.Now()

// New makes a shard. Its memory is touched first by its own thread, in Run.
func New(cfg Config, h Handler) (*Shard, error) {
	s := &Shard{cfg: cfg, handler: h}
	s.inbox.fd = -1
	if err := s.prepare(); err != nil {
		s.free()
		return nil, err
	}
	return s, nil
}

func (s *Shard) prepare() error {
	l := &s.cfg.Limits
	if l.Clients == 0 {
		l.Clients = l.Connections
	}
	if err := s.table.init(l.Connections); err != nil {
		return err
	}
	if err := s.pool.open(l); err != nil {
		return err
	}
	s.now = int64(time.Since(processStart))
	s.unix = time.Now().Unix()
	s.ticked = s.now
	s.spinner.limit = int64(s.cfg.Spin)
	if err := s.timers.init(l.Connections, s.now); err != nil {
		return err
	}
	s.dirty = make([]uint32, 0, 4096)
	return s.inbox.open()
}

// SetHandler replaces the functions the shard calls; before Run only.
func (s *Shard) SetHandler(h Handler) { s.handler = h }

// Run locks the calling goroutine to its thread, pins it, and serves until
// Stop. ready is called once the backend stands, or with the reason it does
// not; Run then returns at once, the shard is of no use any more, and its
// listening sockets are the caller's again.
func (s *Shard) Run(ready func(error)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if s.cfg.CPU >= 0 {
		unpin, err := pin(s.cfg.CPU)
		if err != nil {
			s.free()
			ready(fmt.Errorf("engine: shard %d: pin to cpu %d: %w", s.cfg.ID, s.cfg.CPU, err))
			return
		}
		// The thread goes back to the Go scheduler.
		defer unpin()
	}
	if err := s.open(); err != nil {
		s.free()
		ready(err)
		return
	}
	ready(nil)
	for !s.stopping {
		s.loop.turn()
	}
	s.release()
}

func (s *Shard) open() (err error) {
	switch s.cfg.Backend {
	case IOUring:
		s.loop, err = newUringLoop(s)
	case Epoll:
		s.loop, err = newEpollLoop(s)
	default:
		return fmt.Errorf("engine: shard %d: no backend chosen", s.cfg.ID)
	}
	if err != nil {
		return fmt.Errorf("engine: shard %d: %w", s.cfg.ID, err)
	}
	for _, l := range s.listeners {
		s.loop.listen(l)
	}
	return nil
}

// release gives everything back to the system.
func (s *Shard) release() {
	s.loop.close()
	for i := uint32(1); i < s.made; i++ {
		c := &s.conns[i]
		if !c.has(flagOpen) {
			continue
		}
		// Owners of memory and files get their tokens back.
		s.drop(&c.q)
		s.endFilter(i)
		if c.fd >= 0 && !c.has(flagClosed) {
			closeFD(c.fd)
		}
	}
	if s.handler.Stopped != nil {
		s.handler.Stopped()
	}
	for _, p := range s.parked {
		closeFD(p.fd)
	}
	for _, l := range s.listeners {
		if !l.closed {
			closeFD(l.fd)
		}
	}
	s.free()
}

// free unmaps the shard's memory.
func (s *Shard) free() {
	if s.inbox.fd >= 0 {
		s.inbox.close()
	}
	s.pool.close()
	s.pipes.close()
	offheap.Unmap(s.conns)
	offheap.Unmap(s.timers.nodes)
}

// Post hands a message to the shard from any goroutine; false if its inbox is
// full.
func (s *Shard) Post(m Message) bool { return s.inbox.post(m) }

// Stop ends Run at the end of the turn. Connections that are still open are
// closed without a call; the tokens of their output are released.
func (s *Shard) Stop() { s.stopping = true }

// clock reads the time, once a turn.
func (s *Shard) clock() {
	s.now = int64(time.Since(processStart))
	if s.now-s.unixAt >= int64(100*time.Millisecond) {
		s.unixAt = s.now
		s.unix = time.Now().Unix()
	}
}

// work is the part of a turn that no backend has a hand in: deadlines, the
// inbox, and the tick.
func (s *Shard) work() {
	if s.now-s.ticked >= int64(time.Second) {
		s.ticked = s.now
		s.pool.small.trim(256)
		s.pool.large.trim(64)
		if s.handler.Tick != nil {
			s.handler.Tick()
		}
		s.sayAgain()
	}
	s.expire()
	if s.alarm != 0 && s.now >= s.alarm {
		s.alarm = 0
		if s.handler.Alarm != nil {
			s.handler.Alarm()
		}
	}
	for range inboxSlots {
		m, ok := s.inbox.take()
		if !ok {
			break
		}
		if s.handler.Message != nil {
			s.handler.Message(m)
		}
	}
	if len(s.nudged) > 0 {
		s.drive()
	}
	if len(s.lagging) > 0 && s.now >= s.lagAt {
		s.catchUp()
	}
	if s.mayResume() {
		s.resumeAccept()
	}
}

// expire calls Timer for the connections whose deadline has passed.
func (s *Shard) expire() {
	tick := s.now >> tickShift
	for {
		i := s.timers.pop(tick)
		if i == 0 {
			return
		}
		c := &s.conns[i]
		switch {
		case !c.has(flagOpen) || c.deadline == 0:
		case c.deadline > s.now:
			s.timers.set(i, tickOf(c.deadline))
		default:
			c.deadline = 0
			switch {
			case c.alive():
				if s.handler.Timer != nil {
					s.handler.Timer(s.name(i))
				}
			case c.has(flagClosing) && s.reads(i):
				// It takes its time to read the last answer, but it reads.
				if c.has(flagShut) {
					s.setDeadline(i, int64(lingerTime))
				} else {
					s.setDeadline(i, int64(closeTime))
				}
			default:
				if s.unsent(i) > 0 || c.flags&(flagKernel|flagShut) == flagKernel {
					// A cut answer must not look like one that has ended.
					c.flags |= flagReset
				}
				s.kill(i)
			}
		}
	}
}

// reads reports whether the peer of a closing connection has acknowledged
// more of what was sent since it was asked last, and has not got all of it.
func (s *Shard) reads(i uint32) bool {
	c := &s.conns[i]
	acked := s.loop.progress(i)
	if acked <= c.user || c.has(flagShut) && acked >= c.sent {
		return false
	}
	c.user = acked
	return true
}

// wait is how long the loop may sleep: 0 not at all, below 0 for ever.
func (s *Shard) wait() time.Duration {
	s.lag.rests(int64(time.Since(processStart)))
	if len(s.dirty) > 0 || len(s.nudged) > 0 || s.stopping || s.mayResume() {
		return 0
	}
	// The tick trims memory and lets the protocol look around; a shard with
	// no connections needs neither.
	d := time.Duration(-1)
	if s.table.open > 0 {
		d = max(0, time.Duration(s.ticked+int64(time.Second)-s.now))
	}
	if t := s.timers.next(); t != 0 {
		d = sooner(d, time.Duration(t<<tickShift-s.now))
	}
	if s.alarm != 0 {
		d = sooner(d, time.Duration(s.alarm-s.now))
	}
	if len(s.lagging) > 0 {
		d = sooner(d, time.Duration(s.lagAt-s.now))
	}
	if s.full && s.retryAt > s.now {
		d = sooner(d, time.Duration(s.retryAt-s.now))
	}
	return d
}

// sooner is the shorter of two waits of which the first may be endless.
func sooner(d, e time.Duration) time.Duration {
	if e = max(0, e); d < 0 || e < d {
		return e
	}
	return d
}

// Now is the shard's clock in nanoseconds since the process began, read once
// a turn.
func (s *Shard) Now() int64 { return s.now }

// Now is the clock that all shards read, for those who have none: nanoseconds
// since the process began. From any goroutine.
func Now() int64 { return int64(time.Since(processStart)) }

// Unix is the wall clock in seconds, at most a quarter of a second old.
func (s *Shard) Unix() int64 { return s.unix }

// Turns counts the shard's turns: what happens in one has the same number.
func (s *Shard) Turns() uint64 { return s.stats.Turns }

// ID is the shard's number, Backend the kind of its loop.
func (s *Shard) ID() int       { return s.cfg.ID }
func (s *Shard) Backend() Kind { return s.cfg.Backend }

// Stats returns the shard's counters.
func (s *Shard) Stats() Stats {
	st := s.stats
	st.SmallInUse, st.LargeInUse = s.pool.small.inUse(), s.pool.large.inUse()
	st.Open, st.Clients, st.TimersQueued = s.table.open, s.clients, s.timers.count
	st.InboxFull = s.inbox.full.Load()
	return st
}
