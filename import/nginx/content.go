package nginx

import (
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
		if passes(b.server.n) && !b.named(b.server.n, l.text) {
			b.lost(n, "Only an upstream leads to it, by X-Accel-Redirect: that field is passed on to clients, and what it names is not sent.", "Let the application send what is below, or serve it by a route that asks for credentials.")
		}
		b.routes = append(b.routes, &route{path: h.Path, kind: answerRoute, text: "NOT_FOUND", from: n, early: true})
		n.markAll()
		return
	}
	// What nginx does first: return, rewrite and if, in their order.
	for i, c := range n.children {
		if c.name == "break" {
			stopped(n.children[i:])
			break
		}
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
		case c.name == "rewrite" && c.arg(2) != "break":
			if b.goesOn(c, h) {
				b.take(n, nil)
				return
			}
		case c.name == "rewrite":
			if list, ok := b.inner(c, h); ok {
				inner = append(inner, list...)
			} else {
				why := "The rewriting has no counterpart: an upstream's URI replaces the beginning of a path, and nothing else."
				if _, all, ok := b.matched(c, h); ok && all {
					b.closed = true
					why += " Requests are answered with 501."
				}
				b.lost(c, why, "Let the upstream understand the path as it comes.")
			}
		}
		if main != nil {
			break
		}
	}
	if main == nil {
		b.limitExcept(n, h)
		main = b.content(l, h, inner)
		if b.unguarded(n) {
			b.closed = true
		}
	}
	if b.closed {
		main = []*route{b.missing(n, h)}
	}
	b.take(n, main)
}

// stopped marks what a break keeps nginx from doing.
func stopped(list []*node) {
	for _, c := range list {
		if c.name == "break" || c.name == "rewrite" || c.name == "return" || c.name == "if" {
			c.markAll()
		}
	}
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
		plain := b.server.n.setting("add_header") == nil && b.server.n.setting("error_page") == nil
		b.routes = append(b.routes, &route{path: "/", kind: answerRoute, text: "NOT_FOUND", from: b.server.n, neutral: plain, implied: plain})
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
		case c.name == "rewrite":
			if b.goesOn(c, h) {
				for _, l := range b.locs {
					l.n.markAll()
				}
				return true
			}
		case c.name == "if":
			if b.mapped(c, h) || b.certificateRequired(c) || b.methodOfAll(c, h) {
				continue
			}
			b.unmet(c)
		}
		if b.closed {
			b.routes = []*route{b.missing(b.server.n, h)}
			for _, l := range b.locs {
				l.n.markAll()
			}
			return true
		}
	}
	return false
}
