package route

import "bytes"

// Normalise brings a request path (without query) into its normal form, the one
// the tables are written in: escapes of unreserved characters decoded once, the
// hexadecimal digits of the others in upper case, characters that do not belong
// in a path escaped, dot segments removed (RFC 3986, sections 5.2.4 and 6.2.2),
// empty segments and %2F kept. Two spellings of one path have one normal form,
// and a normal form is its own.
//
// When nothing changes, which one scan finds out, the result is path itself.
// Otherwise it is written to dst[:cap(dst)], which must not overlap path. A
// capacity of len(path) is enough for every path that RFC 3986 allows; bytes
// above 0x7F and the few other characters that clients send unescaped become
// three bytes each, and a result that does not fit is refused.
//
// ok is false for what must be answered with 400: a path that does not begin
// with "/", a broken escape, %00, control characters, blanks, "?" and "#", a
// path that climbs above the root, and a ".." that would remove an empty
// segment. Of the last, "/a//../b" say, servers that merge slashes and servers
// that do not have different ideas; forwarding it would let a client reach a
// path that was never matched.
func Normalise(dst, path []byte) (norm []byte, ok bool) {
	if len(path) == 0 || path[0] != '/' {
		return nil, false
	}
	for i := 0; i < len(path); i++ {
		switch classes[path[i]] {
		case classPlain:
		case classSlash:
			if i+1 < len(path) && path[i+1] == '.' && dotSegment(path[i+1:]) {
				return normaliseInto(dst, path)
			}
		case classPercent:
			c, ok := unescape(path[i:])
			if !ok || c == 0 {
				return nil, false
			}
			if unreserved[c] || path[i+1] >= 'a' || path[i+2] >= 'a' {
				return normaliseInto(dst, path)
			}
			i += 2
		case classEscape:
			return normaliseInto(dst, path)
		default:
			return nil, false
		}
	}
	return path, true
}

// dotSegment reports whether the first segment of text is "." or "..".
func dotSegment(text []byte) bool {
	n := bytes.IndexByte(text, '/')
	if n < 0 {
		n = len(text)
	}
	return n == 1 && text[0] == '.' || n == 2 && text[0] == '.' && text[1] == '.'
}

// normaliseInto is Normalise for a path that may change. Segments are written
// one after the other; a dot segment takes itself, or itself and the one before,
// back off the end.
func normaliseInto(dst, path []byte) ([]byte, bool) {
	out, w := dst[:cap(dst)], 0
	for i := 0; i < len(path); {
		if w == len(out) {
			return nil, false
		}
		out[w] = '/'
		w, i = w+1, i+1
		start := w
		var ok bool
		if i, w, ok = normaliseSegment(out, w, path, i); !ok {
			return nil, false
		}
		last := i == len(path)
		switch segment := out[start:w]; {
		case len(segment) == 1 && segment[0] == '.':
			w = start - 1
		case len(segment) == 2 && segment[0] == '.' && segment[1] == '.':
			parent := bytes.LastIndexByte(out[:start-1], '/')
			if parent < 0 || parent+1 == start-1 {
				return nil, false
			}
			w = parent
		default:
			continue
		}
		if last {
			// "/a/." and "/a/b/.." name a directory: the slash stays.
			w++
		}
	}
	return out[:w], true
}

// normaliseSegment writes the segment of path that begins at i to out[w:] and
// returns where both ended.
func normaliseSegment(out []byte, w int, path []byte, i int) (nextI, nextW int, ok bool) {
	for i < len(path) && path[i] != '/' {
		c, size := path[i], 1
		escaped := false
		switch classes[c] {
		case classPlain:
		case classPercent:
			if c, ok = unescape(path[i:]); !ok || c == 0 {
				return 0, 0, false
			}
			size, escaped = 3, !unreserved[c]
		case classEscape:
			escaped = true
		default:
			return 0, 0, false
		}
		i += size
		if !escaped {
			if w >= len(out) {
				return 0, 0, false
			}
			out[w] = c
			w++
			continue
		}
		if w+3 > len(out) {
			return 0, 0, false
		}
		out[w], out[w+1], out[w+2] = '%', upperHex[c>>4], upperHex[c&15]
		w += 3
	}
	return i, w, true
}
