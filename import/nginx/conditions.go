package nginx

import (
	"regexp"
	"slices"
	"strings"

	"github.com/anygate/anygate/import/pattern"
)

// condition is what stands in the parentheses of an if.
type condition struct {
	variable string // without "$"
	op       string // "", =, !=, ~, ~*, !~, !~*, -f ...
	value    string
}

func (n *node) condition() condition {
	switch {
	case len(n.args) == 1:
		return condition{variable: strings.TrimPrefix(n.args[0], "$")}
	case len(n.args) == 2:
		return condition{op: n.args[0], value: n.args[1]}
	case len(n.args) >= 3:
		return condition{variable: strings.TrimPrefix(n.args[0], "$"), op: n.args[1], value: strings.Trim(strings.Join(n.args[2:], " "), `"'`)}
	}
	return condition{}
}

// onlyReturn is the return or the redirecting rewrite that a block consists of, or nil.
func onlyReturn(n *node) *node {
	var found *node
	for _, c := range n.children {
		switch {
		case found == nil && (c.name == "return" || c.name == "rewrite" && redirecting(c)):
			found = c
		case c.name == "break":
		default:
			return nil
		}
	}
	return found
}

// condition deals with an if of a location.
func (b *builder) condition(n *node, h pattern.Head) {
	switch {
	case b.method(n, h), b.mapped(n, h), b.certificateRequired(n):
		return
	}
	if absence(n) && b.servesFiles(n.parent) {
		return // The route of the files deals with it.
	}
	b.unmet(n)
}

// unmet reports a condition that has no counterpart. One that keeps requests out closes what it was for.
func (b *builder) unmet(n *node) {
	why := "The condition has no counterpart: what is in it is left out."
	if b.keepsOut(n) {
		b.closed = true
		why = "The condition has no counterpart. What it keeps requests from is answered with 501."
	}
	b.lost(n, why, b.advice(n))
	n.markAll()
}

// What can be done about what is commonly asked of requests.
const (
	robotsAdvice = "Clients write what they like there: have the upstream refuse them. limit 10/s per ip slows down who asks too much, and deny ADDRESS... on the route keeps out those whose addresses are known."
	embedAdvice  = "headers +Cross-Origin-Resource-Policy=same-site on the route has browsers show the files in pages of the same site only."
)

// advice says what stands for common conditions.
func (b *builder) advice(n *node) string {
	c := n.condition()
	source := c.variable
	if v := b.maps["$"+c.variable]; v != nil {
		source = strings.TrimPrefix(v.source, "$")
	}
	switch {
	case strings.HasPrefix(c.op, "-") || strings.HasPrefix(c.op, "!-"):
		return "Routes do not ask whether a file is there. For maintenance, keep a second configuration that answers with 503, as docs/recipes/maintenance.md has it, and load it while you work: anygate reload."
	case source == "http_referer" || source == "invalid_referer":
		return embedAdvice
	case source == "http_user_agent":
		return robotsAdvice
	case strings.HasPrefix(source, "http_") || strings.HasPrefix(source, "cookie_") || strings.HasPrefix(source, "arg_"):
		return "Routes are chosen by host, path and method only: let the application decide."
	}
	return ""
}

var methodList = regexp.MustCompile(`^\^?\(?([A-Z|]+)\)?\$?$`)

// method turns a condition about the method into routes. It reports whether it could.
func (b *builder) method(n *node, h pattern.Head) bool {
	c := n.condition()
	methods := c.methods()
	if methods == nil {
		return false
	}
	var answer *node
	for _, d := range n.children {
		switch {
		case d.name == "return":
			answer = d
		case d.name == "rewrite", strings.HasSuffix(d.name, "_pass"):
			return b.methodElsewhere(n, methods, h)
		case d.name != "add_header":
			return false
		}
	}
	if answer == nil {
		return false
	}
	n.seen = true
	r := b.answer(answer, h)
	if r == nil {
		return true
	}
	if strings.HasPrefix(c.op, "!") {
		b.allowed = methods
	} else {
		r.methods = methods
	}
	// The block has fields of its own, or those of the level around it.
	r.scope = n
	b.extra = append(b.extra, r)
	return true
}

