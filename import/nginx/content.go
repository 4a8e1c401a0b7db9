package nginx

import (
	"slices"
	"strings"

	"github.com/anygate/anygate/import/pattern"
)

// handlers answer requests in ways that AnyGate does not have.
var handlers = []string{
	"fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass", "stub_status", "js_content", "perl", "content_by_lua_block", "content_by_lua_file", "empty_gif",
	"dav_methods", "proxy_store", "flv", "mp4", "random_index",
}

// location makes the routes of one location at one path.
func (b *builder) location(l *location, h pattern.Head) {
	n := l.n
	n.seen = true
	b.extra, b.allowed, b.closed = nil, nil, false
	var inner []rewritten
	var main []*route
	if n.ownOne("internal") != nil {
		// Clients get 404; what refers to it has read it.
		b.routes = append(b.routes, &route{path: h.Path, kind: answerRoute, text: "NOT_FOUND", from: n, early: true})
		n.markAll()
		return
	}
	// What nginx does first: return, rewrite and if, in their order.
	for _, c := range n.children {
		switch {
		case c.name == "if":
			b.condition(c, h)
		case c.name == "return":
			if r := b.answer(c, h); r != nil {
				r.from, r.scope = n, n
				main = []*route{r}
			}
		case c.name == "rewrite" && redirecting(c):
			if b.redirects(c, h) {
				b.take(n, nil)
				return
			}
		case c.name == "rewrite" && c.arg(2) == "break":
			if list, ok := b.inner(c, h); ok {
				inner = append(inner, list...)
			} else {
				b.lost(c, "The rewriting has no counterpart: an upstream's URI replaces the beginning of a path, and nothing else.", "Let the upstream understand the path as it comes.")
			}
		}
		if main != nil {
			break
		}
	}
	if main == nil {
		b.limitExcept(n, h)
		main = b.content(l, h, inner)
		if b.closed || b.unguarded(n) {
			main = []*route{b.missing(n, h)}
		}
	}
	b.take(n, main)
}

// take adds the routes of a location, and those that its conditions have made.
func (b *builder) take(n *node, main []*route) {
	if b.allowed != nil {
		for _, r := range main {
			r.methods = b.allowed
		}
	}
	b.routes = append(b.routes, main...)
	b.routes = append(b.routes, b.extra...)
	b.extra, b.allowed = nil, nil
	if len(main) > 0 && main[0].kind == answerRoute && main[0].neutral {
		n.markAll()
	}
}

// condition deals with an if of a location.
func (b *builder) condition(n *node, h pattern.Head) {
	switch {
	case b.method(n, h), b.mapped(n, h), b.certificateRequired(n):
		return
	}
	b.unmet(n)
}

// unmet reports a condition that has no counterpart. One that keeps requests out, other than those of robots, closes what it
// was for.
func (b *builder) unmet(n *node) {
	c := n.condition()
	answer := onlyReturn(n)
	keepsOut := answer != nil && answer.name == "return" && strings.HasPrefix(answer.arg(0), "4") && !slices.Contains([]string{"http_user_agent", "http_referer", "invalid_referer"}, c.variable)
	why := "The condition has no counterpart: what is in it is left out."
	if keepsOut {
		b.closed = true
		why = "The condition has no counterpart. What it keeps requests from is answered with 501."
	}
	b.lost(n, why, b.advice(n))
	n.markAll()
}

// gates are directives that let in some requests only, and that AnyGate does not have.
var gates = []string{"auth_request", "auth_jwt", "secure_link", "satisfy"}

// unguarded reports whether a block is kept by one of them.
func (b *builder) unguarded(n *node) bool {
	for _, name := range gates {
		d := n.setting(name)
		if d == nil || d.arg(0) == "off" || name == "satisfy" && d.arg(0) == "all" {
			continue
		}
		known := catalogue[name]
		b.tell(known.level, d, known.why+" What is behind it is answered with 501.", known.do)
		return true
	}
	return false
}

// advice says what stands for common conditions.
func (b *builder) advice(n *node) string {
	switch c := n.condition(); {
	case strings.HasPrefix(c.op, "-") || strings.HasPrefix(c.op, "!-"):
		return "Routes do not ask whether a file is there. For maintenance, load a configuration that says so: anygate reload."
	case c.variable == "http_user_agent" || c.variable == "http_referer":
		return "Names of clients are not looked at; limit and auth keep out who has to stay out."
	case strings.HasPrefix(c.variable, "http_") || strings.HasPrefix(c.variable, "cookie_") || strings.HasPrefix(c.variable, "arg_"):
		return "Routes are chosen by host, path and method only: let the application decide."
	}
	return ""
}

