package limiter

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Rate is a token bucket's rate and size, in the units of a limiter's clock:
// fractions of a nanosecond where the time between two tokens would otherwise
// be rounded by more than a thousandth.
type Rate struct {
	interval int64 // between two tokens
	depth    int64 // what a full bucket is worth: burst intervals
	burst    int64
	shift    uint8 // a nanosecond is 1<<shift units
}

// maxShift leaves room for four years of a process's clock, and for two
// thousand where there are fewer than a million tokens a second.
const maxShift = 6

// maxDepth bounds a bucket by what it is worth in time, some seventy years.
const maxDepth = 1 << 61

// NewRate is count tokens in each period, of which burst may be saved up.
func NewRate(count int64, per time.Duration, burst int64) Rate {
	count, burst = max(count, 1), max(burst, 1)
	r := Rate{burst: burst}
	for r.shift < maxShift && int64(per)<<r.shift/count < 1024 {
		r.shift++
	}
	r.interval = max((int64(per)<<r.shift+count/2)/count, 1)
	if hi, lo := bits.Mul64(uint64(burst), uint64(r.interval)); hi != 0 || lo > maxDepth {
		r.depth = maxDepth
	} else {
		r.depth = int64(lo)
	}
	return r
}

// Verdict is what a limiter says of a request.
type Verdict struct {
	Allowed bool
	// Left is how many more would be allowed now.
	Left int64
	// Wait is how long until one is allowed again, if this one was not.
	Wait time.Duration
	// Reset is how long until all of the burst is there again.
	Reset time.Duration
}

// units is a time of the caller's clock in units.
func (r *Rate) units(now int64) int64 { return now << r.shift }

func (r *Rate) duration(units int64) time.Duration { return time.Duration(max(units, 0) >> r.shift) }

// left is how many tokens there are in a bucket that is full at full.
func (r *Rate) left(full, now int64) int64 { return max(now+r.depth-max(full, now), 0) / r.interval }

// take takes up to n tokens of a bucket, and says how many it got and when the
// bucket is full now.
//
// Shards read the clock once a turn, so one may be behind another. Its tokens
// come later by as much, and none comes twice, because the word only grows.
func (r *Rate) take(bucket *atomic.Int64, now, n int64) (got, full int64) {
	for {
		old := bucket.Load()
		if got = min(r.left(old, now), n); got == 0 {
			return 0, old
		}
		if full = max(old, now) + got*r.interval; bucket.CompareAndSwap(old, full) {
			return got, full
		}
	}
}

func (r *Rate) allowed(full, now, left int64) Verdict {
	return Verdict{Allowed: true, Left: left, Reset: r.duration(full - now)}
}

func (r *Rate) refused(full, now int64) Verdict {
	return Verdict{Wait: r.duration(full + r.interval - now - r.depth), Reset: r.duration(full - now)}
}
