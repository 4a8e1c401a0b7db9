package limiter

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// exact reports whether got is within one in a hundred of want, or one token.
func exact(got, want int64) bool {
	off := max(got-want, want-got)
	return off*100 <= want || off <= 1
}

// TestBucketIsExact offers a bucket more than it allows, with a clock that is
// the test's, and compares what it allows with what its rate says.
func TestBucketIsExact(t *testing.T) {
	even := func(i, shards int) int { return i % shards }
	skewed := func(i, shards int) int {
		if i%10 != 0 {
			return 0
		}
		return i / 10 % shards
	}
	changing := func(i, shards int) int { return i / 5000 % shards }
	for _, r := range []struct {
		count, burst int64
		per          time.Duration
	}{
		{10, 10, time.Second},
		{100, 200, time.Second},
		{1000, 1, time.Second},
		{1000, 1000, time.Second},
		{6000, 6000, time.Minute},
		{50_000, 1000, time.Second},
		{100_000, 100_000, time.Second},
		{700_000, 700_000, time.Second},
	} {
		for name, pick := range map[string]func(i, shards int) int{"even": even, "skewed": skewed, "changing": changing} {
			for _, shards := range []int{1, 2, 8} {
				t.Run(fmt.Sprintf("%d per %s burst %d, %s over %d shards", r.count, r.per, r.burst, name, shards), func(t *testing.T) {
					b := NewBucket(r.count, r.per, r.burst, shards)
					const attempts = 300_000
					span := 2 * r.per // beyond the burst, 2 periods' worth
					start, allowed := int64(time.Hour), int64(0)
					for i := range attempts {
						now := start + int64(span)/attempts*int64(i)
						if b.Take(pick(i, shards), now).Allowed {
							allowed++
						}
					}
					offered := int64(attempts)
					want := min(r.burst+2*r.count, offered)
					if !exact(allowed, want) {
						t.Errorf("%d of %d were allowed, want %d", allowed, offered, want)
					}
				})
			}
		}
	}
}

// TestBucketIsExactInParallel is the same with goroutines for shards, the
// clocks of which differ by what turns differ.
func TestBucketIsExactInParallel(t *testing.T) {
	const shards, steps, perStep = 4, 400, 200
	b := NewBucket(100_000, time.Second, 1000, shards)
	var allowed atomic.Int64
	var clock atomic.Int64
	clock.Store(int64(time.Hour))
	var all sync.WaitGroup
	for shard := range shards {
		all.Go(func() {
			n := int64(0)
			for range steps {
				now := clock.Add(int64(time.Second) / (shards * steps))
				for range perStep {
					if b.Take(shard, now).Allowed {
						n++
					}
				}
			}
			allowed.Add(n)
		})
	}
	all.Wait()
	if want := int64(100_000 + 1000); !exact(allowed.Load(), want) {
		t.Errorf("%d were allowed in a second, want %d", allowed.Load(), want)
	}
}

// TestBucketSaysWhen checks what a client is told.
func TestBucketSaysWhen(t *testing.T) {
	b := NewBucket(10, time.Second, 5, 2)
	now := int64(time.Hour)
	for i := range 5 {
		v := b.Take(i%2, now)
		if want := int64(4 - i); !v.Allowed || v.Left != want {
			t.Fatalf("request %d: %+v, want it allowed with %d left", i, v, want)
		}
	}
	v := b.Take(0, now)
	if v.Allowed || v.Left != 0 || v.Wait != 100*time.Millisecond || v.Reset != 500*time.Millisecond {
		t.Errorf("refused with %+v, want to wait 100ms and a reset in 500ms", v)
	}
	if v := b.Take(1, now+int64(99*time.Millisecond)); v.Allowed {
		t.Error("allowed before the time that was told")
	}
	if v := b.Take(1, now+int64(100*time.Millisecond)); !v.Allowed {
		t.Error("refused at the time that was told")
	}
}

// TestBucketTakesBackLeases makes one shard hold tokens, and another one spend
// all others. The first has no request for a while; what it held is there again.
func TestBucketTakesBackLeases(t *testing.T) {
	b := NewBucket(100_000, time.Second, 100_000, 2)
	if b.batch < 2 {
		t.Fatal("the bucket lends no batches")
	}
	now := int64(time.Hour)
	b.Take(0, now)
	held := b.leases[0].left
	n := int64(1)
	for b.Take(1, now).Allowed {
		n++
	}
	if n+held != 100_000 {
		t.Fatalf("%d were allowed while %d are held, of 100000", n, held)
	}
	before := b.shared.Load()
	b.Take(0, now+int64(leaseTime))
	if got := b.shared.Load() - before; got != (b.batch-held)*b.rate.interval {
		t.Errorf("the bucket moved by %d intervals, want %d", got/b.rate.interval, b.batch-held)
	}
}

func TestReturnedTokensCount(t *testing.T) {
	b, table := NewBucket(1, time.Second, 1, 1), NewTable(1, time.Second, 1, 8)
	now := int64(time.Hour)
	for range 3 {
		if !b.Take(0, now).Allowed || !table.Take(7, now).Allowed {
			t.Fatal("a token that was returned is not there")
		}
		b.Return(0)
		table.Return(7)
	}
}

// TestExtremes checks that no rate and no burst overflows.
func TestExtremes(t *testing.T) {
	now := int64(10 * 365 * 24 * time.Hour)
	for _, r := range []Rate{
		NewRate(1, time.Hour, 1e9), NewRate(1e9, time.Second, 1e9), NewRate(1e9, time.Second, 1), NewRate(1, time.Hour, 1),
	} {
		var bucket atomic.Int64
		at := r.units(min(now, 1<<56))
		got, full := r.take(&bucket, at, 1<<40)
		if got < 1 || got > r.burst || full <= at {
			t.Errorf("%+v: got %d, full at %d after %d", r, got, full, at)
		}
		if v := r.refused(full, at); v.Wait < 0 || v.Reset < 0 {
			t.Errorf("%+v: %+v", r, v)
		}
	}
}
