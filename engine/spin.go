package engine

import "time"

// A shard that finds nothing to do may look again for a while before it
// sleeps. Going to sleep and being woken takes longer than many gaps between
// two events, and the event waits meanwhile. It is paid for with processor
// time, so it is off unless configured, and a shard looks again only as long
// as its events come close enough together for that to be of use.
//
// Looking does not block, so the world can stop at any look: a goroutine that
// calls functions is preempted at the next one.

const (
	// spinCap bounds what one wait counts for, in spins: after a long sleep a
	// few short waits show that the shard has become busy.
	spinCap = 16

	// spinPause is the most waits between two attempts that bring nothing. An
	// idle shard spends less than a spin in as many waits.
	spinPause = 255
)

// spinner decides which waits begin with looking again. Times are
// nanoseconds of any clock.
type spinner struct {
	limit int64 // of one spin; 0 is off
	gap   int64 // how long waits take of late, a moving mean
	began int64 // when the wait in progress began; 0 if there is none
	until int64 // when its spin ends
	pause int   // waits to sleep through after the last spin, which brought nothing
	skip  int   // and how many of them are left
	spun  bool  // the wait in progress began with a spin
}

// wait notes that a wait of at most d begins, endless below 0, and reports
// whether it begins with a spin.
func (p *spinner) wait(now int64, d time.Duration) bool {
	p.began = now
	if p.spun = p.skip == 0; !p.spun {
		p.skip--
		return false
	}
	p.until = now + p.limit
	if d >= 0 {
		p.until = min(p.until, now+int64(d))
	}
	return true
}

// ended notes that the wait in progress is over, and reports whether its spin
// was long enough.
func (p *spinner) ended(now int64) (hit bool) {
	d := now - p.began
	hit = p.spun && now < p.until
	p.began = 0
	p.gap += (min(d, spinCap*p.limit) - p.gap) / 8
	switch {
	case hit && p.gap > 2*p.limit:
		// By chance, or events have begun to come close together and only
		// being woken takes long: the next wait will tell.
		p.skip = 0
	case hit, p.gap <= p.limit:
		// Where it was a sleep, looking would have been enough.
		p.pause, p.skip = 0, 0
	case p.spun:
		p.pause = min(2*p.pause+1, spinPause)
		p.skip = p.pause
	}
	return hit
}

// spins reports whether the wait that begins now, of at most d, begins with
// looking again.
func (s *Shard) spins(d time.Duration) bool {
	if s.spinner.limit == 0 {
		return false
	}
	s.clock()
	if !s.spinner.wait(s.now, d) {
		return false
	}
	s.stats.Spins++
	return true
}

// looks reports whether the shard is to look once more: there is time left,
// and no message has come. Nobody writes to the eventfd of a shard that is
// awake.
func (s *Shard) looks() bool {
	s.clock()
	return s.now < s.spinner.until && s.inbox.empty()
}

// looked reports, once looks does not, whether there is something to do after a
// spin before a wait of at most d: a message, or what the wait was bounded by,
// which a sleep as long as the spin would only delay.
func (s *Shard) looked(d time.Duration) bool {
	return !s.inbox.empty() || d >= 0 && int64(d) <= s.spinner.limit
}

// waited is called after every wait, when the clock was read.
func (s *Shard) waited() {
	s.lag.begins(s.now)
	if s.spinner.began != 0 && s.spinner.ended(s.now) {
		s.stats.SpinHits++
		s.napped(true)
	}
}
