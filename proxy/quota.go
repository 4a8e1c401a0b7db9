package proxy

import (
	"math/bits"
	"sync/atomic"
)

// Quota counts what an upstream is given by all shards together: connections,
// requests under way, or waiting requests. It is touched only where a limit is
// configured.
//
// A shard that finds nothing left registers as starving, and whoever gives a
// unit back hands it to such a shard instead. Nothing is lost between the two
// because of the order in which each does its part, with Go's sequentially
// consistent atomics:
//
//	the one that wants           the one that gives
//	1. take fails                1. nobody is starving: the count goes down
//	2. it registers              2. somebody is starving now after all:
//	3. it takes once more           take the unit again, and hand it over
//
// If the giver's second look comes before the other registers, then the count
// went down before the other took once more, and that finds the unit.
//
// A unit that is handed over stays counted while the message is on its way.
// Its receiver uses it, or gives it back in the same manner, so that a unit
// never rests while somebody waits for it.
type Quota struct {
	used   atomic.Int64
	hungry atomic.Int32
	// starving has a bit for each shard.
	starving []atomic.Uint64
	_        [64]byte
}

// Used is how many units are taken.
func (q *Quota) Used() int64 { return q.used.Load() }

// take takes a unit if fewer than limit are taken.
func (q *Quota) take(limit int) bool {
	for {
		n := q.used.Load()
		if n >= int64(limit) {
			return false
		}
		if q.used.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// drop gives a unit back that nobody waits for.
func (q *Quota) drop() { q.used.Add(-1) }

// takeOrStarve takes a unit, or registers a shard as starving.
func (q *Quota) takeOrStarve(limit, shard int) bool {
	if q.take(limit) {
		return true
	}
	q.starve(shard)
	if q.take(limit) {
		// The bit may be gone already: then another unit is on its way, and
		// is given back when it comes.
		q.sated(shard)
		return true
	}
	return false
}

// starve registers a shard as starving.
func (q *Quota) starve(shard int) {
	word, bit := &q.starving[shard/64], uint64(1)<<(shard%64)
	if word.Or(bit)&bit == 0 {
		q.hungry.Add(1)
	}
}

// sated takes a shard off the starving ones. It reports false if somebody else
// has done so, who then sends a unit.
func (q *Quota) sated(shard int) bool {
	word, bit := &q.starving[shard/64], uint64(1)<<(shard%64)
	if word.And(^bit)&bit == 0 {
		return false
	}
	q.hungry.Add(-1)
	return true
}

// isStarving reports whether a shard is registered.
func (q *Quota) isStarving(shard int) bool {
	return q.starving[shard/64].Load()&(1<<(shard%64)) != 0
}

// anyStarving is the one load that giving back costs if nobody is.
func (q *Quota) anyStarving() bool { return q.hungry.Load() > 0 }

// after is the first starving shard behind one in the order of a circle, which
// ends with that shard itself; -1 if there is none.
func (q *Quota) after(shard int) int {
	n := len(q.starving)
	at := shard / 64
	above := ^uint64(0) << (shard % 64) << 1
	if w := q.starving[at].Load() & above; w != 0 {
		return at*64 + bits.TrailingZeros64(w)
	}
	for k := 1; k < n; k++ {
		i := (at + k) % n
		if w := q.starving[i].Load(); w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	if w := q.starving[at].Load() &^ above; w != 0 {
		return at*64 + bits.TrailingZeros64(w)
	}
	return -1
}

// pick takes the next starving shard off the list, -1 if there is none.
func (q *Quota) pick(from int) int {
	for {
		to := q.after(from)
		if to < 0 || q.sated(to) {
			return to
		}
	}
}

// release gives a unit back. It returns the starving shard that is to have it
// instead, -1 if there is none. A unit beyond the limit, which may have been
// lowered, goes to nobody.
func (q *Quota) release(limit, from int) (to int) {
	for {
		if q.anyStarving() && q.used.Load() <= int64(limit) {
			if to := q.pick(from); to >= 0 {
				return to
			}
		}
		q.used.Add(-1)
		if !q.anyStarving() || !q.take(limit) {
			return -1
		}
	}
}
