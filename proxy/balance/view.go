package balance

import (
	"math"
	"slices"
)

// View is what one shard knows of the members of one upstream. The zero value
// is a view of no members; [View.Use] gives it some.
type View struct {
	set    *Set
	uses   uint64 // how often the set was replaced
	slots  []slot
	order  []Slot // the slots of the set's members, in their order
	free   []Slot
	byName map[string]Slot

	panicBelow float64
	panicking  bool
	up         int
	active     int64 // requests under way with members of the set

	// wake is when time alone changes something: a member is not passed over
	// any more, or has its full weight.
	wake    int64
	ramping int
	stale   bool // ranks and usual no longer are what the slots say

	ranks   []rank // by index in the set
	usual   choice // those of the best rank
	special choice // scratch for a request that excludes some
}

// Slot is the number by which a View knows a member. It stays the member's,
// whatever its index in later Sets, for as long as the member is in the Set or
// has requests under way; then another member may get it.
type Slot uint32

// slot is what a shard knows of one member. All that a scan reads of one is
// in one cache line.
type slot struct {
	weight int64 // as the set says
	active int32
	member bool // of the present set
	down   bool // as the control plane has published
	passed bool // over, by this shard, until the time in until

	cost    float64 // see load.go
	stamp   int64   // of cost
	until   int64
	rampAt  int64 // when slow start began
	rampFor int64 // how long it takes; 0 if it is over

	born uint64 // the value of View.uses since which it is this member's
}

// Set is the members in use, nil before there are any.
func (v *View) Set() *Set { return v.set }

// Use replaces the members. What is known of those that stay, by their keys,
// is kept; new ones are up, at full weight and without a history. To use the
// present Set again costs nothing.
func (v *View) Use(s *Set) {
	if s == v.set {
		return
	}
	v.set = s
	v.uses++
	old := v.byName
	v.byName = make(map[string]Slot, len(s.list))
	for _, n := range v.order {
		v.slots[n].member = false
	}
	v.order = make([]Slot, len(s.list))
	for i, name := range s.names {
		n, known := old[name]
		if !known {
			n = v.slot()
		}
		v.byName[name], v.order[i] = n, n
		v.slots[n].member, v.slots[n].weight = true, int64(s.list[i].Weight)
	}
	for name, n := range old {
		if _, stays := v.byName[name]; stays {
			continue
		}
		// A member with requests under way keeps its slot until the last of
		// them has ended; see Ended.
		if v.slots[n].active == 0 {
			v.free = append(v.free, n)
		}
	}
	// Ended must not allocate.
	v.free = slices.Grow(v.free, len(v.slots)-len(v.free))
	v.active = 0
	for _, n := range v.order {
		v.active += int64(v.slots[n].active)
	}
	v.ranks = make([]rank, len(s.list))
	v.usual.reserve(len(s.list))
	v.special.reserve(len(s.list))
	v.stale = true
}

// slot is a free slot, as of a member of which nothing is known.
func (v *View) slot() Slot {
	var n Slot
	if last := len(v.free) - 1; last >= 0 {
		n, v.free = v.free[last], v.free[:last]
	} else {
		n = Slot(len(v.slots))
		v.slots = append(v.slots, slot{})
	}
	v.slots[n] = slot{born: v.uses}
	return n
}

// Slot is the number of the member with that index in the Set.
func (v *View) Slot(i int) Slot { return v.order[i] }

// SetUp says whether the member with that index in the Set is up, as the
// control plane has published it.
func (v *View) SetUp(i int, up bool) {
	if s := &v.slots[v.order[i]]; s.down == up {
		s.down = !up
		v.stale = true
	}
}

// PassOver says that a member could not be connected to: until that time it is
// used only if there is no other. A time in the past takes that back. Other
// than a member that is down, one that is passed over does not bring the
// upstream nearer to panic: it is one shard's guess.
func (v *View) PassOver(n Slot, until, now int64) {
	s := &v.slots[n]
	passed := until > now
	if !passed && !s.passed {
		return
	}
	s.passed, s.until = passed, until
	v.stale = true
}

// Ramp says that a member has come back, or is new, and is to get its full
// weight only after some time: a sixteenth at first, then more in a straight
// line. A duration of 0 gives it the full weight. Consistent hashing does not
// heed it, because a ring that changes all the time is none.
func (v *View) Ramp(n Slot, since, duration, now int64) {
	s := &v.slots[n]
	if duration <= 0 || now-since >= duration {
		since, duration = 0, 0
	}
	if s.rampAt != since || s.rampFor != duration {
		s.rampAt, s.rampFor = since, duration
		v.stale = true
	}
}

// SetPanic sets the share of members, from 0 to 1, below which being up does
// not count any more and all are used: when so many are down that the rest
// could not carry the load, or more likely it is the checks that are wrong. The
// share is of the members that are not backups, or of the backups once no
// other is up. 0 is never.
func (v *View) SetPanic(below float64) {
	if v.panicBelow != below {
		v.panicBelow, v.stale = below, true
	}
}

// Panicking reports whether the last choice was made of all members because
// too few are up.
func (v *View) Panicking() bool { return v.panicking }

// Up is how many members were up, backups too, when the last choice was made.
func (v *View) Up() int { return v.up }

// settle brings the view up to date with the clock and with what it was told.
func (v *View) settle(now int64) {
	if !v.stale && now < v.wake {
		return
	}
	v.stale, v.wake, v.ramping = false, math.MaxInt64, 0
	for _, n := range v.order {
		s := &v.slots[n]
		if s.passed && s.until <= now {
			s.passed = false
		}
		if s.passed {
			v.wake = min(v.wake, s.until)
		}
		if s.rampFor != 0 && now-s.rampAt >= s.rampFor {
			s.rampFor = 0
		}
		if s.rampFor != 0 {
			v.ramping++
			v.wake = min(v.wake, s.rampAt+s.rampFor)
		}
	}
	v.rank()
}
