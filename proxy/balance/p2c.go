package balance

import "sort"

// drawAgain is how often a member in slow start may be declined, so that it is
// drawn less often, before whatever comes up is taken.
const drawAgain = 8

// twoChoices draws two members by their weights and takes the one from which
// the quicker answer is to be expected: the latency of its answers times the
// requests that it has under way, with the one to come.
func (p *Picker) twoChoices(v *View, c *choice, now int64) int {
	a := p.draw(v, c, now)
	b := p.draw(v, c, now)
	if a == b {
		if !c.equal || v.ramping != 0 {
			// Two draws that are free to be the same are what gives each its
			// share when all are equally quick.
			return int(c.at[a])
		}
		b = a + 1 + int(p.below(uint64(len(c.at)-1)))
		if b >= len(c.at) {
			b -= len(c.at)
		}
	}
	mean := float64(c.total()) / float64(len(c.at))
	if v.slots[c.slots[b]].expect(mean, now) < v.slots[c.slots[a]].expect(mean, now) {
		a = b
	}
	return int(c.at[a])
}

// expect is how long an answer of a member will take, in nanoseconds and
// relative to the others. What it has under way counts for less the heavier
// it is; the request to come counts the same for all, or a heavy member would
// win all comparisons beside having more of them.
func (s *slot) expect(mean float64, now int64) float64 {
	cost := s.costAt(now)
	if cost < 1 {
		if s.active == 0 {
			return 0
		}
		cost = unknownCost
	}
	if s.active == 0 {
		return cost
	}
	return cost * (1 + float64(s.active)*mean*fullShare/float64(s.pull(now)))
}

// draw is the place in the choice of a random member.
func (p *Picker) draw(v *View, c *choice, now int64) int {
	for again := 0; ; again++ {
		var k int
		if c.equal {
			k = int(p.below(uint64(len(c.at))))
		} else {
			r := int64(p.below(uint64(c.total())))
			k = sort.Search(len(c.sum), func(k int) bool { return c.sum[k] > r })
		}
		if v.ramping == 0 || again == drawAgain {
			return k
		}
		if share := v.slots[c.slots[k]].share(now); int64(p.below(fullShare)) < share {
			return k
		}
	}
}
