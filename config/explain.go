package config

import (
	"strconv"
	"strings"
)

// yamlLine is a line of the file, taken apart as far as that can be done without understanding it.
type yamlLine struct {
	text string
	// off is the offset of the line in the file.
	off int
	// key is where the first thing behind the indentation and "- " begins.
	key int
	// value is where the value begins behind the colon of the key, or key when the line has no key.
	value int
	// end is where the line ends, without blanks.
	end int
}

func splitLine(text string, off int) yamlLine {
	y := yamlLine{text: text, off: off}
	y.end = len(strings.TrimRight(text, " \t\r"))
	i := skipBlank(text, 0)
	for strings.HasPrefix(text[i:], "- ") {
		i = skipBlank(text, i+1)
	}
	y.key, y.value = i, i
	if colon := findColon(text, skipQuoted(text, i)); colon >= 0 {
		y.value = min(skipBlank(text, colon+1), y.end)
	}
	return y
}

func skipBlank(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

// skipQuoted returns the offset behind the quoted string at i, or i when there is none or it does not end.
func skipQuoted(s string, i int) int {
	if i >= len(s) || s[i] != '"' && s[i] != '\'' {
		return i
	}
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == '\\' && s[i] == '"':
			j++
		case s[j] == s[i] && s[i] == '\'' && j+1 < len(s) && s[j+1] == '\'':
			j++
		case s[j] == s[i]:
			return j + 1
		}
	}
	return i
}

// findColon returns the offset of the first colon from i on that YAML takes for the end of a key, or -1.
func findColon(s string, i int) int {
	for ; i < len(s); i++ {
		if s[i] == ':' && (i+1 == len(s) || isSpace(s[i+1])) {
			return i
		}
	}
	return -1
}

// mark sets the place of the fault to a part of the line.
func (f *fault) mark(y yamlLine, from, to int) {
	f.off, f.end = y.off+from, y.off+max(to, from+1)
}

// explain says what a message of the YAML parser means, in the words of someone who writes configurations, and narrows
// the place within the line.
func (f *fault) explain(src *source, text []byte, message string) {
	y := splitLine(string(text[src.marks[f.first]:src.markEnd(f.first)]), src.marks[f.first])
	f.mark(y, y.key, y.end)
	f.d = Diagnostic{Msg: message, Want: "valid YAML"}
	switch {
	case strings.HasPrefix(message, "unknown anchor"):
		f.unknownAnchor(src, text, message)
	case strings.Contains(message, "tab character"), strings.Contains(message, "cannot start any token") && tabIndented(y):
		f.mark(y, strings.IndexByte(y.text, '\t'), 0)
		f.d.Msg, f.d.Want = "a line is indented with a tab", "blanks"
	case f.special(y):
	case y.openQuote() >= 0, strings.Contains(message, "unexpected end of stream"), strings.Contains(message, "unexpected document indicator"):
		f.openQuote(y)
	case f.outOfList(src, text, y):
	case strings.Contains(message, "mapping values are not allowed"):
		f.strayColon(y)
	case strings.Contains(message, "escape character"), strings.Contains(message, "hexdecimal"):
		f.badEscape(y)
	case f.afterQuote(y):
	case strings.Contains(message, "',' or"), strings.Contains(message, "expected node content"):
		f.openBracket(y)
	case strings.Contains(message, "could not find expected ':'"):
		f.noColon()
	case strings.Contains(message, "did not find expected key"):
		f.d.Msg, f.d.Want = "the line does not fit those around it", "KEY: VALUE, indented like the other keys"
	case strings.Contains(message, "did not find expected '-' indicator"):
		f.d.Msg, f.d.Want = "the line does not continue the list above", `"- " and a value, indented like the other items`
	case strings.Contains(message, "block sequence entries are not allowed"):
		f.mark(y, y.value, y.end)
		f.d.Msg, f.d.Want = "a list cannot begin here", `each "- " on a line of its own below the key, or [A, B]`
	}
}

func tabIndented(y yamlLine) bool {
	indent := y.text[:skipBlank(y.text, 0)]
	return strings.Contains(indent, "\t")
}

// special recognises a plain value that begins with a character that YAML keeps for itself.
func (f *fault) special(y yamlLine) bool {
	for _, start := range []int{y.key, y.value} {
		if start >= y.end {
			continue
		}
		c := y.text[start]
		if strings.IndexByte("@`%", c) < 0 && !(c == '*' && badAnchor(y.text[start+1:y.end])) {
			continue
		}
		f.mark(y, start, y.end)
		f.d.Msg, f.d.Want = "a value that begins with "+strconv.Quote(string(c))+" is not in quotes", "quotes around it"
		if start == y.value {
			f.mark(y, start, y.end)
			f.d.Suggest = strconv.Quote(y.text[start:y.end])
		} else if colon := findColon(y.text, start); colon >= 0 {
			f.mark(y, start, colon)
			f.d.Suggest = strconv.Quote(y.text[start:colon]) + ":"
		}
		return true
	}
	return false
}

// badAnchor says that what follows a * cannot be the name of an anchor.
func badAnchor(s string) bool {
	for i := 0; i < len(s) && !isSpace(s[i]); i++ {
		c := s[i]
		if !(c == '_' || c == '-' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return true
		}
	}
	return s == "" || isSpace(s[0])
}

// strayColon is for a colon where no key can be: in a plain value, or because the line is indented too far.
func (f *fault) strayColon(y yamlLine) {
	colon := findColon(y.text, skipQuoted(y.text, y.value))
	if y.value == y.key {
		f.noColon()
		return
	}
	if colon < 0 {
		f.d.Msg, f.d.Want = "a key cannot stand here", "KEY: VALUE, indented like the keys around it"
		return
	}
	f.mark(y, colon, colon+1)
	f.d.Msg, f.d.Want = `": " stands in a value that is not in quotes`, "quotes around the value"
	if value := y.text[y.value:y.end]; !strings.ContainsAny(value, "'#") {
		f.d.Suggest = "'" + value + "'"
	}
}

