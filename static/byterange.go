package static

import (
	"math"
	"slices"
)

// ranging is what a Range field asks for.
type ranging uint8

const (
	rangeIgnored       ranging = iota // absent, another unit, malformed or too many
	rangeParts                        // one or more satisfiable parts
	rangeUnsatisfiable                // nothing but parts beyond the end
)

// span is a part of a file's content; its length is never zero.
type span struct{ first, length int64 }

func (s span) end() int64 { return s.first + s.length }

// near reports whether two spans overlap, touch, or are so close that the head
// of another part would be longer than what lies between them.
func (s span) near(t span) bool {
	return s.first-t.end() <= rangeGap && t.first-s.end() <= rangeGap
}

// cover is the span from the first octet of both to the last.
func (s span) cover(t span) span {
	first := min(s.first, t.first)
	return span{first, max(s.end(), t.end()) - first}
}

// parseRanges reads a Range field (RFC 9110 14.2) for content of the given size and
// appends the parts to send to spans, which must be empty.
//
// A set is valid or invalid as a whole: one malformed member, or more than
// maxRanges of them, and the client gets the whole content. Members beyond the end
// are left out. Parts that overlap or are near each other become one (15.3.7.2),
// so that all parts with their heads are hardly longer than the content,
// however the client cuts it up: many ranges are no amplifier of load. Otherwise
// the parts come in the order in which they were asked for.
//
// A range of empty content is ignored, because no Content-Range could describe
// the answer.
func parseRanges(spans []span, value []byte, size int64) ([]span, ranging) {
	set, ok := cutBytesUnit(value)
	if !ok || size == 0 {
		return spans, rangeIgnored
	}
	members := 0
	for {
		if set = trimListStart(set); len(set) == 0 {
			break
		}
		if members++; members > maxRanges {
			return spans[:0], rangeIgnored
		}
		s, rest, kind := cutRange(set, size)
		if rest = trimSpace(rest); kind == rangeIgnored || len(rest) > 0 && rest[0] != ',' {
			return spans[:0], rangeIgnored
		}
		if kind == rangeParts {
			spans = join(spans, s)
		}
		set = rest
	}
	switch {
	case members == 0:
		return spans, rangeIgnored
	case len(spans) == 0:
		return spans, rangeUnsatisfiable
	}
	return spans, rangeParts
}

// join adds a span, merged with those it is near to, at the place of the first of
// them. No two of the result are near each other.
func join(spans []span, s span) []span {
	at := len(spans)
	for i := 0; i < len(spans); i++ {
		if !spans[i].near(s) {
			continue
		}
		s = s.cover(spans[i])
		at = min(at, i)
		spans = slices.Delete(spans, i, i+1)
		i = -1 // longer now, it may be near to others
	}
	return slices.Insert(spans, min(at, len(spans)), s)
}

// cutRange cuts one range-spec (RFC 9110 14.1.2) off the front.
func cutRange(b []byte, size int64) (s span, rest []byte, kind ranging) {
	from, rest, hasFrom := cutNumber(b)
	if len(rest) == 0 || rest[0] != '-' {
		return span{}, nil, rangeIgnored
	}
	to, rest, hasTo := cutNumber(rest[1:])
	switch {
	case !hasFrom && !hasTo, hasFrom && hasTo && to < from:
		return span{}, nil, rangeIgnored
	case !hasFrom && to == 0, hasFrom && from >= size:
		return span{}, rest, rangeUnsatisfiable
	case !hasFrom:
		length := min(to, size)
		return span{size - length, length}, rest, rangeParts
	case !hasTo:
		return span{from, size - from}, rest, rangeParts
	}
	return span{from, min(to, size-1) - from + 1}, rest, rangeParts
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
