package nginx

import (
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
}

// locations lists those of a server, nested ones too.
func locations(n *node) (list []*location) {
	for _, d := range n.own("location") {
		l := &location{n: d, text: d.arg(0)}
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
		list = append(list, locations(d)...)
	}
	return list
}

// builder makes the routes of one server.
type builder struct {
	*converter
	server *server
	locs   []*location
	routes []*route
	// guarded says that a location which keeps something back could not be carried over: files must not be served.
	guarded *node
	// shut says that it is requests that it keeps back: they must not get to upstreams either.
	shut bool
	// extra are routes that conditions of the location at hand have made, and allowed the methods that they leave to it.
	extra   []*route
	allowed []string
	// closed says that a condition of the location at hand, which keeps requests out, could not be carried over.
	closed bool
}

// serverRoutes are the routes of a server.
func (c *converter) serverRoutes(s *server) []*route {
	b := &builder{converter: c, server: s, locs: locations(s.n)}
	if b.answersAll() {
		b.finish()
		return b.routes
	}
	var regexes, plain []*location
	for _, l := range b.locs {
		switch l.kind {
		case regexLocation:
			regexes = append(regexes, l)
		case namedLocation:
			b.named(l)
		default:
			plain = append(plain, l)
		}
	}
	for _, l := range regexes {
		b.regex(l, plain)
	}
	for _, l := range plain {
		b.plain(l)
	}
	b.slashes()
	b.whole()
	b.guard()
	b.finish()
	return b.routes
}

// named reports a location that only others refer to, and that nothing of what was carried over does.
func (b *builder) named(l *location) {
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
		l.n.markAll()
		return
	}
	if b.taken(path, l) {
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
		path += "/"
		why := "The route matches " + l.text + " and what is below " + path + ", but not " + l.text + "x."
		if b.restricted(l.n) {
			b.lost(l.n, why+" Access to those is not restricted by it.", "Add a route for each such path that there is.")
		} else if l.kind != exactLocation {
			b.differs(l.n, why, "")
		}
	}
	b.location(l, pattern.Head{Path: path})
}

// taken reports whether a regular expression, which nginx prefers, or another spelling has the path already.
func (b *builder) taken(path string, l *location) bool {
	for _, r := range b.routes {
		same := strings.TrimSuffix(r.path, "*")
		if l.kind != exactLocation && (same == path || same == path+"/") && len(r.methods) == 0 && r.from != l.n && !r.neutral {
			b.differs(l.n, "The location at "+r.from.place()+" answers all of its requests.", "Nothing has to be done.")
			l.n.markAll()
			return true
		}
	}
	return false
}

// exactSlash makes the route of a location = /x/, which a path of AnyGate cannot say: it would be a prefix.
func (b *builder) exactSlash(l *location) {
	for _, other := range b.locs {
		if other != l && (other.kind == prefixLocation || other.kind == firmLocation) && (other.text == l.text || other.text+"/" == l.text) {
			if b.sameFiles(l, other) {
				b.settingsOnly(l)
				return
			}
			b.lost(l.n, "A path that ends in a slash is a prefix, and the location at "+other.n.place()+" has that.", "Give what is meant a path of its own, or let the application answer it.")
			l.n.markAll()
			return
		}
	}
	if l.text == "/" && b.files(l.n) {
		// The index of the server's own files answers it in any case.
		b.settingsOnly(l)
		return
	}
	b.differs(l.n, "A path that ends in a slash is a prefix: what is below is answered in the same way.", "")
	b.location(l, pattern.Head{Path: l.text})
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

// regex makes routes of a location with a regular expression, if paths can say what it does.
func (b *builder) regex(l *location, plain []*location) {
	list, ok := pattern.Shapes(l.text)
	var heads []pattern.Head
	for _, s := range list {
		h, is := s.Head()
		ok = ok && is
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
	for _, h := range heads {
		start, _, _ := strings.Cut(h.Path, ":")
		for _, p := range plain {
			switch {
			case p.kind == firmLocation && strings.HasPrefix(start, p.text):
				b.differs(l.n, "The location at "+p.n.place()+" answers all of its requests, as it has ^~.", "Nothing has to be done.")
				l.n.markAll()
				return
			case p.kind == prefixLocation && len(p.text) > len(strings.TrimSuffix(start, "*")) && pattern.Below(p.text, start):
				b.lost(l.n, "The location at "+p.n.place()+" has a longer path, and so goes before this route; in nginx this one does.", "If that is not meant, take it out.")
			}
		}
		if h.Loose != "" {
			say := b.differs
			if b.restricted(l.n) || b.server.n.block && h.Loose == "the segment may be anything" && strings.Contains(l.text, "!") {
				say = b.lost
			}
			say(l.n, "The route is "+h.Path+": "+h.Loose+".", "")
		}
	}
	if l.fold {
		b.differs(l.n, "Paths are compared with regard to case.", "")
	}
	for _, h := range heads {
		b.location(l, h)
	}
}

// restricted reports whether a block keeps clients out.
func (b *builder) restricted(n *node) bool {
	for _, name := range []string{"deny", "auth_basic", "auth_request", "auth_jwt", "internal", "limit_except", "secure_link", "satisfy"} {
		for _, c := range n.children {
			if c.name == name && c.arg(0) != "off" {
				return true
			}
		}
	}
	for _, c := range n.children {
		if code := c.arg(0); c.name == "return" && slices.Contains([]string{"401", "403", "404", "444"}, code) {
			return true
		}
	}
	return false
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
