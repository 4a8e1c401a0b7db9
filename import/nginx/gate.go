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

// plainly are variables of nginx's own that say what is asked for, and how it has come: nobody is told from another by them.
var plainly = set("args", "query_string", "is_args", "uri", "document_uri", "request_uri", "request", "request_method", "request_filename", "document_root", "realpath_root",
	"host", "hostname", "scheme", "https", "server_addr", "server_name", "server_port", "server_protocol", "http2", "http3", "content_length", "content_type",
	"body_bytes_sent", "bytes_sent", "connection", "connection_requests", "connection_time", "limit_rate", "msec", "nginx_version", "pid", "pipe", "proxy_host", "proxy_port",
	"request_body", "request_body_file", "request_completion", "request_id", "request_length", "request_time", "status", "time_iso8601", "time_local", "gzip_ratio",
	"ssl_protocol", "ssl_cipher", "ssl_ciphers", "ssl_curve", "ssl_curves", "ssl_server_name", "ssl_session_id", "ssl_session_reused", "ssl_early_data", "ssl_alpn_protocol")

// foreign reports whether a variable is made by a module or a script: of the country of a client, of a token, of whatever that
// asks for. It may tell who a client is.
func (b *builder) foreign(name string) bool {
	if name == "" || name[0] < 'A' || plainly[name] || slices.Contains(robots, name) || b.maps["$"+name] != nil {
		return false
	}
	for _, prefix := range []string{"http_", "arg_", "sent_http_", "sent_trailer_", "upstream_", "proxy_protocol_"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	made := regexp.MustCompile(`\(\?P?<` + name + `>`)
	var makes func(n *node) bool
	makes = func(n *node) bool {
		if (n.name == "set" || n.name == "geo") && slices.Contains(n.args, "$"+name) || slices.ContainsFunc(n.args, made.MatchString) {
			return true
		}
		return slices.ContainsFunc(n.children, makes)
	}
	return !makes(b.http)
}

// refusal reports whether a status keeps clients out.
func refusal(status string) bool {
	return len(status) == 3 && count(status) && (status[0] == '4' || status[0] == '5')
}

// keepsOut reports whether a condition lets in some requests only: it refuses them, or leads those without some credential
// elsewhere. Those that are about robots, and let in who says nothing of himself, do not count; neither do files that tell
// of maintenance.
func (b *builder) keepsOut(n *node) bool {
	c := n.condition()
	source := c.variable
	v := b.maps["$"+c.variable]
	if v != nil {
		source = strings.TrimPrefix(v.source, "$")
	}
	if slices.Contains(robots, source) {
		listed := strings.HasPrefix(c.op, "!") && c.value != ""
		if v != nil {
			listed = c.holds(v.other)
		}
		if !listed || source == "invalid_referer" {
			return false
		}
	}
	aboutFiles := strings.HasPrefix(strings.TrimPrefix(c.op, "!"), "-")
	asks := b.asks(c)
	for _, d := range n.children {
		switch {
		case d.name == "return" && refusal(d.arg(0)) && (d.arg(0)[0] == '4' || !aboutFiles),
			d.name == "return" && strings.HasPrefix(d.arg(0), "$") && len(d.args) == 1,
			d.name == "rewrite" && !redirecting(d) && b.keptFrom(d.arg(1)),
			c.aboutPath() && elsewhere(d),
			asks && (d.name == "return" || d.name == "rewrite" || strings.HasSuffix(d.name, "_pass")):
			return true
		}
	}
	return false
}

// aboutPath reports whether a condition is about many paths.
func (c condition) aboutPath() bool {
	return slices.Contains([]string{"uri", "request_uri", "document_uri", "request_filename"}, c.variable) && strings.Contains(c.op, "~")
}

// keptFrom reports whether what a rewrite leads to is kept from clients.
func (b *builder) keptFrom(to string) bool {
	if i := strings.IndexAny(to, "$?"); i >= 0 {
		to = to[:i]
	}
	at := b.enclosing(to)
	for _, l := range b.locs {
		if l.kind == exactLocation && l.text == to {
			at = l
		}
	}
	if at == nil || slices.Contains(b.led, at) {
		return false // Rewriting that goes round in circles leads to 500 in the end.
	}
	b.led = append(b.led, at)
	defer func() { b.led = b.led[:len(b.led)-1] }()
	return b.shuts(at.n)
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
	case b.foreign(c.variable):
		return true
	case c.variable == "args" || c.variable == "query_string":
		return lacks && (c.op == "=" || c.value != "")
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
	if asked[name] || credential(name) || b.foreign(name) {
		return !asked[name]
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
