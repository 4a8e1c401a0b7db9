package nginx

import (
	"strings"
	"time"

	"github.com/anygate/anygate/import/document"
)

// process holds the sections that are not about routes.
func (c *converter) process() document.Map {
	var doc, server, timeouts document.Map
	for _, t := range []struct{ from, to string }{
		{"client_header_timeout", "header"}, {"client_body_timeout", "body"}, {"keepalive_timeout", "idle"}, {"send_timeout", "write"},
	} {
		d := c.http.ownOne(t.from)
		if d == nil {
			continue
		}
		v, ok := span(d.arg(0))
		switch {
		case ok && v >= time.Second:
			timeouts = append(timeouts, document.Entry{Key: t.to, Value: document.Word(duration(v))})
		case ok && t.from == "keepalive_timeout":
			c.lost(d, "Connections of clients are kept open after an answer.", "")
		}
	}
	if len(timeouts) > 0 {
		server.Add("timeouts", timeouts)
	}
	if trust := c.trust(); len(trust) > 0 {
		server.Add("trust", document.Texts(trust...))
	}
	if d := c.http.root().ownOne("user"); d != nil {
		server = append(document.Map{{Key: "user", Value: document.Text(strings.Join(d.args, ":"))}}, server...)
	}
	if len(server) > 0 {
		doc = append(doc, document.Entry{Key: "server", Value: server})
	}
	if log := c.log(); len(log) > 0 {
		doc.Add("log", log)
	}
	return doc
}

// trust is who may speak for clients.
func (c *converter) trust() (list []string) {
	where := append([]*node{c.http}, c.http.own("server")...)
	var nodes []*node
	for _, n := range where {
		nodes = append(nodes, n.own("set_real_ip_from")...)
	}
	for _, d := range nodes {
		if d.parent != c.http {
			c.differs(d, "Who is trusted is trusted on every address and for every host.", "")
		}
		p, ok := prefixes(d.arg(0))
		if !ok {
			c.lost(d, "It is no address and no prefix.", "")
			continue
		}
		if s := short(p[0]); !isIn(list, s) {
			list = append(list, s)
		}
	}
	for _, n := range where {
		c.realIP(n)
	}
	return list
}

// realIP reads how a proxy tells who the client is.
func (c *converter) realIP(n *node) {
	if d := n.ownOne("real_ip_header"); d != nil {
		switch d.arg(0) {
		case "X-Forwarded-For", "proxy_protocol", "x-forwarded-for":
		default:
			c.lost(d, "Who the client is, a proxy tells by X-Forwarded-For, Forwarded or the PROXY protocol.", "Have the proxy in front send one of these.")
		}
	}
	if d := n.ownOne("real_ip_recursive"); d != nil && d.arg(0) == "off" {
		c.differs(d, "The client is the nearest address that is not trusted, whatever number of proxies there is.", "")
	}
}
