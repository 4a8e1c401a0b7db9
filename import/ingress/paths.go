package ingress

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/import/document"
	"github.com/anygate/anygate/import/layout"
	"github.com/anygate/anygate/import/pattern"
	"github.com/anygate/anygate/import/report"
)

// path makes the routes of one path.
func (c *converter) path(i *ingress, s *settings, h *host, p path) {
	place := fmt.Sprintf("%s:%d", i.file, p.line)
	at := report.Item{File: i.file, Line: p.line, What: "path " + p.text}
	heads, ok := c.heads(i, s, p, at)
	if !ok {
		c.closeBelow(i, s, h, p, at)
		return
	}
	for _, head := range heads {
		r := &layout.Route{Path: head.Path, Place: place, Use: s.policies()}
		switch {
		case s.closed:
			r.Kind, r.Text, r.Use, r.Neutral, r.Beside = layout.Answer, "NOT_IMPLEMENTED", nil, true, "not carried over"
		case s.moved != "":
			r.Kind, r.Text, r.Use = layout.Redirect, s.moved, nil
			if strings.HasSuffix(s.moved, "*") && !strings.HasSuffix(head.Path, "/") && !strings.HasSuffix(head.Path, "*") {
				r.Text = strings.TrimSuffix(s.moved, "/*") + head.Path
			} else if strings.HasSuffix(s.moved, "*") {
				r.Text = strings.TrimSuffix(s.moved, "/*") + strings.TrimSuffix(head.Path, "*") + "*"
			}
		default:
			r.Kind, r.Text = layout.Proxy, c.target(i, s, p.backend)
			r.Settings = slices.Clone(s.route)
			if s.rewrite != nil {
				uri, ok := c.rewritten(i, s, p, head, at)
				if !ok {
					r.Kind, r.Text, r.Use, r.Settings, r.Neutral, r.Beside = layout.Answer, "NOT_IMPLEMENTED", nil, nil, true, "not carried over"
				} else {
					r.Text += uri
				}
			}
		}
		c.add(i, h, r)
	}
}

// closeBelow keeps back what a path that is not carried over was to restrict: what it begins with is answered with 501. If
// that is all paths of the host, no other route may let clients in that it might have kept out.
func (c *converter) closeBelow(i *ingress, s *settings, h *host, p path, at report.Item) {
	if !s.restricts() {
		return
	}
	place := fmt.Sprintf("%s:%d", i.file, p.line)
	start := pattern.Start("^" + strings.TrimPrefix(p.text, "^"))
	if start == "/" {
		h.guarded = place
		return
	}
	c.add(i, h, &layout.Route{Path: start, Kind: layout.Answer, Text: "NOT_IMPLEMENTED", Neutral: true, Beside: "not carried over", Place: place})
}

// shut closes the routes of a host that may answer what such a path was to restrict.
func (c *converter) shut(h *host) {
	if h.guarded == "" {
		return
	}
	for _, r := range h.routes {
		if r.Kind != layout.Proxy || slices.ContainsFunc(r.Use, restriction) {
			continue
		}
		file, line := placeOf(r)
		c.report.Add(report.Item{
			Level: report.Lost, File: file, Line: line, What: "path " + r.Path,
			Why: "Requests are not passed on: the path at " + h.guarded + ", which is not carried over, keeps clients from some of them.",
			Do:  "If that need not be, take that path out and import again.",
		})
		r.Kind, r.Text, r.Use, r.Settings, r.Errors, r.Neutral, r.Beside = layout.Answer, "NOT_IMPLEMENTED", nil, nil, nil, true, "not passed on, see the report"
	}
}

// placeOf is where a route comes from.
func placeOf(r *layout.Route) (file string, line int) {
	colon := strings.LastIndexByte(r.Place, ':')
	line, _ = strconv.Atoi(r.Place[colon+1:])
	return r.Place[:max(colon, 0)], line
}

// asStrict reports whether a route keeps all out whom another one does.
func asStrict(o, r *layout.Route) bool {
	return slices.ContainsFunc(r.Use, restriction) && !slices.ContainsFunc(r.Use, func(u string) bool { return restriction(u) && !slices.Contains(o.Use, u) })
}

// sendsAway reports whether a route leads all to one other page, and not for ever: to a login, and not to what it is called now.
func sendsAway(r *layout.Route) bool {
	status, to, _ := strings.Cut(r.Text, " ")
	return r.Kind == layout.Redirect && !strings.HasSuffix(to, "*") && status != "MOVED" && status != "PERM_REDIRECT"
}

