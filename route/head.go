package route

import (
	"fmt"
	"slices"
	"strings"
)

// SegmentKind says what a segment of a HEAD's path matches.
type SegmentKind uint8

const (
	Literal SegmentKind = iota // The segment whose normal form is Text.
	Param                      // Any one non-empty segment; Text is the parameter's name.
	Rest                       // Everything that is left, possibly nothing. Last only; Text is "".
)

// Segment is one part of a HEAD's path, what stands between two slashes.
type Segment struct {
	Kind SegmentKind
	Text string
}

// Head is the left side of a route: which requests it is for.
type Head struct {
	Methods  []string  // Sorted; empty means any ("*").
	Host     string    // Lower case; "" means any, "*.example.com" is a wildcard.
	Path     string    // Canonical: literals in normal form, a prefix with a final "/".
	Segments []Segment // Path, taken apart; "/" is a single Rest.
	Prefix   bool      // The last segment is Rest.
}

const (
	wantHead = "[METHODS] [HOST]PATH"
	wantPath = `a path that begins with "/"`
)

// knownMethods are the methods that are recognised where one seems to be glued
// to a path. Any token is a method; this list limits nothing.
var knownMethods = []string{
	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PROPFIND", "SEARCH",
}

// KnownMethod reports whether a method is one that many clients and servers know.
func KnownMethod(method string) bool { return slices.Contains(knownMethods, method) }

// ParseHead reads [METHODS] [HOST]PATH.
func ParseHead(s string) (Head, *SyntaxError) {
	words := fields(s)
	if len(words) == 0 {
		return Head{}, &SyntaxError{Off: len(s), Msg: "empty route", Want: wantHead}
	}
	target := words[len(words)-1]
	for _, w := range words[:len(words)-1] {
		if strings.Contains(w.text, "/") {
			return Head{}, afterPathError(s, w)
		}
	}
	if !strings.Contains(target.text, "/") {
		return Head{}, noPathError(target, words)
	}

	var h Head
	var err *SyntaxError
	if h.Methods, err = parseMethods(words[:len(words)-1]); err != nil {
		return Head{}, err
	}
	slash := strings.IndexByte(target.text, '/')
	if host := target.text[:slash]; host != "" {
		if h.Host, err = parseHost(host, target.text); err != nil {
			return Head{}, err.shifted(target.off)
		}
	}
	if h.Segments, err = parsePath(target.text[slash:]); err != nil {
		return Head{}, err.shifted(target.off + slash)
	}
	h.Path = pathText(h.Segments)
	h.Prefix = h.HasRest()
	if len(h.Path) > MaxHeadPath {
		return Head{}, &SyntaxError{
			Off: target.off + slash, Len: len(target.text) - slash,
			Msg: fmt.Sprintf("path of %d bytes is too long", len(h.Path)), Want: fmt.Sprintf("at most %d", MaxHeadPath),
		}
	}
	return h, nil
}

// parseMethods reads a list of methods. "*" absorbs the others, which are
// checked all the same.
func parseMethods(words []word) ([]string, *SyntaxError) {
	if len(words) > MaxMethods {
		w := words[MaxMethods]
		return nil, &SyntaxError{
			Off: w.off, Len: len(w.text),
			Msg: "too many methods", Want: fmt.Sprintf(`at most %d, or "*"`, MaxMethods),
		}
	}
	var methods []string
	every := false
	for _, w := range words {
		if w.text == "*" {
			every = true
			continue
		}
		for i := range len(w.text) {
			if !isTokenByte(w.text[i]) {
				return nil, methodError(w, i)
			}
		}
		if slices.Contains(methods, w.text) {
			return nil, &SyntaxError{
				Off: w.off, Len: len(w.text),
				Msg: fmt.Sprintf("method %q is listed twice", w.text), Want: "each method once",
			}
		}
		methods = append(methods, w.text)
	}
	if every {
		return nil, nil
	}
	slices.Sort(methods)
	return methods, nil
}

func methodError(w word, i int) *SyntaxError {
	e := &SyntaxError{
		Off: w.off + i, Len: 1,
		Msg:  fmt.Sprintf("method %q has the character %s, which no method may have", w.text, quoteRuneAt(w.text, i)),
		Want: "methods separated by blanks",
	}
	e.Len = runeLenAt(w.text, i)
	if c := w.text[i]; c == ',' || c == ';' {
		e.Suggest = strings.Join(strings.FieldsFunc(w.text, func(r rune) bool { return r == ',' || r == ';' }), " ")
	}
	return e
}

// afterPathError is for a HEAD that goes on after its path.
func afterPathError(s string, path word) *SyntaxError {
	rest := strings.TrimRight(s[path.end():], " \t\r\n")
	skip := len(rest) - len(strings.TrimLeft(rest, " \t\r\n"))
	return &SyntaxError{
		Off: path.end() + skip, Len: len(rest) - skip,
		Msg:  fmt.Sprintf("%q stands after the path %q", rest[skip:], path.text),
		Want: wantHead + "; a blank in a path is written %20",
	}
}

// noPathError is for a HEAD whose last word, where the path must be, has no
// slash.
func noPathError(w word, words []word) *SyntaxError {
	e := &SyntaxError{
		Off: w.off, Len: len(w.text),
		Msg: fmt.Sprintf("%q has no path", w.text), Want: wantPath,
	}
	switch {
	case w.text == "*" && len(words) == 1:
		e.Suggest = "/"
	case slices.Contains(knownMethods, w.text) || w.text == "*":
		e.Off, e.Len = w.end(), 0
		e.Msg = fmt.Sprintf("no path after %q", w.text)
	case strings.Contains(w.text, ".") && !strings.HasPrefix(w.text, "."):
		e.Suggest = w.text + "/"
	default:
		e.Suggest = "/" + w.text
	}
	return e
}

// Params returns the names of the path's parameters in order. Match.Params has
// their values in the same order.
func (h Head) Params() []string {
	var names []string
	for _, s := range h.Segments {
		if s.Kind == Param {
			names = append(names, s.Text)
		}
	}
	return names
}

// HasRest reports whether the path ends in "*" or "/", and so matches more than
// is written.
func (h Head) HasRest() bool {
	return len(h.Segments) > 0 && h.Segments[len(h.Segments)-1].Kind == Rest
}

// String returns the canonical form, which ParseHead reads as the same Head.
func (h Head) String() string {
	var b strings.Builder
	for _, m := range h.Methods {
		b.WriteString(m)
		b.WriteByte(' ')
	}
	b.WriteString(h.Host)
	b.WriteString(h.Path)
	return b.String()
}