// methodElsewhere deals with a condition that leads some methods elsewhere, which may be why they are not to get where the
// others do.
func (b *builder) methodElsewhere(n *node, methods []string, h pattern.Head) bool {
	r := b.missing(n, h)
	if strings.HasPrefix(n.condition().op, "!") {
		b.allowed = methods
	} else {
		r.methods = methods
	}
	b.lost(n, "Requests of these methods are not led elsewhere: they are answered with 501.", "Write a route with these methods, and what is to be done with them.")
	n.markAll()
	b.extra = append(b.extra, r)
	return true
}

// methods are those that a condition names, or nil.
func (c condition) methods() []string {
	if c.variable != "request_method" {
		return nil
	}
	switch c.op {
	case "=", "!=":
		return []string{c.value}
	case "~", "~*", "!~", "!~*":
		if m := methodList.FindStringSubmatch(c.value); m != nil {
			return strings.Split(m[1], "|")
		}
	}
	return nil
}

// allMethods are the usual ones, and one for all others. HEAD says nothing that GET does not.
var allMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "?"}

// refusesMethods reports whether a directive does nothing but refuse some methods: a limit_except, or an if.
func (n *node) refusesMethods() bool {
	switch n.name {
	case "limit_except":
		return len(n.children) == 1 && n.children[0].name == "deny" && n.children[0].arg(0) == "all"
	case "if":
		answer := onlyReturn(n)
		return n.condition().methods() != nil && answer != nil && answer.name == "return" && refusal(answer.arg(0))
	}
	return false
}

// refuses reports whether it refuses one.
func (n *node) refuses(method string) bool {
	if !n.refusesMethods() {
		return false
	}
	if n.name == "limit_except" {
		return !slices.Contains(n.args, method)
	}
	c := n.condition()
	return slices.Contains(c.methods(), method) != strings.HasPrefix(c.op, "!")
}

// methodOfAll deals with a condition about the method that holds for all of a server: if ($request_method !~ ^(GET|HEAD)$)
// { return 405; }.
func (b *builder) methodOfAll(n *node, h pattern.Head) bool {
	c := n.condition()
	methods, answer := c.methods(), onlyReturn(n)
	if methods == nil || answer == nil || answer.name != "return" || !refusal(answer.arg(0)) {
		return false
	}
	r := b.answer(answer, h)
	if r == nil {
		return false
	}
	r.scope = n
	if strings.HasPrefix(c.op, "!") {
		b.methods, b.others = methods, r
	} else {
		r.methods = methods
		b.refused = append(b.refused, r)
	}
	n.markAll()
	return true
}

// limitMethods gives all routes of a server the methods that it takes. Others have a route as well: without it, that of
// another server may answer them.
func (b *builder) limitMethods() {
	if b.methods == nil && b.refused == nil {
		return
	}
	routes := b.routes
	b.routes = nil
	defer func() {
		if b.others != nil {
			b.routes = append(b.routes, b.others)
		}
	}()
	for _, r := range routes {
		all := r.methods == nil
		switch {
		case b.methods == nil:
		case all:
			r.methods = b.methods
		default:
			r.methods = slices.DeleteFunc(slices.Clone(r.methods), func(m string) bool { return !slices.Contains(b.methods, m) })
			if len(r.methods) == 0 {
				continue
			}
		}
		b.routes = append(b.routes, r)
		for _, refused := range b.refused {
			if !all {
				continue
			}
			one := *refused
			one.path = r.path
			b.routes = append(b.routes, &one)
		}
	}
}

// limitExcept turns a limit_except into routes.
func (b *builder) limitExcept(n *node, h pattern.Head) {
	d := n.ownOne("limit_except")
	if d == nil {
		return
	}
	for _, c := range d.children {
		if c.name != "deny" || c.arg(0) != "all" {
			b.lost(c, "Other methods are denied to all.", "Write a route with these methods, and its own policies.")
		}
	}
	d.markAll()
	b.allowed = slices.Clone(d.args)
	b.extra = append(b.extra, &route{path: h.Path, kind: answerRoute, text: "FORBIDDEN", from: d, neutral: true})
}

var redirectCodes = set("301", "302", "303", "307", "308")