// spellings tells that a path which keeps clients out can be gone around by another spelling of it, if a wider path of the
// host lets them in: nginx merges slashes and decodes %2F before it chooses a location, and AnyGate does not.
func (c *converter) spellings(h *host) {
	for _, r := range h.routes {
		if !slices.ContainsFunc(r.Use, restriction) && !(r.Neutral && r.Text == "NOT_IMPLEMENTED") && !sendsAway(r) || strings.Trim(r.Path, "/*") == "" {
			continue
		}
		for _, o := range h.routes {
			wide, ok := strings.CutSuffix(strings.TrimSuffix(o.Path, "*"), "/")
			if !ok || o == r || o.Kind != layout.Proxy || !strings.HasPrefix(r.Path, wide+"/") || asStrict(o, r) {
				continue
			}
			file, line := placeOf(r)
			c.report.Add(report.Item{
				Level: report.Lost, File: file, Line: line, What: "path " + r.Path,
				Why: "Other spellings of the path, such as " + strings.Replace(r.Path, "/", "//", 1) + ", have the route " + o.Path + ", which lets clients in; nginx merges slashes, and decodes %2F, before it chooses a location.",
				Do:  "Have the service refuse such paths, or restrict " + o.Path + " as docs/policies.md tells.",
			})
			return
		}
	}
}

// heads are the paths of routes that a path stands for.
func (c *converter) heads(i *ingress, s *settings, p path, at report.Item) ([]pattern.Head, bool) {
	text := p.text
	if text == "" {
		text = "/"
	}
	groups := s.rewrite != nil && strings.Contains(s.rewrite.value, "$")
	if s.regex || groups {
		return c.regex(s, text, at)
	}
	lost := func(why, do string) {
		at.Level, at.Why, at.Do = report.Lost, why, do
		c.report.Add(at)
	}
	if !pattern.LiteralPath(text) || !strings.HasPrefix(text, "/") {
		lost("The path has characters that a route cannot have.", "If it is a regular expression, the Ingress lacks use-regex.")
		return nil, false
	}
	if p.kind == "Exact" {
		if strings.HasSuffix(text, "/") {
			lost("A path that ends in a slash is a prefix: what is below is answered in the same way.", "")
		}
		return []pattern.Head{{Path: text}}, true
	}
	if p.kind != "Prefix" && !strings.HasSuffix(text, "/") {
		// The controller makes a location of it as it is.
		at.Level, at.Why, at.Do = report.Differs, "The route matches "+text+" and what is below "+text+"/, but not "+text+"x, as pathType Prefix has it.", ""
		if s.turnsAway() {
			at.Level, at.Do = report.Lost, "Where there are such paths, give each a route that says the same: "+text+".php, for one."
		}
		c.report.Add(at)
	}
	return []pattern.Head{{Path: strings.TrimSuffix(text, "/") + "/"}}, true
}

// regex turns a regular expression, which the controller anchors at the beginning, into paths.
func (c *converter) regex(s *settings, text string, at report.Item) ([]pattern.Head, bool) {
	expr := "^" + strings.TrimPrefix(text, "^")
	folded := at
	folded.Level, folded.Why = report.Differs, "Paths are compared with regard to case, here and in all others that are expressions."
	c.once("case", folded)
	// The form of the controller's documentation: /something(/|$)(.*)
	for _, end := range []string{"(/|$)(.*)", "(?:/|$)(.*)", "/?(.*)", "(/|$)(.*)$"} {
		start, ok := strings.CutSuffix(expr, end)
		if !ok || strings.ContainsAny(start[1:], `\[](){}*+?.$|`) || start == "^" {
			continue
		}
		h := pattern.Head{Path: start[1:] + "/*", Values: map[string]string{"1": "/", "2": "*"}}
		if !strings.HasPrefix(end, "(/") {
			h.Values = map[string]string{"1": "*"}
		}
		return []pattern.Head{h}, true
	}
	list, ok := pattern.Shapes(expr)
	var heads []pattern.Head
	for _, shape := range list {
		h, is := shape.Head()
		ok = ok && is
		heads = append(heads, h)
	}
	if !ok || len(heads) == 0 {
		at.Level, at.Why, at.Do = report.Lost, "A path cannot say this expression: it is made of literals, :name for a segment, and * at the end.", "Write routes for the paths that are meant."
		c.report.Add(at)
		return nil, false
	}
	for _, h := range heads {
		if h.Loose != "" {
			at.Level, at.Why = report.Differs, "The route is "+h.Path+": "+h.Loose+"."
			if h.Wide() {
				at.Level = report.Lost
			}
			if s.turnsAway() && h.Loose == pattern.LooseRest {
				at.Level, at.Do = report.Lost, "Where there are other paths that it matches, give each a route that says the same."
			}
			c.report.Add(at)
		}
	}
	return heads, true
}

