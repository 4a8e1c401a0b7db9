package nginx

import (
	"strings"

	"github.com/anygate/anygate/import/pattern"
)

// everything are expressions that match any path, with what their first group stands for in it.
var everything = map[string]string{
	"^": "", ".*": "", "^.*$": "", "^.*": "", ".": "", "^/": "", "^(.*)$": "whole", "^(.*)": "whole", "(.*)": "whole", "^(.+)$": "whole", "^/(.*)$": "rest", "^/(.*)": "rest", "/(.*)": "rest",
	"^(/.*)$": "whole", "^/(.*)/?$": "rest",
}

// rewritten is what a rewrite with break or last has made of a location's requests.
type rewritten struct {
	n    *node
	head pattern.Head
	path string // that the upstream gets; it ends in "*" where the rest follows
}

// redirects makes routes of a rewrite that redirects. all says that every request of h is.
func (b *builder) redirects(n *node, h pattern.Head) (all bool) {
	n.seen = true
	status := "FOUND"
	if n.arg(2) == "permanent" {
		status = "MOVED"
	}
	heads, all, ok := b.matched(n, h)
	if !ok {
		b.closed = b.closed || elsewhere(n)
		b.lost(n, "The expression has no counterpart: a path is made of literals, :name for a segment, and * at the end.", "Write a redirect for each of the paths that are meant.")
		return false
	}
	for _, m := range heads {
		if m.Wide() && strings.Contains(n.arg(1), "$") {
			// One that sends all to a single page, a login say, is rather for too many than for none.
			b.lost(n, "The route would be "+m.Path+", and have all other paths of that depth as well.", "Write a redirect for each of the paths that are meant.")
			return false
		}
		to, ok := b.target(n, n.arg(1), m, !strings.HasSuffix(n.arg(1), "?"))
		if !ok {
			b.lost(n, "The Location is made of what AnyGate does not put together.", "Write a redirect for each of the paths that are meant.")
			return false
		}
		b.loose(n, m, diverts(n))
		b.routes = append(b.routes, &route{path: m.Path, kind: redirectRoute, text: status + " " + to, from: n, early: true})
	}
	return all
}

// loose tells how the path of a head matches other requests than the expression did. withheld says that those which go on now
// are kept from where they get.
func (b *builder) loose(n *node, m pattern.Head, withheld bool) {
	switch why := "The route is " + m.Path + ": " + m.Loose + "."; {
	case m.Loose == "":
	case withheld && m.Loose == pattern.LooseRest:
		b.lost(n, why+" Other requests that the expression matches go on.", "Where there are such paths, give each a route that says the same.")
	case m.Wide():
		b.lost(n, why, "")
	default:
		b.differs(n, why, "")
	}
}

// matched are the heads of a rewrite's expression within a location.
func (b *builder) matched(n *node, h pattern.Head) (heads []pattern.Head, all, ok bool) {
	whole := h.Path
	if strings.HasSuffix(whole, "/") {
		whole += "*"
	}
	if first, is := everything[n.arg(0)]; is {
		m := pattern.Head{Path: h.Path, Values: map[string]string{}}
		switch first {
		case "whole":
			m.Values["1"] = whole
		case "rest":
			m.Values["1"] = strings.TrimPrefix(whole, "/")
		}
		return []pattern.Head{m}, true, true
	}
	list, ok := pattern.Shapes(n.arg(0))
	if !ok {
		return nil, false, false
	}
	for _, s := range list {
		m, ok := s.Head()
		if ok && !pattern.Below(m.Path, h.Path) {
			m, ok = within(m, h)
		}
		if !ok {
			return nil, false, false
		}
		heads = append(heads, m)
	}
	all = len(heads) == 1 && heads[0].Loose == "" && strings.TrimSuffix(heads[0].Path, "*") == strings.TrimSuffix(h.Path, "*")
	return heads, all, true
}

// within is a head of an expression that matches more than a location is asked for, such as ^/app/(.*) in location /app/ws/: what
// it is there. It reports false unless the location lies below a head without parameters.
func within(m, h pattern.Head) (pattern.Head, bool) {
	start, open := strings.CutSuffix(m.Path, "*")
	rest, below := strings.CutPrefix(strings.TrimSuffix(h.Path, "*"), start)
	if !open || !below || m.Loose != "" || strings.Contains(h.Path, "/:") {
		return m, false
	}
	if strings.HasSuffix(h.Path, "/") || strings.HasSuffix(h.Path, "*") {
		rest += "*"
	}
	one := pattern.Head{Path: h.Path, Values: map[string]string{}}
	for name, value := range m.Values {
		if before, last := strings.CutSuffix(value, "*"); last {
			value = before + rest
		}
		one.Values[name] = value
	}
	return one, true
}

