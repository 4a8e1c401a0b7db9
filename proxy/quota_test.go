package proxy

import (
	"sync"
	"sync/atomic"
	"testing"
)

func newQuota(shards int) *Quota { return &Quota{starving: make([]atomic.Uint64, (shards+63)/64)} }

func TestQuotaTakes(t *testing.T) {
	q := newQuota(1)
	for i := range 3 {
		if !q.take(3) {
			t.Fatalf("unit %d of 3 is refused", i)
		}
	}
	if q.take(3) || q.Used() != 3 {
		t.Errorf("a fourth unit of 3; %d are used", q.Used())
	}
	if to := q.release(3, 0); to != -1 || q.Used() != 2 || !q.take(3) {
		t.Errorf("given back to %d, %d are used", to, q.Used())
	}
}

// TestQuotaHandsOver has shards starve on both sides of the giver.
func TestQuotaHandsOver(t *testing.T) {
	for _, tt := range []struct {
		name     string
		starving []int
		from     int
		want     []int
	}{
		{"nobody", nil, 3, nil},
		{"the giver itself", []int{3}, 3, []int{3}},
		{"in a circle from the giver on", []int{1, 3, 5, 130}, 3, []int{5, 130, 1, 3}},
		{"the last of a word", []int{63}, 63, []int{63}},
		{"from the last of a word", []int{0, 62, 64}, 63, []int{64, 0, 62}},
		{"across words", []int{2, 65, 127, 128, 199}, 100, []int{127, 128, 199, 2, 65}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := newQuota(200)
			for range len(tt.want) + 1 {
				q.take(100)
			}
			for _, shard := range tt.starving {
				q.starve(shard)
				q.starve(shard) // twice is once
			}
			for _, want := range tt.want {
				if to := q.release(100, tt.from); to != want {
					t.Errorf("handed to %d, want %d", to, want)
				}
			}
			if to := q.release(100, tt.from); to != -1 || q.anyStarving() {
				t.Errorf("handed to %d, which nobody has asked for", to)
			}
			if want := int64(len(tt.want)); q.Used() != want {
				t.Errorf("%d used: units that are handed over stay counted, %d of them", q.Used(), want)
			}
		})
	}
}

// TestQuotaLowered has more units taken than the limit allows now: they go to
// nobody until it holds again.
func TestQuotaLowered(t *testing.T) {
	q := newQuota(2)
	for range 4 {
		q.take(4)
	}
	q.starve(1)
	for want := int64(3); want >= 2; want-- {
		if to := q.release(2, 0); to != -1 || q.Used() != want {
			t.Errorf("handed to %d, %d used, want %d", to, q.Used(), want)
		}
	}
	if to := q.release(2, 0); to != 1 || q.Used() != 2 {
		t.Errorf("handed to %d, %d used", to, q.Used())
	}
}

// TestQuotaSated has a shard whose waiter has gone. If its bit is gone too, a
// unit is on its way.
func TestQuotaSated(t *testing.T) {
	q := newQuota(2)
	q.take(1)
	if q.takeOrStarve(1, 1) || !q.isStarving(1) {
		t.Fatal("a unit that is not there")
	}
	if !q.sated(1) || q.isStarving(1) || q.anyStarving() {
		t.Error("it is still starving")
	}
	q.starve(1)
	if q.release(1, 0) != 1 || q.sated(1) {
		t.Error("the unit on its way is not known of")
	}
}

// TestQuotaLosesNothing has many shards take, wait and give units, each with
// an inbox as the real ones have. If a wake-up were lost, one of them would
// wait for ever.
func TestQuotaLosesNothing(t *testing.T) {
	const shards, limit, rounds = 70, 7, 400
	q := newQuota(shards)
	inbox := make([]chan struct{}, shards)
	for i := range inbox {
		inbox[i] = make(chan struct{}, limit)
	}
	var inUse, most, busy atomic.Int64
	busy.Store(shards)
	ended := make(chan struct{})
	give := func(shard int) {
		if to := q.release(limit, shard); to >= 0 {
			inbox[to] <- struct{}{}
		}
	}
	var wait sync.WaitGroup
	for shard := range shards {
		wait.Go(func() {
			for range rounds {
				if !q.takeOrStarve(limit, shard) {
					<-inbox[shard]
				}
				n := inUse.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				inUse.Add(-1)
				give(shard)
			}
			if busy.Add(-1) == 0 {
				close(ended)
			}
			// A unit that was on its way although another was found in time.
			for {
				select {
				case <-inbox[shard]:
					give(shard)
				case <-ended:
					return
				}
			}
		})
	}
	wait.Wait()
	for shard := range shards {
		for len(inbox[shard]) > 0 {
			<-inbox[shard]
			give(shard)
		}
	}
	if n := most.Load(); n > limit || n < 1 {
		t.Errorf("%d units in use at a time, of %d", n, limit)
	}
	if q.Used() != 0 || q.anyStarving() {
		t.Errorf("%d are left in use, starving %t", q.Used(), q.anyStarving())
	}
}
