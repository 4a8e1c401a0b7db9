package nginx

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/import/document"
)

// upstream is an upstream block.
type upstream struct {
	n        *node
	name     string
	members  []string
	settings document.Map
}

// readUpstreams reads all pools.
func (c *converter) readUpstreams() {
	for _, n := range c.http.own("upstream") {
		u := &upstream{n: n, name: n.arg(0)}
		c.members(u)
		c.balance(u)
		c.upstreams = append(c.upstreams, u)
	}
}

// members reads the servers of a pool.
func (c *converter) members(u *upstream) {
	type passive struct{ errors, eject string }
	var judged []passive
	for _, d := range u.n.own("server") {
		addr := d.arg(0)
		line, down := addr, false
		p := passive{"1", "10s"}
		for _, a := range d.args[1:] {
			key, value, _ := strings.Cut(a, "=")
			switch key {
			case "weight":
				switch {
				case !count(value) || len(value) > 3 && value != "1000" || value == "0":
					c.lost(d, "A weight is a number from 1 to 1000.", "")
				case value != "1":
					line += " weight " + value
				}
			case "backup":
				line += " backup"
			case "down":
				down = true
			case "max_fails":
				if count(value) {
					p.errors = value
				}
			case "fail_timeout":
				if v, ok := span(value); ok && v > 0 {
					p.eject = duration(v)
				}
			case "max_conns":
				c.lost(d, "The connections to one member are not bounded, only those of the pool together.", "upstreams: {limits: {connections: N}}")
			case "slow_start":
				if v, ok := span(value); ok && v > 0 && u.settings.Get("slow-start") == nil {
					u.settings.Add("slow-start", document.Word(duration(v)))
				}
			case "resolve":
				// Names are looked up again by themselves.
			case "service":
				line = "srv:_" + strings.TrimPrefix(value, "_") + "._tcp." + addr
			default:
				c.lost(d, a+" has no counterpart.", "")
			}
		}
		if down {
			c.differs(d, "A member that is down is left out.", "Add "+addr+" when it is back.")
			continue
		}
		judged = append(judged, p)
		u.members = append(u.members, line)
	}
	if len(judged) < 2 || judged[0] == (passive{"1", "10s"}) && slices.Index(judged, judged[0]) == 0 && len(slices.Compact(slices.Clone(judged))) == 1 {
		return
	}
	if len(slices.Compact(slices.Clone(judged))) > 1 {
		c.differs(u.n, "All members of a pool are judged alike: by what the first one says of max_fails and fail_timeout.", "")
	}
	if judged[0].errors != "0" && judged[0] != (passive{"1", "10s"}) {
		u.settings.Add("passive", document.Map{{Key: "errors", Value: document.Word(judged[0].errors)}, {Key: "eject", Value: document.Word(judged[0].eject)}})
	}
}

// balance reads how a pool is balanced, and its connections.
func (c *converter) balance(u *upstream) {
	how := ""
	var keep document.Map
	for _, d := range u.n.children {
		switch d.name {
		case "least_conn":
			how = "least-conn"
		case "ip_hash":
			how = "hash ip"
		case "hash":
			switch key := d.arg(0); {
			case key == "$remote_addr" || key == "$binary_remote_addr":
				how = "hash ip"
			case key == "$uri" || key == "$request_uri":
				how = "hash path"
			case strings.HasPrefix(key, "$http_"):
				how = "hash header " + fieldName(key[len("$http_"):])
			case strings.HasPrefix(key, "$cookie_"):
				how = "hash cookie " + key[len("$cookie_"):]
			default:
				c.lost(d, "The key of the hash has no counterpart.", "balance: hash ip, hash header NAME, hash cookie NAME, or hash path")
				continue
			}
		case "random":
			how = "p2c"
			if d.arg(0) != "two" {
				c.differs(d, "Of two members that are drawn, the one that promises the shorter wait is taken.", "")
			}
		case "least_time":
			how = "p2c"
			c.differs(d, "Of two members that are drawn, the one that promises the shorter wait is taken.", "")
		case "sticky":
			c.lost(d, "AnyGate sets no cookie that names the member.", "If the application has a session cookie, balance: hash cookie NAME.")
			continue
		case "keepalive":
			if !count(d.arg(0)) {
				continue
			}
			keep.Add("connections", document.Word(d.arg(0)))
		case "keepalive_timeout":
			if v, ok := span(d.arg(0)); ok && v >= time.Second {
				keep.Add("idle", document.Word(duration(v)))
			}
		case "keepalive_requests":
			if !count(d.arg(0)) {
				continue
			}
			keep.Add("requests", document.Word(d.arg(0)))
		case "keepalive_time":
			if v, ok := span(d.arg(0)); ok && v >= time.Second {
				keep.Add("age", document.Word(duration(v)))
			}
		case "zone", "server", "ntlm", "state", "queue", "resolver", "resolver_timeout":
			if d.name == "queue" {
				c.differs(d, "A queue is part of the limits of a pool.", "upstreams: {limits: {connections: N, queue: N, wait: 5s}}")
			}
		default:
			continue
		}
		d.seen = true
	}
	if how != "" {
		u.settings = append(document.Map{{Key: "balance", Value: document.Text(how)}}, u.settings...)
	}
	if len(keep) > 0 {
		u.settings.Add("keepalive", keep)
	}
}

// fieldName writes the name of a variable as that of a field: x_api_key is X-Api-Key.
func fieldName(s string) string {
	words := strings.Split(s, "_")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "-")
}

var notPoolName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// poolName makes a name that a pool can have.
func poolName(s string) string {
	s = strings.Trim(notPoolName.ReplaceAllString(s, "-"), "-._")
	if s == "" {
		return "upstream"
	}
	s = s[:min(len(s), 100)]
	return s
}

