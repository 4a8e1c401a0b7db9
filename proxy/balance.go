package proxy

// choose takes the choices of a plan in turn, passing over members that have
// failed lately. When all have, the next in turn gets another chance.
func (p *Proxy) choose(plan *Plan) int {
	for len(p.turns) <= int(plan.ID) {
		p.turns = append(p.turns, 0)
	}
	n := len(plan.Choices)
	first := int(p.turns[plan.ID]) % n
	at := first
	for k := range n {
		if i := (first + k) % n; p.healthy(plan.Choices[i].Member) {
			at = i
			break
		}
	}
	p.turns[plan.ID] = uint32(at + 1)
	return at
}

// another is the choice that follows one whose member could not be connected
// to, -1 if there is none left. It keeps to choices that write the same path,
// because the head is written, and to members that the call has not tried;
// those that have failed lately come last.
func (p *Proxy) another(c *Call) int {
	if int(c.tries) == len(c.tried) {
		return -1
	}
	n := len(c.plan.Choices)
	spare := -1
	for k := 1; k < n; k++ {
		i := (c.at + k) % n
		ch := &c.plan.Choices[i]
		switch {
		case ch.Group != c.choice().Group || c.hasTried(ch.Member):
		case p.healthy(ch.Member):
			return i
		case spare < 0:
			spare = i
		}
	}
	return spare
}

// hasTried reports whether the call has failed to connect to a member.
func (c *Call) hasTried(m *Member) bool {
	for _, id := range c.tried[:c.tries] {
		if id == m.ID {
			return true
		}
	}
	return false
}

// unreached notes that the call's member could not be connected to.
func (c *Call) unreached() {
	m := c.choice().Member
	c.p.pool(m).failedUntil = c.p.s.Now() + int64(failTime)
	c.tried[c.tries] = m.ID
	c.tries++
}

// healthy reports whether a member has not failed lately.
func (p *Proxy) healthy(m *Member) bool { return p.pool(m).failedUntil <= p.s.Now() }
