package compressor

import "time"

// budget limits work to a share of the time, with bursts.
type budget struct {
	share float64
	burst time.Duration

	credit time.Duration // what may be worked before a pause; negative after too much
	last   time.Time
}

// spend takes note of work that ended at now, and returns how long to rest.
//
// What is measured is the time that passed. On a busy machine that is more than the
// processor's time, so that work gives way to what the machine is there for.
func (b *budget) spend(work time.Duration, now time.Time) (rest time.Duration) {
	if b.last.IsZero() {
		b.credit = b.burst
	} else {
		b.credit = min(b.credit+time.Duration(b.share*float64(now.Sub(b.last))), b.burst)
	}
	b.last = now
	b.credit -= work
	if b.credit >= 0 {
		return 0
	}
	return time.Duration(float64(-b.credit) / b.share)
}
