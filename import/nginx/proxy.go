package nginx

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/import/pattern"
	"github.com/anygate/anygate/policy"

	"github.com/anygate/anygate/import/document"
)

// proxied makes the routes of a location that passes requests on.
func (b *builder) proxied(l *location, d *node, h pattern.Head, inner []rewritten) []*route {
	n := l.n
	raw := b.literal(d, d.arg(0))
	if d.name == "grpc_pass" && !strings.Contains(raw, "://") {
		raw = "grpc://" + raw
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		b.lost(d, "The upstream depends on the request.", "Write a route, or a group with a host, for each upstream.")
		n.markAll()
		return []*route{b.missing(n, h)}
	}
	host, uri := rest, ""
	if socket, is := strings.CutPrefix(rest, "unix:"); is {
		file, p, _ := strings.Cut(socket, ":")
		host, uri = "unix:"+file, p
	} else if i := strings.IndexAny(rest, "/$"); i >= 0 {
		host, uri = rest[:i], rest[i:]
	}
	switch uri {
	case "$request_uri", "$uri", "$uri$is_args$args", "$document_uri$is_args$args":
		uri = ""
	}
	made, failed := false, strings.Contains(host, "$") || host == ""
	uri, asked := cutQuery(uri)
	uri = reference.ReplaceAllStringFunc(uri, func(ref string) string {
		v, ok := h.Values[strings.Trim(ref, "${}")]
		failed = failed || !ok
		made = true
		return v
	})
	if made && !failed && !asked {
		b.differs(d, "The query of the request goes along.", "")
	}
	uri, query, more := strings.Cut(uri, "?")
	if more && !failed {
		b.lost(d, "The query "+query+" is not sent to the upstream; that of the request is.", "Let the upstream do without it.")
	}
	if failed || strings.Contains(strings.TrimSuffix(uri, "*"), "*") {
		b.lost(d, "The upstream depends on the request.", "Write a route, or a group with a host, for each upstream.")
		n.markAll()
		return []*route{b.missing(n, h)}
	}
	base, own := b.upstreamBase(n, d, scheme, host)
	var list []*route
	add := func(at, uri string) {
		target := base
		if uri != "" {
			if strings.HasPrefix(target, "unix:") {
				target = b.namedPool(n, d, scheme, host)
			}
			target += uri
		}
		r := &route{path: at, kind: proxyRoute, text: target, from: n}
		b.proxySettings(r, n, d, own)
		r.request = b.requestFields(n, host, d.name == "grpc_pass")
		if n.setting("proxy_redirect") == nil && d.name == "proxy_pass" && slices.ContainsFunc(r.request, func(e string) bool { return strings.HasPrefix(e, "~Host=") }) {
			b.once("redirects", d, "The upstream is asked by its own name. Where it redirects to that, nginx puts the client's name in its place; here the Location is passed on as it is.", "If the upstream takes the client's name, leave ~Host=... out of the headers that it gets.")
		}
		list = append(list, r)
	}
	covered := false
	for _, w := range inner {
		add(w.head.Path, strings.TrimSuffix(w.path, "*"))
		covered = covered || strings.TrimSuffix(w.head.Path, "*") == strings.TrimSuffix(h.Path, "*")
		if w.head.Loose != "" {
			b.differs(w.n, "The route is "+w.head.Path+": "+w.head.Loose+".", "")
		}
	}
	if !covered {
		add(h.Path, b.uri(l, d, h, uri))
	}
	return list
}

// uri is the path of the upstream's URI, by nginx's rule of the slash: it replaces what the location has matched,
// character by character.
func (b *builder) uri(l *location, d *node, h pattern.Head, uri string) string {
	if uri == "" || uri == l.text && l.kind != regexLocation {
		return ""
	}
	if l.kind == regexLocation || l.kind == exactLocation {
		return strings.TrimSuffix(uri, "*")
	}
	from, to := strings.HasSuffix(l.text, "/"), strings.HasSuffix(uri, "/")
	switch {
	case from && !to:
		b.lost(d, "nginx puts the rest of the path behind "+uri+" without a slash: "+l.text+"x becomes "+uri+"x. AnyGate puts one between: "+uri+"/x.", "If that is what was meant, nothing has to be done.")
	case !from && to:
		b.differs(d, "nginx sends "+l.text+"/x as "+uri+"/x, with two slashes; AnyGate sends one.", "")
	}
	return uri
}

