package config

import (
	"path/filepath"
	"slices"
	"strconv"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/tlsedge/certificate"
)

// readClients reads a file of authorities, {ca, require, names, listen}, or a list of these.
func (l *loader) readClients(v *node, t *TLS) {
	if v.shape == list && len(v.items) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the list is empty", Want: "a file of authorities, or {ca: FILE, names: [HOST]}"})
	}
	for _, item := range l.items(v) {
		if len(t.Clients) == maxClients {
			l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxClients) + " sets of clients", Want: "fewer of them"})
			return
		}
		if c, ok := l.readClientsItem(item); ok && !l.conflictingClients(item, t, &c) {
			t.Clients = append(t.Clients, c)
		}
	}
}

func (l *loader) readClientsItem(item *node) (Clients, bool) {
	c := Clients{Require: true, Pos: item.pos()}
	ca, ok := item, true
	if item.shape == mapping {
		ca = nil
		l.fields(
			item, "tls.clients",
			field{"ca", func(_, v *node) { ca = v }},
			field{"require", func(_, v *node) { l.readSwitch(v, &c.Require) }},
			field{"names", func(_, v *node) {
				for _, n := range l.items(v) {
					name, good := l.hostName(n, true)
					if ok = ok && good; good && !slices.Contains(c.Names, name) {
						c.Names = append(c.Names, name)
					}
				}
			}},
			field{"listen", func(_, v *node) {
				s, good := l.text(v, "an address of listen")
				var ln Listener
				if good = good && l.listenAddress(v, word{s, 0}, &ln); good {
					c.Listen = ln.Address()
					l.tls.listen = append(l.tls.listen, listenDraft{v, c.Listen})
				}
				ok = ok && good
			}},
		)
		if ca == nil {
			if !item.broken {
				l.errorAt(item, Diagnostic{Msg: "the clients have no ca", Want: "{ca: FILE}, the file of the authorities that vouch for them"})
			}
			return c, false
		}
	}
	file, good := l.authorities(ca)
	c.CA = file
	return c, ok && good
}

// conflictingClients reports clients that are asked for twice.
func (l *loader) conflictingClients(item *node, t *TLS, c *Clients) bool {
	for _, other := range t.Clients {
		if other.Listen != c.Listen {
			continue
		}
		what := ""
		for _, name := range c.Names {
			if slices.Contains(other.Names, name) {
				what = "the name " + name
			}
		}
		if len(c.Names) == 0 && len(other.Names) == 0 {
			what = "the same address and all names"
			if c.Listen == "" {
				what = "all addresses and names"
			}
		}
		if what != "" {
			l.errorAt(item, Diagnostic{
				Kind: KindConflict, Msg: "the clients of " + what + " are there twice", Want: "one set of authorities, whose file may hold many",
				Related: []Related{l.relatedPos(other.Pos, "the first one")},
			})
			return true
		}
	}
	return false
}

// checkMTLS checks the file of a policy that wants certificates of clients. line is the text of the policy.
func (l *loader) checkMTLS(s *setting, line string) bool {
	m, ok := s.policy.(policy.MTLS)
	if !ok {
		return true
	}
	l.mtls = append(l.mtls, *s)
	if l.opt.ReadFile == nil || l.opt.Stat == nil {
		return true
	}
	name := m.File
	if !filepath.IsAbs(name) {
		name = filepath.Join(l.opt.BaseDir, name)
	}
	text, err := l.readText(name)
	if err != nil {
		return false // reported already, by the name of the file
	}
	at, length := wordIn(line, m.File)
	_, problems := certificate.ParseAuthorities(text, l.opt.Now)
	for _, p := range problems {
		d := Diagnostic{Msg: p.Msg, Want: p.Want}
		if p.Warning {
			l.warnIn(s.at, s.off+at, length, d)
		} else {
			l.errorIn(s.at, s.off+at, length, d)
		}
	}
	return !problems.Fatal()
}
