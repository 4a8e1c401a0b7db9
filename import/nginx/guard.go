package nginx

import (
	"slices"
	"strings"

	"github.com/anygate/anygate/import/pattern"
)

// guard is a location that keeps something back, and that could not be carried over. Files that it might be about must not
// be served.
type guard struct {
	n *node
	l *location // of n; nil if that is the server
	// shut says that it keeps requests back, and not only files: they must not get to upstreams either.
	shut bool
	// below is the path that all begin with that it may be about, or "/".
	below string
}

// newGuard finds out what a location may be about.
func (b *builder) newGuard(l *location, shut bool) guard {
	g := guard{n: l.n, l: l, shut: shut, below: "/"}
	// Without regard to case, an upstream may take another spelling for the same.
	if l.kind == regexLocation && (!l.fold || !passes(b.server.n)) {
		g.below = pattern.Start(l.text)
	}
	return g
}

// gates are directives that let in some requests only, and that AnyGate does not have.
var gates = []string{"auth_request", "auth_jwt", "secure_link", "satisfy"}

// gate reports whether a directive is one of them. Modules of third parties that ask who somebody is are called auth_something, and
// a script may keep out whom it likes.
func gate(name string) bool {
	if _, ok := strings.CutPrefix(name, "auth_"); ok {
		return catalogue[name].why == "" && name != "auth_basic" && name != "auth_basic_user_file" && name != "auth_delay" && !strings.HasPrefix(name, "auth_http")
	}
	return strings.HasPrefix(name, "access_by_") || strings.HasPrefix(name, "rewrite_by_") || strings.HasPrefix(name, "server_rewrite_by_") || name == "js_access"
}

// unguarded reports whether a block is kept by one of them.
func (b *builder) unguarded(n *node) bool {
	var names []string
	for at := n; at != nil; at = at.parent {
		for _, c := range at.children {
			if (gate(c.name) || slices.Contains(gates, c.name)) && !slices.Contains(names, c.name) {
				names = append(names, c.name)
			}
		}
	}
	for _, name := range names {
		d := n.setting(name)
		if d.arg(0) == "off" || name == "satisfy" && d.arg(0) == "all" {
			continue
		}
		known, ok := catalogue[name]
		if !ok {
			known = unknownGate
		}
		b.tell(known.level, d, known.why+" What is behind it is answered with 501.", known.do)
		return true
	}
	return false
}

// restricted reports whether a block keeps clients out.
func (b *builder) restricted(n *node) bool {
	for _, c := range n.children {
		switch code := c.arg(0); {
		case slices.Contains([]string{"deny", "auth_basic", "internal", "limit_except"}, c.name), slices.Contains(gates, c.name), gate(c.name):
			if code != "off" && (c.name != "satisfy" || code != "all") {
				return true
			}
		case c.name == "return" && refusal(code) && code != "410": // What is gone is not kept from anybody.
			return true
		case c.name == "if" && b.keepsOut(c):
			return true
		}
	}
	return false
}

// shuts reports whether a block, or a location in it, keeps something from clients: it restricts access, refuses all, or leads
// all to one other page for the time being.
func (b *builder) shuts(n *node) bool {
	return b.shutsItself(n) || slices.ContainsFunc(n.children, func(c *node) bool { return c.name == "location" && b.shuts(c) })
}

// shutsItself reports whether a block does so without the locations in it.
func (b *builder) shutsItself(n *node) bool {
	if b.restricted(n) {
		return true
	}
	for _, c := range n.children {
		switch c.name {
		case "return":
			if refusal(c.arg(0)) || strings.HasPrefix(c.arg(0), "$") || elsewhere(c) {
				return true
			}
		case "rewrite":
			if elsewhere(c) || !redirecting(c) && c.arg(2) != "break" && !strings.Contains(c.arg(1), "$") && b.lands(n, c.arg(1)) {
				return true
			}
		case "try_files":
			if to := c.arg(len(c.args) - 1); strings.HasPrefix(to, "=") && !slices.ContainsFunc(c.args, func(a string) bool { return strings.Contains(a, "$") }) {
				return true
			}
		}
	}
	return false
}

// lands reports whether a rewrite of a block leads to another one that is kept from clients.
func (b *builder) lands(n *node, to string) bool {
	for _, c := range n.children {
		if c.name == "location" {
			return false // It may be what it leads to; that is looked at by itself.
		}
	}
	return b.keptFrom(to)
}

