package http1

// splitAuthority checks that b is uri-host [ ":" port ] (RFC 9110, section 7.2) and returns the length of the host.
//
// It is stricter than RFC 3986 where a host could be spelt in two ways or would name nothing: the host is not empty,
// holds no percent-encoding (DNS names need none), and an IP-literal is an IPv6 address without a zone. The port may be
// empty, and is at most 65535.
func splitAuthority(b []byte) (hostLen int, ok bool) {
	var i int
	if len(b) > 0 && b[0] == '[' {
		i = 1
		for i < len(b) && b[i] != ']' {
			i++
		}
		if i == len(b) || !isIPv6(b[1:i]) {
			return 0, false
		}
		i++
	} else {
		i = span(b, 0, classHost)
	}
	if i == 0 {
		return 0, false
	}
	return i, i == len(b) || (b[i] == ':' && isPort(b[i+1:]))
}

// isPort says whether b is empty or a number up to 65535.
func isPort(b []byte) bool {
	if len(b) > 5 {
		return false
	}
	port := 0
	for _, c := range b {
		if class[c]&classDigit == 0 {
			return false
		}
		port = port*10 + int(c-'0')
	}
	return port <= 65535
}

// isIPv6 says whether b is an IPv6address (RFC 3986, section 3.2.2): eight groups of up to four hexadecimal digits, one
// run of at least one group written "::", and perhaps an IPv4 address for the last two.
func isIPv6(b []byte) bool {
	groups, elided := 0, false
	i := 0
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		elided = true
		i = 2
	}
	for i < len(b) {
		start := i
		i = span(b, i, classHex)
		if i < len(b) && b[i] == '.' {
			groups += 2
			return isIPv4(b[start:]) && isWhole(groups, elided)
		}
		if i == start || i-start > 4 {
			return false
		}
		groups++
		if i == len(b) {
			break
		}
		if b[i] != ':' {
			return false
		}
		i++
		if i == len(b) {
			return false // a single colon at the end
		}
		if b[i] == ':' {
			if elided {
				return false
			}
			elided = true
			i++
		}
	}
	return isWhole(groups, elided)
}

// isWhole says whether the groups of an address, and a "::" that stands for at least one more, make eight.
func isWhole(groups int, elided bool) bool {
	if elided {
		return groups < 8
	}
	return groups == 8
}

// isIPv4 says whether b is four decimal numbers up to 255 without leading zeros.
func isIPv4(b []byte) bool {
	i := 0
	for part := range 4 {
		if part > 0 {
			if i == len(b) || b[i] != '.' {
				return false
			}
			i++
		}
		start, n := i, 0
		for i < len(b) && i-start < 3 && class[b[i]]&classDigit != 0 {
			n = n*10 + int(b[i]-'0')
			i++
		}
		if i == start || n > 255 || (b[start] == '0' && i-start > 1) {
			return false
		}
	}
	return i == len(b)
}
