package telemetry

import (
	"math"
	"testing"
	"time"
)

func TestHistogramBuckets(t *testing.T) {
	bucketOf := func(ns int64) int {
		var h Histogram
		h.Observe(ns)
		for i, n := range h.Counts {
			if n == 1 {
				return i
			}
		}
		t.Fatalf("%d ns is in no bucket", ns)
		return 0
	}
	for i := range Buckets - 1 {
		at := int64(Bound(i))
		if got := bucketOf(at); got != i {
			t.Errorf("%v is in bucket %d, not %d", Bound(i), got, i)
		}
		if got := bucketOf(at + 1); got != i+1 {
			t.Errorf("%v and a nanosecond is in bucket %d, not %d", Bound(i), got, i+1)
		}
	}
	for ns, want := range map[int64]int{math.MinInt64: 0, -1: 0, 0: 0, 1: 0, math.MaxInt64: Buckets - 1} {
		if got := bucketOf(ns); got != want {
			t.Errorf("%d ns is in bucket %d, not %d", ns, got, want)
		}
	}
}

func TestHistogramQuantile(t *testing.T) {
	var empty, h, slow Histogram
	for range 90 {
		h.Observe(int64(200 * time.Microsecond))
	}
	for range 10 {
		h.Observe(int64(20 * time.Millisecond))
	}
	slow.Observe(int64(time.Hour))
	for _, tt := range []struct {
		name string
		h    *Histogram
		q    float64
		want time.Duration
	}{
		{"nothing", &empty, 0.5, 0},
		{"half-way through a bucket", &h, 0.45, 175 * time.Microsecond},
		{"the end of a bucket", &h, 0.9, 250 * time.Microsecond},
		{"another bucket", &h, 0.95, 17500 * time.Microsecond},
		{"all", &h, 1, 25 * time.Millisecond},
		{"above all bounds", &slow, 0.5, time.Minute},
	} {
		if got := tt.h.Quantile(tt.q); got != tt.want {
			t.Errorf("%s: %v, not %v", tt.name, got, tt.want)
		}
	}
	h.Add(&slow)
	if h.Count() != 101 || h.Sum != uint64(90*200*time.Microsecond+10*20*time.Millisecond+time.Hour) {
		t.Errorf("the sum of two has %d durations of %d ns", h.Count(), h.Sum)
	}
}

func TestHistogramObservesWithoutAllocation(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Observe(12345678) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHistogramObserve(b *testing.B) {
	var h Histogram
	ns := int64(0)
	for b.Loop() {
		h.Observe(ns)
		ns = (ns + 777_777) & (1<<24 - 1)
	}
}