// elsewhere reports a redirect that has nothing of the path in it, and that is not for ever: to a login, and not to what the
// page is called now.
func elsewhere(n *node) bool {
	switch {
	case n.name == "return" && len(n.args) == 2 && slices.Contains([]string{"302", "303", "307"}, n.arg(0)):
	case n.name == "return" && len(n.args) == 1 && !count(n.arg(0)):
	case n.name == "rewrite" && redirecting(n) && n.arg(2) != "permanent":
	default:
		return false
	}
	return diverts(n)
}

// diverts reports a redirect, or a rewrite, that has nothing of the path in it: whatever was asked for is not answered. What is
// in the query only tells the other page where the client has come from.
func diverts(n *node) bool {
	to := n.arg(1)
	switch {
	case n.name == "return" && len(n.args) == 2 && redirectCodes[n.arg(0)], n.name == "rewrite":
	case n.name == "return" && len(n.args) == 1 && !count(n.arg(0)):
		to = n.arg(0)
	default:
		return false
	}
	to, _, _ = strings.Cut(to, "?")
	for _, name := range reference.FindAllString(to, -1) {
		if name = strings.Trim(name, "${}"); name != "scheme" && name != "host" && name != "http_host" && name != "server_name" {
			return false
		}
	}
	return true
}

// withholds reports whether nothing that a block is asked for is served: it keeps clients out, or leads all to one other page,
// be it for ever.
func (b *builder) withholds(n *node) bool {
	return b.shutsItself(n) || slices.ContainsFunc(n.children, diverts)
}

// nearest is the directive that holds for a block, which is not marked as seen.
func (n *node) nearest(name string) *node {
	for at := n; at != nil; at = at.parent {
		for _, c := range slices.Backward(at.children) {
			if c.name == name {
				return c
			}
		}
	}
	return nil
}

// loosened reports whether a block is kept by what stands around it, and some location of the server is not.
func (b *builder) loosened(n *node) bool {
	return slices.ContainsFunc(b.locs, func(l *location) bool { return loosens(l.n, n) })
}

// loosens reports whether a location lifts what stands around both it and another block, and keeps clients from that.
func loosens(l, n *node) bool {
	for _, name := range []string{"deny", "auth_basic", "auth_request"} {
		d := n.nearest(name)
		if l == n || d == nil || d.parent == n || d.parent == l || d.arg(0) == "off" {
			continue
		}
		if name == "deny" && slices.ContainsFunc(n.children, func(c *node) bool { return c.name == "allow" }) {
			continue // Its own list stands in place of the one around it, and lets in all that is not in it.
		}
		allows := slices.ContainsFunc(l.children, func(c *node) bool { return c.name == "allow" })
		if o := l.nearest(name); name == "deny" && allows || o != nil && o != d && o.arg(0) == "off" {
			return true
		}
	}
	return false
}

// wider is the location of the paths that begin as that of another one does.
func (b *builder) wider(l *location) *node {
	n := b.server.n
	best := ""
	for _, o := range b.locs {
		if o != l && (o.kind == prefixLocation || o.kind == firmLocation) && len(o.text) < len(l.text) && len(o.text) >= len(best) && strings.HasPrefix(l.text, o.text) {
			n, best = o.n, o.text
		}
	}
	return n
}

// keeps reports whether a block keeps something from clients, by itself or by what stands around it.
func (b *builder) keeps(n *node) bool { return b.restricted(n) || b.loosened(n) }

// inexpressible reports a location whose expression no path can say.
func (b *builder) inexpressible(l *location) {
	n := l.n
	if hides(l.text) && (b.deniesAll(n) || onlyReturn(n) != nil) {
		if passes(b.server.n) {
			b.lost(n, "Files that begin with a dot are never served, but to upstreams such requests are passed on.", "Have the upstream refuse them.")
		} else {
			b.differs(n, "Files and directories that begin with a dot are never served: they are 404.", "")
		}
		n.markAll()
		return
	}
	why := "A path cannot say this expression: it is made of literals, :name for a segment, and * at the end."
	do := "Write routes for the paths that are meant."
	shut := b.shuts(n) || b.loosened(n)
	keeps := shut
	for _, c := range n.children {
		switch {
		case slices.Contains(handlers, c.name):
			keeps = true
			if k, ok := catalogue[c.name]; ok {
				why, do = k.why, k.do
			}
		case c.name == "proxy_pass" || c.name == "grpc_pass":
			keeps = true
		}
	}
	if !keeps && suffix(l.text) {
		why = "Routes are not chosen by the end of a path: the files are served as all others, without these settings."
		do = "static: {cache-control: auto} has names with a hash kept for a year, and pages revalidated; or put these files into a directory with a route of its own."
	}
	b.lost(n, why, do)
	n.markAll()
	if keeps {
		b.guards = append(b.guards, b.newGuard(l, shut))
	}
}

