package http1

import (
	"encoding/binary"
	"math/bits"
)

// Classes of bytes, one bit each, so that one load from a 256-byte table answers any question about a byte.
const (
	classToken  uint8 = 1 << iota // tchar, RFC 9110 5.6.2
	classValue                    // field-vchar, SP and HTAB, RFC 9110 5.5
	classPath                     // bytes that end nothing and start nothing in a path
	classQuery                    // bytes allowed in a query
	classHost                     // unreserved and sub-delims of a reg-name, RFC 3986 3.2.2
	classDigit                    // DIGIT
	classHex                      // HEXDIG
	classQuoted                   // qdtext, RFC 9110 5.6.4
)

// class maps each byte to its classes.
var class = buildClasses()

func buildClasses() (t [256]uint8) {
	set := func(bit uint8, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= bit
		}
	}
	const (
		digits = "0123456789"
		alphas = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	)
	set(classToken, "!#$%&'*+-.^_`|~"+digits+alphas)
	set(classHost, "-._~!$&'()*+,;="+digits+alphas)
	set(classDigit, digits)
	set(classHex, digits+"abcdefABCDEF")
	for c := range 256 {
		printable := c > ' ' && c != 0x7f // VCHAR and obs-text
		if printable || c == ' ' || c == '\t' {
			t[c] |= classValue
		}
		if (printable || c == ' ' || c == '\t') && c != '"' && c != '\\' {
			t[c] |= classQuoted
		}
		// RFC 3986 allows fewer bytes than this. Clients do send the others raw (a browser leaves "|" and "^" in a
		// query, scripts send UTF-8), they are ambiguous to nobody, and the router compares them as they are. A "#"
		// would start a fragment, which no request-target has.
		if printable && c != '#' {
			t[c] |= classQuery
		}
		if printable && c != '#' && c != '?' && c != '%' {
			t[c] |= classPath
		}
	}
	return t
}

// IsToken says whether b is a token (RFC 9110, section 5.6.2), as methods and field names are.
func IsToken(b []byte) bool { return len(b) > 0 && span(b, 0, classToken) == len(b) }

// IsFieldValue says whether b can stand as a field value (RFC 9110, section 5.5): no control bytes except HTAB, and no
// whitespace at either end.
func IsFieldValue(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	return !isBlank(b[0]) && !isBlank(b[len(b)-1]) && indexControl(b, 0) == len(b)
}

// span returns the index of the first byte of b at or after i that is not in the class.
func span(b []byte, i int, bit uint8) int {
	for uint(i) < uint(len(b)) && class[b[i]]&bit != 0 {
		i++
	}
	return i
}

// allWordBytes says whether b, of at least 8 bytes, is made of letters, digits and hyphens, as field names usually are. It
// looks at eight bytes at a time; the last eight may overlap those before.
func allWordBytes(b []byte) bool {
	for i := 0; i+8 < len(b); i += 8 {
		if !wordBytes(le64(b, i)) {
			return false
		}
	}
	return wordBytes(le64(b, len(b)-8))
}

// wordBytes says whether the eight bytes of v are letters, digits or hyphens. Each term marks with their high bits the bytes
// of one kind; nothing carries from one byte into the next, because the high bits are clear before.
func wordBytes(v uint64) bool {
	const (
		letterLow, letterHigh = 0x80 - 'a', 0x80 - 'z' - 1
		digitLow, digitHigh   = 0x80 - '0', 0x80 - '9' - 1
	)
	low := v &^ swarHighs
	folded := low | foldAll
	letters := (folded + letterLow*swarOnes) &^ (folded + letterHigh*swarOnes)
	digits := (low + digitLow*swarOnes) &^ (low + digitHigh*swarOnes)
	notHyphens := (low ^ '-'*swarOnes) + 0x7f*swarOnes
	return (letters|digits|^notHyphens)&^v&swarHighs == swarHighs
}

// isBlank says whether c is SP or HTAB, of which OWS consists (RFC 9110, section 5.6.3).
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// trimBlank returns b without the OWS at its ends.
func trimBlank(b []byte) []byte {
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// lowerASCII returns c in lower case.
func lowerASCII(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}

// EqualFold says whether b equals lower, which is in lower case, without regard to the case of ASCII letters.
func EqualFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		if lowerASCII(b[i]) != lower[i] {
			return false
		}
	}
	return true
}

// Words of eight equal bytes for searching a word at a time.
const (
	swarOnes   = 0x0101010101010101
	swarHighs  = 0x8080808080808080
	swarColons = ':' * swarOnes
)

// le64 loads eight bytes so that the first one is the least significant.
func le64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// le32 loads four bytes so that the first one is the least significant.
func le32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }

// controls marks with its high bit each byte of v that is a control byte: below 0x20 or 0x7f. Nothing carries from one
// byte into the next, so that every mark is exact.
func controls(v uint64) uint64 {
	low := v &^ swarHighs
	return (^(low + 0x60*swarOnes) | (low + swarOnes)) &^ v & swarHighs
}

// mayControl is a cheaper controls: no mark among the high bits says that there is no control byte. A mark may be wrong,
// because borrows and carries go from one byte into the next.
func mayControl(v uint64) uint64 { return ((v - 0x20*swarOnes) | (v + swarOnes)) &^ v }

// indexColon returns the index of the first colon at or after i, or len(b).
func indexColon(b []byte, i int) int {
	for i+8 <= len(b) {
		x := le64(b, i) ^ swarColons
		if m := (x - swarOnes) &^ x & swarHighs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(b) && b[i] != ':' {
		i++
	}
	return i
}

// indexControl returns the index of the first control byte other than HTAB at or after i, or len(b).
func indexControl(b []byte, i int) int {
	for {
		// Four words at a time, for the long values of cookies and the like.
		for len(b)-i >= 32 {
			w := b[i : i+32 : i+32]
			if (mayControl(le64(w, 0))|mayControl(le64(w, 8))|mayControl(le64(w, 16))|mayControl(le64(w, 24)))&swarHighs != 0 {
				break
			}
			i += 32
		}
		for len(b)-i >= 8 {
			m := controls(le64(b, i))
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if len(b)-i < 8 {
			i = span(b, i, classValue)
			return i
		}
		if b[i] != '\t' {
			return i
		}
		i++
	}
}
