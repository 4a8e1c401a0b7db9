package gateway

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// Trust is a set of addresses. It is immutable; the zero value is empty.
//
// The prefixes become ranges in order, without overlaps, so that finding an
// address is a binary search in one of two small arrays.
type Trust struct {
	four []range4
	six  []range6
}

type range4 struct{ first, last uint32 }

// range6 is a range of IPv6 addresses, each in two halves.
type range6 struct{ first, last half2 }

type half2 struct{ high, low uint64 }

func (a half2) compare(b half2) int {
	if a.high != b.high {
		return cmp.Compare(a.high, b.high)
	}
	return cmp.Compare(a.low, b.low)
}

// NewTrust makes the set of what the prefixes hold. One of IPv6 addresses that
// stand for IPv4 ones (RFC 4291, section 2.5.5.2) is taken for those.
func NewTrust(prefixes []netip.Prefix) Trust {
	var t Trust
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if !p.IsValid() {
			continue
		}
		if p.Addr().Is4() {
			first := four(p.Addr())
			size := ^uint32(0) >> p.Bits()
			first &^= size
			t.four = append(t.four, range4{first, first | size})
			continue
		}
		first, size := six(p.Addr()), half2{^uint64(0) >> min(p.Bits(), 64), ^uint64(0)}
		if p.Bits() >= 64 {
			size = half2{0, ^uint64(0) >> (p.Bits() - 64)}
		}
		first.high &^= size.high
		first.low &^= size.low
		t.six = append(t.six, range6{first, half2{first.high | size.high, first.low | size.low}})
	}
	slices.SortFunc(t.four, func(a, b range4) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.last, a.last))
	})
	slices.SortFunc(t.six, func(a, b range6) int {
		return cmp.Or(a.first.compare(b.first), b.last.compare(a.last))
	})
	t.four = outermost(t.four, func(a, b range4) bool { return a.last <= b.last })
	t.six = outermost(t.six, func(a, b range6) bool { return a.last.compare(b.last) <= 0 })
	return t
}

// outermost leaves out the ranges that lie in others. Prefixes overlap in no
// other way, and sorted by their beginnings, the longest first, one that lies
// in another comes behind it. within compares the ends.
func outermost[R any](sorted []R, within func(a, b R) bool) []R {
	kept := sorted[:0]
	for _, r := range sorted {
		if n := len(kept); n == 0 || !within(r, kept[n-1]) {
			kept = append(kept, r)
		}
	}
	return kept
}

// Empty reports whether the set holds nothing.
func (t *Trust) Empty() bool { return len(t.four) == 0 && len(t.six) == 0 }

// Contains reports whether an address is in the set. The zero address, which a
// unix socket has, never is.
func (t *Trust) Contains(a netip.Addr) bool {
	switch a = a.Unmap(); {
	case a.Is4():
		return t.contains4(four(a))
	case a.Is6():
		return t.contains6(six(a))
	}
	return false
}

func (t *Trust) contains4(a uint32) bool {
	low, high := 0, len(t.four)
	for low < high {
		mid := int(uint(low+high) / 2)
		switch r := &t.four[mid]; {
		case a < r.first:
			high = mid
		case a > r.last:
			low = mid + 1
		default:
			return true
		}
	}
	return false
}

func (t *Trust) contains6(a half2) bool {
	low, high := 0, len(t.six)
	for low < high {
		mid := int(uint(low+high) / 2)
		switch r := &t.six[mid]; {
		case a.compare(r.first) < 0:
			high = mid
		case a.compare(r.last) > 0:
			low = mid + 1
		default:
			return true
		}
	}
	return false
}

func four(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func six(a netip.Addr) half2 {
	b := a.As16()
	return half2{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}
