package nginx

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/import/document"
)

// plan says which server answers which hosts. nginx decides by address and name, AnyGate by name: its routes are the same on
// every address.
type plan struct {
	addresses []*addressPlan
	hostings  []hosting
	redirects []hosting // servers that only send clients to https
	secured   []*server // those that speak TLS, in their order
}

// addressPlan is an address with its servers.
type addressPlan struct {
	addr     string
	tls      bool
	proxied  bool // PROXY protocol
	redirect bool
	servers  []*server
	first    *server // for hosts that no other has
	explicit bool
}

func (a *addressPlan) port() string {
	if _, port, err := net.SplitHostPort(a.addr); err == nil {
		return port
	}
	return ""
}

// hosting is a server, or one redirect of it, for some hosts.
type hosting struct {
	server   *server
	names    []string
	hostless bool
	// redirect stands for all routes of the server.
	redirect string
	from     *node
	// values are those of variables for these hosts.
	values map[string]string
}

// listen is the section listen.
func (p *plan) listen() document.Value {
	var list []string
	for _, a := range p.addresses {
		s := a.addr
		if a.tls {
			s += " tls"
		}
		if a.redirect {
			s += " redirect"
		}
		if a.proxied {
			s += " proxy-protocol"
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil
	}
	return document.OneOrMore(list)
}

// choose decides which servers become what.
func (c *converter) choose() *plan {
	p := &plan{}
	var servers []*server
	for _, n := range c.http.own("server") {
		servers = append(servers, c.readServer(n))
	}
	c.outspoken(servers)
	servers = c.outside(servers)
	all := gather(servers)
	rules := map[*server]*httpsRule{}
	secure := slices.ContainsFunc(all, func(a *addressPlan) bool { return a.tls })
	for _, a := range all {
		if !a.tls && secure {
			a.redirect = c.onlyRedirects(a, rules)
		}
	}
	// What redirects leave is content.
	content := map[*server][]*addressPlan{}
	for _, a := range all {
		for _, s := range a.servers {
			if !a.redirect {
				content[s] = append(content[s], a)
			} else if !slices.ContainsFunc(p.redirects, func(h hosting) bool { return h.server == s }) {
				p.redirects = append(p.redirects, hosting{server: s})
			}
			if a.tls && !slices.Contains(p.secured, s) {
				p.secured = append(p.secured, s)
			}
		}
	}
	p.addresses = all
	slices.SortStableFunc(p.secured, func(a, b *server) int { return slices.Index(servers, a) - slices.Index(servers, b) })
	first := c.first(all)
	owners := c.owners(servers, content)
	for _, s := range servers {
		at := content[s]
		if len(at) == 0 {
			c.redirected(p, s, rules[s], owners)
			continue
		}
		if r := rules[s]; r != nil {
			c.moved(r)
		}
		if c.host(p, s, s == first, owners, servers) {
			c.elsewhere(s, at, all)
		}
	}
	return p
}

// gather lists the addresses in the order in which they appear.
func gather(servers []*server) (all []*addressPlan) {
	for _, s := range servers {
		for _, l := range s.listens {
			i := slices.IndexFunc(all, func(a *addressPlan) bool { return a.addr == l.addr })
			if i < 0 {
				i = len(all)
				all = append(all, &addressPlan{addr: l.addr, first: s})
			}
			a := all[i]
			a.tls, a.proxied = a.tls || l.tls, a.proxied || l.proxyProtocol
			if !slices.Contains(a.servers, s) {
				a.servers = append(a.servers, s)
			}
			if l.first && !a.explicit {
				a.first, a.explicit = s, true
			}
		}
	}
	return all
}

// outside takes out servers that only this machine reaches, where others are open to everybody: their routes must not be
// reached from elsewhere.
func (c *converter) outside(servers []*server) (kept []*server) {
	open := func(s *server) bool {
		return slices.ContainsFunc(s.listens, func(l listen) bool { return !private(l.addr) })
	}
	if !slices.ContainsFunc(servers, open) {
		return servers
	}
	for _, s := range servers {
		if open(s) || len(s.listens) == 0 {
			kept = append(kept, s)
			continue
		}
		c.lost(s.n, "Only this machine reaches it, at "+s.listens[0].addr+", and routes are the same on every address.", "Serve it by a second process with a configuration of its own.")
		s.n.markAll()
	}
	return kept
}

// first is the server for hosts that no other has.
func (c *converter) first(all []*addressPlan) *server {
	var first *addressPlan
	for _, a := range all {
		if !a.redirect && (first == nil || a.tls && !first.tls) {
			first = a
		}
	}
	if first == nil {
		return nil
	}
	for _, a := range all {
		if !a.redirect && a.first != first.first && (a.explicit || len(a.first.names) == 0) {
			c.lost(a.first.n, "On "+a.addr+" it answers hosts that no server has; here the server at "+first.first.n.place()+" does, on every address.", "Give it the names that are meant.")
		}
	}
	return first.first
}

// owners says which server has each name.
func (c *converter) owners(servers []*server, content map[*server][]*addressPlan) map[string]*server {
	owners := map[string]*server{}
	secure := func(s *server) bool {
		return slices.ContainsFunc(content[s], func(a *addressPlan) bool { return a.tls })
	}
	for _, s := range servers {
		if len(content[s]) == 0 {
			continue
		}
		for _, name := range s.names {
			other := owners[name]
			switch {
			case other == nil || other == s:
				owners[name] = s
				continue
			case secure(s) && !secure(other):
				owners[name] = s
				c.lost(other.n, "The server at "+s.n.place()+" answers "+name+" on every address.", "A plain address can redirect to https as a whole: listen: \":80 redirect\".")
			case slices.ContainsFunc(content[s], func(a *addressPlan) bool { return slices.Contains(content[other], a) }):
				c.differs(s.n, "The server at "+other.n.place()+" has the name "+name+" already, for nginx too.", "")
			default:
				c.lost(s.n, "The server at "+other.n.place()+" answers "+name+" on every address.", "A plain address can redirect to https as a whole: listen: \":80 redirect\".")
			}
		}
	}
	return owners
}

// elsewhere tells of addresses at which a server is reached only now.
func (c *converter) elsewhere(s *server, at, all []*addressPlan) {
	var more []string
	for _, a := range all {
		if !a.redirect && !slices.Contains(at, a) {
			more = append(more, a.addr)
		}
	}
	say, do := c.differs, ""
	if !slices.ContainsFunc(s.listens, func(l listen) bool { return l.addr == ":80" || l.addr == ":443" }) {
		say, do = c.lost, "If its own address is not for everybody, serve it by a second process with a configuration of its own, or give its routes allow."
	}
	if len(more) > 0 {
		say(s.n, "It is reached on "+strings.Join(more, " and ")+" too: routes are the same on every address.", do)
	}
}

// host adds the hostings of a server that has content.
func (c *converter) host(p *plan, s *server, hostless bool, owners map[string]*server, servers []*server) bool {
	var names []string
	for _, name := range s.names {
		if owners[name] == s {
			names = append(names, name)
		}
	}
	if len(names) == 0 && !hostless {
		if !slices.ContainsFunc(s.names, func(name string) bool { return owners[name] != nil }) {
			c.differs(s.n, "No host leads to it.", "Nothing has to be done.")
		}
		s.n.markAll()
		return false
	}
	for _, r := range c.hostRules(s) {
		names, hostless = c.apply(p, s, r, names, hostless, owners)
	}
	if len(names) == 0 && !hostless {
		return true
	}
	names, values := c.byHost(p, s, names, hostless, owners)
	if len(names) == 0 && !hostless {
		return true
	}
	if hostless {
		// Only names that some wildcard would take away have to be said.
		names = slices.DeleteFunc(names, func(name string) bool { return !claimed(name, s, servers) })
	}
	p.hostings = append(p.hostings, hosting{server: s, names: names, hostless: hostless, values: values})
	return true
}

// claimed reports whether a wildcard of another server holds a name.
func claimed(name string, s *server, servers []*server) bool {
	for _, other := range servers {
		if other == s {
			continue
		}
		for _, w := range other.names {
			if rest, ok := strings.CutPrefix(w, "*"); ok && strings.HasSuffix(name, rest) && name != w {
				return true
			}
		}
	}
	return false
}

// apply turns a condition about the host into hostings, and returns what is left.
func (c *converter) apply(p *plan, s *server, r hostRule, names []string, hostless bool, owners map[string]*server) ([]string, bool) {
	moved := r.only
	if r.keep != nil {
		moved = without(names, r.keep...)
	}
	if r.except != "" {
		moved = without(names, r.except)
	}
	for _, name := range moved {
		if owner := owners[name]; owner != nil && owner != s || owner == nil && !hostless && !isIn(names, name) {
			continue // Its requests go to another server.
		}
		if r.refusal != "" {
			p.hostings = append(p.hostings, hosting{server: s, names: []string{name}, redirect: r.refusal, from: r.n})
			continue
		}
		to, ok := r.location(name)
		if !ok || strings.HasPrefix(name, "*") && strings.Contains(r.to, "$host") {
			c.lost(r.n, "The Location depends on the request.", "Write a redirect for each of the hosts that are meant.")
			continue
		}
		p.hostings = append(p.hostings, hosting{server: s, names: []string{name}, redirect: r.status + " " + to, from: r.n})
	}
	if r.keep != nil {
		if hostless {
			p.hostings = append(p.hostings, hosting{server: s, hostless: true, redirect: r.refusal, from: r.n})
			return slices.DeleteFunc(slices.Clone(r.keep), func(name string) bool { return owners[name] != nil && owners[name] != s }), false
		}
		return without(names, moved...), false
	}
	if r.except == "" {
		return without(names, moved...), hostless
	}
	if hostless {
		if to, ok := r.location(r.except); ok {
			p.hostings = append(p.hostings, hosting{server: s, hostless: true, redirect: r.status + " " + to, from: r.n})
		}
	}
	return []string{r.except}, false
}

// httpsRule is what a server does that only redirects to https.
type httpsRule struct {
	n    *node // return or rewrite
	host string
	all  []*node // all that takes part
}

// onlyRedirects reports whether all servers of a plain address redirect, or have nothing to say.
func (c *converter) onlyRedirects(a *addressPlan, rules map[*server]*httpsRule) bool {
	found := false
	for _, s := range a.servers {
		r := redirectsToHTTPS(s)
		switch {
		case r != nil:
			rules[s] = r
			found = true
		case refuses(s):
		default:
			return false
		}
	}
	return found
}

// refuses reports whether a server only tells clients to go.
func refuses(s *server) bool {
	for _, n := range s.n.children {
		if n.name == "location" || n.name == "if" {
			return false
		}
		if n.name == "return" {
			code, err := strconv.Atoi(n.arg(0))
			return err == nil && code >= 400
		}
	}
	return false
}

// redirectsToHTTPS reads a server whose plain side only redirects; those of ACME beside it are kept.
func redirectsToHTTPS(s *server) *httpsRule {
	mixed := slices.ContainsFunc(s.listens, func(l listen) bool { return l.tls })
	r := &httpsRule{}
	certbot := false
	for _, n := range s.n.children {
		switch n.name {
		case "return", "rewrite":
			host, ok := httpsHost(n)
			switch {
			case mixed && ok && r.n == nil && n.name == "return" && !strings.Contains(host, "$"):
				// The other side redirects as well, which is not done with.
				r.n, r.host = n, host
			case mixed:
			case ok && r.n == nil:
				r.n, r.host = n, host
				r.all = append(r.all, n)
			case certbot && n.name == "return":
				r.all = append(r.all, n)
			default:
				return nil
			}
		case "if":
			cond, answer := n.condition(), onlyReturn(n)
			if answer == nil {
				return nil
			}
			host, ok := httpsHost(answer)
			scheme := cond.variable == "scheme" && (cond.op == "=" && cond.value == "http" || cond.op == "!=" && cond.value == "https") ||
				cond.variable == "https" && (cond.op == "=" && cond.value == "" || cond.op == "!=" && cond.value == "on") ||
				cond.variable == "server_port" && cond.op == "=" && cond.value == "80"
			switch {
			case ok && scheme && r.n == nil:
				r.n, r.host = answer, host
				r.all = append(r.all, n, answer)
			case mixed:
			case ok && cond.variable == "host" && cond.op == "=" && (host == "$host" || host == cond.value):
				certbot = true
				r.n, r.host = answer, "$host"
				r.all = append(r.all, n, answer)
			default:
				return nil
			}
		case "location":
			if mixed || challenge(n) {
				continue
			}
			if answer := onlyReturn(n); n.arg(0) == "/" && answer != nil && r.n == nil {
				host, ok := httpsHost(answer)
				if !ok {
					return nil
				}
				r.n, r.host = answer, host
				r.all = append(r.all, n, answer)
				continue
			}
			return nil
		}
	}
	if r.n == nil {
		return nil
	}
	return r
}

// challenge reports whether a location is the one of ACME.
func challenge(n *node) bool {
	return strings.HasPrefix(n.arg(len(n.args)-1), "/.well-known/acme-challenge")
}

// httpsHost is the host that a return or rewrite sends to by https, with the path as it was.
func httpsHost(n *node) (string, bool) {
	to := ""
	switch {
	case n.name == "return" && len(n.args) == 2 && strings.HasPrefix(n.arg(0), "30"):
		to = n.arg(1)
	case n.name == "return" && len(n.args) == 1:
		to = n.arg(0)
	case n.name == "rewrite":
		to = strings.TrimSuffix(n.arg(1), "?")
		switch everything[n.arg(0)] {
		case "whole":
			to = strings.Replace(to, "$1", "$request_uri", 1)
		case "rest":
			to = strings.Replace(to, "/$1", "$request_uri", 1)
		}
	}
	host, ok := strings.CutPrefix(to, "https://")
	if !ok {
		return "", false
	}
	for _, path := range []string{"$request_uri", "$uri$is_args$args", "$uri", "$document_uri"} {
		if host, ok := strings.CutSuffix(host, path); ok && !strings.Contains(host, "/") {
			if host == "$http_host" {
				host = "$host"
			}
			return host, true
		}
	}
	return "", false
}

// moved tells that a redirect has become one of the address.
func (c *converter) moved(r *httpsRule) {
	for _, n := range r.all {
		n.seen, n.gone = true, true
	}
	if r.n.arg(0) != "308" {
		c.differs(r.n, "A plain address redirects with 308, which keeps the method, to the same host.", "")
	}
}

// redirected deals with a server that is nothing but a redirect of its address.
func (c *converter) redirected(p *plan, s *server, r *httpsRule, owners map[string]*server) {
	s.n.seen = true
	if len(s.listens) == 0 {
		s.n.markAll() // Its addresses are in the report.
		return
	}
	if r == nil {
		c.differs(s.n, "Clients that ask for unknown hosts by plain HTTP are redirected to https as all others.", "")
		s.n.markAll()
		return
	}
	c.moved(r)
	if r.host == "$host" {
		return
	}
	to := r.host
	if to == "$server_name" && len(s.names) > 0 {
		to = s.names[0]
	}
	if len(s.names) == 0 {
		c.differs(r.n, "Clients are sent to the host that they asked for, not to "+to+".", "")
	}
	for _, name := range s.names {
		if name == strings.ToLower(to) || strings.Contains(to, "$") {
			continue
		}
		c.differs(r.n, name+" leads to https://"+name+" first, and from there on.", "")
		if owners[name] == nil {
			p.hostings = append(p.hostings, hosting{server: s, names: []string{name}, redirect: "MOVED https://" + to + "/*", from: r.n})
		}
	}
}

// challengeRoutes are the routes of a server that only redirects, for the challenges of ACME.
func (c *converter) challengeRoutes(s *server) []*route {
	b := &builder{converter: c, server: s, locs: locations(s.n, nil)}
	for _, l := range b.locs {
		if challenge(l.n) && !l.n.seen {
			l.n.seen = true
		}
		if challenge(l.n) {
			if l.kind == exactLocation || l.kind == regexLocation {
				l.kind = prefixLocation
			}
			b.plain(l)
		}
	}
	b.finish()
	return b.routes
}
