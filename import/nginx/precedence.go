package nginx

import (
	"slices"
	"strings"

	"github.com/anygate/anygate/import/pattern"
)

// nginx takes the longest prefix, and then the first expression that matches, unless the prefix has ^~; AnyGate takes the
// most specific path. What is here finds where the two are not the same: a location that nginx would not ask for a path must
// not answer it here, and if that cannot be said, a location that keeps clients out is not gone around.

// expression is a location whose expression became paths.
type expression struct {
	l     *location
	heads []pattern.Head
	// stopped says that it has no route for these, since a location with ^~ goes before it, except where there is a longer one.
	stopped bool
}

// regex makes routes of a location with a regular expression, if paths can say what it does.
func (b *builder) regex(l *location, plain []*location) {
	list, ok := pattern.Shapes(l.text)
	var heads []pattern.Head
	for _, s := range list {
		h, is := s.Head()
		ok = ok && is && b.inside(l, h)
		heads = append(heads, h)
	}
	if !ok || len(heads) == 0 {
		b.inexpressible(l)
		return
	}
	heads = slices.CompactFunc(heads, func(a, b pattern.Head) bool { return a.Path == b.Path })
	// /x and /x/* are one route.
	heads = slices.DeleteFunc(heads, func(h pattern.Head) bool {
		return slices.ContainsFunc(heads, func(o pattern.Head) bool { return o.Path == h.Path+"/*" })
	})
	var reached, stopped []pattern.Head
	closed := map[string]bool{}
	for _, h := range heads {
		p := b.stops(l, h, plain)
		if p != nil && h.Loose != "" && p.text == strings.TrimSuffix(h.Path, "*") {
			// It is what follows without a slash that is left.
			h.Path, p = strings.TrimSuffix(p.text, "/"), nil
		}
		if p != nil {
			b.differs(l.n, "The location at "+p.n.place()+" answers "+h.Path+" before this one is asked.", "Nothing has to be done.")
			stopped = append(stopped, h)
			continue
		}
		before, all := b.earlier(l, h)
		if bare, open := strings.CutSuffix(h.Path, "/*"); before != nil && all && open && bare != "" && !strings.Contains(bare, "/:") && l.matches(bare) && l.admitted(bare) && !before.matches(bare) {
			// What the first one leaves is the path without a slash.
			h.Path = bare
			before, all = b.earlier(l, h)
		}
		switch {
		case before != nil && all:
			b.differs(l.n, "The location at "+before.n.place()+" comes first, and answers all requests for "+h.Path+".", "Nothing has to be done.")
			continue
		case before != nil:
			why := "The location at " + before.n.place() + " comes first, and answers some of the requests for " + h.Path + "; here this one does."
			if b.keeps(before.n) {
				closed[h.Path] = true
				why = "The location at " + before.n.place() + " comes first, and keeps some of the requests for " + h.Path + " back: they are answered with 501."
			}
			b.lost(l.n, why, "Write routes for the paths that are meant.")
		}
		if h.Loose != "" {
			say, do := b.differs, ""
			if b.keeps(l.n) || h.Wide() || h.Loose == pattern.LooseSegment && strings.Contains(l.text, "!") || h.Loose == pattern.LooseRest && b.withholds(l.n) {
				say, do = b.lost, "Where there are other paths that it matches, give each a route that says the same."
			}
			say(l.n, "The route is "+h.Path+": "+h.Loose+".", do)
		}
		reached = append(reached, h)
	}
	if len(stopped) > 0 {
		b.expressions = append(b.expressions, expression{l, stopped, true})
	}
	if len(reached) == 0 {
		l.n.markAll()
		return
	}
	if l.fold {
		if b.shuts(l.n) || b.loosened(l.n) {
			b.lost(l.n, "Paths are compared with regard to case: access in other spellings is not restricted by it.", "Have the upstream refuse other spellings, or add a route for each that is meant.")
		} else {
			b.differs(l.n, "Paths are compared with regard to case.", "")
		}
	}
	b.expressions = append(b.expressions, expression{l, reached, false})
	for _, h := range reached {
		if closed[h.Path] {
			b.routes = append(b.routes, b.missing(l.n, h))
			continue
		}
		b.location(l, h)
	}
}