// proxySettings reads timeouts, retries and what becomes of errors.
func (b *builder) proxySettings(r *route, n, d *node, members int) {
	module := strings.TrimSuffix(d.name, "_pass")
	var t document.Map
	seconds := func(name string) (time.Duration, bool) {
		s := n.setting(module + name)
		if s == nil {
			return 0, false
		}
		v, ok := span(s.arg(0))
		if !ok || v < time.Millisecond {
			b.lost(s, "The time is not understood.", "")
			return 0, false
		}
		return v, true
	}
	if v, ok := seconds("_connect_timeout"); ok && v != 5*time.Second {
		t.Add("connect", document.Word(duration(v)))
	}
	read, ok := seconds("_read_timeout")
	if ok {
		if read != 60*time.Second { // which is the default here as well
			t.Add("first-byte", document.Word(duration(read)))
			t.Add("idle", document.Word(duration(read)))
		}
		if b.upgrades(n) {
			t.Add("tunnel", document.Word(duration(read)))
		}
	}
	if v, is := seconds("_send_timeout"); is && (!ok || v != read) && v != 60*time.Second {
		b.differs(n.setting(module+"_send_timeout"), "What an upstream may take to read is the same time as it may take to write: idle.", "")
		if !ok {
			t.Add("idle", document.Word(duration(v)))
		}
	}
	if len(t) > 0 {
		r.set("timeouts", t)
	}
	b.retries(r, n, module, members)
	if n.on(module + "_intercept_errors") {
		r.intercept = true
		b.once("intercept", n.setting(module+"_intercept_errors"), "Of the upstream's answer, fields stay that do not describe its content.", "")
	}
	if list := n.inherited(module + "_hide_header"); list != nil {
		for _, f := range list {
			r.response = append(r.response, "-"+f.arg(0))
		}
	}
	if s := n.setting("proxy_redirect"); s != nil && (s.arg(0) == "off" || s.arg(0) == "default") {
		s.seen = true
	} else if s != nil {
		s.seen = false
	}
	if s := n.setting("proxy_cache"); s != nil && s.arg(0) != "off" {
		s.seen = false
	}
}

// retries reads proxy_next_upstream. Without it, nginx tries the other members after errors and timeouts.
func (b *builder) retries(r *route, n *node, module string, members int) {
	d := n.setting(module + "_next_upstream")
	tries := n.setting(module + "_next_upstream_tries")
	if t := n.setting(module + "_next_upstream_timeout"); t != nil && t.arg(0) != "0" {
		b.differs(t, "Attempts are bounded by their number, and each by its timeouts.", "retry: {per-try: ...}")
	}
	attempts := min(members-1, 10)
	if tries != nil {
		if v, err := strconv.Atoi(tries.arg(0)); err == nil && v > 0 {
			attempts = min(attempts, v-1)
		}
	}
	if attempts <= 0 && d == nil {
		return
	}
	var on []document.Value
	if d != nil {
		for _, a := range d.args {
			switch {
			case a == "off":
				return
			case a == "error":
				on = append(on, document.Word("connect"), document.Word("reset"))
			case a == "timeout":
				on = append(on, document.Word("timeout"))
			case strings.HasPrefix(a, "http_") && len(a) == len("http_404") && count(a[len("http_"):]):
				on = append(on, document.Word(strings.TrimPrefix(a, "http_")))
			case a == "non_idempotent":
				b.lost(d, "Requests that must not be repeated (POST) are not, once they have left.", "")
			case a == "invalid_header":
				b.differs(d, "An answer that breaks HTTP's rules is not asked for again.", "")
			}
		}
	}
	switch {
	case attempts <= 0:
	case len(on) == 0 || len(on) == 3 && !slices.ContainsFunc(on, func(v document.Value) bool { return v.(document.Word)[0] < 'a' }):
		r.set("retry", document.Word(strconv.Itoa(attempts)))
	default:
		r.set("retry", document.Map{
			{Key: "attempts", Value: document.Word(strconv.Itoa(attempts))}, {Key: "on", Value: document.List(on)},
		})
	}
}

