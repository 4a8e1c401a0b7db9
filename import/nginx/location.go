package nginx

import (
	"regexp"
	"slices"
	"strings"

	"github.com/anygate/anygate/import/pattern"
)

type locationKind uint8

const (
	prefixLocation locationKind = iota
	exactLocation               // =
	firmLocation                // ^~
	regexLocation               // ~ and ~*
	namedLocation               // @name
)

// location is a location block, wherever it is nested.
type location struct {
	n    *node
	kind locationKind
	text string // the path or the expression
	fold bool   // ~*
	// around is the location that it is nested in, or nil.
	around *location
	// compiled is its expression when it was asked for, see expression; tried says that it was.
	compiled *regexp.Regexp
	tried    bool
}

// expression is that of a location, nil if Go does not know it.
func (l *location) expression() *regexp.Regexp {
	if !l.tried {
		expr := l.text
		if l.fold {
			expr = "(?i)" + expr
		}
		l.compiled, _ = regexp.Compile(expr)
		l.tried = true
	}
	return l.compiled
}

// depth is how many locations are around it.
func (l *location) depth() (n int) {
	for at := l.around; at != nil; at = at.around {
		n++
	}
	return n
}

// within reports whether the location is nested in another one, however deep.
func (l *location) within(other *location) bool {
	for at := l.around; at != nil; at = at.around {
		if at == other {
			return true
		}
	}
	return false
}

// locations lists those of a block, nested ones too.
func locations(n *node, around *location) (list []*location) {
	for _, d := range n.own("location") {
		l := &location{n: d, text: d.arg(0), around: around}
		switch {
		case len(d.args) > 1:
			l.text = d.args[1]
			switch d.args[0] {
			case "=":
				l.kind = exactLocation
			case "^~":
				l.kind = firmLocation
			case "~", "~*":
				l.kind, l.fold = regexLocation, d.args[0] == "~*"
			}
		case strings.HasPrefix(l.text, "@"):
			l.kind = namedLocation
		case strings.HasPrefix(l.text, "^~"):
			l.kind, l.text = firmLocation, l.text[2:]
		case strings.HasPrefix(l.text, "="):
			l.kind, l.text = exactLocation, l.text[1:]
		case strings.HasPrefix(l.text, "~*"):
			l.kind, l.text, l.fold = regexLocation, l.text[2:], true
		case strings.HasPrefix(l.text, "~"):
			l.kind, l.text = regexLocation, l.text[1:]
		}
		list = append(list, l)
		list = append(list, locations(d, l)...)
	}
	return list
}

// builder makes the routes of one server.
type builder struct {
	*converter
	server *server
	locs   []*location
	routes []*route
	// values are those of variables for the hosts that the routes are for.
	values map[string]string
	// expressions are the locations whose expressions became paths, in the order in which nginx tries them.
	expressions []expression
	// guards are locations that keep something back, and that could not be carried over.
	guards []guard
	// exact are locations = /x/, whose routes are made last.
	exact []*location
	// methods are those that the server takes, nil for all; others answers what it does not take, and refused single methods.
	methods []string
	others  *route
	refused []*route
	// extra are routes that conditions of the location at hand have made, and allowed the methods that they leave to it.
	extra   []*route
	allowed []string
	// closed says that a condition of the location at hand, which keeps requests out, could not be carried over.
	closed bool
	// led are the locations that rewriting has led to, while it is followed.
	led []*location
}

// serverRoutes are the routes of a server.
func (c *converter) serverRoutes(s *server, values map[string]string) []*route {
	b := &builder{converter: c, server: s, values: values, locs: locations(s.n, nil)}
	if b.answersAll() {
		b.finish()
		return b.routes
	}
	var regexes, plain []*location
	for _, l := range b.locs {
		if o := b.eclipsed(l); o != nil {
			b.differs(l.n, "nginx never gets to it: the location at "+o.n.place()+" has a longer path than the one around it, and answers its requests.", "Nothing has to be done.")
			l.n.markAll()
			continue
		}
		switch l.kind {
		case regexLocation:
			regexes = append(regexes, l)
		case namedLocation:
			b.onlyNamed(l)
		default:
			plain = append(plain, l)
		}
	}
	// nginx looks for expressions in the innermost location first, and takes the first that matches.
	slices.SortStableFunc(regexes, func(a, b *location) int { return b.depth() - a.depth() })
	for _, l := range regexes {
		b.regex(l, plain)
	}
	for _, l := range plain {
		b.plain(l)
	}
	b.exactSlashes()
	b.slashes()
	b.whole()
	b.bare()
	b.guard()
	b.spellings()
	b.limitMethods()
	b.finish()
	b.witness()
	return b.routes
}

