package telemetry

import (
	"math/bits"
	"time"
)

// Buckets is how many a Histogram has. The last one takes what is above all bounds.
const Buckets = 22

// bounds are the upper bounds of the buckets, included in them.
var bounds = [Buckets - 1]time.Duration{
	10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond,
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, time.Minute,
}

// Bound is the upper bound of a bucket but the last.
func Bound(bucket int) time.Duration { return bounds[bucket] }

// Histogram counts durations by their length. It has one writer and is not safe for concurrent use: a shard counts in its
// own, and copies it for whoever reads.
type Histogram struct {
	Sum    uint64 // nanoseconds
	Counts [Buckets]uint64
}

// firstBucket is the bucket of the shortest duration that has so many bits. Longer ones with the same number of bits are
// in that bucket or one of the two behind it.
var firstBucket = func() (first [65]uint8) {
	for n := range first {
		shortest := time.Duration(0)
		if n > 0 {
			shortest = 1 << min(n-1, 62)
		}
		for int(first[n]) < len(bounds) && bounds[first[n]] < shortest {
			first[n]++
		}
	}
	return first
}()

// Observe counts a duration, in nanoseconds. A negative one counts as none.
func (h *Histogram) Observe(ns int64) {
	ns = max(ns, 0)
	b := firstBucket[bits.Len64(uint64(ns))]
	for int(b) < len(bounds) && ns > int64(bounds[b]) {
		b++
	}
	h.Counts[b]++
	h.Sum += uint64(ns)
}

// Add adds what another one has counted.
func (h *Histogram) Add(o *Histogram) {
	h.Sum += o.Sum
	for i, n := range o.Counts {
		h.Counts[i] += n
	}
}

// Count is how many durations were counted.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Quantile is the duration that a share of q of the counted ones do not exceed, taken to be spread evenly within each
// bucket; 0 if none were counted. What is above all bounds counts as the last bound.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := q * float64(h.Count())
	if rank == 0 {
		return 0
	}
	below := 0.0
	for i, c := range h.Counts {
		n := float64(c)
		if below+n < rank || n == 0 {
			below += n
			continue
		}
		if i == len(bounds) {
			break
		}
		from := time.Duration(0)
		if i > 0 {
			from = bounds[i-1]
		}
		return from + time.Duration(float64(bounds[i]-from)*(rank-below)/n)
	}
	return bounds[len(bounds)-1]
}