// upgrades reports whether a location is one for WebSocket: it passes Upgrade and Connection on.
func (b *builder) upgrades(n *node) bool {
	for _, d := range n.inherited("proxy_set_header") {
		if strings.EqualFold(d.arg(0), "Upgrade") && d.arg(1) == "$http_upgrade" {
			return true
		}
	}
	return false
}

// requestFields are the edits of what upstreams get, where it is something else than AnyGate sends by itself.
func (b *builder) requestFields(n *node, host string, grpc bool) (edits []string) {
	name := "proxy_set_header"
	if grpc {
		name = "grpc_set_header"
	}
	hosted := false
	for _, d := range n.inherited(name) {
		field, value := d.arg(0), b.literal(d, d.arg(1))
		lower := strings.ToLower(field)
		variable := "$http_" + strings.ReplaceAll(lower, "-", "_")
		switch {
		case lower == "host":
			hosted = true
			switch value {
			case "$http_host":
				continue
			case "$host":
				if b.standardPorts() {
					continue // but for letters and a port that is meant anyway, which a Host seldom has
				}
			case "$proxy_host", "$proxy_host:$proxy_port":
				value = host
			}
		case lower == "connection" || lower == "upgrade" || lower == "te" || lower == "keep-alive" || lower == "proxy":
			if lower == "connection" && strings.HasPrefix(value, "$") {
				b.useMap(value)
			}
			continue
		case lower == "x-forwarded-for" && (value == "$proxy_add_x_forwarded_for" || value == "$remote_addr"),
			lower == "x-forwarded-proto" && (value == "$scheme" || value == "$http_x_forwarded_proto"),
			lower == "x-forwarded-host" && (value == "$host" && b.standardPorts() || value == "$http_host"),
			value == variable, lower == "content-length", lower == "accept-encoding" && value == "$http_accept_encoding":
			continue
		case lower == "x-forwarded-port" && value == "$server_port" && len(b.ports) == 1:
			for p := range b.ports {
				value = p
			}
		case strings.Contains(value, "$ssl_client_fingerprint"):
			b.lost(d, "Fingerprints are of SHA-256 here, and of SHA-1 in nginx.", "headers req ~"+field+"={client-cert-fingerprint}, and have the upstream compare that.")
			edits = append(edits, "-"+field) // The upstream takes it for nginx's: nobody else may write it.
			continue
		case strings.Contains(value, "$ssl_client_escaped_cert"), strings.Contains(value, "$ssl_client_cert"), strings.Contains(value, "$ssl_client_raw_cert"):
			b.lost(d, "Certificates are passed on as RFC 9440 has it.", "Have the upstream read Client-Cert.")
			edits = append(edits, "-"+field)
			continue
		}
		value, known := b.template(d, value, false)
		e := edit('~', field, value)
		if value == "" {
			e = "-" + field
		}
		switch {
		case !known:
			b.lost(d, "AnyGate has no variable for it. What clients send in this field is not passed on.", variableAdvice(d.arg(1), "the upstream"))
			edits = append(edits, "-"+field)
		case b.sendable(d, "headers req ", e):
			edits = append(edits, e)
		case lower != "host":
			if _, err := policy.ParseLine("headers req -" + field); err == nil {
				edits = append(edits, "-"+field)
			}
		}
	}
	if !hosted && !strings.HasPrefix(host, "unix:") {
		// nginx names the upstream, as the configuration does.
		edits = append(edits, edit('~', "Host", host))
	} else if !hosted {
		edits = append(edits, edit('~', "Host", "localhost"))
	}
	return edits
}

// edit writes one operation of a headers policy.
func edit(op byte, name, value string) string {
	if value == "" || strings.ContainsAny(value, " \t\"\\|") {
		value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
	}
	return string(op) + name + "=" + value
}
