package route

// class is what a byte of a path means to the normaliser (RFC 3986, section 3.3).
type class uint8

const (
	classPlain   class = iota // A pchar that stands for itself.
	classSlash                // Separates segments.
	classPercent              // Begins an escape.
	classEscape               // Not allowed in a path, sent by clients all the same; its normal form is its escape.
	classRefused              // Ends or corrupts a request line; never part of a path.
)

var (
	classes    [256]class
	unreserved [256]bool // RFC 3986, section 2.3.
	hexValues  [256]int8 // -1 for what is no hexadecimal digit.
)

const upperHex = "0123456789ABCDEF"

func init() {
	for c := range 256 {
		switch {
		case c <= ' ' || c == 0x7f || c == '?' || c == '#':
			classes[c] = classRefused
		default:
			classes[c] = classEscape
		}
		hexValues[c] = -1
	}
	for _, c := range []byte("!$&'()*+,;=:@") {
		classes[c] = classPlain
	}
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		classes[c] = classPlain
		unreserved[c] = true
	}
	classes['/'] = classSlash
	classes['%'] = classPercent
	for v, c := range []byte(upperHex) {
		hexValues[c] = int8(v)
	}
	for v, c := range []byte("abcdef") {
		hexValues[c] = int8(10 + v)
	}
}

// unescape reads the escape "%HH" at the start of text.
func unescape[T ~string | ~[]byte](text T) (c byte, ok bool) {
	if len(text) < 3 {
		return 0, false
	}
	hi, lo := hexValues[text[1]], hexValues[text[2]]
	if hi < 0 || lo < 0 {
		return 0, false
	}
	return byte(hi)<<4 | byte(lo), true
}

// isTokenByte reports the characters of a token (RFC 9110, section 5.6.2).
func isTokenByte(c byte) bool {
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return isAlnum(c)
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// isNameStart and isNameByte say what a parameter's name is made of.
func isNameStart(c byte) bool { return isAlnum(c) && !isDigit(c) || c == '_' }
func isNameByte(c byte) bool  { return isAlnum(c) || c == '_' }
