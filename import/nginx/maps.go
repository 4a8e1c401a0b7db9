package nginx

import (
	"strings"

	"github.com/anygate/anygate/import/pattern"
)

// variable is a map block.
type variable struct {
	n      *node
	source string
	pairs  []pair
	other  string // default
}

type pair struct{ key, value string }

// readMaps reads all maps. They are marked as seen when somebody uses them in a way that is carried over.
func (c *converter) readMaps() {
	for _, n := range c.http.children {
		if n.name != "map" {
			continue
		}
		v := &variable{n: n, source: n.arg(0)}
		for _, p := range n.children {
			if p.name == "default" {
				v.other = p.arg(0)
			} else {
				v.pairs = append(v.pairs, pair{strings.TrimPrefix(p.name, `\`), p.arg(0)})
			}
		}
		c.maps[n.arg(1)] = v
		if n.arg(0) == "$http_upgrade" {
			n.markAll() // What WebSocket needs is done by itself.
		}
	}
}

// useMap marks a map as dealt with.
func (c *converter) useMap(name string) *variable {
	v := c.maps[name]
	if v != nil {
		v.n.markAll()
	}
	return v
}

// mapped turns a condition about a map of paths into redirects: if ($to) { return 301 $to; }.
func (b *builder) mapped(n *node, h pattern.Head) bool {
	c := n.condition()
	answer := onlyReturn(n)
	v := b.maps["$"+c.variable]
	if v == nil || c.op != "" && (c.op != "!=" || c.value != "") || answer == nil || answer.name != "return" || len(answer.args) != 2 || answer.args[1] != "$"+c.variable || v.other != "" {
		return false
	}
	if v.source != "$uri" && v.source != "$request_uri" {
		return false
	}
	status := answer.args[0]
	if !redirectCodes[status] {
		return false
	}
	n.markAll()
	b.useMap("$" + c.variable)
	if v.source == "$request_uri" {
		b.differs(v.n, "The query does not count where a path is compared.", "")
	}
	for _, p := range v.pairs {
		heads := []pattern.Head{{Path: p.key, Values: map[string]string{}}}
		if expr, ok := strings.CutPrefix(p.key, "~"); ok {
			list, ok := pattern.Shapes(strings.TrimPrefix(expr, "*"))
			heads = nil
			for _, s := range list {
				m, is := s.Head()
				ok = ok && is
				heads = append(heads, m)
			}
			if !ok {
				b.lost(v.n, "The expression "+p.key+" has no counterpart.", "Write a redirect for each of the paths that are meant.")
				continue
			}
		}
		for _, m := range heads {
			to, ok := b.target(n, p.value, m, true)
			if !ok || !pattern.LiteralPath(strings.TrimSuffix(strings.ReplaceAll(m.Path, "/:", "/"), "*")) || strings.HasSuffix(m.Path, "/") {
				b.lost(v.n, "The redirect of "+p.key+" has no counterpart.", "")
				continue
			}
			b.routes = append(b.routes, &route{path: m.Path, kind: redirectRoute, text: statusName(atoi(status)) + " " + to, from: v.n, scope: b.server.n, early: true})
		}
	}
	return true
}

func atoi(s string) (n int) {
	for _, c := range []byte(s) {
		n = n*10 + int(c-'0')
	}
	return n
}

// origins are the origins that a map of $http_origin lets through.
func (c *converter) origins(name string) []string {
	v := c.maps[name]
	if v == nil || v.source != "$http_origin" || v.other != "" {
		return nil
	}
	var list []string
	for _, p := range v.pairs {
		key := p.key
		if expr, ok := strings.CutPrefix(key, "~"); ok {
			expr = strings.TrimPrefix(expr, "*")
			// https://*.example.com in the form of an expression.
			rest, ok := strings.CutPrefix(expr, `^https://.*\.`)
			if !ok {
				rest, ok = strings.CutPrefix(expr, `^https://.+\.`)
			}
			host, ended := strings.CutSuffix(strings.ReplaceAll(rest, `\.`, "."), "$")
			if !ok || !ended || !hostName.MatchString(host) {
				return nil
			}
			list = append(list, "https://*."+host)
			continue
		}
		if p.value != "$http_origin" && p.value != key || strings.Contains(key, "*") {
			return nil
		}
		list = append(list, key)
	}
	return list
}
