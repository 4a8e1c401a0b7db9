package nginx

import (
	"maps"
	"slices"
	"strings"

	"github.com/anygate/anygate/import/pattern"
)

// variable is a map block.
type variable struct {
	n      *node
	source string
	pairs  []pair
	other  string // default
	// wide says that keys may be names of hosts such as *.example.com.
	wide bool
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
			switch p.name {
			case "default":
				v.other = p.arg(0)
			case "hostnames":
				v.wide = true
			case "volatile":
			default:
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

// byHost splits what a server answers by the maps of hosts that it uses: each name that has a value of its own becomes a
// hosting.
func (c *converter) byHost(p *plan, s *server, names []string, hostless bool, owners map[string]*server) (left []string, values map[string]string) {
	var used []string
	for name, v := range c.maps {
		if (v.source == "$host" || v.source == "$http_host") && s.n.mentions(name) {
			used = append(used, name)
		}
	}
	if len(used) == 0 {
		return names, nil
	}
	slices.Sort(used)
	values = map[string]string{}
	per := map[string]map[string]string{}
	var order []string
	for _, name := range used {
		v := c.useMap(name)
		values[name] = v.other
		for _, q := range v.pairs {
			hosts, ok := v.hosts(q.key)
			if !ok {
				c.lost(v.n, "The key "+q.key+" has no counterpart: hosts are names or *.NAME.", "List the names that are meant.")
			}
			for _, host := range hosts {
				if owner := owners[host]; owner != s && (owner != nil || !hostless && !s.holds(host)) {
					continue // Another server answers it, or none.
				}
				if per[host] == nil {
					per[host] = map[string]string{}
					order = append(order, host)
				}
				if _, ok := per[host][name]; !ok {
					per[host][name] = q.value
				}
			}
		}
	}
	for _, host := range order {
		own := maps.Clone(values)
		maps.Copy(own, per[host])
		p.hostings = append(p.hostings, hosting{server: s, names: []string{host}, values: own})
	}
	for _, name := range names {
		// A name that some key with a wildcard holds has the value of that.
		if !slices.ContainsFunc(order, func(host string) bool { return host == name || host[0] == '*' && strings.HasSuffix(name, host[1:]) }) {
			left = append(left, name)
		}
	}
	return left, values
}

// hosts are the names that a key of a map of hosts stands for.
func (v *variable) hosts(key string) ([]string, bool) {
	key = strings.ToLower(key)
	if expr, ok := strings.CutPrefix(key, "~"); ok {
		return pattern.Literals(strings.TrimPrefix(expr, "*"), hostName.MatchString)
	}
	if rest, ok := strings.CutPrefix(key, "."); ok && v.wide {
		return []string{rest, "*." + rest}, hostName.MatchString(rest)
	}
	return []string{key}, hostName.MatchString(key) && (v.wide || key[0] != '*')
}

// mentions reports whether a variable stands in any argument of a block.
func (n *node) mentions(variable string) bool {
	for _, c := range n.children {
		for _, a := range c.args {
			for _, ref := range reference.FindAllString(a, -1) {
				if "$"+strings.Trim(ref, "${}") == variable {
					return true
				}
			}
		}
		if c.mentions(variable) {
			return true
		}
	}
	return false
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
				ok = ok && is && !(m.Wide() && strings.Contains(p.value, "$"))
				heads = append(heads, m)
			}
			if !ok {
				b.lost(v.n, "The expression "+p.key+" has no counterpart.", "Write a redirect for each of the paths that are meant.")
				continue
			}
		}
		for _, m := range heads {
			to, ok := b.target(n, p.value, m, false)
			if !ok || !strings.HasPrefix(m.Path, "/") || !pattern.LiteralPath(strings.TrimSuffix(strings.ReplaceAll(m.Path, "/:", "/"), "*")) || strings.HasSuffix(m.Path, "/") {
				b.lost(v.n, "The redirect of "+p.key+" has no counterpart.", "")
				continue
			}
			b.loose(v.n, m, !strings.Contains(p.value, "$"))
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
