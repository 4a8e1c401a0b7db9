package balance

import "testing"

func TestNothingIsAllocated(t *testing.T) {
	list := weighted(3, 2, 1, 1, 1)
	list[4].Backup = true
	v, p := view(list), picker(1)
	v.Ramp(v.Slot(1), 0, 1<<40, 0)
	tried := [2]Slot{v.Slot(0), v.Slot(1)}
	key := []byte("8c9d2f7a51b34e60a1d28c9d2f7a51b34e60a1d2")
	now := int64(0)
	for _, policy := range policies {
		if n := testing.AllocsPerRun(200, func() {
			now += 1e6
			ask := Ask{Policy: policy, Key: Sum(key), Now: now}
			s := v.Slot(p.Pick(v, &ask))
			v.Began(s)
			v.PassOver(s, now+5e6, now)
			v.SetUp(2, now&(1<<21) == 0)
			ask.Tried, ask.Any = tried[:], true
			p.Pick(v, &ask)
			v.Observe(s, 1e6, true, now)
			v.Ended(s)
		}); n != 0 {
			t.Errorf("%v: %v allocations", policy, n)
		}
	}
}

// A member that leaves while it has requests under way must not cost an
// allocation when they end.
func TestEndedDoesNotAllocate(t *testing.T) {
	v := view(members(64))
	var under []Slot
	for i := range 64 {
		v.Began(v.Slot(i))
		under = append(under, v.Slot(i))
	}
	v.Use(NewSet(nil))
	k := 0
	if n := testing.AllocsPerRun(62, func() { v.Ended(under[k]); k++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Two routes with the same upstream are each in their own turn, and know of
// each other's load.
func TestPickersShareAView(t *testing.T) {
	v := view(members(3))
	a, b := picker(0), picker(0)
	for _, want := range []int{0, 1, 2, 0} {
		if x, y := pick(t, a, v, Ask{}), pick(t, b, v, Ask{}); x != want || y != want {
			t.Errorf("got %d and %d, want %d", x, y, want)
		}
	}
	v.Began(v.Slot(pick(t, a, v, Ask{Policy: LeastConn})))
	v.Began(v.Slot(pick(t, a, v, Ask{Policy: LeastConn})))
	left := 0
	for v.Active(v.Slot(left)) > 0 {
		left++
	}
	if got := pick(t, b, v, Ask{Policy: LeastConn}); got != left {
		t.Errorf("got %d, want %d, the only one without a request", got, left)
	}
}