// rewritten is the path of the upstream's URI.
func (c *converter) rewritten(i *ingress, s *settings, p path, h pattern.Head, at report.Item) (string, bool) {
	to := s.rewrite.value
	for n := range 9 {
		ref := "$" + strconv.Itoa(n+1)
		if v, ok := h.Values[strconv.Itoa(n+1)]; ok {
			to = strings.ReplaceAll(to, ref, v)
		}
	}
	item := i.item(report.Lost, prefix+"rewrite-target", "", "")
	open := strings.HasSuffix(h.Path, "*") || strings.HasSuffix(h.Path, "/")
	star := strings.IndexByte(to, '*')
	switch {
	case strings.Contains(to, "$") || star >= 0 && star < len(to)-1 || !strings.HasPrefix(to, "/") || strings.Contains(to, "?"):
		item.Why, item.Do = "The new path is made of what AnyGate does not put together: "+p.text+" is answered with 501.", "Let the application understand the path as it comes."
		c.report.Add(item)
		return "", false
	case open && star < 0 && p.kind != "Exact":
		// The controller replaces all of the path, whatever follows the prefix.
		item.Level, item.Why = report.Lost, "The controller sends every path below "+p.text+" as "+to+"; AnyGate replaces "+p.text+" and appends the rest."
		item.Do = "If that is what was meant, nothing has to be done. With the controller it takes a path such as " + strings.TrimSuffix(p.text, "/") + "(/|$)(.*) and the target /$2."
		c.report.Add(item)
	}
	to = strings.TrimSuffix(to, "*")
	for strings.HasPrefix(to, "//") {
		to = to[1:]
	}
	if strings.TrimSuffix(h.Path, "*") == to {
		return "", true // Nothing is changed.
	}
	return to, true
}

// root deals with app-root: / leads to a path of the application. As the path / is a prefix, what is below it gets a route of
// its own, /:p1/.
func (c *converter) root(i *ingress, s *settings, h *host) {
	if s.appRoot == "" {
		return
	}
	key := prefix + "app-root"
	place := fmt.Sprintf("%s:%d", i.file, i.annotations[key].line)
	below := &layout.Route{Path: "/:p1/", Kind: layout.Answer, Text: "NOT_FOUND", Neutral: true, Place: "no other path of the host"}
	if n := slices.IndexFunc(h.routes, func(r *layout.Route) bool { return r.Path == "/" || r.Path == "/*" }); n >= 0 {
		below = h.routes[n]
		_, rest, _ := strings.Cut(below.Text, "://")
		if !(below.Kind == layout.Proxy && !strings.Contains(rest, "/")) && !(below.Kind == layout.Answer) {
			c.lost(i, key, "The path / is a prefix here, and the host has a route for all paths already.", "Let the application redirect from /.")
			return
		}
		h.routes = slices.Delete(h.routes, n, n+1)
		below.Path = "/:p1/"
	}
	h.routes = append(h.routes, &layout.Route{Path: "/", Kind: layout.Redirect, Text: "FOUND " + s.appRoot, Place: place}, below)
}

// www deals with from-to-www-redirect.
func (c *converter) www(i *ingress, name string) {
	a, ok := i.annotations[prefix+"from-to-www-redirect"]
	if !ok || a.value != "true" || name == "" || strings.HasPrefix(name, "*") {
		return
	}
	other, has := strings.CutPrefix(name, "www.")
	if !has {
		other = "www." + name
	}
	if h := c.host(other); len(h.routes) == 0 && h.moved == "" {
		h.moved, h.place = "PERM_REDIRECT //"+name+"/*", fmt.Sprintf("%s:%d", i.file, a.line)
	}
}

// target is the beginning of the URI for a backend, with a pool if it needs one.
func (c *converter) target(i *ingress, s *settings, b backend) string {
	addr := c.address(i, b)
	if s.balance == "" && (s.protocol == "HTTP" || s.protocol == "GRPC") {
		if s.protocol == "GRPC" {
			return "h2c://" + addr
		}
		return "http://" + addr
	}
	settings := document.Map{{Key: "members", Value: document.Text(addr)}}
	return c.pool(i.namespace+"-"+b.service, settings, s, fmt.Sprintf("%s:%d", i.file, b.line))
}

