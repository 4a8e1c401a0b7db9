package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Admin is where the process can be asked how it is, and told what to do.
type Admin struct {
	// Listen has an address at least.
	Listen []Listener
	// Token names what whoever asks has to know: a file, or an environment variable if TokenEnv. Empty is nothing.
	Token    string
	TokenEnv bool
	// Profiles says that profiles of the process may be taken.
	Profiles bool
	Pos      Pos
}

// adminDraft is the section as it was read last.
type adminDraft struct{ items []*node }

const wantToken = "the name of an environment variable, or of a file"

// readAdmin reads the section; a bare value is that of listen. A file overrides what the files say that it includes.
func (l *loader) readAdmin(key, value *node) {
	if l.cfg.Admin == nil {
		l.cfg.Admin = &Admin{}
	}
	a := l.cfg.Admin
	a.Pos = key.pos()
	if value.shape != mapping {
		l.readAdminListen(value, a)
		return
	}
	told := false // what is wrong with the addresses
	l.fields(
		value, "admin",
		field{"listen", func(_, v *node) {
			before := len(l.diagnostics)
			l.readAdminListen(v, a)
			told = len(l.diagnostics) > before
		}},
		field{"token", func(_, v *node) {
			if s, ok := l.text(v, wantToken); ok {
				if a.Token, a.TokenEnv = s, IsVariable(s); a.TokenEnv {
					l.warnVariable(v, 0, len(s), s)
				} else {
					a.Token = l.placeToken(v, s)
				}
			}
		}},
		field{"pprof", func(_, v *node) { l.readSwitch(v, &a.Profiles) }},
	)
	if len(a.Listen) == 0 && !told && !value.broken {
		l.errorAt(value, Diagnostic{Msg: "admin has no listen", Want: "listen: an address such as 127.0.0.1:9100, or unix:/PATH"})
	}
}

// placeToken makes the name of a file relative to the directory of the main file, and reports one that is not there.
func (l *loader) placeToken(v *node, name string) string {
	path := v.beside(name)
	if l.checkFile(v, 0, name, name, path) {
		if d, open := l.exposed(path, "the tokens in "+path); open {
			l.warn(v, d)
		}
	}
	if filepath.IsAbs(name) || v.src.dir == l.opt.BaseDir {
		return name
	}
	return l.relative(path, false)
}

// IsVariable tells the names of variables from those of files.
func IsVariable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' })
}

func (l *loader) readAdminListen(v *node, a *Admin) {
	a.Listen, l.admin.items = nil, nil
	for _, item := range l.items(v) {
		s, ok := l.text(item, wantListen)
		if !ok {
			continue
		}
		list := words(s)
		if len(list) != 1 {
			l.errorAt(item, Diagnostic{Msg: strconv.Quote(s) + " is not an address", Want: wantListen})
			continue
		}
		ln := Listener{Network: "tcp", Pos: item.pos()}
		if !l.listenAddress(item, list[0], &ln) {
			continue
		}
		if ln.Network == "unix" && ln.Addr[0] == '@' {
			l.errorAt(item, Diagnostic{
				Msg:  "an abstract socket has no permissions: everybody on this machine could connect, and a process that goes on in the place of this one could not have it",
				Want: "unix:/PATH, or an address such as 127.0.0.1:9100",
			})
			continue
		}
		if len(a.Listen) == maxAdminListeners {
			l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxAdminListeners) + " addresses", Want: "fewer addresses"})
			return
		}
		if slices.ContainsFunc(a.Listen, ln.same) {
			l.errorAt(item, Diagnostic{Kind: KindConflict, Msg: "the address " + ln.Addr + " is listened to twice", Want: "each address once"})
			continue
		}
		a.Listen, l.admin.items = append(a.Listen, ln), append(l.admin.items, item)
	}
}

// finishAdmin checks what only all files together tell.
func (l *loader) finishAdmin() {
	a := l.cfg.Admin
	if a == nil {
		return
	}
	for i, ln := range a.Listen {
		item := l.admin.items[i]
		for _, other := range l.cfg.Listen {
			if ln.SharesPort(other) {
				l.errorAt(item, Diagnostic{
					Kind: KindConflict, Msg: "clients are listened to on " + other.Addr + " already", Want: "another address",
					Related: []Related{l.relatedPos(other.Pos, "the address")},
				})
			}
		}
		if a.Token == "" && !ln.Local() {
			d := Diagnostic{Msg: strconv.Quote(ln.Addr) + " can be reached from elsewhere, and no token is asked for", Want: "an address such as 127.0.0.1:9100, unix:/PATH, or a token"}
			if port, ok := strings.CutPrefix(ln.Addr, ":"); ok {
				d.Suggest = "127.0.0.1:" + port
			}
			l.errorAt(item, d)
		}
	}
}

// SharesPort reports whether a connection to one of two addresses may come to the other.
func (ln Listener) SharesPort(b Listener) bool {
	if ln.Network != b.Network || ln.Network == "unix" {
		return ln.Network == b.Network && ln.Addr == b.Addr
	}
	split := func(l Listener) (host, port string) {
		i := strings.LastIndexByte(l.Addr, ':')
		return l.Addr[:i], l.Addr[i+1:]
	}
	every := func(host string) bool {
		ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return host == "" || err == nil && ip.IsUnspecified()
	}
	hostA, portA := split(ln)
	hostB, portB := split(b)
	return portA == portB && portA != "0" && (hostA == hostB || every(hostA) || every(hostB))
}

// Local reports whether only this machine can reach an address.
func (ln Listener) Local() bool {
	if ln.Network == "unix" {
		return true
	}
	ap, err := netip.ParseAddrPort(ln.Addr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// printAdmin writes the section.
func (c *Config) printAdmin(b *strings.Builder) {
	a := c.Admin
	if a == nil {
		return
	}
	list := make([]string, len(a.Listen))
	for i, ln := range a.Listen {
		list[i] = ln.String()
	}
	b.WriteString("admin:\n  listen: " + flowList(list) + "\n")
	if a.Token != "" {
		b.WriteString("  token: " + quoteYAML(a.Token) + "\n")
	}
	b.WriteString("  pprof: " + quoteYAML(onOff(a.Profiles)) + "\n")
}

// jsonAdmin is the section in the JSON form of a Config. The token's name is in it, and not the token.
type jsonAdmin struct {
	Listen []string `json:"listen"`
	Token  string   `json:"token,omitempty"`
	PProf  bool     `json:"pprof"`
}

func (a *Admin) json() *jsonAdmin {
	if a == nil {
		return nil
	}
	out := &jsonAdmin{Token: a.Token, PProf: a.Profiles}
	for _, ln := range a.Listen {
		out.Listen = append(out.Listen, ln.String())
	}
	return out
}
