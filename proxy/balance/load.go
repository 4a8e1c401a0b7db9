package balance

import "math"

// How fast a member answers is kept as a peak EWMA, as Finagle and Linkerd do:
// an average that weighs the recent more, forgets with time alone, and takes a
// value above it at once instead of approaching it. A member that gets slow is
// avoided after one answer, and tried again as the memory of it fades.
const (
	// latencyTime is after how long a latency weighs 1/e of what it did.
	latencyTime = 10e9

	// failureCost is the least latency that a failure counts as: a member that
	// refuses everything at once must not look like the fastest.
	failureCost = 1e9

	// unknownCost stands for the latency of a member that has not answered
	// yet but has a request under way: more than any that has answered.
	unknownCost = 1e15
)

// Slow start is computed in shares of 1/fullShare, from leastShare on.
const (
	fullShare  = 1024
	leastShare = fullShare / 16
)

// Began counts a request that is sent to a member.
func (v *View) Began(n Slot) {
	s := &v.slots[n]
	s.active++
	if s.member {
		v.active++
	}
}

// Ended takes back what Began has counted.
func (v *View) Ended(n Slot) {
	s := &v.slots[n]
	if s.active <= 0 {
		panic("balance: a request has ended that had not begun")
	}
	s.active--
	switch {
	case s.member:
		v.active--
	case s.active == 0:
		v.free = append(v.free, n)
	}
}

// Observe says how long a member took to answer, in nanoseconds, up to the
// head of the response, or that it has failed after that time. It is to be
// called between Began and Ended, and not for requests that were given up
// before the member could answer.
func (v *View) Observe(n Slot, latency int64, ok bool, now int64) {
	s := &v.slots[n]
	value := float64(max(latency, 0))
	if !ok {
		value = max(value, failureCost)
	}
	if cost := s.costAt(now); value < cost {
		kept := fading(now - s.stamp)
		value = s.cost*kept + value*(1-kept)
	}
	s.cost, s.stamp = value, max(now, s.stamp)
}

// Active is how many requests a member has under way.
func (v *View) Active(n Slot) int { return int(v.slots[n].active) }

// Latency is what a member's answers take, in nanoseconds; 0 if that is not
// known, or long ago.
func (v *View) Latency(n Slot, now int64) int64 { return int64(v.slots[n].costAt(now)) }

// costAt is the average latency, faded with the time since it was observed.
func (s *slot) costAt(now int64) float64 { return s.cost * fading(now-s.stamp) }

// fading is the weight of what was observed so long ago.
func fading(age int64) float64 {
	if age <= 0 {
		return 1
	}
	return math.Exp(-float64(age) / latencyTime)
}

// pull is a member's weight with its share in slow start, times fullShare.
func (s *slot) pull(now int64) int64 {
	if s.rampFor == 0 {
		return s.weight * fullShare
	}
	return s.weight * s.rampShare(now)
}

// share is how much of its weight a member gets, in 1/fullShare.
func (s *slot) share(now int64) int64 {
	if s.rampFor == 0 {
		return fullShare
	}
	return s.rampShare(now)
}

func (s *slot) rampShare(now int64) int64 {
	gone := float64(now-s.rampAt) / float64(s.rampFor)
	return leastShare + int64((fullShare-leastShare)*min(max(gone, 0), 1))
}
