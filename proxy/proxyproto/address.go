package proxyproto

import "net/netip"

// ParseAddr reads an IP address in its usual text, "192.0.2.1" or "2001:db8::1" (RFC 4291, section 2.2), without a zone.
// It accepts what [netip.ParseAddr] does, and unlike it makes neither strings nor errors: the text is any peer's.
func ParseAddr(b []byte) (netip.Addr, bool) {
	for _, c := range b {
		if c == ':' {
			return parseV6(b)
		}
	}
	four, ok := parseV4(b)
	if !ok {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4(four), true
}

// ParsePort reads a port: a number up to 65535 in its shortest form.
func ParsePort(b []byte) (uint16, bool) {
	if len(b) == 0 || len(b) > 5 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return uint16(n), n <= 65535
}

// parseV4 reads four numbers up to 255 in their shortest form. One that begins with 0 is octal to some readers.
func parseV4(b []byte) (a [4]byte, ok bool) {
	for i := range a {
		end := 0
		for end < len(b) && b[end] != '.' {
			end++
		}
		n, fits := ParsePort(b[:end])
		if !fits || n > 255 || (end < len(b)) != (i < 3) {
			return a, false
		}
		a[i] = byte(n)
		if i < 3 {
			b = b[end+1:]
		}
	}
	return a, true
}

// parseV6 reads groups of up to four hexadecimal digits, of which "::" stands for at least one, and the last two of
// which may be an IPv4 address.
func parseV6(b []byte) (netip.Addr, bool) {
	var a [16]byte
	at, gap := 0, -1 // where the next group goes, and where those that "::" stands for are missing
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap = 0
		b = b[2:]
	}
	for len(b) > 0 {
		if at == 16 {
			return netip.Addr{}, false
		}
		group, digits := uint16(0), 0
		for digits < len(b) && digits < 5 {
			d, ok := hex(b[digits])
			if !ok {
				break
			}
			group = group<<4 | uint16(d)
			digits++
		}
		if digits < len(b) && b[digits] == '.' {
			four, ok := parseV4(b)
			if !ok || at > 12 {
				return netip.Addr{}, false
			}
			at += copy(a[at:], four[:])
			break
		}
		if digits == 0 || digits > 4 {
			return netip.Addr{}, false
		}
		a[at], a[at+1] = byte(group>>8), byte(group)
		at += 2
		if b = b[digits:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return netip.Addr{}, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap = at
			b = b[1:]
		}
	}
	if (at == 16) != (gap < 0) {
		return netip.Addr{}, false
	}
	if gap >= 0 {
		// What follows the gap belongs at the end.
		n := copy(a[16-(at-gap):], a[gap:at])
		clear(a[gap : 16-n])
	}
	return netip.AddrFrom16(a), true
}

func hex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
