package static

import "math"

// ranging is what a Range field asks for.
type ranging uint8

const (
	rangeIgnored       ranging = iota // absent, another unit, malformed or several
	rangePart                         // one satisfiable part
	rangeUnsatisfiable                // one part, beyond the end
)

// parseRange reads a Range field (RFC 9110 14.2) for content of the given size and
// returns the one part it asks for.
//
// Several parts are answered with the whole content, which 14.2 allows: the
// parts would need a multipart body that is longer than the content in the
// usual case and is the classic amplifier of load in the other. So is any range of
// empty content, which no Content-Range could describe.
func parseRange(value []byte, size int64) (first, length int64, kind ranging) {
	set, ok := cutBytesUnit(value)
	if !ok || size == 0 {
		return 0, 0, rangeIgnored
	}
	set = trimListStart(set)
	from, set, hasFrom := cutNumber(set)
	if len(set) == 0 || set[0] != '-' {
		return 0, 0, rangeIgnored
	}
	to, set, hasTo := cutNumber(set[1:])
	if !hasFrom && !hasTo || hasFrom && hasTo && to < from {
		return 0, 0, rangeIgnored
	}
	if len(trimListStart(set)) > 0 {
		return 0, 0, rangeIgnored
	}
	switch {
	case !hasFrom:
		if to == 0 {
			return 0, 0, rangeUnsatisfiable
		}
		length = min(to, size)
		return size - length, length, rangePart
	case from >= size:
		return 0, 0, rangeUnsatisfiable
	case !hasTo:
		return from, size - from, rangePart
	}
	return from, min(to, size-1) - from + 1, rangePart
}

// cutBytesUnit cuts "bytes=" off the front. Names of range units are
// case-insensitive (RFC 9110 14.1).
func cutBytesUnit(b []byte) ([]byte, bool) {
	const unit = "bytes="
	if len(b) < len(unit) || !equalFold(b[:len(unit)], unit) {
		return nil, false
	}
	return b[len(unit):], true
}

// cutNumber cuts decimal digits off the front. A number beyond int64 counts as
// the largest one: it lies behind the end of any file just the same.
func cutNumber(b []byte) (n int64, rest []byte, ok bool) {
	i := 0
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		digit := int64(b[i] - '0')
		if n > (math.MaxInt64-digit)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + digit
	}
	return n, b[i:], i > 0
}

// equalFold compares with a string of lower-case ASCII, ignoring case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