// onlyNamed reports a location that only others refer to, and that nothing of what was carried over does.
func (b *builder) onlyNamed(l *location) {
	l.n.seen = true
	for _, other := range b.locs {
		for _, name := range []string{"try_files", "error_page"} {
			for _, d := range append(other.n.own(name), b.server.n.own(name)...) {
				if slices.Contains(d.args, l.text) {
					return // The directive that names it tells.
				}
			}
		}
	}
	b.lost(l.n, "Nothing that was carried over refers to it.", "")
	l.n.markAll()
}

// plain makes the route of a location with a path.
func (b *builder) plain(l *location) {
	path := l.text
	if !strings.HasPrefix(path, "/") || !pattern.LiteralPath(path) {
		b.lost(l.n, "The path has characters that a route cannot have.", "")
		if b.shuts(l.n) || b.loosened(l.n) {
			b.guards = append(b.guards, b.newGuard(l, true))
		}
		l.n.markAll()
		return
	}
	alone := l.kind != exactLocation && b.alone(l)
	if !alone && (b.taken(path, l) || l.kind != exactLocation && b.outrun(l)) {
		return
	}
	if l.kind == exactLocation {
		if strings.HasSuffix(path, "/") {
			b.exactSlash(l)
			return
		}
		b.location(l, pattern.Head{Path: path})
		return
	}
	if !strings.HasSuffix(path, "/") {
		why := "The route matches " + l.text + ", but not " + l.text + "x."
		if !alone {
			path += "/"
			why = "The route matches " + l.text + " and what is below " + path + ", but not " + l.text + "x."
		}
		if !pattern.Whole(l.text) {
			b.lost(l.n, why+" A path is made of whole segments.", "Write a route for each of the paths that are meant.")
		} else if wider := b.wider(l); b.withholds(l.n) && !turnsAway(wider) || loosens(wider, l.n) {
			b.lost(l.n, why+" Access to those is not restricted by it.", "Where there are such paths, give each a route that says the same: "+l.text+".php, for one.")
		} else {
			b.differs(l.n, why, "")
		}
	}
	b.location(l, pattern.Head{Path: path})
}

// turnsAway reports whether a block answers all of its requests with an error or a redirect.
func turnsAway(n *node) bool {
	return slices.ContainsFunc(n.children, func(c *node) bool {
		return c.name == "return" && (refusal(c.arg(0)) || redirectCodes[c.arg(0)] || !count(c.arg(0)))
	})
}

// taken reports whether a regular expression, which nginx prefers, or another spelling has the path already.
func (b *builder) taken(path string, l *location) bool {
	for _, r := range b.routes {
		prefix := strings.TrimSuffix(path, "/") + "/"
		if l.kind != exactLocation && strings.TrimSuffix(r.path, "*") == prefix && len(r.methods) == 0 && r.from != l.n && !r.neutral {
			b.differs(l.n, "The location at "+r.from.place()+" answers all of its requests.", "Nothing has to be done.")
			l.n.markAll()
			return true
		}
	}
	return false
}

// exactSlash makes the route of a location = /x/. A path of AnyGate that ends in a slash is a prefix, so that what is below
// gets a route of its own, /x/:p1/, with what nginx does there; it is made once that is known.
func (b *builder) exactSlash(l *location) {
	for _, other := range b.locs {
		if other != l && (other.kind == prefixLocation || other.kind == firmLocation) && (other.text == l.text || other.text+"/" == l.text) && b.sameFiles(l, other) {
			if b.keeps(l.n) {
				break
			}
			b.settingsOnly(l)
			return
		}
	}
	if l.text == "/" && b.files(l.n) && !b.keeps(l.n) {
		// The index of the server's own files answers it in any case.
		b.settingsOnly(l)
		return
	}
	b.exact = append(b.exact, l)
}

// exactSlashes makes the routes of all of these, when the others are there.
func (b *builder) exactSlashes() {
	for _, l := range b.exact {
		around, ok := b.around(l)
		if !ok {
			b.lost(l.n, "A path that ends in a slash is a prefix, and what is below "+l.text+" cannot have a route of its own: these are files, or an expression is about some of it.", "Give what is meant a path of its own, or let the application answer it.")
			if b.keeps(l.n) {
				// What keeps clients from the one path keeps them from all below it, too.
				b.routes = slices.DeleteFunc(b.routes, func(r *route) bool { return strings.TrimSuffix(r.path, "*") == l.text })
				b.routes = append(b.routes, b.missing(l.n, pattern.Head{Path: l.text}))
			}
			l.n.markAll()
			continue
		}
		b.routes = slices.DeleteFunc(b.routes, func(r *route) bool { return slices.Contains(around, r) })
		before := len(b.routes)
		b.location(l, pattern.Head{Path: l.text})
		for i, r := range b.routes[before:] {
			_, uri, _ := strings.Cut(r.text, "://")
			if _, uri, _ = strings.Cut(uri, "/"); r.kind == proxyRoute && uri != "" && !strings.HasSuffix(uri, "/") {
				b.lost(l.n, "A path that ends in a slash is a prefix, for which the upstream would get /"+uri+"/ and not /"+uri+".", "Let the upstream answer that, too.")
				b.routes[before+i] = b.missing(l.n, pattern.Head{Path: l.text})
			}
		}
		for _, r := range around {
			if r.path = l.text; len(b.routes) > before {
				r.path += ":p1/"
				r.below = true
			}
		}
		b.routes = append(b.routes, around...)
	}
}

