package limiter

import (
	"hash/maphash"
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"
	"unsafe"
)

// ways is how many places a key can be in.
const ways = 8

// Table is a token bucket for each of many keys, in memory of a fixed size.
//
// A key may be in any place of one set, which its hash chooses. A key that is
// not there takes the place of the bucket that is the fullest of its set. If
// that one is full, nothing is lost. If it is not, there are more keys at work
// than places, and the newcomer takes over its debt with its place: whoever was
// put out finds, when it is back, a bucket that is no fuller than the one that
// it left. So a flood of addresses gives nobody's tokens back, and those who
// are out of tokens are put out last. The flood costs strangers of the same
// set a part of their burst, but not their first request, for which a
// newcomer always has a token.
//
// Keys are hashed with a seed that nobody outside knows, so that sets cannot
// be aimed at. 64 bits of hash stand for a key.
type Table struct {
	rate Rate
	hash Hash
	sets []set
}

// set is two cache lines.
type set struct {
	keys [ways]atomic.Uint64
	full [ways]atomic.Int64 // when the bucket is full
}

// TableBytes is the memory of one place of a table.
const TableBytes = int64(unsafe.Sizeof(set{})) / ways

// NewTable makes a table for about a number of keys, rounded up to a power of
// two.
func NewTable(count int64, per time.Duration, burst int64, keys int) *Table {
	return &Table{rate: NewRate(count, per, burst), hash: NewHash(), sets: make([]set, setsFor(keys))}
}

func setsFor(keys int) int {
	n := max((keys+ways-1)/ways, 1)
	return 1 << bits.Len(uint(n-1))
}

// Hash makes the keys of this table.
func (t *Table) Hash() *Hash { return &t.hash }

// Take takes a token of a key's bucket.
func (t *Table) Take(key uint64, now int64) Verdict {
	at := t.rate.units(now)
	bucket := t.bucket(key, at)
	got, full := t.rate.take(bucket, at, 1)
	if got == 0 {
		return t.rate.refused(full, at)
	}
	return t.rate.allowed(full, at, t.rate.left(full, at))
}

// Return gives a token back that was taken in the same turn.
func (t *Table) Return(key uint64) {
	s := &t.sets[key&uint64(len(t.sets)-1)]
	for i := range s.keys {
		if s.keys[i].Load() == key {
			s.full[i].Add(-t.rate.interval)
			return
		}
	}
}

// bucket finds the bucket of a key, or makes one.
//
// Two shards may do so at a time. If they put one key into two places, the
// first is found from then on, and the other is forgotten with one token that
// was taken from it. If a place changes hands between here and the taking,
// somebody else pays that token. Neither is worth a lock.
func (t *Table) bucket(key uint64, now int64) *atomic.Int64 {
	s := &t.sets[key&uint64(len(t.sets)-1)]
	for {
		for i := range s.keys {
			if s.keys[i].Load() == key {
				return &s.full[i]
			}
		}
		// A place that was never used is the fullest there is.
		victim, fullest := 0, s.full[0].Load()
		for i := 1; i < ways; i++ {
			if f := s.full[i].Load(); f < fullest {
				victim, fullest = i, f
			}
		}
		old := s.keys[victim].Load()
		if old == key || !s.keys[victim].CompareAndSwap(old, key) {
			continue
		}
		bucket := &s.full[victim]
		if most := now + t.rate.depth - t.rate.interval; fullest > most {
			bucket.CompareAndSwap(fullest, most)
		}
		return bucket
	}
}

// Hash makes keys, with a seed of its own. A key is never 0.
type Hash struct{ seed maphash.Seed }

// NewHash makes a hash with a random seed.
func NewHash() Hash { return Hash{maphash.MakeSeed()} }

// Addr is the key of a client's address: an IPv4 address by itself, an IPv6
// address by its /64, which is the least that a network gives to one customer
// (RFC 6177). Clients on unix sockets have no address, and one key.
func (h *Hash) Addr(a netip.Addr) uint64 {
	a = a.Unmap()
	if a.Is4() {
		b := a.As4()
		return h.Bytes(b[:])
	}
	b := a.As16()
	return h.Bytes(b[:8])
}

// Bytes is the key of a value.
func (h *Hash) Bytes(b []byte) uint64 { return max(maphash.Bytes(h.seed, b), 1) }

// Add is the key of one more value of a list that began with key.
func (h *Hash) Add(key uint64, b []byte) uint64 {
	// A multiplication by an odd number keeps the order of the values.
	return max(key*0x9e3779b97f4a7c15^maphash.Bytes(h.seed, b), 1)
}
