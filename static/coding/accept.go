package coding

import "bytes"

// Preference is what a client's Accept-Encoding says about each coding: its
// weight in thousandths. Zero is "not acceptable".
type Preference struct {
	weight [Count]uint16
}

const (
	// fullWeight is that of a coding listed without one.
	fullWeight = 1000
	// leastWeight is what identity has when nothing is said about it: it is
	// acceptable (RFC 9110 12.5.3), but anything that is asked for is better.
	leastWeight = 1
)

// unsaid marks a coding that the field does not list.
const unsaid = ^uint16(0)

// Parse reads the value of Accept-Encoding (RFC 9110 12.5.3); several lines are
// given joined by commas. Without the field, nil, and with an empty one nothing
// but identity is acceptable; the RFC would allow any coding in the first case, but a
// client that does not ask is one that cannot decode.
//
// What is malformed is never taken for consent: a member that cannot be read is
// passed over, and a coding with a weight that cannot be read is not used. If a
// coding is listed twice, the first counts.
func Parse(field []byte) Preference {
	listed := [Count]uint16{unsaid, unsaid, unsaid, unsaid}
	others := unsaid
	for len(field) > 0 {
		member := field
		if i := bytes.IndexByte(field, ','); i >= 0 {
			member, field = field[:i], field[i+1:]
		} else {
			field = nil
		}
		name, weight, ok := parseMember(member)
		if len(name) == 1 && name[0] == '*' {
			if ok && others == unsaid {
				others = weight
			}
			continue
		}
		c, known := byName(name)
		switch {
		case !known || listed[c] != unsaid:
		case ok:
			listed[c] = weight
		case c != Identity:
			listed[c] = 0
		}
	}
	var p Preference
	for c := range listed {
		switch {
		case listed[c] != unsaid:
			p.weight[c] = listed[c]
		case others != unsaid:
			p.weight[c] = others
		case Coding(c) == Identity:
			p.weight[c] = leastWeight
		}
	}
	return p
}

// Accepts reports whether a coding is acceptable.
func (p Preference) Accepts(c Coding) bool { return p.weight[c] > 0 }

// Choose picks what to send among identity and the codings at hand: what the
// client likes best, and among equals what the server does. When nothing is
// acceptable it is Identity: RFC 9110 12.5 leaves it to the server to disregard
// the field, and a response that most clients can read after all is of more
// use than 406.
func (p Preference) Choose(available Set) Coding {
	best, weight := Identity, uint16(0)
	for c := Brotli; c < Count; c++ {
		if available.Has(c) && p.weight[c] > weight {
			best, weight = c, p.weight[c]
		}
	}
	if p.weight[Identity] > weight {
		return Identity
	}
	return best
}

// byName finds a coding. Names are case-insensitive, and "x-gzip" is gzip
// (RFC 9110 8.4.1).
func byName(name []byte) (Coding, bool) {
	if len(name) > 2 && (name[0]|0x20) == 'x' && name[1] == '-' {
		return Gzip, foldsTo(name[2:], names[Gzip])
	}
	for c, known := range names {
		if foldsTo(name, known) {
			return Coding(c), true
		}
	}
	return Identity, false
}

// foldsTo compares with a string of lower-case letters, ignoring case.
func foldsTo(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// parseMember reads one member: a coding and perhaps its weight. ok is false if
// there is something behind the coding that is not a weight.
func parseMember(member []byte) (name []byte, weight uint16, ok bool) {
	name, rest := member, []byte(nil)
	if i := bytes.IndexByte(member, ';'); i >= 0 {
		name, rest = member[:i], trimSpace(member[i+1:])
		if len(rest) < 3 || rest[0]|0x20 != 'q' || rest[1] != '=' {
			return trimSpace(name), 0, false
		}
		weight, ok = parseWeight(rest[2:])
		return trimSpace(name), weight, ok
	}
	return trimSpace(name), fullWeight, true
}

// parseWeight reads a qvalue (RFC 9110 12.4.2): 0 to 1 with at most three
// decimals, in thousandths.
func parseWeight(b []byte) (uint16, bool) {
	if len(b) == 0 || len(b) > len("0.000") || b[0] != '0' && b[0] != '1' || len(b) > 1 && b[1] != '.' {
		return 0, false
	}
	weight := uint16(b[0]-'0') * fullWeight
	unit := uint16(fullWeight)
	for _, digit := range b[min(2, len(b)):] {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		unit /= 10
		weight += uint16(digit-'0') * unit
	}
	return weight, weight <= fullWeight
}

// trimSpace trims optional whitespace on both sides (RFC 9110 5.6.3).
func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
