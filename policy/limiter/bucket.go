package limiter

import (
	"sync/atomic"
	"time"
)

const (
	// leaseShare bounds what shards may hold in all: one in leaseShare of the
	// tokens of a burst, or of a second if that is less. It is how far from
	// exact a bucket is, at the most.
	leaseShare = 256

	// leaseMost bounds what one shard holds. More saves nothing.
	leaseMost = 1024

	// leaseTime is how long a shard may hold tokens that it does not use.
	leaseTime = 50 * time.Millisecond
)

// Bucket is one token bucket that all shards draw on.
type Bucket struct {
	rate   Rate
	batch  int64
	leases []lease

	_      [64]byte
	shared atomic.Int64 // when the bucket is full
	_      [56]byte
}

// lease is what one shard holds, and is touched by that shard only.
type lease struct {
	left  int64
	until int64 // in the caller's clock
	full  int64 // when the bucket is full, as of the last look
	_     [40]byte
}

// NewBucket makes a full bucket for a number of shards.
func NewBucket(count int64, per time.Duration, burst int64, shards int) *Bucket {
	b := &Bucket{rate: NewRate(count, per, burst), leases: make([]lease, shards)}
	second := count
	if per > time.Second {
		second = count / int64(per/time.Second)
	}
	b.batch = min(max(min(second, burst)/int64(leaseShare*shards), 1), leaseMost)
	return b
}

// Take takes a token for a request that a shard has at a time.
//
// Where a shard has got no request for leaseTime, what it still holds goes back
// when the next one comes: it counts as spent until then, which is at most the
// share that the shard may hold.
func (b *Bucket) Take(shard int, now int64) Verdict {
	l, at := &b.leases[shard], b.rate.units(now)
	if l.left > 0 {
		if now < l.until {
			l.left--
			return b.rate.allowed(l.full, at, b.rate.left(l.full, at)+l.left)
		}
		b.shared.Add(-l.left * b.rate.interval)
		l.left = 0
	}
	got, full := b.rate.take(&b.shared, at, b.batch)
	if got == 0 {
		return b.rate.refused(full, at)
	}
	l.left, l.until, l.full = got-1, now+int64(leaseTime), full
	return b.rate.allowed(full, at, b.rate.left(full, at)+l.left)
}

// Return gives a token back that was taken in the same turn.
func (b *Bucket) Return(shard int) { b.leases[shard].left++ }
