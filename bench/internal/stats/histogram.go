package stats

import (
	"math/bits"
	"time"
)

// Histogram counts durations with a relative error below 1 %, in constant memory, without allocating per value: each
// power of two of nanoseconds is divided into equal parts, as HdrHistogram does.
type Histogram struct {
	counts [rows * parts]uint64
	total  uint64
	max    time.Duration
}

const (
	partBits = 7
	parts    = 1 << partBits
	// rows covers 64-bit nanoseconds: the first row holds 0 to parts-1 exactly, each further one a power of two.
	rows = 64 - partBits + 1
)

// Record counts one duration. A negative one counts as 0.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[slot(uint64(d))]++
	h.total++
	h.max = max(h.max, d)
}

// Count is the number of durations recorded.
func (h *Histogram) Count() uint64 { return h.total }

// Max is the longest duration recorded, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the duration that the fraction q of all recorded ones do not exceed, 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := min(uint64(q*float64(h.total)), h.total-1)
	var seen uint64
	for i, count := range &h.counts {
		seen += count
		if seen > rank {
			return min(time.Duration(upperBound(i)), h.max)
		}
	}
	return h.max
}

func slot(value uint64) int {
	if value < parts {
		return int(value)
	}
	row := bits.Len64(value) - partBits
	return row*parts + int(value>>(row-1)&(parts-1))
}

// upperBound is the largest value that falls into a slot.
func upperBound(slot int) uint64 {
	row, part := slot/parts, uint64(slot%parts)
	if row == 0 {
		return part
	}
	return (parts+part+1)<<(row-1) - 1
}
