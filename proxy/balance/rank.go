package balance

// rank is how eagerly a member is used: those of the lowest rank that has any
// are chosen from.
type rank uint8

const (
	first         rank = iota // up; in panic mode, all
	backup                    // up, but a backup
	passed                    // up, but it could not be connected to just now
	passedBackup              // and both
	down                      // for requests that take whatever there is
	downAndPassed             //
	none
)

// rank works out the members' ranks, and the usual choice.
func (v *View) rank() {
	var all, up [2]int // of the others, and of the backups
	for i, n := range v.order {
		tier := tierOf(&v.set.list[i])
		all[tier]++
		if !v.slots[n].down {
			up[tier]++
		}
	}
	v.up = up[0] + up[1]
	tier := 0
	if up[0] == 0 && up[1] > 0 {
		tier = 1
	}
	v.panicking = all[tier] > 0 && float64(up[tier]) < v.panicBelow*float64(all[tier])
	best := none
	for i, n := range v.order {
		v.ranks[i] = v.rankOf(&v.slots[n], v.set.list[i].Backup)
		best = min(best, v.ranks[i])
	}
	v.usual.clear(len(v.order))
	if best >= down {
		return
	}
	for i, r := range v.ranks {
		if r == best {
			v.usual.add(v, i)
		}
	}
}

func tierOf(e *Endpoint) int {
	if e.Backup {
		return 1
	}
	return 0
}

func (v *View) rankOf(s *slot, isBackup bool) rank {
	switch {
	case v.panicking && s.passed:
		return passed
	case v.panicking:
		return first
	case s.down && s.passed:
		return downAndPassed
	case s.down:
		return down
	case s.passed && isBackup:
		return passedBackup
	case s.passed:
		return passed
	case isBackup:
		return backup
	}
	return first
}

// choose is the members that a request is to be sent to one of.
func (v *View) choose(ask *Ask) *choice {
	if len(ask.Tried) == 0 && !ask.Grouped && (!ask.Any || len(v.usual.at) > 0) {
		return &v.usual
	}
	worst := passedBackup
	if ask.Any {
		worst = downAndPassed
	}
	best := none
	for i, r := range v.ranks {
		if r < best && r <= worst && v.fits(i, ask) {
			best = r
		}
	}
	c := &v.special
	c.clear(len(v.order))
	if best == none {
		return c
	}
	for i, r := range v.ranks {
		if r == best && v.fits(i, ask) {
			c.add(v, i)
		}
	}
	return c
}

// fits reports whether a request may be sent to a member as far as the request
// is concerned.
func (v *View) fits(i int, ask *Ask) bool {
	if ask.Grouped && v.set.list[i].Group != ask.Group {
		return false
	}
	n := v.order[i]
	for _, t := range ask.Tried {
		if t == n {
			return false
		}
	}
	return true
}

// choice is members to choose from.
type choice struct {
	at    []uint32 // indices in the set
	slots []Slot   // of the same members
	sum   []int64  // of the weights up to and with each
	in    []bool   // by index in the set
	equal bool     // they all have the same weight
}

// reserve makes room for so many members, so that nothing allocates later.
func (c *choice) reserve(n int) {
	c.at = make([]uint32, 0, n)
	c.slots = make([]Slot, 0, n)
	c.sum = make([]int64, 0, n)
	c.in = make([]bool, 0, n)
}

func (c *choice) clear(n int) {
	c.at, c.slots, c.sum, c.in, c.equal = c.at[:0], c.slots[:0], c.sum[:0], c.in[:n], true
	clear(c.in)
}

func (c *choice) add(v *View, i int) {
	n := v.order[i]
	w := v.slots[n].weight
	if len(c.at) > 0 && w != v.slots[c.slots[0]].weight {
		c.equal = false
	}
	c.at = append(c.at, uint32(i))
	c.slots = append(c.slots, n)
	c.sum = append(c.sum, c.total()+w)
	c.in[i] = true
}

// total is the sum of the weights.
func (c *choice) total() int64 {
	if len(c.sum) == 0 {
		return 0
	}
	return c.sum[len(c.sum)-1]
}
