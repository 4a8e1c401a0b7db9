package nginx

import (
	"regexp"
	"slices"
	"strings"
)

// robots are variables that tell robots, and links of other sites, from people. Everybody can send what he likes in them.
var robots = []string{"http_user_agent", "http_referer", "invalid_referer"}

// credentials are the beginnings of variables that tell who a client is.
var credentials = []string{"cookie_", "http_", "arg_", "remote_", "binary_remote_addr", "ssl_client_", "realip_"}

// described are fields that say how a request has come, and not from whom.
var described = []string{"http_host", "http_x_forwarded_proto", "http_x_forwarded_host", "http_x_forwarded_port", "http_x_forwarded_ssl", "http_upgrade", "http_accept", "http_accept_encoding", "http_accept_language"}

// credential reports whether a variable of nginx's own tells who a client is.
func credential(name string) bool {
	return slices.ContainsFunc(credentials, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) &&
		!slices.Contains(described, name) && !slices.Contains(robots, name)
}

// keepsOut reports whether a condition lets in some requests only: it refuses them, or leads those without some credential
// elsewhere. Those about robots do not count.
func (b *builder) keepsOut(n *node) bool {
	c := n.condition()
	source := c.variable
	if v := b.maps["$"+c.variable]; v != nil {
		source = strings.TrimPrefix(v.source, "$")
	}
	if slices.Contains(robots, source) {
		return false
	}
	asks := b.asks(c)
	for _, d := range n.children {
		switch {
		case d.name == "return" && strings.HasPrefix(d.arg(0), "4"), asks && (d.name == "return" || d.name == "rewrite" || strings.HasSuffix(d.name, "_pass")):
			return true
		}
	}
	return false
}

// asks reports whether a condition may hold for those that lack a credential. Of a map of one it is looked up what it makes
// of none; of what else is made of credentials it is not known.
func (b *builder) asks(c condition) bool {
	lacks := strings.HasPrefix(c.op, "!") || c.op == "=" && c.value == ""
	switch {
	case c.variable == "ssl_client_verify":
		return lacks || c.holds("NONE") || c.holds("FAILED")
	case absent("$" + c.variable):
		return lacks || c.op != "" && c.holds("")
	case credential(c.variable):
		return lacks
	}
	if !b.tells(c.variable, map[string]bool{}) {
		return false
	}
	v := b.maps["$"+c.variable]
	if v == nil || lacks || !absent(v.source) {
		return true
	}
	value, ok := v.ofNone()
	return !ok || c.holds(value)
}

// absent reports whether a source is one credential, which requests may lack; all have an address.
func absent(source string) bool {
	name, ok := strings.CutPrefix(source, "$")
	return ok && credential(name) && !strings.Contains(name, "$") && (strings.HasPrefix(name, "cookie_") || strings.HasPrefix(name, "http_") || strings.HasPrefix(name, "arg_"))
}

// tells reports whether a variable is made of a credential: by a map, a geo, or a set. asked are those that were looked at.
func (b *builder) tells(name string, asked map[string]bool) bool {
	if credential(name) || asked[name] {
		return credential(name)
	}
	asked[name] = true
	made := func(value string) bool {
		return slices.ContainsFunc(reference.FindAllString(value, -1), func(v string) bool { return b.tells(strings.Trim(v, "${}"), asked) })
	}
	if v := b.maps["$"+name]; v != nil && (made(v.source) || made(v.other) || slices.ContainsFunc(v.pairs, func(p pair) bool { return made(p.value) })) {
		return true
	}
	for _, n := range b.http.children {
		if n.name == "geo" && len(n.args) > 0 && n.args[len(n.args)-1] == "$"+name {
			return true
		}
	}
	var set func(n *node) bool
	set = func(n *node) bool {
		if n.name == "set" && n.arg(0) == "$"+name {
			return made(n.arg(1)) || n.parent.name == "if" && b.tells(n.parent.condition().variable, asked)
		}
		return slices.ContainsFunc(n.children, set)
	}
	return set(b.server.n)
}

// ofNone is what a map makes of an empty value. It reports false if that cannot be told.
func (v *variable) ofNone() (string, bool) {
	value, matched := v.other, false
	for _, p := range v.pairs {
		text, is := strings.CutPrefix(p.key, "~")
		switch {
		case p.key == "": // goes before all expressions
			return p.value, !strings.Contains(p.value, "$")
		case is && !matched:
			expr, err := regexp.Compile(strings.TrimPrefix(text, "*"))
			if err != nil {
				return "", false
			}
			if matched = expr.MatchString(""); matched {
				value = p.value
			}
		}
	}
	return value, !strings.Contains(value, "$")
}

// holds reports whether a condition holds for a value, or may.
func (c condition) holds(value string) bool {
	switch c.op {
	case "":
		return value != "" && value != "0"
	case "=":
		return strings.EqualFold(value, c.value)
	case "!=":
		return !strings.EqualFold(value, c.value)
	case "~", "~*":
		expr, err := regexp.Compile("(?i)" + c.value)
		return err != nil || expr.MatchString(value)
	}
	return true
}
