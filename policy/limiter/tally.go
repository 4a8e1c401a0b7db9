package limiter

import "sync/atomic"

// Tally is a counter for each of many keys, in memory of a fixed size.
//
// A place belongs to a key as long as its count is not 0, and cannot be taken
// away. Where all places of a set are in use, a newcomer is counted together
// with the key of its set that has the fewest: both may be refused earlier
// than they would be alone. What was counted so stays with that other key, so
// that the newcomer, should it get a place of its own in the meantime, may have
// twice the limit for as long. Sets are chosen by a hash with a secret seed;
// with four places for each key that may be there at a time none is full but by
// accident. Where a key is what a client says, that is each request that may be
// under way, of which a connection may have many.
type Tally struct {
	most uint64
	hash Hash
	sets []tallySet
}

// tallySet is one cache line. A word is a key's upper bits and its count, so
// that both change at once.
type tallySet [ways]atomic.Uint64

const (
	countBits = 24
	countMask = 1<<countBits - 1
)

// MaxTally is the largest limit of a Tally.
const MaxTally = countMask - 1

// TallyBytes is the memory of one place.
const TallyBytes = 8

// NewTally makes counters that stand at 0, for about a number of keys at a
// time, rounded up to a power of two.
func NewTally(most, keys int) *Tally {
	return &Tally{most: uint64(min(most, MaxTally)), hash: NewHash(), sets: make([]tallySet, setsFor(keys))}
}

// Hash makes the keys of this tally.
func (t *Tally) Hash() *Hash { return &t.hash }

// Slot is a place that was entered.
type Slot uint32

// Enter counts one more for a key, unless that would be too many, and says
// where, for Leave.
func (t *Tally) Enter(key uint64) (Slot, bool) {
	at := int(key & uint64(len(t.sets)-1))
	s := &t.sets[at]
	name := key &^ countMask
	for {
		i, w := s.find(name)
		if i < 0 {
			i, w = s.fewest()
		}
		n := w & countMask
		switch {
		case n >= t.most:
			return 0, false
		case n > 0:
			if !s[i].CompareAndSwap(w, w+1) {
				continue
			}
		default:
			if !s[i].CompareAndSwap(w, name|1) {
				continue
			}
			if s.twice(name, i) {
				// Another shard has put the key elsewhere at the same time: two
				// counts for one key would be two limits.
				s[i].Add(^uint64(0))
				continue
			}
		}
		return Slot(at*ways + i), true
	}
}

// Leave counts one less.
func (t *Tally) Leave(at Slot) { t.sets[at/ways][at%ways].Add(^uint64(0)) }

// find is the place of a key that is counted, -1 if there is none.
func (s *tallySet) find(name uint64) (int, uint64) {
	for i := range s {
		if w := s[i].Load(); w&^countMask == name && w&countMask > 0 {
			return i, w
		}
	}
	return -1, 0
}

// fewest is the place with the smallest count, a free one if there is any.
func (s *tallySet) fewest() (at int, word uint64) {
	word = countMask
	for i := range s {
		if w := s[i].Load(); w&countMask < word&countMask {
			at, word = i, w
		}
	}
	return at, word
}

// twice reports whether a key is counted in another place than i as well. Of
// two shards that count a key for the first time, at least the one that came
// last sees the other.
func (s *tallySet) twice(name uint64, i int) bool {
	for j := range s {
		if w := s[j].Load(); j != i && w&^countMask == name && w&countMask > 0 {
			return true
		}
	}
	return false
}
