package nginx

import (
	"regexp"
	"slices"
	"strings"
)

// lasting names what a directive restricts access by, if that holds in all blocks around which it stands: allow and deny are one
// list.
func lasting(n *node) string {
	switch {
	case n.name == "allow" || n.name == "deny":
		return "deny"
	case n.name == "auth_basic" || n.name == "auth_request" || n.name == "auth_jwt" || gate(n.name):
		return n.name
	}
	return ""
}

// kept names what restricts access to a block, by itself or by what stands around it. A return comes before all of that.
func kept(n *node) (names []string) {
	if slices.ContainsFunc(n.children, func(c *node) bool { return c.name == "return" }) {
		return nil
	}
	var settled []string
	for at := n; at != nil; at = at.parent {
		var here []string
		for _, c := range at.children {
			name := lasting(c)
			if name == "" || slices.Contains(settled, name) {
				continue
			}
			here = append(here, name)
			if c.name != "allow" && c.arg(0) != "off" {
				names = append(names, name)
			}
		}
		settled = append(settled, here...) // What stands nearer takes the place of what is further off.
	}
	return names
}

// at is a block as far as it is about a path: rewrites of others are left out.
func (n *node) at(path string) *node {
	one := *n
	one.children = slices.DeleteFunc(slices.Clone(n.children), func(c *node) bool {
		if c.name != "rewrite" {
			return false
		}
		re, err := regexp.Compile(c.arg(0))
		return err == nil && !re.MatchString(path)
	})
	return &one
}

// opens reports whether a route of a block o lets in clients that another block keeps from a path. always says that it is so
// for all paths.
func (b *builder) opens(r *route, o, n *node, path string) (open, always bool) {
	l := b.locationOf(r.block())
	slash := strings.TrimSuffix(r.path, "*") == path+"/" && l != nil && !strings.HasPrefix(path, l.text) && !(l.kind == regexLocation && l.matches(path))
	if slash && (n.name == "server" || !b.restricted(n)) && !slices.ContainsFunc(n.at(path).children, elsewhere) {
		return false, false // That the route of a location /x/ answers /x counts where /x itself is restricted, as bare has it.
	}
	has := kept(o)
	lets := slices.ContainsFunc(kept(n), func(name string) bool { return !slices.Contains(has, name) })
	if n.name == "server" { // What else it does comes before its locations.
		return lets, true
	}
	rewrites := func(c *node) bool { return c.name == "rewrite" }
	always = !slices.ContainsFunc(o.children, rewrites) && !slices.ContainsFunc(n.children, rewrites)
	if o, n = o.at(path), n.at(path); b.withholds(o) {
		return b.restricted(n) && b.restricted(o) && !b.asStrict(o, n), always
	}
	n.children = slices.DeleteFunc(n.children, func(c *node) bool { return lasting(c) != "" })
	return lets || b.withholds(n), always
}
