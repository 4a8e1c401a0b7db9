package balance

import (
	"testing"
)

// Members that are equally quick get their shares.
func TestP2CShares(t *testing.T) {
	for _, test := range []struct {
		name    string
		weights []int
		shares  []float64
	}{
		{"equal", []int{1, 1, 1}, []float64{1, 1, 1}},
		{"two", []int{1, 3}, []float64{1, 3}},
		{"many", []int{1, 2, 3, 4, 5, 10}, []float64{1, 2, 3, 4, 5, 10}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := view(weighted(test.weights...))
			wantShares(t, counts(t, picker(1), v, Ask{Policy: P2C}, 50_000), test.shares...)
			for i := range test.weights {
				v.Observe(v.Slot(i), 1e6, true, 0)
			}
			// With equal costs the comparison says nothing either.
			wantShares(t, counts(t, picker(2), v, Ask{Policy: P2C}, 50_000), test.shares...)
		})
	}
}

func TestP2CPrefersTheFaster(t *testing.T) {
	v, p := view(members(4)), picker(7)
	for i := range 4 {
		v.Observe(v.Slot(i), 10e6, true, 0)
	}
	v.Observe(v.Slot(2), 40e6, true, 0)
	got := counts(t, p, v, Ask{Policy: P2C}, 10_000)
	// It loses each comparison, and is never drawn against itself.
	if got[2] != 0 {
		t.Errorf("the slow member was chosen %d times of 10,000", got[2])
	}
	wantShares(t, []int{got[0], got[1], got[3]}, 1, 1, 1)
}

// A closed loop of 32 requests at a time, with one member that takes ten times
// as long: it must not hold most of them, as it does with round robin.
func TestP2CUnderLoad(t *testing.T) {
	type request struct {
		slot       Slot
		begin, end int64
	}
	run := func(policy Policy) (done [5]int) {
		v, p := view(members(5)), picker(11)
		var under []request
		now := int64(0)
		for range 20_000 {
			for len(under) < 32 {
				i := pick(t, p, v, Ask{Policy: policy, Now: now})
				n := v.Slot(i)
				v.Began(n)
				takes := int64(2e6)
				if i == 4 {
					takes = 20e6
				}
				// A member does its work in turn.
				takes *= int64(v.Active(n))
				under = append(under, request{n, now, now + takes})
				done[i]++
			}
			next := 0
			for k := range under {
				if under[k].end < under[next].end {
					next = k
				}
			}
			r := under[next]
			now = max(now, r.end)
			v.Observe(r.slot, r.end-r.begin, true, now)
			v.Ended(r.slot)
			under[next] = under[len(under)-1]
			under = under[:len(under)-1]
		}
		return done
	}
	if got := run(P2C); got[4] > 1000 || got[4] < 10 {
		t.Errorf("the slow member got %d of 20,000 requests (%v), want from 10 to 1,000", got[4], got)
	}
	if got := run(RoundRobin); got[4] < 3900 {
		t.Errorf("round robin gave the slow member %d of 20,000 requests: the comparison proves nothing", got[4])
	}
}

func TestPeakEWMA(t *testing.T) {
	tests := []struct {
		name string
		do   func(v *View, n Slot)
		now  int64
		min  int64
		max  int64
	}{
		{"unknown", func(*View, Slot) {}, 0, 0, 0},
		{"the first value counts", func(v *View, n Slot) { v.Observe(n, 5e6, true, 0) }, 0, 5e6, 5e6},
		{"a peak counts at once", func(v *View, n Slot) {
			v.Observe(n, 5e6, true, 0)
			v.Observe(n, 100e6, true, second)
		}, second, 100e6, 100e6},
		{"less counts slowly", func(v *View, n Slot) {
			v.Observe(n, 100e6, true, 0)
			v.Observe(n, 0, true, second)
		}, second, 90e6, 91e6},
		{"an average of many", func(v *View, n Slot) {
			v.Observe(n, 100e6, true, 0)
			for k := range 1000 {
				v.Observe(n, 10e6, true, int64(k)*second/10)
			}
		}, 100 * second, 9e6, 11e6},
		{"time alone forgets", func(v *View, n Slot) { v.Observe(n, 100e6, true, 0) }, 100 * second, 0, 1e5},
		{"a quick failure is a slow answer", func(v *View, n Slot) { v.Observe(n, 1000, false, 0) }, 0, 1e9, 1e9},
		{"a slow failure counts as it is", func(v *View, n Slot) { v.Observe(n, 5e9, false, 0) }, 0, 5e9, 5e9},
		{"a clock that stands", func(v *View, n Slot) {
			v.Observe(n, 5e6, true, second)
			v.Observe(n, 1e6, true, second)
		}, second, 5e6, 5e6},
		{"a negative latency is none", func(v *View, n Slot) { v.Observe(n, -5, true, 0) }, 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := view(members(2))
			test.do(v, v.Slot(1))
			if got := v.Latency(v.Slot(1), test.now); got < test.min || got > test.max {
				t.Errorf("got %d, want from %d to %d", got, test.min, test.max)
			}
			if got := v.Latency(v.Slot(0), test.now); got != 0 {
				t.Errorf("the other member has a latency of %d", got)
			}
		})
	}
}

// A member without an answer so far gets one request at a time while there are
// others that are known.
func TestP2CTriesTheUnknown(t *testing.T) {
	v, p := view(members(2)), picker(5)
	v.Observe(v.Slot(0), 1e6, true, 0)
	if got := pick(t, p, v, Ask{Policy: P2C}); got != 1 {
		t.Fatalf("got %d, want the member that nothing is known of", got)
	}
	v.Began(v.Slot(1))
	for range 100 {
		if got := pick(t, p, v, Ask{Policy: P2C}); got != 0 {
			t.Fatalf("got %d, want the member that has answered", got)
		}
	}
}
