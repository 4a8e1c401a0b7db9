package nginx

import (
	"fmt"
	"strings"
	"time"
)

// fields are the edits of the fields of responses and requests.
func (b *builder) fields(n *node, r *route) (use []string) {
	var edits []string
	edits = append(edits, r.response...)
	cors := b.cors(n)
	if cors != "" {
		use = append(use, cors)
	}
	if e := b.expires(n, r); e != "" {
		edits = append(edits, e)
	}
	if r.contentType != "" {
		edits = append(edits, edit('~', "Content-Type", r.contentType))
	}
	for _, d := range n.inherited("add_header") {
		name, value := d.arg(0), b.literal(d, d.arg(1))
		lower := strings.ToLower(name)
		switch {
		case value == "":
			continue
		case lower == "content-type" && r.kind == answerRoute:
			continue
		case cors != "" && strings.HasPrefix(lower, "access-control-"), cors != "" && lower == "vary" && strings.EqualFold(value, "origin"):
			continue
		case lower == "alt-svc":
			b.lost(d, "HTTP/3 is not spoken, so it is not announced.", "")
			continue
		case lower == "connection" || lower == "transfer-encoding" || lower == "content-length" || lower == "keep-alive" || lower == "upgrade" || lower == "trailer":
			b.lost(d, "Fields that delimit messages and manage connections are AnyGate's own.", "")
			continue
		}
		value, known := b.template(d, value, true)
		if !known {
			advice := corsAdvice(lower)
			if advice == "" {
				advice = variableAdvice(d.arg(1), "an upstream")
			}
			b.lost(d, "AnyGate has no variable for it.", advice)
			continue
		}
		if d.arg(2) != "always" && r.kind != redirectRoute {
			b.once("always", d, "Responses of every status get the field, errors too, as if it said always. So it is with all others without always.", "")
		}
		if e := edit('+', name, value); b.sendable(d, "headers ", e) {
			edits = append(edits, e)
		}
	}
	if len(edits) > 0 {
		use = append(use, "headers "+strings.Join(edits, " "))
	}
	if len(r.request) > 0 && r.kind == proxyRoute {
		use = append(use, "headers req "+strings.Join(r.request, " "))
	}
	return use
}

func corsAdvice(name string) string {
	if strings.HasPrefix(name, "access-control-") {
		return "cors ORIGIN... credentials maxage 1h is the policy for that."
	}
	return ""
}

// expires is what the directive says to caches; it is Cache-Control, without the field Expires of HTTP/1.0.
func (b *builder) expires(n *node, r *route) string {
	d := n.setting("expires")
	if d == nil || d.arg(0) == "off" || r.kind == answerRoute || r.kind == redirectRoute {
		return ""
	}
	value := d.arg(0)
	say := func(cache string) string {
		b.once("expires", d, "Cache-Control is sent without Expires, and with responses of every status, errors too. So it is with all others.", "")
		return edit('~', "Cache-Control", cache)
	}
	if v, ok := strings.CutPrefix(value, "$"); ok {
		b.lost(d, "It depends on $"+v+": nothing is said to caches.", "static: {cache-control: auto} knows pages from names with a hash.")
		return ""
	}
	switch value {
	case "epoch":
		return say("no-cache")
	case "max":
		return say("max-age=315360000")
	case "modified":
		b.lost(d, "Times that count from the modification have no counterpart.", "")
		return ""
	}
	if strings.HasPrefix(value, "-") {
		return say("no-cache")
	}
	age, ok := span(strings.TrimPrefix(value, "+"))
	if !ok {
		b.lost(d, "Times of day have no counterpart.", "")
		return ""
	}
	return say(fmt.Sprintf("max-age=%d", age/time.Second))
}

// cors is the policy that a map of origins stands for.
func (b *builder) cors(n *node) string {
	list := n.inherited("add_header")
	line := ""
	var rest []*node
	for _, d := range list {
		name, value := strings.ToLower(d.arg(0)), d.arg(1)
		if name == "access-control-allow-origin" {
			origins := b.origins(value)
			if origins == nil {
				return ""
			}
			line = "cors " + strings.Join(origins, " ") + line
			b.useMap(value)
			continue
		}
		if strings.HasPrefix(name, "access-control-") {
			rest = append(rest, d)
		}
	}
	if line == "" {
		return ""
	}
	for _, d := range rest {
		switch name := strings.ToLower(d.arg(0)); {
		case name == "access-control-allow-credentials" && d.arg(1) == "true":
			line += " credentials"
		case name == "access-control-max-age":
			line += " maxage " + d.arg(1) + "s"
			b.differs(d, "It is sent with answers to preflights, where it means something.", "")
		case name == "access-control-allow-methods" || name == "access-control-allow-headers":
			b.differs(d, "Preflights are answered with the method and the fields that were asked for.", "")
		default:
			b.lost(d, "The policy cors does not send it.", "headers +"+d.arg(0)+"=...")
		}
	}
	return line
}