// upstreamBase is the beginning of the URI for a host, with a pool if it needs one, and how many members it has.
func (b *builder) upstreamBase(n, d *node, scheme, host string) (base string, members int) {
	u := b.find(host)
	secure := scheme == "https" || scheme == "grpcs"
	grpc := strings.HasPrefix(scheme, "grpc")
	if u == nil && !secure {
		switch {
		case strings.HasPrefix(host, "unix:"):
			if grpc {
				return b.namedPool(n, d, scheme, host), 1
			}
			return host, 1
		case grpc:
			return "h2c://" + host, 1
		}
		return "http://" + host, 1
	}
	members = 1
	if u != nil {
		members = len(u.members)
	}
	return b.namedPool(n, d, scheme, host), members
}

func (c *converter) find(name string) *upstream {
	for _, u := range c.upstreams {
		if u.name == name {
			return u
		}
	}
	return nil
}

// namedPool is the URI of the pool for a host, which is made when it is first asked for. TLS and the protocol are matters of
// the pool, so that an upstream that is spoken to in two ways becomes two.
func (b *builder) namedPool(n, d *node, scheme, host string) string {
	u := b.find(host)
	var settings document.Map
	from := d
	var members []string
	if u != nil {
		settings, members, from = slices.Clone(u.settings), slices.Clone(u.members), u.n
		if scheme == "https" || scheme == "grpcs" {
			for i, m := range members {
				members[i] = withPort(m)
			}
		}
	} else {
		if scheme == "https" && !strings.Contains(strings.TrimLeft(host, "["), ":") {
			members = []string{host + ":443"}
		} else {
			members = []string{host}
		}
	}
	secure := scheme == "https" || scheme == "grpcs"
	if secure {
		settings.Add("tls", b.upstreamTLS(n, d, host))
	}
	switch scheme {
	case "grpc":
		settings.Add("protocol", document.Word("h2c"))
	case "grpcs":
		settings.Add("protocol", document.Word("h2"))
	}
	if len(members) == 0 {
		b.lost(from, "The upstream has no member that is used.", "")
		members = []string{"127.0.0.1:9"}
	}
	entry := document.Entry{Beside: from.place()}
	if u != nil {
		entry.Above = u.n.above
	}
	if len(settings) == 0 {
		entry.Value = document.OneOrMore(members)
	} else {
		entry.Value = append(document.Map{{Key: "members", Value: document.OneOrMore(members)}}, settings...)
	}
	key := host + "\x00" + document.Write(nil, document.Map{{Key: "x", Value: entry.Value}})
	name, ok := b.poolNames[key]
	if !ok {
		base := poolName(strings.TrimPrefix(host, "unix:"))
		if u == nil {
			base = poolName(strings.TrimSuffix(strings.TrimPrefix(host, "unix:"), ".sock"))
		}
		name = base
		for i := 2; b.pools.Get(name) != nil; i++ {
			name = base + "-" + strconv.Itoa(i)
		}
		b.poolNames[key] = name
		entry.Key = name
		b.pools = append(b.pools, entry)
	}
	if secure {
		return "https://" + name
	}
	return "http://" + name
}

// withPort gives a member without a port that of nginx, which is 80 even for those that are spoken to with TLS.
func withPort(member string) string {
	addr, rest, more := strings.Cut(member, " ")
	if strings.HasPrefix(addr, "unix:") || strings.HasPrefix(addr, "srv:") || strings.LastIndexByte(addr, ':') > strings.LastIndexByte(addr, ']') {
		return member
	}
	if addr += ":80"; more {
		addr += " " + rest
	}
	return addr
}

// upstreamTLS are the settings of TLS with an upstream.
func (b *builder) upstreamTLS(n, d *node, host string) document.Value {
	module := strings.TrimSuffix(d.name, "_pass")
	var m document.Map
	if n.on(module + "_ssl_verify") {
		if ca := n.setting(module + "_ssl_trusted_certificate"); ca != nil {
			m.Add("ca", document.Text(b.besideMain(ca.arg(0))))
		}
	} else {
		n.setting(module + "_ssl_trusted_certificate")
		m.Add("verify", document.Word("off"))
		b.differs(d, "The upstream's certificate is not verified, as with nginx. Whoever is in between can read and change everything.", "Take verify: off out, and give ca if its authority is not a public one.")
	}
	asked := n.on(module+"_ssl_server_name") || n.on(module+"_ssl_verify")
	name, v := n.setting(module+"_ssl_name"), "$proxy_host"
	if name != nil {
		v = b.literal(name, name.arg(0))
	}
	if one := b.server.names; (v == "$host" || v == "$http_host" || v == "$ssl_server_name") && len(one) == 1 && !strings.HasPrefix(one[0], "*") {
		v = one[0]
	}
	switch {
	case v == "$proxy_host":
		// That of the upstream; a member has only its own.
		if asked && b.find(host) != nil && strings.Contains(host, ".") && hostName.MatchString(host) {
			m.Add("server-name", document.Text(host))
		}
	case strings.Contains(v, "$"):
		if asked {
			b.lost(name, "The name that is asked for depends on the request.", "server-name in the upstream's tls is a fixed one.")
		}
	default:
		m.Add("server-name", document.Text(v))
	}
	if cert := n.setting(module + "_ssl_certificate"); cert != nil && cert.arg(0) != "" {
		m.Add("cert", document.Text(b.besideMain(cert.arg(0))))
		if key := n.setting(module + "_ssl_certificate_key"); key != nil {
			m.Add("key", document.Text(b.besideMain(key.arg(0))))
		}
	}
	if len(m) == 0 {
		return document.Word("on")
	}
	return m
}
