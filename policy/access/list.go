package access

import (
	"net/netip"
	"slices"
)

// List is what two lists of prefixes say about every address: the address
// space cut into ranges that are all of one verdict, in order, so that judging
// an address is one binary search.
type List struct {
	from  []netip.Addr // the first address of each range
	allow []bool       // and its verdict
	other bool         // the verdict on clients that have no address
}

// New compiles the lists.
func New(allow, deny []netip.Prefix) *List {
	l := &List{other: len(allow) == 0}
	rules := []rule{
		newRule(netip.PrefixFrom(netip.IPv4Unspecified(), 0), l.other),
		newRule(netip.PrefixFrom(netip.IPv6Unspecified(), 0), l.other),
	}
	for _, p := range allow {
		rules = append(rules, newRule(p, true))
	}
	for _, p := range deny {
		rules = append(rules, newRule(p, false))
	}
	// Stable: of equal prefixes, the one that was added last decides.
	slices.SortStableFunc(rules, func(a, b rule) int {
		if c := a.first.Compare(b.first); c != 0 {
			return c
		}
		return a.bits - b.bits
	})
	// Prefixes lie in one another or apart, so those around an address are a
	// stack, with the longest on top.
	var around []rule
	for _, r := range rules {
		for len(around) > 0 && around[len(around)-1].last.Less(r.first) {
			around = l.leave(around)
		}
		around = append(around, r)
		l.begin(r.first, r.allow)
	}
	for len(around) > 0 {
		around = l.leave(around)
	}
	return l
}

// rule is a prefix and its verdict.
type rule struct {
	first, last netip.Addr
	bits        int
	allow       bool
}

func newRule(p netip.Prefix, allow bool) rule {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	p = p.Masked()
	last := p.Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(last); bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	end, _ := netip.AddrFromSlice(last)
	return rule{first: p.Addr(), last: end, bits: p.Bits(), allow: allow}
}

// leave ends the innermost of some prefixes: behind it, the verdict is that of
// the one around it.
func (l *List) leave(around []rule) []rule {
	n := len(around) - 1
	next := around[n].last.Next()
	if n > 0 && next.IsValid() {
		l.begin(next, around[n-1].allow)
	}
	return around[:n]
}

// begin begins a range. Of several that begin with one address, the last one
// is the innermost.
func (l *List) begin(at netip.Addr, allow bool) {
	if n := len(l.from); n > 0 && l.from[n-1] == at {
		l.allow[n-1] = allow
		return
	}
	l.from, l.allow = append(l.from, at), append(l.allow, allow)
}

// Allows gives the verdict on a client. One on a unix socket has the zero
// address, which is in no prefix.
func (l *List) Allows(a netip.Addr) bool {
	if !a.IsValid() {
		return l.other
	}
	a = a.Unmap().WithZone("")
	low, high := 0, len(l.from)
	for high-low > 1 {
		if mid := int(uint(low+high) / 2); a.Less(l.from[mid]) {
			high = mid
		} else {
			low = mid
		}
	}
	return l.allow[low]
}
