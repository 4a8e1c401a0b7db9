package route

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const wantSegment = `a literal, ":name" or a final "*"`

// parsePath reads the path of a HEAD. s begins with "/".
func parsePath(s string) ([]Segment, *SyntaxError) {
	var segments []Segment
	var names []string
	for off := 1; ; {
		n := strings.IndexByte(s[off:], '/')
		last := n < 0
		if last {
			n = len(s) - off
		}
		text := s[off : off+n]
		var segment Segment
		var err *SyntaxError
		switch {
		case last && (text == "" || text == "*"):
			segment = Segment{Kind: Rest}
		case strings.HasPrefix(text, ":"):
			segment, err = parseParam(text, names)
			names = append(names, segment.Text)
		default:
			segment, err = parseLiteral(text)
		}
		if err == nil && len(segments) == MaxSegments {
			err = &SyntaxError{Len: n, Msg: "too many segments in the path", Want: fmt.Sprintf("at most %d", MaxSegments)}
		}
		if err != nil {
			return nil, err.shifted(off)
		}
		segments = append(segments, segment)
		if last {
			return segments, nil
		}
		off += n + 1
	}
}

// parseParam reads ":name". names are the parameters to its left.
func parseParam(text string, names []string) (Segment, *SyntaxError) {
	name := text[1:]
	if name == "" {
		return Segment{}, &SyntaxError{
			Off: 1, Msg: "parameter without a name", Want: `a name after ":"`, Suggest: ":name",
		}
	}
	for i := range len(name) {
		if i == 0 && isNameStart(name[0]) || i > 0 && isNameByte(name[i]) {
			continue
		}
		return Segment{}, paramNameError(text, i+1)
	}
	if slices.Contains(names, name) {
		return Segment{}, &SyntaxError{
			Len: len(text), Msg: fmt.Sprintf("parameter %q occurs twice in the path", text), Want: "different names",
		}
	}
	if len(names) == MaxParams {
		return Segment{}, &SyntaxError{
			Len: len(text), Msg: "too many parameters in the path", Want: fmt.Sprintf("at most %d", MaxParams),
		}
	}
	return Segment{Kind: Param, Text: name}, nil
}

// paramNameError is for the character at text[i], which no name has there.
func paramNameError(text string, i int) *SyntaxError {
	e := &SyntaxError{
		Off: i, Len: runeLenAt(text, i),
		Msg:  fmt.Sprintf("parameter %q has the character %s in its name", text, quoteRuneAt(text, i)),
		Want: `letters, digits and "_" up to the next "/"`,
	}
	if isDigit(text[i]) {
		e.Want = "a letter first"
		return e
	}
	plain := strings.Map(func(r rune) rune {
		if r == '-' || r == '.' {
			return '_'
		}
		return r
	}, text[1:])
	if isName(plain) {
		e.Suggest = ":" + plain
	}
	return e
}

func isName(s string) bool {
	if s == "" || !isNameStart(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return true
}

// parseLiteral brings a literal segment into its normal form.
func parseLiteral(text string) (Segment, *SyntaxError) {
	var b strings.Builder
	for i := 0; i < len(text); {
		c := text[i]
		if c == '*' {
			return Segment{}, starError(text, i)
		}
		n, err := appendNormal(&b, text, i)
		if err != nil {
			return Segment{}, err
		}
		i += n
	}
	literal := b.String()
	if literal == "." || literal == ".." {
		return Segment{}, &SyntaxError{
			Len: len(text), Msg: fmt.Sprintf("the segment %q is resolved before matching and would never match", text),
			Want: wantSegment,
		}
	}
	return Segment{Kind: Literal, Text: literal}, nil
}

func starError(text string, i int) *SyntaxError {
	if text == "*" {
		return &SyntaxError{
			Len: 1, Msg: `"*" stands before the end of the path`,
			Want: `"*" as the last segment only, or ":name" for one segment`, Suggest: ":name",
		}
	}
	return &SyntaxError{
		Off: i, Len: 1, Msg: fmt.Sprintf(`"*" stands inside the segment %q`, text),
		Want: `"*" as a whole segment, the last one`,
	}
}

// appendNormal appends the normal form of the character at text[i] to b and
// returns how many bytes of text it took.
func appendNormal(b *strings.Builder, text string, i int) (int, *SyntaxError) {
	c := text[i]
	switch classes[c] {
	case classPercent:
		v, ok := unescape(text[i:])
		if !ok {
			return 0, &SyntaxError{
				Off: i, Len: min(3, len(text)-i), Msg: fmt.Sprintf("broken escape %q", text[i:min(i+3, len(text))]),
				Want: `"%" and two hexadecimal digits; a percent sign is written %25`,
			}
		}
		if v == 0 {
			return 0, &SyntaxError{Off: i, Len: 3, Msg: "%00 never matches", Want: "a path without NUL"}
		}
		if unreserved[v] {
			b.WriteByte(v)
		} else {
			writeEscape(b, v)
		}
		return 3, nil
	case classEscape:
		_, n := utf8.DecodeRuneInString(text[i:])
		if c >= utf8.RuneSelf && n == 1 {
			return 0, &SyntaxError{Off: i, Len: 1, Msg: "the path is not valid UTF-8", Want: "UTF-8 or escapes"}
		}
		for _, part := range []byte(text[i : i+n]) {
			writeEscape(b, part)
		}
		return n, nil
	case classRefused:
		e := &SyntaxError{
			Off: i, Len: 1, Msg: fmt.Sprintf("the path has the character %s", quoteRuneAt(text, i)), Want: "a path",
		}
		if c == '?' || c == '#' {
			e.Len, e.Want = len(text)-i, "a path without query and fragment; routes do not look at them"
		}
		return 0, e
	}
	b.WriteByte(c)
	return 1, nil
}

func writeEscape(b *strings.Builder, c byte) {
	b.WriteByte('%')
	b.WriteByte(upperHex[c>>4])
	b.WriteByte(upperHex[c&15])
}

// pathText writes segments as a path.
func pathText(segments []Segment) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		if s.Kind == Param {
			b.WriteByte(':')
		}
		b.WriteString(s.Text)
	}
	return b.String()
}
