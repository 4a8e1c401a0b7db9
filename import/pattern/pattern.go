package pattern

import (
	"regexp"
	"strconv"
	"strings"
)

// maxShapes bounds what the alternatives of one expression are multiplied into.
const maxShapes = 32

// part is what a stretch of a regular expression matches.
type part struct {
	kind partKind
	text string // of a literal
	// narrow says that it matches less than AnyGate's counterpart: digits only, or nothing that is empty.
	narrow bool
}

type partKind uint8

const (
	literalPart partKind = iota
	segmentPart          // a run of characters without a slash
	restPart             // anything
)

// Shape is one of the forms that a regular expression stands for: literals, segments and, last, the rest.
type Shape struct {
	parts []part
	// groups are the ranges of parts that groups have captured, by their numbers and names.
	groups map[string][2]int
}

func (s Shape) open() bool {
	for _, p := range s.parts {
		if p.kind != literalPart {
			return true
		}
	}
	return false
}

// literal is the text of the Shape's literals.
func (s Shape) literal() string {
	var b strings.Builder
	for _, p := range s.parts {
		b.WriteString(p.text)
	}
	return b.String()
}

// then is s with t behind it.
func (s Shape) then(t Shape) Shape {
	out := Shape{parts: append(append([]part(nil), s.parts...), t.parts...), groups: map[string][2]int{}}
	for k, g := range s.groups {
		out.groups[k] = g
	}
	for k, g := range t.groups {
		out.groups[k] = [2]int{g[0] + len(s.parts), g[1] + len(s.parts)}
	}
	return out
}

// pattern reads the part of the language of regular expressions that paths of routes can say: literals, alternatives, what
// is optional, classes without a slash, and .* at the end.
type pattern struct {
	text   string
	at     int
	groups int
}

