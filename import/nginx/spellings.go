package nginx

import (
	"slices"
	"strings"
)

// asStrict reports whether a block has all that keeps clients from another one.
func (b *builder) asStrict(o, n *node) bool {
	if !b.restricted(o) {
		return false
	}
	for _, c := range n.children {
		switch {
		case c.name == "auth_basic": // The realm does not matter.
			if d := o.nearest("auth_basic"); c.arg(0) != "off" && (d == nil || d.arg(0) == "off") {
				return false
			}
		case c.refusesMethods(): // The two may say it in different ways.
			for _, m := range allMethods {
				if c.refuses(m) && !slices.ContainsFunc(o.children, func(d *node) bool { return d.refuses(m) }) {
					return false
				}
			}
		case slices.Contains([]string{"allow", "deny", "auth_basic_user_file", "limit_except"}, c.name), slices.Contains(gates, c.name), gate(c.name), c.name == "if" && b.keepsOut(c), elsewhere(c):
			if !slices.ContainsFunc(o.children, func(d *node) bool { return d.text() == c.text() }) {
				return false
			}
		}
	}
	return true
}

// sendsAway reports whether a route leads all of its requests to one other page, and not for ever.
func (r *route) sendsAway() bool {
	to, _, _ := strings.Cut(r.text, "?")
	return r.kind == redirectRoute && !strings.HasSuffix(to, "*") && (elsewhere(r.from) || slices.ContainsFunc(r.from.children, elsewhere))
}

// spellings tells that a location which keeps clients out can be gone around by another spelling of its path, if requests
// with that get to an upstream: nginx merges slashes and decodes %2F before it chooses a location, and AnyGate does not.
func (b *builder) spellings() {
	for _, r := range b.routes {
		l := b.locationOf(r.from)
		if l == nil && r.from.name == "rewrite" {
			l = b.locationOf(r.from.parent)
		}
		if l == nil || slices.ContainsFunc(l.n.children, func(c *node) bool { return c.name == "internal" || slices.Contains(handlers, c.name) }) {
			continue
		}
		sends := r.sendsAway()
		if l.kind == namedLocation || !sends && !b.keeps(l.n) || strings.Trim(r.path, "/*") == "" {
			continue
		}
		for _, o := range b.routes {
			wide, ok := strings.CutSuffix(strings.TrimSuffix(o.path, "*"), "/")
			if e := b.locationOf(o.from); e != nil && e.kind == exactLocation {
				continue
			}
			if ok && o.kind == proxyRoute && o.from != r.from && strings.HasPrefix(r.path, wide+"/") && ((sends || b.restricted(l.n)) && !b.asStrict(o.from, l.n) || loosens(o.from, l.n)) {
				b.lost(r.from, "Other spellings of the path, such as "+strings.Replace(r.path, "/", "//", 1)+", have the route "+o.path+", which passes them on; nginx merges slashes, and decodes %2F, before it chooses a location.",
					"Have the upstream refuse such paths, or guard "+o.path+" as docs/policies.md tells.")
				return
			}
		}
	}
}
