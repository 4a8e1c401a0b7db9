package telemetry

import "encoding/hex"

// TraceParent is what the field traceparent says (W3C Trace Context, section 3.2): the trace that a request belongs to, the
// span that has caused it, and whether its sender records it.
type TraceParent struct {
	Trace   [16]byte
	Span    [8]byte
	Sampled bool
}

const (
	traceParentLen = 55 // of version 00

	// MaxStateMembers and MaxTraceState bound the members and the bytes of all lines of a tracestate together. It may have no
	// more members, and this many bytes have to be passed on (W3C Trace Context, section 3.3.1).
	MaxStateMembers = 32
	MaxTraceState   = 512
)

// ParseTraceParent reads the value of a traceparent. A version that is not known yet is read like 00, as far as it looks like it.
func ParseTraceParent(v []byte) (p TraceParent, ok bool) {
	if len(v) < traceParentLen || v[2] != '-' || v[35] != '-' || v[52] != '-' {
		return TraceParent{}, false
	}
	var version, flags [1]byte
	if !lowerHex(version[:], v[:2]) || !lowerHex(p.Trace[:], v[3:35]) || !lowerHex(p.Span[:], v[36:52]) || !lowerHex(flags[:], v[53:55]) {
		return TraceParent{}, false
	}
	longer := len(v) > traceParentLen
	switch {
	case version[0] == 0xff, version[0] == 0 && longer, longer && v[traceParentLen] != '-':
		return TraceParent{}, false
	case p.Trace == [16]byte{}, p.Span == [8]byte{}:
		return TraceParent{}, false
	}
	p.Sampled = flags[0]&1 != 0
	return p, true
}

// lowerHex decodes hexadecimal digits of which letters are in lower case.
func lowerHex(dst, src []byte) bool {
	for i := range dst {
		hi, lo := src[2*i], src[2*i+1]
		if hi >= 'A' && hi <= 'F' || lo >= 'A' && lo <= 'F' || unhex(hi)|unhex(lo) > 15 {
			return false
		}
		dst[i] = unhex(hi)<<4 | unhex(lo)
	}
	return true
}

// Append appends the value of a traceparent of version 00.
func (p *TraceParent) Append(dst []byte) []byte {
	dst = append(dst, "00-"...)
	dst = hex.AppendEncode(dst, p.Trace[:])
	dst = append(dst, '-')
	dst = hex.AppendEncode(dst, p.Span[:])
	if p.Sampled {
		return append(dst, "-01"...)
	}
	return append(dst, "-00"...)
}

// StateMembers counts the members of a line of tracestate. It reports false for one that cannot be passed on: a member is
// KEY=VALUE, of printable characters (section 3.3.1).
func StateMembers(line []byte) (n int, ok bool) {
	for len(line) > 0 {
		end := 0
		for end < len(line) && line[end] != ',' {
			end++
		}
		member := trimBlanks(line[:end])
		line = line[min(end+1, len(line)):]
		if len(member) == 0 {
			continue
		}
		equals := 0
		for i, c := range member {
			if c < ' ' || c > '~' {
				return 0, false
			}
			if c == '=' {
				equals++
				if i == 0 || i == len(member)-1 {
					return 0, false
				}
			}
		}
		if equals != 1 {
			return 0, false
		}
		if n++; n > MaxStateMembers {
			return 0, false
		}
	}
	return n, true
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