// inside reports whether a head lies within the location that its expression is nested in. nginx looks for the expression
// only where that one was chosen.
func (b *builder) inside(l *location, h pattern.Head) bool {
	for at := l.around; at != nil; at = at.around {
		switch at.kind {
		case regexLocation, namedLocation:
		case exactLocation:
			return h.Path == at.text
		default:
			return pattern.Below(h.Path, at.text)
		}
	}
	return true
}

// admitted reports whether a path gets to the locations that an expression is nested in.
func (l *location) admitted(path string) bool {
	for at := l.around; at != nil; at = at.around {
		if at.kind != regexLocation && !strings.HasPrefix(path, at.text) {
			return false
		}
	}
	return true
}

// eclipsed is a location because of which nginx never looks into those around another one for its path: it has a longer
// path than they have.
func (b *builder) eclipsed(l *location) *location {
	path := ""
	for at := l; at != nil; at = at.around {
		if at.kind == regexLocation || at.kind == namedLocation {
			continue
		}
		if path == "" {
			path = at.text
		}
		for _, o := range b.locs {
			if o.around == at.around && (o.kind == prefixLocation || o.kind == firmLocation) && len(o.text) > len(at.text) && strings.HasPrefix(path, o.text) {
				return o
			}
		}
	}
	return nil
}

// stops is the location with a prefix because of which nginx never looks for an expression that would match the paths of a
// head: a longer one than that which the expression is nested in, or one with ^~.
func (b *builder) stops(l *location, h pattern.Head, plain []*location) *location {
	start, _, _ := strings.Cut(h.Path, ":")
	start = strings.TrimSuffix(start, "*")
	var longest *location
	for _, p := range plain {
		if p.kind != exactLocation && strings.HasPrefix(start, p.text) && (longest == nil || len(p.text) > len(longest.text)) {
			longest = p
		}
	}
	if longest == nil {
		return nil
	}
	if q := l.around; q != nil && (q.kind == prefixLocation || q.kind == firmLocation) && longest != q && !longest.within(q) {
		return longest
	}
	return l.firmly(longest)
}

// firmly is the location with ^~ around another one, or that itself, because of which nginx does not look for an expression: it
// stands beside that. One that is nested deeper stops only the expressions that are nested there.
func (l *location) firmly(other *location) *location {
	for at := other; at != nil && at != l.around; at = at.around {
		if at.kind == firmLocation && at.around == l.around {
			return at
		}
	}
	return nil
}

// earlier is a location with an expression that nginx tries first, where AnyGate would prefer the route of this one for
// paths that both match. all says that the first one matches all of them.
func (b *builder) earlier(l *location, h pattern.Head) (first *location, all bool) {
	for _, e := range b.expressions {
		if e.stopped || l.within(e.l) || e.l.around != nil && e.l.around != l.around && !l.within(e.l.around) {
			continue
		}
		for _, o := range e.heads {
			if !pattern.Meet(o.Path, h.Path) || pattern.Before(o.Path, h.Path) || shapeOf(o.Path) == shapeOf(h.Path) {
				continue
			}
			if o.Loose != "" {
				matches := e.l.matches(h.Path)
				if matches && !strings.ContainsAny(h.Path, ":*") && !strings.HasSuffix(h.Path, "/") {
					return e.l, true
				}
				if matches {
					first = e.l
				}
				continue
			}
			if pattern.Covers(o.Path, h.Path) {
				return e.l, true
			}
			first = e.l
		}
	}
	return first, false
}

// matches reports whether the expression of a location matches what stands for a head's paths.
func (l *location) matches(path string) bool {
	re := l.expression()
	if re == nil {
		return true // Go does not know the expression; it may.
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, ":") {
			segments[i] = "x"
		}
	}
	path = strings.Join(segments, "/")
	if rest, ok := strings.CutSuffix(path, "*"); ok {
		return re.MatchString(rest) || re.MatchString(rest+"x")
	}
	return re.MatchString(path)
}

