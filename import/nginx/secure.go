package nginx

import (
	"slices"
	"strings"

	"github.com/anygate/anygate/import/document"
)

// secure is the section tls.
func (c *converter) secure(p *plan) document.Map {
	var certificates document.List
	var clients document.List
	var m document.Map
	have := map[string]bool{}
	minimum := ""
	oldest := true
	for _, s := range p.secured {
		n := s.n
		certs, keys := n.inherited("ssl_certificate"), n.inherited("ssl_certificate_key")
		for i, d := range certs {
			if i >= len(keys) || strings.Contains(d.arg(0)+keys[i].arg(0), "$") || strings.HasPrefix(d.arg(0), "data:") || strings.HasPrefix(keys[i].arg(0), "engine:") {
				c.lost(d, "A certificate is a file, with a key in another one.", "tls: {certificates: [{cert: FILE, key: FILE}]}")
				continue
			}
			cert, key := c.besideMain(d.arg(0)), c.besideMain(keys[i].arg(0))
			if have[cert+"\x00"+key] {
				continue
			}
			have[cert+"\x00"+key] = true
			certificates = append(certificates, document.Map{{Key: "cert", Value: document.Text(cert)}, {Key: "key", Value: document.Text(key)}})
		}
		if d := n.setting("ssl_protocols"); d != nil {
			if slices.Contains(d.args, "TLSv1.2") || !slices.Contains(d.args, "TLSv1.3") {
				oldest = false
			}
			minimum = "1.3"
			for _, v := range []string{"TLSv1", "TLSv1.1", "SSLv3", "SSLv2"} {
				if slices.Contains(d.args, v) {
					c.differs(d, "TLS before 1.2 is never spoken.", "")
				}
			}
		} else {
			oldest = false
		}
		if e := c.clients(p, s); e != nil {
			clients = append(clients, e)
		}
	}
	if len(certificates) > 0 {
		m = append(m, document.Entry{Key: "certificates", Value: certificates, Open: len(certificates) > 1})
	}
	for _, a := range p.addresses {
		if d := a.first.n.ownOne("ssl_reject_handshake"); d != nil && d.arg(0) == "on" && a.tls && m.Get("default") == nil {
			m.Add("default", document.Word("none"))
		}
	}
	if minimum != "" && oldest {
		m.Add("minimum", document.Word(minimum))
	}
	if len(clients) > 0 {
		m = append(m, document.Entry{Key: "clients", Value: clients})
	}
	return m
}

// clients is who has to show a certificate to a server.
func (c *converter) clients(p *plan, s *server) document.Value {
	d := s.n.setting("ssl_verify_client")
	ca := s.n.setting("ssl_client_certificate")
	if d == nil || d.arg(0) == "off" {
		return nil
	}
	if ca == nil || d.arg(0) == "optional_no_ca" {
		c.lost(d, "A certificate of a client is verified by the authorities of a file, or not asked for.", "tls: {clients: {ca: FILE}}")
		return nil
	}
	if d.arg(0) == "optional" && demands(s.n) && !tells(s.n) {
		return nil // The policy mtls of the routes asks for it.
	}
	m := document.Map{{Key: "ca", Value: document.Text(c.besideMain(ca.arg(0)))}}
	hostless := slices.ContainsFunc(p.hostings, func(h hosting) bool { return h.server == s && h.hostless })
	if hostless && d.arg(0) == "on" && (len(p.secured) > 1 || len(p.addresses) > 1) {
		// It answers hosts that have no name here, so that its routes ask, and not the names.
		c.asking[s.n] = true
		c.differs(d, "A client without a certificate gets 403 from each route; nginx answers 400.", "")
		return nil
	}
	if d.arg(0) == "optional" {
		m.Add("require", document.Word("off"))
	} else {
		c.differs(d, "A client without a certificate is refused in the handshake; nginx answers 400.", "")
	}
	if len(s.names) > 0 && !hostless {
		m.Add("names", document.OneOrMore(s.names))
	}
	return m
}

// demands reports whether some condition asks for a verified certificate.
func demands(n *node) bool {
	for _, c := range n.children {
		if cond := c.condition(); c.name == "if" && cond.variable == "ssl_client_verify" || c.name == "location" && demands(c) {
			return true
		}
	}
	return false
}

// tells reports whether fields tell of certificates, those of routes that do not ask for one included.
func tells(n *node) bool {
	for _, c := range n.children {
		switch c.name {
		case "proxy_set_header", "grpc_set_header", "add_header":
			if strings.Contains(c.arg(1), "$ssl_client_") {
				return true
			}
		case "location", "if":
			if tells(c) {
				return true
			}
		}
	}
	return false
}

// certificateRequired deals with if ($ssl_client_verify != SUCCESS) { return 403; }.
func (b *builder) certificateRequired(n *node) bool {
	c := n.condition()
	answer := onlyReturn(n)
	if c.variable != "ssl_client_verify" || c.op != "!=" || c.value != "SUCCESS" || answer == nil || answer.name != "return" || !strings.HasPrefix(answer.arg(0), "4") {
		return false
	}
	n.markAll()
	if answer.arg(0) != "403" {
		b.differs(answer, "A client without a certificate gets 403.", "")
	}
	return true
}

// certificate is the policy of a route whose block asks for a certificate in that way.
func (b *builder) certificate(r *route) []string {
	n := r.scope
	if n == nil {
		n = r.from
	}
	ca := n.setting("ssl_client_certificate")
	if ca == nil {
		return nil
	}
	for at := n; at != nil; at = at.parent {
		if b.asking[at] {
			return []string{"mtls " + b.besideMain(ca.arg(0))}
		}
		if r.early {
			continue
		}
		for _, c := range at.children {
			cond := c.condition()
			if c.name == "if" && cond.variable == "ssl_client_verify" && cond.op == "!=" && cond.value == "SUCCESS" && c.seen {
				return []string{"mtls " + b.besideMain(ca.arg(0))}
			}
		}
	}
	return nil
}
