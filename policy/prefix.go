package policy

import (
	"net/netip"
	"strconv"
	"strings"
)

func parsePrefixes(w *words) ([]netip.Prefix, *Error) {
	var list []netip.Prefix
	for {
		item, ok := w.next()
		switch {
		case !ok && list == nil:
			return nil, w.missing("the address")
		case !ok:
			return list, nil
		}
		p, want, suggest := ParsePrefix(item.Text)
		if want != "" {
			e := item.wrong(strconv.Quote(item.Text)+" is not an address or prefix", want)
			e.Suggest = suggest
			return nil, e
		}
		list = append(list, p)
	}
}

// ParsePrefix reads an IP address or a prefix in CIDR notation; an address is the prefix of its full length, and IPv4
// addresses mapped to IPv6 become IPv4. For a text that is neither, want says what was expected and suggest, where it
// is not empty, what was probably meant.
func ParsePrefix(s string) (p netip.Prefix, want, suggest string) {
	const form = "an address or prefix such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"
	if s == "all" {
		return netip.Prefix{}, form, "0.0.0.0/0 ::/0"
	}
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, form, ""
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), "", ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, form, ""
	}
	if p.Masked() != p {
		return netip.Prefix{}, "a prefix with no bits set behind its length", p.Masked().String()
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, "", ""
}

func formatPrefixes(list []netip.Prefix) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteByte(' ')
		if p.IsSingleIP() {
			b.WriteString(p.Addr().String())
		} else {
			b.WriteString(p.String())
		}
	}
	return b.String()
}