// passes reports whether anything in a block is passed on to an upstream.
func passes(n *node) bool {
	for _, c := range n.children {
		if c.name == "proxy_pass" || c.name == "grpc_pass" || c.name == "location" && passes(c) {
			return true
		}
	}
	return false
}

// hides reports whether an expression is about what begins with a dot, and nothing else: /\.ht or /\.(?!well-known).
func hides(expr string) bool {
	for _, e := range choices(expr) {
		rest, ok := strings.CutPrefix(strings.TrimPrefix(e, "^"), `/\.`)
		if !ok {
			rest, ok = strings.CutPrefix(e, `(^|/)\.`)
		}
		if !ok || strings.HasPrefix(rest, "well-known") {
			return false
		}
	}
	return true
}

// choices are the alternatives of an expression that are not within parentheses.
func choices(expr string) (list []string) {
	depth, start := 0, 0
	for i := 0; i < len(expr); i++ {
		switch expr[i] {
		case '\\':
			i++
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case '|':
			if depth == 0 {
				list = append(list, expr[start:i])
				start = i + 1
			}
		}
	}
	return append(list, expr[start:])
}

// suffix reports whether an expression is about the end of paths: \.(css|js)$.
func suffix(expr string) bool {
	expr = strings.TrimPrefix(strings.TrimPrefix(expr, "^"), ".+")
	return strings.HasPrefix(strings.TrimPrefix(expr, ".*"), `\.`)
}

// named reports whether an error_page, a try_files or the like in a block leads to a path or to what is below it.
func (b *builder) named(n *node, path string) bool {
	for _, c := range n.children {
		if c.name == "location" && b.named(c, path) {
			return true
		}
		if slices.Contains([]string{"error_page", "try_files", "auth_request", "rewrite"}, c.name) && slices.ContainsFunc(c.args, func(a string) bool { return strings.HasPrefix(a, path) }) {
			return true
		}
	}
	return false
}

// locationOf is the location of a block, or nil if it is that of the server.
func (b *builder) locationOf(n *node) *location {
	for _, l := range b.locs {
		if l.n == n {
			return l
		}
	}
	return nil
}

// spared reports whether nginx answers requests by a block without looking at the location of a guard.
func (b *builder) spared(n *node, g guard) bool {
	l := b.locationOf(n)
	var around *location
	if g.l != nil {
		around = g.l.around
	}
	if around != nil && (l == nil || l != around && !l.within(around)) {
		return true // It is asked for nothing but the paths of the location around it.
	}
	for at := l; at != nil && at != around; at = at.around {
		switch at.kind {
		case exactLocation:
			return true
		case firmLocation:
			if at.around == around {
				return true
			}
		case regexLocation:
			if g.l == nil || g.l.kind != regexLocation || at.depth() > g.l.depth() || at.depth() == g.l.depth() && slices.Index(b.locs, at) < slices.Index(b.locs, g.l) {
				return true
			}
		}
	}
	return false
}

// guard takes files out of what is served where something that was not carried over has kept some of them back, or has run
// them as programs: their sources must not be sent.
func (b *builder) guard() {
	for _, g := range b.guards {
		wide := false
		for i, r := range b.routes {
			if b.spared(r.from, g) || !pattern.Meet(r.path, g.below) {
				continue
			}
			if (r.kind == staticRoute || r.kind == proxyRoute && g.shut) && r.path != g.below && pattern.Covers(r.path, g.below) {
				wide = true // What is below gets a route of its own.
				continue
			}
			closed := &route{path: r.path, from: r.from, methods: r.methods, kind: answerRoute, text: "NOT_IMPLEMENTED", neutral: true}
			switch {
			case r.kind == proxyRoute && g.shut:
				closed.beside = "not passed on, see the report"
				b.lost(r.from, "Requests are not passed on: what is not carried over at "+g.n.place()+" keeps some of them back.", "If that need not be, take that location out and import again.")
			case r.kind == staticRoute:
				closed.beside = "files are not served, see the report"
				b.lost(r.from, "The files are not served: what is not carried over at "+g.n.place()+" may keep some of them back, or run them as programs.", "Serve the directory once nothing is in it that must not be sent.")
			default:
				continue
			}
			b.routes[i] = closed
		}
		if wide {
			b.routes = append(b.routes, b.missing(g.n, pattern.Head{Path: g.below}))
			b.lost(g.n, "What is below "+g.below+" is answered with 501: it may be what this location keeps back.", "")
		}
	}
}
