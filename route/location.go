package route

import (
	"fmt"
	"strings"
)

// Location writes the Location field of a redirect (RFC 9110, section 10.2.2).
// It is immutable.
type Location struct {
	pieces    []piece
	rest      bool // Ends in "*": what the route's "*" matched follows.
	root      bool // Nothing but "/" stands before the "*".
	keepQuery bool
}

// CompileLocation makes the Location of a redirect. A final "*" stands for what
// the route's "*" matched, ":name" for the segment that a parameter matched,
// both in the client's own spelling.
//
// A Location that takes over some of the request's path takes over its query
// too, unless it has a query or a fragment of its own; any other is sent as it
// is written. An error's position is one of location.
func CompileLocation(h Head, location string) (Location, *SyntaxError) {
	path, err := locationPathStart(location)
	if err != nil {
		return Location{}, err
	}
	var l Location
	text, star := location, strings.IndexByte(location, '*')
	switch {
	case star < 0:
	case star < path:
		return Location{}, &SyntaxError{
			Off: star, Len: 1, Msg: `"*" stands before the path of the Location, where the client could name a host`, Want: `"*" at the end of the path`,
		}
	case strings.HasSuffix(location, "*"):
		if !h.HasRest() {
			return Location{}, &SyntaxError{
				Off: len(location) - 1, Len: 1, Msg: fmt.Sprintf(`the route %q has no "*"`, h.String()), Want: `a route whose path ends in "*" or "/"`,
			}
		}
		l.rest = true
		text = strings.TrimSuffix(location, "*")
	}
	if i := strings.Index(text[path:], "/*/"); i >= 0 {
		return Location{}, &SyntaxError{
			Off: path + i + 1, Len: 1, Msg: `"*" stands before the end of the Location`, Want: `"*" as the last character only, or ":name"`,
		}
	}
	if l.pieces, err = compileTemplate(h, text[path:]); err != nil {
		return Location{}, err.shifted(path)
	}
	if path > 0 {
		l.pieces = append([]piece{{text: text[:path]}}, l.pieces...)
	}
	l.root = l.rest && text == "/"
	l.keepQuery = (l.rest || usesParams(l.pieces)) && !strings.ContainsAny(text, "?#")
	return l, nil
}

// locationPathStart checks the form of a Location and returns where its path,
// query or fragment begins: 0, or the end of its scheme and authority.
func locationPathStart(s string) (int, *SyntaxError) {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f {
			return 0, &SyntaxError{
				Off: i, Len: 1, Msg: fmt.Sprintf("the Location has the character %s", quoteRuneAt(s, i)), Want: "a URI; such characters are escaped, a blank as %20",
			}
		} else if _, ok := unescape(s[i:]); c == '%' && !ok {
			return 0, &SyntaxError{
				Off: i, Len: min(3, len(s)-i), Msg: fmt.Sprintf("broken escape %q", s[i:min(i+3, len(s))]),
				Want: `"%" and two hexadecimal digits; a percent sign is written %25`,
			}
		}
	}
	authority := 0
	switch scheme, _, hasScheme := strings.Cut(s, "://"); {
	case hasScheme && isScheme(scheme):
		authority = len(scheme) + len("://")
	case strings.HasPrefix(s, "//"):
		authority = 2
	case strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "?") || strings.HasPrefix(s, "#"):
		return 0, nil
	default:
		e := &SyntaxError{Len: len(s), Msg: fmt.Sprintf("%q is no Location", s), Want: wantLocation}
		if name, _, _ := strings.Cut(s, "/"); strings.Contains(name, ".") || looksHostPort(s) {
			e.Suggest = "https://" + s
		} else if !strings.HasPrefix(s, "*") && s != "" {
			e.Suggest = "/" + s
		}
		return 0, e
	}
	n := strings.IndexAny(s[authority:], "/?#")
	if n < 0 {
		n = len(s) - authority
	}
	if n == 0 {
		return 0, &SyntaxError{Off: authority, Msg: fmt.Sprintf("the Location %q has no host", s), Want: wantLocation}
	}
	for i := authority; i < authority+n; i++ {
		if c := s[i]; c >= 0x80 || c == '\\' {
			return 0, &SyntaxError{
				Off: i, Len: runeLenAt(s, i), Msg: fmt.Sprintf("the host of the Location has the character %s", quoteRuneAt(s, i)), Want: `a host in its ASCII form, "xn--..."`,
			}
		}
	}
	return authority + n, nil
}

// isScheme reports whether s is a URI's scheme (RFC 3986, section 3.1).
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isAlnum(c) && c != '+' && c != '-' && c != '.' || i == 0 && isDigit(c) {
			return false
		}
	}
	return s != ""
}

// Append appends the field's value to dst. raw is the client's path, norm its
// normal form, query what followed its "?", and m what Match said of it.
//
// What comes from the client is escaped where it is more than path or query, so
// it can neither end the field nor, as "//host" or "/\host", turn a path into
// another host. It allocates only if dst has less room than
// MaxLen(len(raw), len(query)).
func (l *Location) Append(dst, raw, norm, query []byte, m *Match) []byte {
	client := newClientPath(raw, norm)
	for i := range l.pieces {
		if p := &l.pieces[i]; p.text != "" {
			dst = append(dst, p.text...)
		} else {
			dst = appendEscaped(dst, client.param(m.Params[p.param]), false)
		}
	}
	if l.rest {
		rest := client.from(m.Rest)
		for l.root && len(rest) > 0 && rest[0] == '/' {
			rest = rest[1:]
		}
		dst = appendEscaped(dst, rest, false)
	}
	if l.keepQuery && len(query) > 0 {
		dst = append(dst, '?')
		dst = appendEscaped(dst, query, true)
	}
	return dst
}

// appendEscaped appends text with everything escaped that has no place in a path
// or, with query, in a query (RFC 3986, section 3.4).
func appendEscaped(dst, text []byte, query bool) []byte {
	for _, c := range text {
		switch cl := classes[c]; {
		case cl < classEscape || query && c == '?':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// MaxLen returns how many bytes Append appends at most for a path and a query of
// these lengths.
func (l *Location) MaxLen(path, query int) int {
	const escaped = len("%00")
	return maxLen(l.pieces, escaped*path) + escaped*path + 1 + escaped*query
}