// pool adds a pool, or finds the one that is the same.
func (c *converter) pool(name string, m document.Map, s *settings, place string) string {
	if s.balance != "" {
		m.Add("balance", document.Text(s.balance))
	}
	scheme := "http://"
	if s.protocol == "HTTPS" || s.protocol == "GRPCS" {
		scheme = "https://"
		if len(s.tls) > 0 {
			m.Add("tls", s.tls)
		} else {
			m.Add("tls", document.Word("on"))
		}
	}
	switch s.protocol {
	case "GRPC":
		m.Add("protocol", document.Word("h2c"))
	case "GRPCS":
		m.Add("protocol", document.Word("h2"))
	}
	text := document.Write(nil, m)
	for n := 1; ; n++ {
		try := name
		if n > 1 {
			try += "-" + strconv.Itoa(n)
		}
		old, ok := c.pools.Get(try).(document.Map)
		if ok && document.Write(nil, old) == text {
			return scheme + try
		}
		if !ok {
			c.pools = append(c.pools, document.Entry{Key: try, Value: m, Beside: place})
			return scheme + try
		}
	}
}

// address is the name of a service in the cluster, with its port.
func (c *converter) address(i *ingress, b backend) string {
	port := b.port
	if _, err := strconv.Atoi(port); err != nil {
		if n, ok := c.ports[i.namespace+"/"+b.service+"/"+port]; ok {
			port = n
		} else {
			c.report.Add(report.Item{
				Level: report.Lost, File: i.file, Line: b.line, What: "port " + port + " of " + b.service, Why: "The number of the port is not known: 80 stands for it.",
				Do: "Import the Service with it.",
			})
			port = "80"
		}
	}
	if b.service == "" {
		c.report.Add(report.Item{Level: report.Lost, File: i.file, Line: b.line, What: "backend", Why: "The backend is no service."})
		return "127.0.0.1:9"
	}
	return b.service + "." + i.namespace + ".svc:" + port
}

// canary gives a part of a route's requests to another service.
func (c *converter) canary(i *ingress) {
	for _, name := range []string{"canary-by-header", "canary-by-header-value", "canary-by-header-pattern", "canary-by-cookie"} {
		if _, ok := i.annotations[prefix+name]; ok {
			c.lost(i, prefix+name, unavailable[name].why, unavailable[name].do)
		}
	}
	weight, _ := strconv.Atoi(i.annotations[prefix+"canary-weight"].value)
	total := 100
	if a, ok := i.annotations[prefix+"canary-weight-total"]; ok {
		total, _ = strconv.Atoi(a.value)
	}
	if weight <= 0 || total <= 0 {
		return // Only those whom a field or a cookie sends there get it.
	}
	for total > 1000 { // which is the largest weight
		weight, total = (weight+1)/2, (total+1)/2
	}
	for _, r := range i.rules {
		for _, p := range r.paths {
			c.split(i, r.host, p, min(weight, total), total)
		}
	}
}

// split replaces the upstream of a route by a pool of two.
func (c *converter) split(i *ingress, name string, p path, weight, total int) {
	at := report.Item{Level: report.Lost, File: i.file, Line: p.line, What: "canary of " + name + p.text}
	h := c.host(name)
	for _, r := range h.routes {
		if r.Kind != layout.Proxy || strings.TrimSuffix(strings.TrimSuffix(r.Path, "*"), "/") != strings.TrimSuffix(p.text, "/") {
			continue
		}
		scheme, rest, _ := strings.Cut(r.Text, "://")
		addr, uri := rest, ""
		if n := strings.IndexByte(rest, '/'); n >= 0 {
			addr, uri = rest[:n], rest[n:]
		}
		if scheme == "https" || c.pools.Get(addr) != nil {
			break
		}
		s := &settings{protocol: "HTTP"}
		if scheme == "h2c" {
			s.protocol = "GRPC"
		}
		other := c.address(i, p.backend)
		members := document.List{}
		if weight < total {
			members = append(members, document.Text(addr+weighted(total-weight)))
		}
		members = append(members, document.Text(other+weighted(weight)))
		place := fmt.Sprintf("%s:%d", i.file, p.line)
		main, _, _ := strings.Cut(addr, ".")
		r.Text = c.pool(i.namespace+"-"+main+"-canary", document.Map{{Key: "members", Value: members}}, s, place) + uri
		return
	}
	at.Why, at.Do = "There is no route of this kind that it could take requests from.", "Give an upstream two members with weights."
	c.report.Add(at)
}

func weighted(n int) string {
	if n == 1 {
		return ""
	}
	return " weight " + strconv.Itoa(n)
}