// content is what a location answers with once nothing has redirected its requests.
func (b *builder) content(l *location, h pattern.Head, inner []rewritten) []*route {
	n := l.n
	if b.deniesAll(n) {
		n.own("deny")
		return []*route{{path: h.Path, kind: answerRoute, text: "FORBIDDEN", from: n, early: true}}
	}
	for _, name := range handlers {
		if d := n.ownOne(name); d != nil {
			known := catalogue[name]
			if known.why == "" {
				known = catalogue["stub_status"]
			}
			b.tell(known.level, d, known.why, known.do)
			n.markAll()
			return []*route{b.missing(n, h)}
		}
	}
	if d := n.ownOne("proxy_pass"); d != nil {
		return b.proxied(l, d, h, inner)
	}
	if d := n.ownOne("grpc_pass"); d != nil {
		return b.proxied(l, d, h, inner)
	}
	for _, r := range inner {
		b.lost(r.n, "Files are served by the path that was asked for.", "Serve the directory that is meant at this path.")
	}
	r := b.static(n, l, h)
	if r == nil {
		return nil
	}
	return []*route{r}
}

// deniesAll reports whether a block lets nobody in.
func (b *builder) deniesAll(n *node) bool {
	rules := 0
	denied := false
	for _, c := range n.children {
		if c.name == "deny" || c.name == "allow" {
			rules++
			denied = c.name == "deny" && c.arg(0) == "all"
		}
	}
	return rules == 1 && denied
}

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
	keeps := b.restricted(n)
	b.shut = b.shut || keeps
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
	if keeps && b.guarded == nil {
		b.guarded = n
	}
}

// first reports whether nginx answers requests by one location before it looks at another one with an expression.
func (b *builder) first(n, expression *node) bool {
	behind := false
	for _, l := range b.locs {
		behind = behind || l.n == expression
		if l.n == n {
			return l.kind == exactLocation || l.kind == firmLocation || l.kind == regexLocation && !behind
		}
	}
	return false
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

// hides reports whether an expression is about what begins with a dot, /\.ht or /\.(?!well-known).
func hides(expr string) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(expr, "^"), `/\.`)
	if !ok {
		rest, ok = strings.CutPrefix(expr, `(^|/)\.`)
	}
	return ok && !strings.HasPrefix(rest, "well-known")
}

// suffix reports whether an expression is about the end of paths: \.(css|js)$.
func suffix(expr string) bool {
	expr = strings.TrimPrefix(strings.TrimPrefix(expr, "^"), ".+")
	return strings.HasPrefix(strings.TrimPrefix(expr, ".*"), `\.`)
}

// guard takes files out of what is served where something that was not carried over has kept some of them back, or has run
// them as programs: their sources must not be sent.
func (b *builder) guard() {
	if b.guarded == nil {
		return
	}
	for i, r := range b.routes {
		switch {
		case b.first(r.from, b.guarded):
		case r.kind == proxyRoute && b.shut:
			b.routes[i] = &route{path: r.path, from: r.from, methods: r.methods, kind: answerRoute, text: "NOT_IMPLEMENTED", neutral: true, beside: "not passed on, see the report"}
			b.lost(r.from, "Requests are not passed on: what is not carried over at "+b.guarded.place()+" keeps some of them back.", "If that need not be, take that location out and import again.")
		case r.kind == staticRoute:
			b.routes[i] = &route{
				path: r.path, from: r.from, methods: r.methods, kind: answerRoute, text: "NOT_IMPLEMENTED", neutral: true, beside: "files are not served, see the report",
			}
			b.lost(r.from, "The files are not served: what is not carried over at "+b.guarded.place()+" may keep some of them back, or run them as programs.", "Serve the directory once nothing is in it that must not be sent.")
		}
	}
}

// whole adds what the server does with paths that no location has.
func (b *builder) whole() {
	for _, r := range b.routes {
		if (r.path == "/" || r.path == "/*") && len(r.methods) == 0 {
			return
		}
	}
	h := pattern.Head{Path: "/"}
	if b.server.n.setting("root") == nil {
		// nginx would look into the directory that it was built with.
		b.routes = append(b.routes, &route{path: "/", kind: answerRoute, text: "NOT_FOUND", from: b.server.n, neutral: true, implied: true})
		return
	}
	r := b.static(b.server.n, nil, h)
	if r != nil && b.unguarded(b.server.n) {
		r = b.missing(b.server.n, h)
	}
	if r != nil {
		b.routes = append(b.routes, r)
	}
}

// answersAll deals with what a server does before it looks for a location. It reports whether nothing is left to look for.
func (b *builder) answersAll() bool {
	h := pattern.Head{Path: "/"}
	for _, c := range b.server.n.children {
		switch {
		case c.gone:
		case c.name == "return":
			if r := b.answer(c, h); r != nil {
				r.scope = b.server.n
				b.routes = append(b.routes, r)
			}
			for _, l := range b.locs {
				l.n.markAll()
			}
			return true
		case c.name == "rewrite" && redirecting(c):
			if b.redirects(c, h) {
				for _, l := range b.locs {
					l.n.markAll()
				}
				return true
			}
		case c.name == "if":
			if b.mapped(c, h) || b.certificateRequired(c) {
				continue
			}
			if b.unmet(c); b.closed {
				b.routes = []*route{b.missing(b.server.n, h)}
				for _, l := range b.locs {
					l.n.markAll()
				}
				return true
			}
		}
	}
	return false
}
