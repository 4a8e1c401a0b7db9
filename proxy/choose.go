package proxy

import (
	"slices"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy/balance"
)

// picker is where the shard is in the turns of a plan.
func (p *Proxy) picker(plan *Plan) *balance.Picker {
	for len(p.pickers) <= int(plan.ID) {
		p.pickers = append(p.pickers, nil)
	}
	k := p.pickers[plan.ID]
	if k == nil {
		k = &balance.Picker{}
		// Shards that began with the same member would all be there at once.
		k.Seed(uint64(p.id))
		p.pickers[plan.ID] = k
	}
	return k
}

// choose names the member that the call goes to, or goes to next; false if
// there is none. Once the head is written it keeps to members whose target
// writes the same path, and it never names one that the call has tried.
func (c *Call) choose() bool {
	p, v := c.p, c.v
	ask := &p.ask
	*ask = balance.Ask{
		Policy: c.plan.Balance.Policy, Key: c.key, Now: p.s.Now(), Tried: c.tried[:c.tries],
		Grouped: c.head != 0 && len(c.plan.Targets) > 1,
	}
	if ask.Grouped {
		ask.Group = int32(c.target().Group)
	}
	at := p.picker(c.plan).Pick(&v.members, ask)
	if at < 0 {
		return false
	}
	c.set, c.at, c.slot, c.pl = v.set, at, v.members.Slot(at), v.pools[at]
	return true
}

// chooseAnew is choose for a call that has been to all members: it may go to
// any, but rather not to the one that it comes from.
func (c *Call) chooseAnew() bool {
	c.tries = 0
	c.exclude()
	if c.choose() {
		return true
	}
	c.tries = 0
	return c.choose()
}

// exclude keeps the call from its member from now on.
func (c *Call) exclude() {
	if int(c.tries) < len(c.tried) {
		c.tried[c.tries] = c.slot
		c.tries++
	}
	// The same address may stand in the set several times.
	m := c.member()
	for i, pl := range c.v.pools {
		if n := c.v.members.Slot(i); pl.member == m && n != c.slot && int(c.tries) < len(c.tried) {
			c.tried[c.tries] = n
			c.tries++
		}
	}
}

// hasTried reports whether the call is kept from a member.
func (c *Call) hasTried(n balance.Slot) bool {
	return slices.Contains(c.tried[:c.tries], n)
}

// hashKey is the hash that consistent hashing goes by. A request without the
// header or cookie is known by its client.
func hashKey(b *Balance, r *Request) uint64 {
	switch b.Hash {
	case HashHeader:
		if i := r.Head.Find(b.Name); i >= 0 {
			return balance.Sum(r.Head.Value(&r.Head.Fields[i]))
		}
	case HashCookie:
		if v, ok := cookie(&r.Head.Head, b.Name); ok {
			return balance.Sum(v)
		}
	case HashPath:
		return balance.Sum(r.Path)
	}
	ip := r.Peer.As16()
	return balance.Sum(ip[:])
}

// cookie is the value of a cookie (RFC 6265, section 4.2).
func cookie(h *http1.Head, name string) (value []byte, ok bool) {
	for i := h.First(http1.Cookie); i >= 0; i = h.Next(i) {
		rest := h.Value(&h.Fields[i])
		for len(rest) > 0 {
			pair := rest
			rest = nil
			for k, b := range pair {
				if b == ';' {
					pair, rest = pair[:k], pair[k+1:]
					break
				}
			}
			for len(pair) > 0 && (pair[0] == ' ' || pair[0] == '\t') {
				pair = pair[1:]
			}
			if len(pair) > len(name) && pair[len(name)] == '=' && string(pair[:len(name)]) == name {
				return pair[len(name)+1:], true
			}
		}
	}
	return nil, false
}