// Shapes are the forms of an expression that is anchored at the beginning. Without an anchor at the end, anything may
// follow.
func Shapes(expr string) ([]Shape, bool) {
	rest, anchored := strings.CutPrefix(expr, "^")
	if !anchored {
		return nil, false
	}
	ended := false
	if text, ok := strings.CutSuffix(rest, "$"); ok && !strings.HasSuffix(text, `\`) {
		rest, ended = text, true
	} else if text, ok := strings.CutSuffix(rest, "(/|$)"); ok {
		rest = text + "/"
	} else if text, ok := strings.CutSuffix(rest, "(?:/|$)"); ok {
		rest = text + "/"
	}
	p := &pattern{text: rest}
	list, ok := p.alternatives(0)
	if !ok || p.at < len(p.text) {
		return nil, false
	}
	if !ended {
		for i, s := range list {
			if n := len(s.parts); n == 0 || s.parts[n-1].kind != restPart {
				list[i] = s.then(Shape{parts: []part{{kind: restPart}}})
			}
		}
	}
	return list, true
}

// alternatives reads forms separated by "|".
func (p *pattern) alternatives(depth int) (list []Shape, ok bool) {
	if depth > 8 {
		return nil, false
	}
	for {
		s, ok := p.sequence(depth)
		if list = append(list, s...); !ok || len(list) > maxShapes {
			return nil, false
		}
		if p.at == len(p.text) || p.text[p.at] != '|' {
			return list, true
		}
		p.at++
	}
}

// sequence reads items up to the end, a "|" or a ")".
func (p *pattern) sequence(depth int) ([]Shape, bool) {
	list := []Shape{{}}
	for p.at < len(p.text) && p.text[p.at] != '|' && p.text[p.at] != ')' {
		item, ok := p.item(depth)
		if !ok || len(list)*len(item) > maxShapes {
			return nil, false
		}
		var next []Shape
		for _, s := range list {
			for _, t := range item {
				next = append(next, s.then(t))
			}
		}
		list = next
	}
	return list, true
}

// item reads a literal, a class or a group, with what says how often.
func (p *pattern) item(depth int) ([]Shape, bool) {
	c := p.text[p.at]
	p.at++
	switch c {
	case '(':
		return p.group(depth)
	case '[':
		end := strings.IndexByte(p.text[p.at:], ']')
		if end < 0 {
			return nil, false
		}
		class := p.text[p.at : p.at+end]
		p.at += end + 1
		if negated, ok := strings.CutPrefix(class, "^"); ok != strings.Contains(negated, "/") {
			return nil, false // It matches slashes.
		}
		if next := p.at == len(p.text) || !strings.ContainsRune("*+?{", rune(p.text[p.at])); next && !strings.ContainsAny(class, `^-\`) && len(class) <= 8 {
			var list []Shape
			for i := range len(class) {
				list = append(list, Shape{parts: []part{{text: class[i : i+1]}}})
			}
			return list, true
		}
		return p.class(class != "^/")
	case '.':
		switch p.repeat() {
		case "*":
			return one(part{kind: restPart}), true
		case "+":
			return one(part{kind: restPart, narrow: true}), true
		}
		return nil, false
	case '\\':
		if p.at == len(p.text) {
			return nil, false
		}
		c = p.text[p.at]
		p.at++
		switch {
		case c == 'd' || c == 'w':
			return p.class(true)
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return nil, false
		}
	case '^', '$', '*', '+', '?', '{', ')':
		return nil, false
	}
	letter := Shape{parts: []part{{text: string(c)}}}
	switch p.repeat() {
	case "":
		return []Shape{letter}, true
	case "?":
		return []Shape{letter, {}}, true
	}
	return nil, false
}

func one(p part) []Shape { return []Shape{{parts: []part{p}}} }

// class reads how often a class of characters stands there.
func (p *pattern) class(narrow bool) ([]Shape, bool) {
	switch r := p.repeat(); {
	case r == "+":
		return one(part{kind: segmentPart, narrow: narrow}), true
	case r == "" || strings.HasPrefix(r, "{"):
		return one(part{kind: segmentPart, narrow: true}), true
	}
	return nil, false
}

// repeat reads what says how often the last item may stand there.
func (p *pattern) repeat() string {
	if p.at == len(p.text) {
		return ""
	}
	start := p.at
	switch p.text[p.at] {
	case '*', '+', '?':
		p.at++
	case '{':
		end := strings.IndexByte(p.text[p.at:], '}')
		if end < 0 {
			return ""
		}
		p.at += end + 1
	default:
		return ""
	}
	r := p.text[start:p.at]
	// What is matched lazily or possessively is the same text here, as only the end follows.
	if p.at < len(p.text) && (p.text[p.at] == '?' || p.text[p.at] == '+') {
		p.at++
	}
	return r
}

var groupName = regexp.MustCompile(`^\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')`)

// group reads a group behind its "(".
func (p *pattern) group(depth int) ([]Shape, bool) {
	var names []string
	switch rest := p.text[p.at:]; {
	case strings.HasPrefix(rest, "?:"):
		p.at += 2
	case strings.HasPrefix(rest, "?"):
		m := groupName.FindStringSubmatch(rest)
		if m == nil {
			return nil, false
		}
		p.groups++
		names = []string{strconv.Itoa(p.groups), m[1] + m[2]}
		p.at += len(m[0])
	default:
		p.groups++
		names = []string{strconv.Itoa(p.groups)}
	}
	list, ok := p.alternatives(depth + 1)
	if !ok || p.at == len(p.text) || p.text[p.at] != ')' {
		return nil, false
	}
	p.at++
	for i, s := range list {
		list[i] = s.then(Shape{})
		for _, name := range names {
			list[i].groups[name] = [2]int{0, len(s.parts)}
		}
	}
	switch p.repeat() {
	case "":
		return list, true
	case "?":
		none := Shape{groups: map[string][2]int{}}
		for _, name := range names {
			none.groups[name] = [2]int{}
		}
		return append(list, none), true
	}
	return nil, false
}

// Literals are all the strings that a regular expression without repetition matches, ^(www\.)?example\.com$ say, if all of them
// are to be kept.
func Literals(expr string, keep func(string) bool) ([]string, bool) {
	if !strings.HasPrefix(expr, "^") || !strings.HasSuffix(expr, "$") {
		return nil, false
	}
	p := &pattern{text: expr[1 : len(expr)-1]}
	list, ok := p.alternatives(0)
	if !ok || p.at < len(p.text) {
		return nil, false
	}
	var out []string
	for _, item := range list {
		if item.open() || !keep(item.literal()) {
			return nil, false
		}
		out = append(out, item.literal())
	}
	return out, len(out) > 0
}

// alternates reports whether an expression has alternatives that are not within parentheses: only the first of them begins as
// the expression does.
func alternates(expr string) bool {
	depth := 0
	for i := 0; i < len(expr); i++ {
		switch expr[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			depth--
		case '[':
			// A bracket at the beginning of a class is one of its characters.
			for i++; i+1 < len(expr) && expr[i] == '^'; i++ {
			}
			for i++; i < len(expr) && expr[i] != ']'; i++ {
				if expr[i] == '\\' {
					i++
				}
			}
		case '|':
			if depth <= 0 {
				return true
			}
		}
	}
	return false
}

// Start is the path, up to a slash, that all paths begin with which an expression matches: "/" if they have nothing in
// common.
func Start(expr string) string {
	rest, anchored := strings.CutPrefix(expr, "^")
	if !anchored || alternates(rest) {
		return "/"
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		if c == '\\' && i+1 < len(rest) && strings.IndexByte(".-_~/", rest[i+1]) >= 0 {
			i++
			c = rest[i]
		} else if strings.IndexByte(`\[](){}*+?.$^`, c) >= 0 {
			break
		}
		if i+1 < len(rest) && strings.IndexByte("*?{", rest[i+1]) >= 0 {
			break // It need not be there.
		}
		b.WriteByte(c)
	}
	path := b.String()
	path = path[:strings.LastIndexByte(path, '/')+1]
	if !strings.HasPrefix(path, "/") || !LiteralPath(path) {
		return "/"
	}
	return path
}
