package proxyproto

import (
	"net/netip"
	"strconv"
)

// Version 1 is a line of text (section 2.1):
//
//	PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n
//	PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n
//	PROXY UNKNOWN whatever\r\n

const unknownV1 = prefixV1 + "UNKNOWN\r\n"

// parseV1 reads a header that begins with prefixV1 as far as it goes.
func parseV1(p []byte, h *Header) (n int, err Error) {
	line, n, err := lineV1(p)
	if n == 0 {
		return 0, err
	}
	h.Version = 1
	protocol, rest, more := cut(line[len(prefixV1):])
	switch {
	case string(protocol) == "UNKNOWN":
		// The receiver must ignore anything up to the end of the line.
		return n, OK
	case string(protocol) != "TCP4" && string(protocol) != "TCP6":
		return 0, ErrProtocol
	case !more:
		return 0, ErrLine
	}
	source, rest, more1 := cut(rest)
	destination, rest, more2 := cut(rest)
	sourcePort, destinationPort, more3 := cut(rest)
	if !more1 || !more2 || !more3 {
		return 0, ErrLine
	}
	from, ok1 := ParseAddr(source)
	to, ok2 := ParseAddr(destination)
	if four := protocol[3] == '4'; !ok1 || !ok2 || from.Is4() != four || to.Is4() != four {
		return 0, ErrAddress
	}
	fromPort, ok1 := ParsePort(sourcePort)
	toPort, ok2 := ParsePort(destinationPort)
	if !ok1 || !ok2 {
		return 0, ErrPort
	}
	h.Source, h.Destination = netip.AddrPortFrom(from, fromPort), netip.AddrPortFrom(to, toPort)
	return n, OK
}

// lineV1 finds the end of the line; n is 0 while it has not come.
func lineV1(p []byte) (line []byte, n int, err Error) {
	for i, c := range p[:min(len(p), maxV1)] {
		switch {
		case c == '\n':
			return nil, 0, ErrLine // the CR is missing
		case c != '\r':
		case i+1 == maxV1:
			return nil, 0, ErrTooLong
		case i+1 == len(p):
			return nil, 0, OK
		case p[i+1] != '\n':
			return nil, 0, ErrLine
		default:
			return p[:i], i + 2, OK
		}
	}
	if len(p) >= maxV1 {
		return nil, 0, ErrTooLong
	}
	return nil, 0, OK
}

// cut splits at the first space; more is false if there is none.
func cut(b []byte) (word, rest []byte, more bool) {
	for i, c := range b {
		if c == ' ' {
			return b[:i], b[i+1:], true
		}
	}
	return b, nil, false
}

func appendV1(b []byte, known, four bool, from, to netip.Addr, fromPort, toPort uint16) []byte {
	if !known {
		return append(b, unknownV1...)
	}
	if four {
		b = append(b, prefixV1+"TCP4 "...)
		b = from.AppendTo(b)
		b = append(b, ' ')
		b = to.AppendTo(b)
	} else {
		b = append(b, prefixV1+"TCP6 "...)
		b = appendV6(b, from)
		b = append(b, ' ')
		b = appendV6(b, to)
	}
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(fromPort), 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(toPort), 10)
	return append(b, "\r\n"...)
}

// appendV6 writes an address as one of IPv6. A zone means nothing on another machine.
func appendV6(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		b = append(b, "::ffff:"...)
	}
	return a.WithZone("").AppendTo(b)
}