// inner reads a rewrite that changes the path for what comes after it in the same location.
func (b *builder) inner(n *node, h pattern.Head) ([]rewritten, bool) {
	n.seen = true
	heads, _, ok := b.matched(n, h)
	if !ok {
		return nil, false
	}
	var out []rewritten
	for _, m := range heads {
		to, asked := cutQuery(b.literal(n, n.arg(1)))
		failed := false
		to = reference.ReplaceAllStringFunc(to, func(ref string) string {
			v, ok := m.Values[strings.Trim(ref, "${}")]
			failed = failed || !ok
			return v
		})
		if i := strings.IndexByte(to, '*'); failed || asked || i >= 0 && i < len(to)-1 || !strings.HasPrefix(to, "/") || strings.Contains(to, "?") {
			return nil, false
		}
		if strings.HasPrefix(to, "//") {
			to = to[1:]
		}
		if !strings.HasSuffix(to, "*") && (strings.HasSuffix(m.Path, "*") || strings.HasSuffix(m.Path, "/")) {
			return nil, false // AnyGate would append the rest.
		}
		out = append(out, rewritten{n: n, head: m, path: to})
	}
	return out, true
}

// goesOn deals with a rewrite after which nginx looks for a location anew. all says that every request of h is rewritten. If
// that location passes requests on, they get there; otherwise they are answered with 501, as nginx would not answer them by
// the block that has the rewrite.
func (b *builder) goesOn(n *node, h pattern.Head) (all bool) {
	n.seen = true
	heads, all, ok := b.matched(n, h)
	if !ok {
		b.closed = b.closed || b.keptFrom(n.arg(1))
		b.lost(n, "The expression has no counterpart: a path is made of literals, :name for a segment, and * at the end.", "Let the upstream understand the path as it comes.")
		return false
	}
	list, ok := b.inner(n, h)
	for i, m := range heads {
		if ok {
			if r := b.landing(n, list[i]); r != nil {
				b.loose(n, m, b.keeps(r.scope) || diverts(n))
				b.routes = append(b.routes, r)
				continue
			}
		}
		b.lost(n, "Paths are not rewritten for another location: requests for "+m.Path+" are answered with 501.", "Write a route for "+m.Path+" that says what is to be done.")
		b.routes = append(b.routes, b.missing(n, m))
	}
	return all
}

// landing is the route of requests that a rewrite leads to a location which passes them on, or nil if it does anything else.
func (b *builder) landing(n *node, w rewritten) *route {
	start, open := strings.CutSuffix(w.path, "*")
	var to *location
	for _, l := range b.locs {
		switch {
		case l.kind == namedLocation, l.kind == regexLocation && hides(l.text):
		case l.kind == regexLocation:
			return nil // It may be the one that nginx would find.
		case l.kind == exactLocation:
			if !open && l.text == start {
				to = l
			} else if open && strings.HasPrefix(l.text, start) {
				return nil
			}
		case strings.HasPrefix(start, l.text):
			if to == nil || to.kind != exactLocation && len(to.text) < len(l.text) {
				to = l
			}
		case open && strings.HasPrefix(l.text, start):
			return nil
		}
	}
	if to == nil || to.n == n.parent {
		return nil
	}
	for _, c := range to.n.children {
		if c.name == "if" || c.name == "return" || c.name == "rewrite" || c.name == "limit_except" {
			return nil
		}
	}
	d := to.n.ownOne("proxy_pass")
	if d == nil || b.unguarded(to.n) {
		return nil
	}
	_, rest, _ := strings.Cut(b.literal(d, d.arg(0)), "://")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		w.path = rest[i:] + strings.TrimPrefix(w.path, to.text)
	}
	if strings.Contains(rest, "$") || strings.HasPrefix(rest, "unix:") || strings.HasPrefix(w.path, "//") {
		return nil
	}
	r := b.proxied(&location{n: to.n, kind: prefixLocation, text: "/"}, d, w.head, []rewritten{w})[0]
	r.from, r.scope = n, to.n
	return r
}

// redirecting reports whether a rewrite answers with a redirect.
func redirecting(n *node) bool {
	flag := n.arg(2)
	return flag == "permanent" || flag == "redirect" || strings.HasPrefix(n.arg(1), "http://") || strings.HasPrefix(n.arg(1), "https://") ||
		strings.HasPrefix(n.arg(1), "$scheme")
}
