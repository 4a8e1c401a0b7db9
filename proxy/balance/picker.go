package balance

import "math/bits"

// Picker is where one shard and one route are in their turns. It is used with
// one View only. The zero value is usable, but all those begin with the same
// member: shards should not.
type Picker struct {
	random  uint64
	turn    uint32
	uses    uint64
	started bool
	// current is each slot's value in smooth weighted round robin.
	current []int64
}

// Seed makes a Picker begin at a place of its own; 0 is the beginning.
func (p *Picker) Seed(seed uint64) {
	*p = Picker{random: mix(seed), turn: uint32(mix(seed))}
	if seed == 0 {
		*p = Picker{}
	}
}

// Ask is what a request wants of a choice.
type Ask struct {
	Policy Policy
	// Key is the hash of what consistent hashing goes by; see [Sum].
	Key uint64
	// Now is the time.
	Now int64
	// Tried are members that the request must not be sent to: it was already.
	Tried []Slot
	// Group is the group of members to keep to if Grouped is set: the head
	// of the request is written, and suits only those.
	Group   int32
	Grouped bool
	// Any takes a member that is down if none is up.
	Any bool
}

// Pick chooses a member: the index in the View's Set, or -1 if there is none
// to be had. Members that are down, that were tried, or are of another group
// are never chosen, except that ones that are down are in panic mode, or if
// the request asks for any.
func (p *Picker) Pick(v *View, ask *Ask) int {
	v.settle(ask.Now)
	c := v.choose(ask)
	switch len(c.at) {
	case 0:
		return -1
	case 1:
		return int(c.at[0])
	}
	switch ask.Policy {
	case LeastConn:
		return p.leastConn(v, c, ask.Now)
	case P2C:
		return p.twoChoices(v, c, ask.Now)
	case Hash:
		return v.byHash(c, ask.Key)
	default:
		return p.roundRobin(v, c, ask.Now)
	}
}

// next is a random number: xorshift64*, which is as good as a choice of
// members needs.
func (p *Picker) next() uint64 {
	x := p.random
	if x == 0 {
		x = 0x9e3779b97f4a7c15
	}
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	p.random = x
	return x * 0x2545f4914f6cdd1d
}

// below is a random number below n.
func (p *Picker) below(n uint64) uint64 {
	hi, _ := bits.Mul64(p.next(), n)
	return hi
}
