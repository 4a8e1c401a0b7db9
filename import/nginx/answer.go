package nginx

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/anygate/anygate/import/pattern"

	statuses "github.com/anygate/anygate/route"
)

// statusName is how a status is written in an action.
func statusName(code int) string {
	switch code {
	case 301:
		return "MOVED"
	case 307:
		return "TEMP_REDIRECT"
	case 308:
		return "PERM_REDIRECT"
	}
	if name := statuses.StatusName(code); name != "" {
		return name
	}
	return strconv.Itoa(code)
}

// answer makes the route of a return.
func (b *builder) answer(n *node, h pattern.Head) *route {
	n.seen = true
	code, err := strconv.Atoi(n.arg(0))
	text := n.arg(1)
	if err != nil {
		// return URL is return 302 URL.
		code, text = 302, n.arg(0)
	}
	r := &route{path: h.Path, from: n, early: true}
	switch {
	case code == 444:
		b.differs(n, "A connection is not closed without an answer: it is 404.", "")
		r.kind, r.text = answerRoute, "NOT_FOUND"
		return r
	case code < 200 || code > 599:
		b.lost(n, "There is no answer with this status.", "")
		return nil
	case redirectCodes[n.arg(0)] && text == "", code >= 300 && code < 400 && code != 304 && !redirectCodes[strconv.Itoa(code)]:
		b.lost(n, "A redirect has a Location, and one of the statuses 301, 302, 303, 307 and 308.", "")
		return b.missing(n, h)
	case code == 204 || code == 304:
		r.kind, r.text = answerRoute, statusName(code)
		return r
	case redirectCodes[strconv.Itoa(code)]:
		to, ok := b.target(n, text, h, false)
		if !ok {
			b.lost(n, "The Location is made of what AnyGate does not put together.", "Write a redirect for each of the paths that are meant.")
			return b.missing(n, h)
		}
		r.kind, r.text = redirectRoute, statusName(code)+" "+to
		return r
	}
	text = b.literal(n, text)
	if strings.Contains(text, "$") {
		b.lost(n, "The text has variables.", "Let an upstream answer, or an echo (*) if it is for debugging.")
		return b.missing(n, h)
	}
	if trimmed := strings.TrimRight(text, "\r\n"); trimmed != text {
		b.differs(n, "The line feed at the end is left out.", "")
		text = trimmed
	}
	r.kind, r.text = answerRoute, statusName(code)
	if text == "" {
		return r
	}
	isJSON := json.Valid([]byte(text))
	if !isJSON && (text[0] == '{' || text[0] == '[') || text == "*" || strings.TrimSpace(text) != text {
		b.lost(n, "The text is not one that an action can have: without blanks around it, and JSON if it looks like it.", "Put it into a file, and serve that.")
		return b.missing(n, h)
	}
	r.text += " " + text
	is, wanted := "text/plain", b.contentType(n)
	if isJSON {
		is = "application/json"
	}
	if media, _, _ := strings.Cut(wanted, ";"); !strings.EqualFold(strings.TrimSpace(media), is) {
		r.contentType = wanted
	}
	return r
}

// missing answers with 501 what cannot be carried over.
func (b *builder) missing(n *node, h pattern.Head) *route {
	return &route{path: h.Path, from: n, kind: answerRoute, text: "NOT_IMPLEMENTED", beside: "not carried over", neutral: true}
}

// contentType is the type that nginx gives the text of a return.
func (b *builder) contentType(n *node) string {
	for _, h := range n.parent.inherited("add_header") {
		if strings.EqualFold(h.arg(0), "Content-Type") {
			b.differs(h, "It is the only type of the answer, whatever its status; nginx adds it to the one of default_type.", "")
			return h.arg(1)
		}
	}
	return n.parent.settingOr("default_type", "text/plain")
}

var reference = regexp.MustCompile(`\$(?:\{(\w+)\}|(\w+))`)

