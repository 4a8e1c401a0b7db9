package telemetry

import "unicode/utf8"

const (
	hexDigits = "0123456789abcdef"

	// cutMark ends a value that was cut.
	cutMark = "..."
)

// appendQuoted appends s as a JSON string (RFC 8259, section 7) of at most limit bytes between its quotes.
//
// Beyond what JSON asks for, it escapes DEL and what a terminal or a viewer would act on. A byte that is not UTF-8
// becomes \ufffd. So the result is a JSON string in one line of visible characters, whatever s holds.
func appendQuoted[T string | []byte](dst []byte, s T, limit int) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s, limit)
	return append(dst, '"')
}

func appendEscaped[T string | []byte](dst []byte, s T, limit int) []byte {
	start := len(dst)
	cut := start // up to where the output leaves room for the mark
	for i := 0; i < len(s); {
		run := plainRun(s, i)
		if n := run - i; n > 0 {
			room := limit - (len(dst) - start)
			if n > room {
				if n = room - len(cutMark); n < 0 {
					return append(dst[:cut], cutMark...)
				}
				return append(append(dst, s[i:i+n]...), cutMark...)
			}
			// Between plain characters it can be cut anywhere, but not within the escape before them.
			if keep := start + limit - len(cutMark); keep >= len(dst) {
				cut = min(keep, len(dst)+n)
			}
			dst = append(dst, s[i:run]...)
			i = run
			continue
		}
		width := 1
		if s[i] < utf8.RuneSelf {
			dst = appendControl(dst, s[i])
		} else {
			dst, width = appendMultibyte(dst, s, i)
		}
		if len(dst)-start > limit {
			return append(dst[:cut], cutMark...)
		}
		if len(dst)-start <= limit-len(cutMark) {
			cut = len(dst)
		}
		i += width
	}
	return dst
}

// plainRun returns where the run of plain characters that begins at i ends.
func plainRun[T string | []byte](s T, i int) int {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// The highest bit of a byte comes to be set where it is below a blank, DEL, a quote or a backslash, or was set
		// before. Bytes behind such a one may be taken for one too, which only costs time.
		quote, backslash, del := w^low*'"', w^low*'\\', w^low*0x7f
		if ((w-low*' ')|(quote-low)|(backslash-low)|(del-low)|w)&high != 0 {
			break
		}
	}
	for i < len(s) && plain[s[i]] {
		i++
	}
	return i
}

// plain has the characters that stand for themselves.
var plain = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// word has the characters of which a value may consist that needs no quotes: the plain ones but the blank.
var word = func() (t [256]bool) {
	t = plain
	t[' '] = false
	return t
}()

// appendMultibyte appends the character outside ASCII that begins at i, and returns its width in s.
func appendMultibyte[T string | []byte](dst []byte, s T, i int) ([]byte, int) {
	r, width := decodeRune(s, i)
	switch {
	case r == utf8.RuneError && width == 1:
		return append(dst, `\ufffd`...), 1
	case unsafeRune(r):
		return appendUnicode(dst, r), width
	}
	return utf8.AppendRune(dst, r), width
}

// decodeRune decodes the character of s that begins at i.
func decodeRune[T string | []byte](s T, i int) (rune, int) {
	var b [utf8.UTFMax]byte
	n := 0
	for n < len(b) && i+n < len(s) {
		b[n] = s[i+n]
		n++
	}
	return utf8.DecodeRune(b[:n])
}

// appendControl appends the escape of an ASCII character that is not plain.
func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendUnicode appends the escape of a character of the basic plane.
func appendUnicode(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// unsafeRune says whether a character outside ASCII changes how the text around it is shown: the controls U+0080 to
// U+009F, the line and paragraph separators, the marks that reorder text, and those that have no width.
func unsafeRune(r rune) bool {
	switch {
	case r < 0xa0:
		return true
	case r < 0x61c:
		return r == 0xad
	case r == 0x61c, r == 0x180e, r == 0xfeff:
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r >= 0xfff9 && r <= 0xfffb:
		return true
	}
	return false
}

// appendText appends a value of a text line: as it is when it can be told apart there, as a JSON string otherwise, and
// "-" for nothing. Blanks and quotes make the difference: without them a value is one word, and what is named is cut
// off at the first "=".
func appendText[T string | []byte](dst []byte, s T, limit int) []byte {
	if len(s) == 0 {
		return append(dst, '-')
	}
	if len(s) > limit || (len(s) == 1 && s[0] == '-') {
		return appendQuoted(dst, s, limit)
	}
	start := len(dst)
	dst = append(dst, s...)
	for _, c := range dst[start:] {
		if !word[c] {
			return appendQuoted(dst[:start], s, limit)
		}
	}
	return dst
}
