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

var methodList = regexp.MustCompile(`^\^?\(?([A-Z|]+)\)?\$?$`)

// method turns a condition about the method into routes. It reports whether it could.
func (b *builder) method(n *node, h pattern.Head) bool {
	c := n.condition()
	if c.variable != "request_method" {
		return false
	}
	var methods []string
	negated := strings.HasPrefix(c.op, "!")
	switch c.op {
	case "=", "!=":
		methods = []string{c.value}
	case "~", "~*", "!~", "!~*":
		m := methodList.FindStringSubmatch(c.value)
		if m == nil {
			return false
		}
		methods = strings.Split(m[1], "|")
	default:
		return false
	}
	var answer *node
	for _, d := range n.children {
		if d.name == "return" {
			answer = d
		} else if d.name != "add_header" {
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
	if negated {
		b.allowed = methods
	} else {
		r.methods = methods
	}
	// The block has fields of its own, or those of the level around it.
	r.scope = n
	b.extra = append(b.extra, r)
	return true
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
