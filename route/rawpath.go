package route

import "bytes"

// RawRest returns the offset in raw, a path as the client spelled it, that
// corresponds to offset normOff in its normal form. raw[off:] is the client's
// own spelling of the rest: normalised below "/" it gives what follows normOff,
// and it never climbs above that point. At the start of a segment, segments
// that a later ".." takes back are left out where they would come first.
//
//	raw "/api/a/../../api/b", normOff 5: "b"
//	raw "/api/x/%7Eu",        normOff 5: "x/%7Eu"
//
// raw must be a path that Normalise accepts; an offset out of range gives the
// nearest end.
func RawRest(raw []byte, normOff int) int {
	total := 0
	for s := newSurvivors(raw); s.prev(); {
		total += 1 + normalLen(raw[s.start:s.end])
	}
	// Counting from the end spares a stack: read backwards, a ".." says which
	// earlier segment it removes.
	left := total - normOff
	for s := newSurvivors(raw); s.prev(); {
		n := normalLen(raw[s.start:s.end])
		if left <= n {
			return s.start + rawLen(raw[s.start:s.end], n-max(left, 0))
		}
		left -= n + 1
		if left == 0 && s.prev() {
			// The slash after a segment that stays; what stands between it and the
			// next one that does amounts to nothing.
			return s.end
		}
	}
	return 0
}

// survivors walks the segments of a raw path from the last to the first and
// stops at those that are part of the normal form.
type survivors struct {
	raw        []byte
	start, end int // The present segment.
	next       int // Where the segment before it ends.
	removed    int // How many segments the ".." seen so far still remove.
	began      bool
}

func newSurvivors(raw []byte) survivors { return survivors{raw: raw, next: len(raw)} }

func (s *survivors) prev() bool {
	if !s.began {
		s.began = true
		last := s.raw[bytes.LastIndexByte(s.raw, '/')+1:]
		if dots(last) > 0 {
			// A final dot segment leaves an empty one, the slash that stays.
			s.start, s.end = len(s.raw), len(s.raw)
			return true
		}
	}
	for s.next > 0 {
		end := s.next
		start := bytes.LastIndexByte(s.raw[:end], '/') + 1
		s.next = start - 1
		switch dots(s.raw[start:end]) {
		case 1:
		case 2:
			s.removed++
		default:
			if s.removed > 0 {
				s.removed--
				continue
			}
			s.start, s.end = start, end
			return true
		}
	}
	return false
}

// dots returns 1 for the segment ".", 2 for "..", however they are escaped, and
// 0 for any other.
func dots(segment []byte) int {
	n := 0
	for len(segment) > 0 {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) >= 3 && segment[0] == '%' && segment[1] == '2' && segment[2]|0x20 == 'e':
			segment = segment[3:]
		default:
			return 0
		}
		if n++; n > 2 {
			return 0
		}
	}
	return n
}

// normalUnit returns how many bytes the first character of text occupies, as it
// is and in normal form.
func normalUnit(text []byte) (raw, norm int) {
	switch classes[text[0]] {
	case classPercent:
		if c, ok := unescape(text); ok {
			if unreserved[c] {
				return 3, 1
			}
			return 3, 3
		}
		return 1, 1
	case classEscape:
		return 1, 3
	}
	return 1, 1
}

// normalLen returns the length of segment's normal form.
func normalLen(segment []byte) int {
	n := 0
	for i := 0; i < len(segment); {
		raw, norm := normalUnit(segment[i:])
		i, n = i+raw, n+norm
	}
	return n
}

// rawLen returns how much of segment makes up the first n bytes of its normal
// form.
func rawLen(segment []byte, n int) int {
	i := 0
	for i < len(segment) && n > 0 {
		raw, norm := normalUnit(segment[i:])
		i, n = i+raw, n-norm
	}
	return i
}
