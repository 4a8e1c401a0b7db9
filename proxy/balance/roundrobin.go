package balance

import "math"

// roundRobin is nginx's smooth weighted round robin. With each choice, every
// member gains its weight, the one that has most is taken and pays the sum of
// all weights. Weights of 5, 1 and 1 give a a b a c a a, not a a a a a b c.
// If all weigh the same this comes to taking turns, which is what is done.
func (p *Picker) roundRobin(v *View, c *choice, now int64) int {
	if c.equal && v.ramping == 0 {
		k := p.inTurn(len(c.at))
		p.turn++
		return int(c.at[k])
	}
	p.follow(v)
	best, most, total := 0, int64(math.MinInt64), int64(0)
	for k, n := range c.slots {
		w := v.slots[n].pull(now)
		total += w
		mine := p.current[n] + w
		p.current[n] = mine
		if mine > most {
			best, most = k, mine
		}
	}
	p.current[c.slots[best]] -= total
	return int(c.at[best])
}

// inTurn is whose turn it is among n.
func (p *Picker) inTurn(n int) int {
	if p.turn >= uint32(n) {
		p.turn %= uint32(n)
	}
	return int(p.turn)
}

// follow brings the values of round robin up to date with the view's slots.
func (p *Picker) follow(v *View) {
	if p.started && p.uses == v.uses {
		return
	}
	if len(p.current) < len(v.slots) {
		more := make([]int64, len(v.slots))
		copy(more, p.current)
		p.current = more
	}
	for n := range v.slots {
		s := &v.slots[n]
		if p.started && s.born <= p.uses {
			continue
		}
		p.current[n] = 0
		// A random start below the member's own weight decides only which of
		// those that weigh the same comes first.
		if p.random != 0 && s.weight > 0 {
			p.current[n] = int64(p.below(uint64(s.weight * fullShare)))
		}
	}
	p.started, p.uses = true, v.uses
}
