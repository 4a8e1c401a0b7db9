package pattern

import (
	"slices"
	"strconv"
	"strings"
)

// Head is the path of a route that a shape became.
type Head struct {
	Path string
	// Loose says how the path matches other requests than the expression did; "" if it does not.
	Loose string
	// narrow says that the expression lets a segment be some things only.
	narrow bool
	// Values are what $1, $2 and names stand for, in the words of a redirect or of an upstream's URI.
	Values map[string]string
}

// What the path of a Head matches that the expression does not, or the other way round.
const (
	LooseSegment = "the segment may be anything"
	LooseRest    = "what follows begins with a slash"
	LooseBelow   = "paths below it match too"
)

// Head makes a path of a Shape: /users/:p1/*.
func (s Shape) Head() (Head, bool) {
	h := Head{Values: map[string]string{}}
	words := make([]string, len(s.parts)) // what each part is in the path
	var b strings.Builder
	params := 0
	for i, p := range s.parts {
		before := b.String()
		switch p.kind {
		case literalPart:
			words[i] = p.text
		case segmentPart:
			next := i+1 == len(s.parts) || s.parts[i+1].kind == literalPart && strings.HasPrefix(s.parts[i+1].text, "/")
			if !strings.HasSuffix(before, "/") || !next {
				return Head{}, false
			}
			params++
			words[i] = ":p" + strconv.Itoa(params)
			if p.narrow {
				h.Loose, h.narrow = LooseSegment, true
			}
		case restPart:
			if i+1 < len(s.parts) {
				return Head{}, false
			}
			if !strings.HasSuffix(before, "/") {
				if !Whole(before) {
					return Head{}, false
				}
				h.Loose = LooseRest
				b.WriteByte('/')
			}
			words[i] = "*"
		}
		b.WriteString(words[i])
	}
	h.Path = b.String()
	if !LiteralPath(s.literal()) || !strings.HasPrefix(h.Path, "/") {
		return Head{}, false
	}
	if strings.HasSuffix(h.Path, "/") {
		h.Loose = LooseBelow
	}
	for name, g := range s.groups {
		h.Values[name] = strings.Join(words[g[0]:g[1]], "")
	}
	return h, true
}

// Wide reports whether the path takes all requests of its depth from other routes, of which the expression meant some: nothing
// in /:p1/:p2/* tells years and months from the directories of a site.
func (h Head) Wide() bool {
	return h.narrow && !slices.ContainsFunc(segments(h.Path), func(s string) bool { return s != "*" && !strings.HasPrefix(s, ":") })
}

// Whole reports whether a path may end where a segment does. What is followed by more of the same name, as /old- and /img_ are,
// does not: with a slash behind it, it would match nothing that was meant.
func Whole(path string) bool {
	return path == "" || !strings.ContainsAny(path[len(path)-1:], "-_.~=+,@$!&'")
}

// maxPath is how long a path may be that a key of YAML has room for, with a host and methods before it.
const maxPath = 700

// LiteralPath reports whether a path of nginx can stand in a head as it is.
func LiteralPath(s string) bool {
	if len(s) > maxPath {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '*' || c == '%' || c == '?' || c == '#' || c == '\\' || c == '"' || c == '|' || c == '{' || c == '}' {
			return false
		}
	}
	return !strings.Contains(s, "/:")
}

// Below reports whether path lies below the prefix that another path is, or is the same.
func Below(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "*")
	return strings.HasPrefix(path, prefix) || path+"/" == prefix
}

// Covers reports whether the head inner matches nothing that the head outer does not match as well. As in nginx, /a/ does not
// match /a here.
func Covers(outer, inner string) bool {
	a, b := segments(outer), segments(inner)
	for i, s := range a {
		switch {
		case i == len(b):
			return false
		case s == "*":
			return true
		case b[i] == "*":
			return false
		case strings.HasPrefix(s, ":") && b[i] != "", s == b[i]:
		default:
			return false
		}
	}
	return len(a) == len(b)
}

// Meet reports whether some path is matched by both heads.
func Meet(one, other string) bool {
	a, b := segments(one), segments(other)
	for i := range min(len(a), len(b)) {
		s, t := a[i], b[i]
		if s == "*" || t == "*" {
			return true
		}
		if s != t && (!strings.HasPrefix(s, ":") || t == "") && (!strings.HasPrefix(t, ":") || s == "") {
			return false
		}
	}
	return len(a) == len(b)
}

// Before reports whether a path that both heads match has the first one for its route: segment by segment, what is literal
// goes before :name, and that before the rest.
func Before(one, other string) bool {
	a, b := segments(one), segments(other)
	rank := func(s string) int {
		switch {
		case s == "*":
			return 2
		case strings.HasPrefix(s, ":"):
			return 1
		}
		return 0
	}
	for i := range min(len(a), len(b)) {
		if r, q := rank(a[i]), rank(b[i]); r != q {
			return r < q
		}
	}
	return false
}

// segments are those of a head, of which a last one that is empty is the rest.
func segments(path string) []string {
	list := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if last := len(list) - 1; list[last] == "" {
		list[last] = "*"
	}
	return list
}
