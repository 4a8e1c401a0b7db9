package config

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/tlsedge/certificate"
)

// readUpstreamTLS reads on, off, or {ca, cert, key, server-name, verify}.
func (l *loader) readUpstreamTLS(v *node, u *Upstream) {
	if v.shape != mapping {
		on := false
		l.readSwitch(v, &on)
		if u.TLS = nil; on {
			u.TLS = &UpstreamTLS{}
		}
		return
	}
	t := &UpstreamTLS{}
	var cert, key, ca *node
	verify := true
	l.fields(
		v, "the upstream's tls",
		field{"ca", func(_, v *node) { ca = v }},
		field{"cert", func(_, v *node) { cert = v }},
		field{"key", func(_, v *node) { key = v }},
		field{"server-name", func(_, v *node) { l.readServerName(v, t) }},
		field{"verify", func(_, v *node) {
			if l.readSwitch(v, &verify); !verify {
				l.warn(v, Diagnostic{
					Msg:  "the certificates of the upstream " + strconv.Quote(u.Name) + " are not verified: whoever is in between can read and change everything",
					Want: "ca, with the file of the authority that vouches for them",
				})
			}
		}},
	)
	t.Insecure = !verify
	if ca != nil {
		l.readUpstreamCA(ca, t, verify)
	}
	switch {
	case cert != nil:
		l.readOwnCertificate(cert, key, t)
	case key != nil:
		l.errorAt(key, Diagnostic{Msg: "there is a key and no certificate", Want: "cert: FILE, the certificate that belongs to the key"})
	}
	u.TLS = t
}

// readServerName reads the name that members are asked for.
func (l *loader) readServerName(v *node, t *UpstreamTLS) {
	s, ok := l.text(v, "a host name")
	if !ok {
		return
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		t.ServerName = ip.String()
		return
	}
	if name, ok := l.hostName(v, false); ok {
		t.ServerName = name
	}
}

func (l *loader) readUpstreamCA(v *node, t *UpstreamTLS, verify bool) {
	if !verify {
		l.errorAt(v, Diagnostic{Msg: "there is a ca, and verify is off", Want: "one of them"})
		return
	}
	f, text, ok := l.file(v, "the file of the authorities that vouch for the upstream")
	if !ok {
		return
	}
	if text != nil {
		_, problems := certificate.ParseRoots(text, l.opt.Now)
		if l.problems(problems, v, v); problems.Fatal() {
			return
		}
	}
	t.CA = &f
}

// readOwnCertificate reads what is shown to the members.
func (l *loader) readOwnCertificate(certNode, keyNode *node, t *UpstreamTLS) {
	const wantCert = "the file of the certificate that is shown to the upstream"
	cert, certText, certOK := l.file(certNode, wantCert)
	key, keyText, keyOK := cert, certText, certOK
	if keyNode != nil {
		key, keyText, keyOK = l.file(keyNode, "the file of the private key")
	} else {
		keyNode = certNode
	}
	if !certOK || !keyOK {
		return
	}
	if certText != nil && keyText != nil {
		_, problems := certificate.ParseClient(certText, keyText, l.opt.Now)
		if l.problems(problems, certNode, keyNode); problems.Fatal() {
			return
		}
		l.warnReadable(keyNode, key)
	}
	t.Cert, t.Key = &cert, &key
}

// finishUpstreamTLS gives members of which no port is known that of TLS, if they speak it, and reports those that are
// said to do both.
func (l *loader) finishUpstreamTLS(u *Upstream, key *node) {
	for i := range u.Members {
		m := &u.Members[i]
		if m.anyPort {
			m.Addr = strings.TrimSuffix(m.Addr, ":80") + ":443"
		}
		if m.plain {
			l.errorAt(key, Diagnostic{
				Kind: KindConflict, Msg: "TLS is spoken to all members of the pool, and http:// stands before " + m.Addr, Want: "https:// there, or the address alone",
				Related: []Related{l.relatedPos(m.Pos, "the member")},
			})
		}
	}
}

// Secure reports whether TLS is spoken to a member of the pool.
func (p *Pool) Secure(m *Member) bool { return p.TLS != nil || m.Scheme == "https" }

// checkSecurePool reports a target that wants TLS of a pool which is spoken to without. A pool says that itself,
// whatever the scheme of those who name it.
func (l *loader) checkSecurePool(n *node, t route.Target) bool {
	i, ok := l.named[t.Host]
	if !ok {
		return true
	}
	u := &l.cfg.Upstreams[i]
	for k := range u.Members {
		if !u.Secure(&u.Members[k]) {
			l.errorIn(n, t.Off, t.Len, Diagnostic{
				Msg: "the pool " + strconv.Quote(u.Name) + " does not speak TLS", Want: "tls: on in the pool, or https:// before each member",
				Related: []Related{l.relatedPos(u.Pos, "the pool")},
			})
			return false
		}
	}
	return true
}

// references are the files of a pool.
func (t *UpstreamTLS) references() (names []string) {
	if t == nil {
		return nil
	}
	for _, f := range []*File{t.CA, t.Cert, t.Key} {
		if f != nil {
			names = append(names, f.Path)
		}
	}
	return names
}

// String writes the settings as `tls` of a pool has them.
func (t *UpstreamTLS) String() string {
	s := "{verify: " + quoteYAML(onOff(!t.Insecure))
	if t.CA != nil {
		s += ", ca: " + quoteYAML(t.CA.Path)
	}
	if t.Cert != nil {
		s += ", cert: " + quoteYAML(t.Cert.Path) + ", key: " + quoteYAML(t.Key.Path)
	}
	if t.ServerName != "" {
		s += ", server-name: " + quoteYAML(t.ServerName)
	}
	return s + "}"
}

func (t *UpstreamTLS) json() map[string]any {
	if t == nil {
		return nil
	}
	out := map[string]any{"verify": !t.Insecure}
	if t.CA != nil {
		out["ca"] = t.CA.Name
	}
	if t.Cert != nil {
		out["cert"], out["key"] = t.Cert.Name, t.Key.Name
	}
	if t.ServerName != "" {
		out["server_name"] = t.ServerName
	}
	return out
}