// around are the routes of what is below the path of a location = /x/: those of the location /x/, or of the one that answers
// it otherwise. ok is false if they cannot have a path with a parameter, or if that would go before others.
func (b *builder) around(l *location) (routes []*route, ok bool) {
	below := l.text + "*"
	var best *route
	for _, r := range b.routes {
		if e := b.locationOf(r.from); e != nil && e.kind == exactLocation {
			continue
		}
		switch {
		case strings.TrimSuffix(r.path, "*") == l.text:
			routes = append(routes, r)
		case strings.HasSuffix(r.path, "/:p1/") && strings.TrimSuffix(r.path, ":p1/") != l.text && pattern.Covers(strings.TrimSuffix(r.path, ":p1/")+"*", below), pattern.Covers(r.path, below):
			if best == nil || pattern.Covers(best.path, r.path) || pattern.Before(r.path, best.path) {
				best = r
			}
		case pattern.Meet(r.path, below) && pattern.Before(below, r.path):
			return nil, false
		}
	}
	switch {
	case len(routes) > 0:
	case best != nil:
		one := *best
		routes = []*route{&one}
	case b.server.n.setting("root") == nil:
		routes = []*route{{path: l.text, kind: answerRoute, text: "NOT_FOUND", from: b.server.n, neutral: true}}
	}
	for _, r := range routes {
		_, uri, _ := strings.Cut(strings.TrimPrefix(r.text, "unix:"), "://")
		switch {
		case r.kind == proxyRoute && !strings.Contains(uri, "/"), r.kind == answerRoute, r.kind == redirectRoute && !strings.HasSuffix(r.text, "*"):
		default:
			return nil, false
		}
	}
	return routes, len(routes) > 0
}

// files reports whether a block serves files as its server does.
func (b *builder) files(n *node) bool {
	for _, name := range []string{"proxy_pass", "grpc_pass", "return", "rewrite", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "alias", "root", "try_files"} {
		for _, c := range n.children {
			if c.name == name {
				return false
			}
		}
	}
	return true
}

// servesFiles reports whether files are what a location answers with.
func (b *builder) servesFiles(n *node) bool {
	return !slices.ContainsFunc(n.children, func(c *node) bool {
		return strings.HasSuffix(c.name, "_pass") || c.name == "return" || slices.Contains(handlers, c.name)
	})
}

// sameFiles reports whether two locations serve the same files, each in its own way at most.
func (b *builder) sameFiles(l, other *location) bool {
	return b.files(l.n) && !slices.ContainsFunc(other.n.children, func(c *node) bool {
		return strings.HasSuffix(c.name, "_pass") || c.name == "return" || c.name == "alias"
	})
}

// settingsOnly reports the settings of a location whose requests another route answers.
func (b *builder) settingsOnly(l *location) {
	for _, c := range l.n.children {
		if !c.seen && c.name != "access_log" && c.name != "log_not_found" && !needless[c.name] {
			b.lost(c, "The path has no route of its own: another one answers it, with the same files.", "")
		}
	}
	l.n.markAll()
}

// slashes adds what nginx does by itself for /x where there is a location /x/ with a proxy: it redirects there.
func (b *builder) slashes() {
	var all []*route
	for _, r := range b.routes {
		all = append(all, r)
		without, ok := strings.CutSuffix(strings.TrimSuffix(r.path, "*"), "/")
		if !ok || r.kind != proxyRoute || without == "" || !strings.HasSuffix(r.from.arg(0), "/") && !strings.HasSuffix(r.from.arg(1), "/") || r.from.ownOne("grpc_pass") != nil {
			continue
		}
		if slices.ContainsFunc(b.routes, func(o *route) bool { return o.path == without }) || strings.TrimSuffix(r.from.arg(len(r.from.args)-1), "/") != without {
			continue
		}
		all = append(all, &route{path: without, kind: redirectRoute, text: "MOVED " + without + "/", from: r.from, neutral: true})
	}
	b.routes = all
}