// alone reports whether nothing but its very path is left of a location without a slash at the end: what is below it has
// a location of its own, or one with an expression that nginx asks first.
func (b *builder) alone(l *location) bool {
	if strings.HasSuffix(l.text, "/") {
		return false
	}
	below := l.text + "/"
	longer := slices.ContainsFunc(b.locs, func(o *location) bool {
		return (o.kind == prefixLocation || o.kind == firmLocation) && o.text == below
	})
	covered := func(path string) bool {
		return slices.ContainsFunc(b.expressions, func(e expression) bool {
			return !e.stopped && b.asked(e.l, l) && slices.ContainsFunc(e.heads, func(h pattern.Head) bool { return h.Loose == "" && pattern.Covers(h.Path, path) })
		})
	}
	return (longer || covered(below)) && !covered(l.text)
}

// asked reports whether nginx asks an expression before it takes a location with a prefix.
func (b *builder) asked(e, l *location) bool {
	return !e.within(l) && !l.within(e) && (e.around == nil || e.around == l || l.within(e.around)) && e.firmly(l) == nil
}

// outrun deals with a location with a prefix that lies below the path of an expression: nginx asks the expression first. It
// reports whether nothing is left of the location.
func (b *builder) outrun(l *location) bool {
	below := strings.TrimSuffix(l.text, "/") + "/*"
	for _, e := range b.expressions {
		if !b.asked(e.l, l) {
			continue
		}
		for _, h := range e.heads {
			if !pattern.Meet(h.Path, below) || !pattern.Before(below, h.Path) && !(h.Loose == "" && pattern.Covers(h.Path, below)) || shapeOf(h.Path) == shapeOf(below) {
				continue
			}
			if h.Loose == "" && pattern.Covers(h.Path, below) && !e.stopped {
				b.differs(l.n, "The location at "+e.l.n.place()+" answers all of its requests.", "Nothing has to be done.")
				l.n.markAll()
				return true
			}
			if b.restricted(e.l.n) || e.stopped && b.shutsItself(e.l.n) {
				b.lost(l.n, "The location at "+e.l.n.place()+" keeps some of its requests back, and goes before it in nginx: they are answered with 501.", "Write routes for the paths that are meant.")
				l.n.markAll()
				b.routes = append(b.routes, b.missing(l.n, pattern.Head{Path: strings.TrimSuffix(below, "*")}))
				return true
			}
			b.lost(l.n, "It has a longer path than the location at "+e.l.n.place()+", and so goes before that; in nginx that one does.", "If that is not meant, take it out.")
		}
	}
	return false
}

// bare keeps /x from being answered by a route /x/ where nginx answers it by a location that keeps clients out: the path of a
// route that ends in a slash matches it, and that of a location does not.
func (b *builder) bare() {
	shuts := func(r *route) bool { return b.restricted(r.from) || r.sendsAway() }
	// What is below an exact path is all of it, and not one segment only.
	whole := func(r *route) string {
		if r.below {
			return strings.TrimSuffix(r.path, ":p1/")
		}
		return r.path
	}
	for _, r := range slices.Clone(b.routes) {
		at, ok := strings.CutSuffix(strings.TrimSuffix(r.path, "*"), "/")
		if !ok || at == "" || shuts(r) || r.neutral || r.below {
			continue
		}
		if l := b.locationOf(r.from); l == nil || l.text == at || l.kind == regexLocation && l.matches(at) && l.admitted(at) {
			continue // The location itself is /x, or its expression matches that: ^/x(/.*)?$
		}
		var best *route
		for _, o := range b.routes {
			if l := b.locationOf(o.from); l != nil && l.kind == exactLocation && o.path != at {
				continue
			}
			if o.methods == nil && pattern.Covers(whole(o), at) && (best == nil || pattern.Before(whole(o), whole(best)) || pattern.Covers(whole(best), whole(o))) {
				best = o
			}
		}
		if best == nil || best.path == at || !shuts(best) {
			continue
		}
		one := *best
		one.below = false
		if one.path = at; one.kind == redirectRoute && strings.HasSuffix(one.text, "*") || one.kind == staticRoute || one.kind == proxyRoute && strings.Count(one.text, "/") > 2 {
			one = *b.missing(best.from, pattern.Head{Path: at})
		}
		b.routes = append(b.routes, &one)
	}
}
