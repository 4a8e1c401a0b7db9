package balance

import "math"

// leastConn takes the member with the fewest requests under way for its
// weight. Members that are equal take turns as in round robin, so that an
// upstream with little to do is used evenly, by weight.
func (p *Picker) leastConn(v *View, c *choice, now int64) int {
	if c.equal && v.ramping == 0 {
		return p.leastInTurn(v, c)
	}
	// Fractions are compared by cross-multiplication: active is below 2^31
	// and the pull at most 2^26.
	best := 0
	least := &v.slots[c.slots[0]]
	active, pull, alone := int64(least.active), least.pull(now), true
	for k := 1; k < len(c.slots); k++ {
		s := &v.slots[c.slots[k]]
		w := s.pull(now)
		mine, its := int64(s.active)*pull, active*w
		if mine < its {
			best, active, pull, alone = k, int64(s.active), w, true
		} else if mine == its {
			alone = false
		}
	}
	if alone {
		return int(c.at[best])
	}
	p.follow(v)
	most, total := int64(math.MinInt64), int64(0)
	for k := best; k < len(c.slots); k++ {
		n := c.slots[k]
		s := &v.slots[n]
		w := s.pull(now)
		if int64(s.active)*pull != active*w {
			continue
		}
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

// leastInTurn is leastConn of members of the same weight: the first that has
// the fewest, from whose turn it is on.
func (p *Picker) leastInTurn(v *View, c *choice) int {
	from := p.inTurn(len(c.slots))
	best, least := from, int32(math.MaxInt32)
	for k := from; k < len(c.slots) && least > 0; k++ {
		if a := v.slots[c.slots[k]].active; a < least {
			best, least = k, a
		}
	}
	for k := 0; k < from && least > 0; k++ {
		if a := v.slots[c.slots[k]].active; a < least {
			best, least = k, a
		}
	}
	p.turn = uint32(best + 1)
	return int(c.at[best])
}
