package config

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// scalarMap finds out where in the source each byte of a scalar's value was written, so that a diagnostic about a part
// of a value can put its caret under that part: quotes, escapes, doubled quotes and folded lines make the two differ.
//
// The result has one offset for every byte of the value, and a last one for the end of the text. The function reads
// the scalar a second time, along with the value that the YAML parser made of it; wherever the two do not agree it
// gives up and returns nil, and the caller points at the scalar as a whole.
func scalarMap(text []byte, off int, style yaml.Style, value string) []int {
	r := &rescan{text: text, p: off, value: value}
	ok := false
	switch {
	case style&yaml.DoubleQuotedStyle != 0:
		ok = r.expect('"') && r.flow(r.doubleQuoted)
	case style&yaml.SingleQuotedStyle != 0:
		ok = r.expect('\'') && r.flow(r.singleQuoted)
	case style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		ok = r.block()
	default:
		ok = r.flow(r.plain)
	}
	if !ok {
		return nil
	}
	return append(r.at, r.p)
}

// skipProperties returns the offset of the scalar itself behind its anchor and tag, which the YAML parser counts as
// part of it.
func skipProperties(text []byte, off int) int {
	for off < len(text) && (text[off] == '&' || text[off] == '!') {
		for off < len(text) && !isSpace(text[off]) {
			off++
		}
		for off < len(text) && isSpace(text[off]) {
			off++
		}
	}
	return off
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// rescan walks through the source and the value at the same time.
type rescan struct {
	text  []byte
	p     int
	value string
	at    []int
	// unbroken is the offset up to which white space is known to hold no line break.
	unbroken int
}

func (r *rescan) expect(c byte) bool {
	if r.p >= len(r.text) || r.text[r.p] != c {
		return false
	}
	r.p++
	return true
}

func (r *rescan) done() bool { return len(r.at) == len(r.value) }

// emit says that the next bytes of the value are s, written at the current place as n bytes.
func (r *rescan) emit(s string, n int) bool {
	i := len(r.at)
	if len(r.value)-i < len(s) || r.value[i:i+len(s)] != s {
		return false
	}
	for range s {
		r.at = append(r.at, r.p)
	}
	for len(r.at) < i+len(s) {
		r.at = append(r.at, r.p)
	}
	r.p += n
	return true
}

// flow walks through a scalar whose lines are folded, reading what is not white space with the given function.
func (r *rescan) flow(character func() bool) bool {
	for !r.done() {
		if r.p >= len(r.text) {
			return false
		}
		folded, ok := r.fold()
		if !ok {
			return false
		}
		if !folded && !character() {
			return false
		}
	}
	return true
}

// fold handles white space that holds line breaks: one break is a blank of the value, more are one newline less.
// U+2028 and U+2029 are kept as they are.
func (r *rescan) fold() (folded, ok bool) {
	if r.p < r.unbroken {
		return false, true
	}
	end := r.p
	var breaks []string
	for end < len(r.text) {
		if r.text[end] == ' ' || r.text[end] == '\t' {
			end++
			continue
		}
		width, _ := breakAt(r.text, end)
		if width == 0 {
			break
		}
		if width == 3 {
			breaks = append(breaks, string(r.text[end:end+width]))
		} else {
			breaks = append(breaks, "\n")
		}
		end += width
	}
	switch {
	case breaks == nil:
		r.unbroken = end
		return false, true
	case breaks[0] == "\n" && len(breaks) > 1:
		breaks = breaks[1:]
	case breaks[0] == "\n":
		breaks[0] = " "
	}
	return true, r.emit(strings.Join(breaks, ""), end-r.p)
}

func (r *rescan) plain() bool {
	return r.emit(string(r.text[r.p]), 1) || r.rune()
}

func (r *rescan) rune() bool {
	_, width := utf8.DecodeRune(r.text[r.p:])
	return r.emit(string(r.text[r.p:r.p+width]), width)
}

func (r *rescan) singleQuoted() bool {
	if r.text[r.p] == '\'' {
		return r.p+1 < len(r.text) && r.text[r.p+1] == '\'' && r.emit("'", 2)
	}
	return r.rune()
}

// escapes are YAML's escape sequences of one character (YAML 1.2, section 5.7).
var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': `"`, '/': "/", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

func (r *rescan) doubleQuoted() bool {
	if r.text[r.p] != '\\' {
		return r.rune()
	}
	if r.p+1 >= len(r.text) {
		return false
	}
	c := r.text[r.p+1]
	if s, ok := escapes[c]; ok {
		return r.emit(s, 2)
	}
	if width, _ := breakAt(r.text, r.p+1); width > 0 {
		// An escaped break joins two lines without a blank, and eats the indentation of the second.
		r.p += 1 + width
		for r.p < len(r.text) && (r.text[r.p] == ' ' || r.text[r.p] == '\t') {
			r.p++
		}
		return true
	}
	digits := 0
	switch c {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	}
	if digits == 0 || r.p+2+digits > len(r.text) {
		return false
	}
	var code rune
	for _, d := range r.text[r.p+2 : r.p+2+digits] {
		code = code<<4 | hexDigit(d)
	}
	width := 2 + digits
	if low := r.text[r.p+width:]; utf16.IsSurrogate(code) && len(low) >= 6 && low[0] == '\\' && low[1] == 'u' {
		var second rune
		for _, d := range low[2:6] {
			second = second<<4 | hexDigit(d)
		}
		if pair := utf16.DecodeRune(code, second); pair != utf8.RuneError {
			return r.emit(string(pair), width+6)
		}
	}
	return r.emit(string(code), width)
}

// hexDigit returns the value of a digit that the YAML parser accepted already.
func hexDigit(c byte) rune {
	switch {
	case c >= 'a':
		return rune(c-'a') + 10
	case c >= 'A':
		return rune(c-'A') + 10
	}
	return rune(c - '0')
}

// block walks through a literal or folded block: the header's line is skipped, then every line loses the indentation
// of the first one that is not empty.
func (r *rescan) block() bool {
	for r.p < len(r.text) {
		if width, _ := breakAt(r.text, r.p); width > 0 {
			r.p += width
			break
		}
		r.p++
	}
	indent, known := 0, false
	for !r.done() {
		if !known {
			indent, known = r.indentation()
		}
		for n := 0; n < indent && r.p < len(r.text) && r.text[r.p] == ' '; n++ {
			r.p++
		}
		if !r.blockLine() {
			return false
		}
	}
	return true
}

// indentation compares the blanks before the first line with text in source and value.
func (r *rescan) indentation() (int, bool) {
	i := r.p
	for i < len(r.text) && r.text[i] == ' ' {
		i++
	}
	if i < len(r.text) {
		if width, _ := breakAt(r.text, i); width > 0 {
			return i - r.p, false
		}
	}
	rest := r.value[len(r.at):]
	kept := 0
	for kept < len(rest) && rest[kept] == ' ' {
		kept++
	}
	return i - r.p - kept, true
}

// blockLine copies what is left of a line and its break. In a folded block the break is a newline, a blank or, where
// empty lines follow, nothing; the value tells.
func (r *rescan) blockLine() bool {
	for !r.done() {
		if r.p >= len(r.text) {
			return false
		}
		width, _ := breakAt(r.text, r.p)
		if width == 0 {
			if !r.rune() {
				return false
			}
			continue
		}
		if !r.emit("\n", width) && !r.emit(" ", width) {
			r.p += width
		}
		return true
	}
	return true
}