// hostRule is a redirect of some of a server's names.
type hostRule struct {
	n      *node // the return or rewrite
	to     string
	status string
	only   []string          // names that it is for
	except string            // or the one that it is not for
	parts  map[string]string // what $1 is for a name
	// refusal answers the names in only, or all but those in keep.
	refusal string
	keep    []string
}

// refusesHost reads a condition about the host that refuses: if ($host !~ ^(www\.)?example\.com$) { return 444; }.
func (c *converter) refusesHost(answer *node, cond condition) (hostRule, bool) {
	code := answer.arg(0)
	if answer.name != "return" || len(answer.args) != 1 || !refusal(code) {
		return hostRule{}, false
	}
	r := hostRule{n: answer, refusal: statusName(atoi(code))}
	names := []string{strings.ToLower(cond.value)}
	if strings.Contains(cond.op, "~") {
		// Dots are often not escaped, and never mean anything else here.
		expr := strings.ReplaceAll(strings.ReplaceAll(cond.value, `\.`, "."), ".", `\.`)
		var ok bool
		if names, ok = pattern.Literals(strings.ToLower(expr), hostName.MatchString); !ok {
			return hostRule{}, false
		}
	} else if !hostName.MatchString(names[0]) {
		return hostRule{}, false
	}
	if strings.HasPrefix(cond.op, "!") {
		r.keep = names
	} else {
		r.only = names
	}
	if code == "444" {
		c.differs(answer, "A connection is not closed without an answer: it is 404.", "")
		r.refusal = "NOT_FOUND"
	}
	return r, true
}

// hostRules reads the conditions about the host in a server: if ($host = www.example.com) { return 301 ...; }.
func (c *converter) hostRules(s *server) (rules []hostRule) {
	for _, n := range s.n.children {
		if n.name != "if" {
			continue
		}
		cond := n.condition()
		answer := onlyReturn(n)
		if answer == nil || cond.variable != "host" && cond.variable != "http_host" && cond.variable != "server_name" {
			continue
		}
		if r, ok := c.refusesHost(answer, cond); ok {
			n.markAll()
			n.gone = true
			rules = append(rules, r)
			continue
		}
		r := hostRule{n: answer}
		switch cond.op {
		case "=":
			r.only = []string{strings.ToLower(cond.value)}
		case "!=":
			r.except = strings.ToLower(cond.value)
		case "~", "~*":
			expr, err := regexp.Compile("(?i)" + cond.value)
			if err != nil {
				continue
			}
			r.parts = map[string]string{}
			for _, name := range s.names {
				if m := expr.FindStringSubmatch(name); m != nil && !strings.HasPrefix(name, "*") {
					r.only = append(r.only, name)
					if len(m) > 1 {
						r.parts[name] = m[1]
					}
				}
			}
			if len(r.only) == 0 {
				continue
			}
		default:
			continue
		}
		to := answer.arg(1)
		r.status = "FOUND"
		switch {
		case answer.name == "return" && len(answer.args) == 2 && redirectCodes[answer.args[0]]:
			r.status = statusName(atoi(answer.args[0]))
		case answer.name == "rewrite":
			if answer.arg(2) == "permanent" {
				r.status = "MOVED"
			}
			first, ok := everything[answer.arg(0)]
			if !ok {
				continue
			}
			switch first {
			case "whole":
				to = strings.Replace(to, "$1", "$request_uri", 1)
			case "rest":
				to = strings.Replace(to, "/$1", "$request_uri", 1)
			}
			to = strings.TrimSuffix(to, "?")
		default:
			continue
		}
		for _, v := range []string{"$request_uri", "$uri", "$uri$is_args$args"} {
			if rest, ok := strings.CutSuffix(to, v); ok {
				to = rest + "/*"
			}
		}
		r.to = to
		n.markAll()
		n.gone = true
		rules = append(rules, r)
	}
	return rules
}

// location of the redirect for a name; false if it has variables that are not known.
func (r hostRule) location(name string) (string, bool) {
	to := strings.NewReplacer("$host", name, "$http_host", name, "$server_name", name).Replace(r.to)
	if v, ok := r.parts[name]; ok {
		to = strings.Replace(to, "$1", v, 1)
	}
	to = strings.Replace(to, "$scheme:", "", 1)
	return to, !strings.Contains(to, "$")
}
