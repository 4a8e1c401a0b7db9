package static

// A verdict says whether a request path can name a file at all.
type verdict uint8

const (
	nameFine       verdict = iota
	nameMalformed          // not a path: a broken percent-encoding, a NUL
	nameImpossible         // no file can have it: an encoded or a doubled slash, too long
	nameHidden             // a segment begins with a dot
)

// appendName turns the path of a request into the name of a file relative to
// the root, without leading and trailing slash, and reports whether
// the path ended in a slash. "/a/b%20c/" becomes "a/b c" and a directory; "/"
// becomes the empty name.
//
// Slashes are not merged: routes are looked up without doing so, and "//admin/x" would
// be a file of the route "/" that a policy of "/admin/" is to guard.
//
// Percent-encodings are decoded once, segment by segment, so an encoded slash
// is never a separator and an encoded percent sign never starts a second
// decoding. Segments that begin with a dot are refused, and with them "." and
// "..", however they were spelled; only ".well-known" (RFC 8615) passes.
func appendName(dst, path []byte) (name []byte, directory bool, v verdict) {
	if len(path) > pathLimit {
		return dst, false, nameImpossible
	}
	base := len(dst)
	segment := base
	for i := 0; i < len(path); i++ {
		b := path[i]
		switch b {
		case '/':
			if len(dst) == segment {
				if i > 0 {
					return dst, false, nameImpossible
				}
				continue
			}
			if hiddenSegment(dst[segment:]) {
				return dst, false, nameHidden
			}
			dst = append(dst, '/')
			segment = len(dst)
			continue
		case '%':
			if len(path)-i < 3 {
				return dst, false, nameMalformed
			}
			high, low := hexDigit(path[i+1]), hexDigit(path[i+2])
			if high < 0 || low < 0 {
				return dst, false, nameMalformed
			}
			b = byte(high<<4 | low)
			i += 2
			if b == '/' {
				return dst, false, nameImpossible
			}
		}
		if b == 0 {
			return dst, false, nameMalformed
		}
		dst = append(dst, b)
		if len(dst)-base >= nameLimit {
			return dst, false, nameImpossible
		}
	}
	if hiddenSegment(dst[segment:]) {
		return dst, false, nameHidden
	}
	directory = len(dst) == segment
	if directory && len(dst) > base {
		dst = dst[:len(dst)-1]
	}
	return dst, directory, nameFine
}

// hiddenSegment reports whether one decoded segment must not be served.
func hiddenSegment(segment []byte) bool {
	return len(segment) > 0 && segment[0] == '.' && string(segment) != ".well-known"
}

// plainPath reports whether a path is the one usual spelling of its name: no
// doubled slash, and percent-encoded, in upper case, only what must be. Browsers
// and tools send nothing else.
func plainPath(path []byte) bool {
	for i := 0; i < len(path); i++ {
		switch b := path[i]; {
		case b == '/':
			if i+1 < len(path) && path[i+1] == '/' {
				return false
			}
		case b == '%':
			if len(path)-i < 3 {
				return false
			}
			high, low := path[i+1], path[i+2]
			if high >= 'a' || low >= 'a' || inPath(byte(hexDigit(high)<<4|hexDigit(low))) {
				return false
			}
			i += 2
		case !inPath(b):
			return false
		}
	}
	return true
}

// inPath reports whether a path segment may hold b as it is: pchar of RFC 3986
// 3.3 without the percent sign.
func inPath(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	switch b {
	case '-', '.', '_', '~', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', ':', '@':
		return true
	}
	return false
}

// hexDigit is the value of one hexadecimal digit, or -1.
func hexDigit(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// baseName is the part of a name after its last slash.
func baseName(name []byte) []byte {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[i+1:]
		}
	}
	return name
}

// extension is the part of a name's last segment after its last dot, without
// the dot; nil if there is none. A leading dot starts no extension.
func extension(name []byte) []byte {
	name = baseName(name)
	for i := len(name) - 1; i > 0; i-- {
		if name[i] == '.' {
			return name[i+1:]
		}
	}
	return nil
}
