package limiter

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestTallyCounts(t *testing.T) {
	tally := NewTally(2, 64)
	one, two := tally.hash.Bytes([]byte("one")), tally.hash.Bytes([]byte("two"))
	a, ok1 := tally.Enter(one)
	_, ok2 := tally.Enter(one)
	if _, ok3 := tally.Enter(one); !ok1 || !ok2 || ok3 {
		t.Fatalf("three of one key: %t %t %t, want the third refused", ok1, ok2, ok3)
	}
	if _, ok := tally.Enter(two); !ok {
		t.Error("another key is refused")
	}
	tally.Leave(a)
	if _, ok := tally.Enter(one); !ok {
		t.Error("refused after one has left")
	}
}

// TestTallyIsExactInParallel has goroutines enter and leave with few keys in
// few places, and looks at all times whether a key has more than its limit.
func TestTallyIsExactInParallel(t *testing.T) {
	const most, keys = 3, 6
	tally := NewTally(most, 8)
	var inside [keys]atomic.Int64
	var names [keys]uint64
	for k := range names {
		names[k] = tally.hash.Bytes([]byte{byte(k)})
	}
	var worst atomic.Int64
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 20_000 {
				k := (i*7 + g) % keys
				slot, ok := tally.Enter(names[k])
				if !ok {
					continue
				}
				if n := inside[k].Add(1); n > worst.Load() {
					worst.Store(n)
				}
				inside[k].Add(-1)
				tally.Leave(slot)
			}
		})
	}
	all.Wait()
	if n := worst.Load(); n > most {
		t.Errorf("%d of one key were inside, of %d", n, most)
	}
	for i := range tally.sets {
		for j := range tally.sets[i] {
			if n := tally.sets[i][j].Load() & countMask; n != 0 {
				t.Errorf("%d are left in a place", n)
			}
		}
	}
}

// TestTallySharesWhenFull enters more keys than a set has places. All are
// counted, nobody gets more than the limit, and all places are free afterwards.
func TestTallySharesWhenFull(t *testing.T) {
	tally := NewTally(2, 8)
	var slots []Slot
	for k := range 20 {
		if slot, ok := tally.Enter(tally.hash.Bytes([]byte{byte(k)})); ok {
			slots = append(slots, slot)
		}
	}
	if len(slots) != 2*ways {
		t.Errorf("%d are inside, want %d: all places, twice", len(slots), 2*ways)
	}
	for _, s := range slots {
		tally.Leave(s)
	}
	for j := range tally.sets[0] {
		if n := tally.sets[0][j].Load() & countMask; n != 0 {
			t.Errorf("%d are left in a place", n)
		}
	}
}

func TestCounterIsExactInParallel(t *testing.T) {
	c := NewCounter(5)
	var worst atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20_000 {
				if !c.Enter() {
					continue
				}
				if n := c.Count(); n > worst.Load() {
					worst.Store(n)
				}
				c.Leave()
			}
		})
	}
	all.Wait()
	if worst.Load() > 5 || c.Count() != 0 {
		t.Errorf("%d were inside of 5, %d are left", worst.Load(), c.Count())
	}
}
