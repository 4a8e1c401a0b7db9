package nginx

import (
	"slices"
	"strconv"
	"strings"
)

// policies are the lines of policies that a route has by its block and what that inherits. What nginx answers before it
// looks at addresses, passwords and rates (return, redirects) has none of these.
func (b *builder) policies(r *route) (use []string) {
	n := r.scope
	if n == nil {
		n = r.from
	}
	if !r.early {
		use = append(use, b.access(n)...)
		use = append(use, b.limits(n)...)
		use = append(use, b.auth(n)...)
	} else if r.from == n && slices.ContainsFunc(n.children, func(c *node) bool { return c.name == "return" }) {
		b.unasked(n)
	}
	use = append(use, b.certificate(r)...)
	use = append(use, b.body(n))
	use = append(use, b.fields(n, r)...)
	if r.kind == proxyRoute && n.on("gzip") {
		use = append(use, "compress")
	}
	if d := n.setting("access_log"); d != nil && d.arg(0) == "off" && d.parent != b.http {
		use = append(use, "log off")
	}
	return use
}

// unasked tells of rules that stand beside a return, which nginx carries out before it looks at them.
func (b *builder) unasked(n *node) {
	for _, c := range n.children {
		switch {
		case slices.Contains([]string{"allow", "deny", "auth_basic", "auth_basic_user_file"}, c.name) && !c.seen:
			b.differs(c, "The answer goes before it, in nginx too: nobody is kept out by it.", "Nothing has to be done.")
		case c.name == "limit_req" || c.name == "limit_conn":
			c.seen = true
		}
	}
}

// body is the bound of a request's content, which nginx has by default.
func (b *builder) body(n *node) string {
	d := n.setting("client_max_body_size")
	if d == nil {
		return "body 1MiB"
	}
	s, ok := size(d.arg(0))
	switch {
	case !ok:
		b.lost(d, "The size is not understood.", "")
		return "body 1MiB"
	case s == "0B":
		return "body unlimited"
	}
	return "body " + s
}

// zone is a limit_req_zone or limit_conn_zone.
type zone struct {
	n    *node
	key  string
	rate string
	used map[*node]bool
}

func (c *converter) readZones() {
	for _, n := range c.http.children {
		if n.name != "limit_req_zone" && n.name != "limit_conn_zone" {
			continue
		}
		n.seen = true
		z := &zone{n: n, key: n.arg(0), used: map[*node]bool{}}
		name := ""
		for _, a := range n.args[1:] {
			if v, ok := strings.CutPrefix(a, "zone="); ok {
				name, _, _ = strings.Cut(v, ":")
			}
			if v, ok := strings.CutPrefix(a, "rate="); ok {
				z.rate = v
			}
		}
		c.zones[n.name+" "+name] = z
	}
}

// per is what a zone counts together.
func (z *zone) per() (string, bool) {
	switch {
	case z.key == "$binary_remote_addr" || z.key == "$remote_addr":
		return " per ip", true
	case z.key == "$server_name" || z.key == "$host" || z.key == "$http_host":
		return " per route", true
	case strings.HasPrefix(z.key, "$http_"):
		return " per header " + fieldName(z.key[len("$http_"):]), true
	}
	return "", false
}

// limits are the rates and the requests at a time.
func (b *builder) limits(n *node) (use []string) {
	have := map[string]bool{}
	add := func(d *node, line, per string) {
		slot, _, _ := strings.Cut(line, " ")
		if have[slot+per] {
			b.lost(d, "A route has one such limit for each of what is counted together.", "Keep the one that matters.")
			return
		}
		have[slot+per] = true
		use = append(use, line)
	}
	for _, d := range n.inherited("limit_req") {
		z, name := (*zone)(nil), ""
		burst, nodelay := 0, false
		for _, a := range d.args {
			if v, ok := strings.CutPrefix(a, "zone="); ok {
				z, name = b.zones["limit_req_zone "+v], v
			} else if v, ok := strings.CutPrefix(a, "burst="); ok {
				burst, _ = strconv.Atoi(v)
			} else if a == "nodelay" {
				nodelay = true
			} else if strings.HasPrefix(a, "delay=") {
				b.differs(d, "Requests are never held back: those within the burst go on at once.", "")
			}
		}
		if z == nil {
			b.lost(d, "There is no zone "+name+".", "")
			continue
		}
		per, ok := z.per()
		if !ok {
			b.lost(d, "Requests are counted by address, by route or by a field, not by "+z.key+".", "limit RATE per ip, per route or per header NAME")
			continue
		}
		b.shared(z, d, n)
		if burst > 0 && !nodelay {
			b.differs(d, "Requests beyond the rate are not held back: those within the burst go on at once, others are refused.", "")
		}
		if strings.HasPrefix(per, " per header") {
			b.differs(d, "Requests without the field are counted as those of one client; nginx does not count them.", "")
		}
		add(d, "limit "+strings.Replace(z.rate, "r/", "/", 1)+" burst "+strconv.Itoa(burst+1)+per, per)
		b.status(n, "limit_req_status", d)
	}
	for _, d := range n.inherited("limit_conn") {
		z := b.zones["limit_conn_zone "+d.arg(0)]
		if z == nil {
			b.lost(d, "There is no zone "+d.arg(0)+".", "")
			continue
		}
		per, ok := z.per()
		if !ok {
			b.lost(d, "Requests are counted by address, by route or by a field, not by "+z.key+".", "conns N per ip, per route or per header NAME")
			continue
		}
		b.shared(z, d, n)
		add(d, "conns "+d.arg(1)+per, per)
		b.status(n, "limit_conn_status", d)
	}
	for _, name := range []string{"limit_req_dry_run", "limit_conn_dry_run"} {
		if d := n.setting(name); d != nil && d.arg(0) == "on" {
			b.lost(d, "A limit that is only tried out has no counterpart: this one refuses.", "")
		}
	}
	return use
}

// shared tells that limits count for each route by itself.
func (b *builder) shared(z *zone, d, n *node) {
	z.used[n] = true
	if len(z.used) == 2 {
		b.differs(z.n, "Each route counts for itself, where nginx counts all that use the zone together.", "")
	}
}

// status tells that refusals have statuses of their own.
func (b *builder) status(n *node, name string, at *node) {
	s := n.setting(name)
	if s == nil {
		s = at
	}
	if s == at || s.arg(0) != "429" {
		b.once(name, s, "A request beyond the limit is answered with 429 (or 503, of conns per route), and Retry-After.", "")
	}
}