func (f *fault) noColon() {
	f.d.Msg, f.d.Want = `there is no ":" and a blank behind the key`, `KEY: VALUE`
}

// outOfList recognises a line that stands where the next item of a list must be.
func (f *fault) outOfList(src *source, text []byte, y yamlLine) bool {
	indent := indentation(src, text, f.first)
	if strings.HasPrefix(y.text[indent:], "-") || y.value > y.key {
		return false
	}
	for line := f.first - 1; line >= 0; line-- {
		if blankLine(src, text, line) || indentation(src, text, line) > indent {
			continue
		}
		above := string(text[src.marks[line]:src.markEnd(line)])
		if indentation(src, text, line) < indent || !strings.HasPrefix(above[indent:], "- ") {
			return false
		}
		f.d.Msg, f.d.Want = "the line does not continue the list above", `"- " and a value, indented like the other items`
		return true
	}
	return false
}

// openQuote returns where a quoted string begins that does not end on the line, or -1.
func (y yamlLine) openQuote() int {
	for _, start := range []int{y.key, y.value} {
		if start < y.end && (y.text[start] == '"' || y.text[start] == '\'') && skipQuoted(y.text, start) == start {
			return start
		}
	}
	return -1
}

func (f *fault) openQuote(y yamlLine) {
	f.d.Msg, f.d.Want = "a quote is not closed", "the same quote at the end of the string"
	if start := y.openQuote(); start >= 0 {
		f.mark(y, start, y.end)
	} else if i := strings.LastIndexAny(y.text[:y.end], `"'`); i >= 0 {
		f.mark(y, i, y.end)
	}
}

func (f *fault) badEscape(y yamlLine) {
	f.d.Msg = `a \ in double quotes begins an escape that YAML does not have`
	f.d.Want = `\\ for a backslash, or single quotes around the string`
	for i := 0; i+1 < y.end; i++ {
		if y.text[i] != '\\' {
			continue
		}
		c := y.text[i+1]
		if _, ok := escapes[c]; !ok && strings.IndexByte("xuU", c) < 0 || strings.IndexByte("xuU", c) >= 0 && !hexEscape(y.text[i+1:y.end]) {
			f.mark(y, i, i+2)
			return
		}
		i++
	}
}

// hexEscape says that s begins with a complete x, u or U escape.
func hexEscape(s string) bool {
	n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if len(s) < 1+n {
		return false
	}
	for _, c := range []byte(s[1 : 1+n]) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

// afterQuote recognises text behind the closing quote of a value.
func (f *fault) afterQuote(y yamlLine) bool {
	closed := skipQuoted(y.text, y.value)
	if closed == y.value || closed >= y.end {
		return false
	}
	rest := skipBlank(y.text, closed)
	if y.text[rest] == '#' || y.text[rest] == ':' || y.text[rest] == ',' {
		return false
	}
	f.mark(y, rest, y.end)
	f.d.Msg, f.d.Want = "text stands behind the closing quote", "the quotes around the whole value"
	return true
}

// openBracket is for a flow list or mapping that does not end.
func (f *fault) openBracket(y yamlLine) {
	f.d.Msg, f.d.Want = "a list or mapping in brackets is not closed or lacks a comma", "a comma between two values, and the closing bracket"
	var open []int
	inside := -1 // a brace in the middle of a value, a variable's say
	for i := y.value; i < y.end; i++ {
		if j := skipQuoted(y.text, i); j > i {
			i = j - 1
			continue
		}
		switch y.text[i] {
		case '[', '{':
			open = append(open, i)
			if inside < 0 && i > y.value && strings.IndexByte(" \t[{,:", y.text[i-1]) < 0 {
				inside = i
			}
		case ']', '}':
			if len(open) == 0 {
				f.mark(y, i, i+1)
				f.d.Msg, f.d.Want = "a bracket closes nothing", "an opening bracket before it, or quotes around the value"
				return
			}
			open = open[:len(open)-1]
		}
	}
	if inside >= 0 && len(open) == 0 {
		f.mark(y, inside, inside+1)
		f.d.Msg = strconv.Quote(y.text[inside:inside+1]) + " stands inside a value that has no quotes, in a list or mapping in brackets"
		f.d.Want = "quotes around the whole value"
		return
	}
	if len(open) > 0 {
		i := open[len(open)-1]
		f.mark(y, i, i+1)
		closing := map[byte]string{'[': "]", '{': "}"}[y.text[i]]
		f.d.Msg = strconv.Quote(y.text[i:i+1]) + " is not closed, or a comma is missing behind it"
		f.d.Want = "a comma between two values, and " + strconv.Quote(closing) + " at the end"
	}
}

// unknownAnchor is for an alias of nothing. The message names it without a place.
func (f *fault) unknownAnchor(src *source, text []byte, message string) {
	name := ""
	if parts := strings.Split(message, "'"); len(parts) > 1 {
		name = parts[1]
	}
	f.d.Msg, f.d.Want = "the alias *"+name+" names nothing", "an anchor &"+name+" above it, or quotes around the value"
	f.d.Suggest = strconv.Quote("*" + name)
	f.consequence = strings.Contains(string(src.text), "&"+name)
	// The parser reads no further than the alias, so the last one before that is the one.
	off := strings.LastIndex(string(text[:min(len(text), consumed(text)+1)]), "*"+name)
	if off < 0 {
		return
	}
	f.off, f.end = off, off+1+len(name)
	f.first = src.markLine(off)
	f.last = f.first
}