// literal replaces the variables whose values are known: those that are set to a text, and the names of the server.
func (b *builder) literal(n *node, s string) string {
	for range 4 {
		next := reference.ReplaceAllStringFunc(s, func(ref string) string {
			name := strings.Trim(ref, "${}")
			if name == "server_name" && len(b.server.names) > 0 {
				return b.server.names[0]
			}
			if v, ok := b.values["$"+name]; ok {
				return v
			}
			if d := assignment(n, name); d != nil {
				d.seen = true
				return d.arg(1)
			}
			return ref
		})
		if next == s {
			break
		}
		s = next
	}
	return s
}

// assignment is the only set of a variable on the nearest level, if nothing else may set it.
func assignment(n *node, name string) *node {
	for at := n; at != nil; at = at.parent {
		var found *node
		for _, c := range at.children {
			if c.name == "set" && c.arg(0) == "$"+name {
				if found != nil {
					return nil
				}
				found = c
			}
			if c.name == "if" && sets(c, name) {
				return nil
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

func sets(n *node, name string) bool {
	for _, c := range n.children {
		if c.name == "set" && c.arg(0) == "$"+name {
			return true
		}
	}
	return false
}

// target turns the URI of a redirect into a Location. keeps says that nginx appends the query, as rewrite does.
func (b *builder) target(n *node, s string, h pattern.Head, keeps bool) (string, bool) {
	s = b.literal(n, s)
	whole := h.Path
	if strings.HasSuffix(whole, "/") {
		whole += "*"
	}
	// The query goes with what is kept of the path, so that it need not be named.
	s, asked := cutQuery(s)
	switch {
	case strings.HasPrefix(s, "$scheme://$host/"), strings.HasPrefix(s, "$scheme://$http_host/"), strings.HasPrefix(s, "$scheme://$host$"), strings.HasPrefix(s, "$scheme://$http_host$"):
		s = s[len("$scheme://$h"):]
		s = s[strings.IndexAny(s, "/$"):]
	case strings.HasPrefix(s, "$scheme://"):
		s = s[len("$scheme:"):]
	}
	if rest, ok := strings.CutPrefix(s, "https://$host"); ok && b.secureOnly() {
		s = rest
	}
	if len(b.server.names) == 1 && !strings.HasPrefix(b.server.names[0], "*") {
		s = strings.NewReplacer("://$host", "://"+b.server.names[0], "://$http_host", "://"+b.server.names[0]).Replace(s)
	}
	var failed bool
	out := reference.ReplaceAllStringFunc(s, func(ref string) string {
		switch name := strings.Trim(ref, "${}"); name {
		case "request_uri":
			asked = true
			return whole
		case "uri", "document_uri":
			return whole
		default:
			v, ok := h.Values[name]
			failed = failed || !ok
			return v
		}
	})
	if i := strings.IndexByte(out, '*'); failed || i >= 0 && i < len(out)-1 || strings.ContainsAny(out, " $\"") {
		return "", false
	}
	if !strings.HasPrefix(out, "http") && !strings.HasPrefix(out, "/") {
		return "", false
	}
	if strings.HasPrefix(out, "//") && !strings.HasPrefix(s, "//") {
		out = out[1:]
	}
	switch kept := strings.HasSuffix(out, "*"); {
	case kept && strings.Contains(out, "?"):
		b.differs(n, "The query of the request does not go along with its path.", "")
	case kept && !asked && !keeps:
		b.differs(n, "The query of the request is kept.", "")
	case !kept && (asked || keeps):
		b.differs(n, "The query of the request is not kept.", "")
	}
	return out, true
}

// cutQuery takes off what stands for the query of the request.
func cutQuery(s string) (string, bool) {
	for _, q := range []string{"$is_args$args", "$is_args$query_string", "?$args", "?$query_string", "?${args}"} {
		if rest, ok := strings.CutSuffix(s, q); ok {
			return rest, true
		}
	}
	if rest, ok := strings.CutSuffix(s, "?"); ok {
		return rest, strings.HasSuffix(rest, "$request_uri")
	}
	return s, false
}

// secureOnly reports whether all clients of the server speak TLS.
func (b *builder) secureOnly() bool {
	for _, l := range b.server.listens {
		if !l.tls {
			return false
		}
	}
	return true
}
