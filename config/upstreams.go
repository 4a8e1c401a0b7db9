package config

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/route"
)

const wantMember = "HOST:PORT or unix:/PATH"

// readUpstreams reads NAME: MEMBERS, where MEMBERS is an address, a list, or a mapping.
func (l *loader) readUpstreams(_, value *node) {
	if value.shape != mapping {
		l.errorAt(value, Diagnostic{Msg: "upstreams is " + value.describe(), Want: "a mapping of names to addresses"})
		return
	}
	for _, e := range value.entries {
		if !poolName(e.key.text) {
			l.errorAt(e.key, Diagnostic{Msg: strconv.Quote(e.key.text) + " is not a name", Want: "letters, digits, -, _ and dots, as in the host of http://NAME"})
			continue
		}
		if first, ok := l.named[e.key.text]; ok {
			l.errorAt(e.key, Diagnostic{
				Kind: KindConflict, Msg: "the upstream " + strconv.Quote(e.key.text) + " is there twice", Want: "each name once",
				Related: []Related{l.relatedPos(l.cfg.Upstreams[first].Pos, "the first one")},
			})
			continue
		}
		u := Upstream{Name: e.key.text, Named: true, Pos: e.key.pos()}
		if e.value.shape == mapping {
			l.readUpstream(&u, e.key, e.value)
		} else {
			l.readMembers(&u, e.value)
		}
		l.named[u.Name] = len(l.cfg.Upstreams)
		l.cfg.Upstreams = append(l.cfg.Upstreams, u)
	}
}

// poolName says that s can stand as the host of a URI, in the lower case that hosts are compared in.
func poolName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '_' && c != '.') {
			return false
		}
	}
	return s != ""
}

// readUpstream reads the full form of a pool.
func (l *loader) readUpstream(u *Upstream, key, value *node) {
	members := false
	l.fields(
		value, "the upstream",
		field{"members", func(_, v *node) { members = true; l.readMembers(u, v) }},
		field{"balance", func(_, v *node) { l.readBalance(v) }},
		field{"health", l.refuse(healthShape)},
		field{"breaker", l.refuse(breakerShape)},
		field{"tls", l.refuse(upstreamTLSShape)},
		field{"protocol", func(_, v *node) {
			protocol := ""
			if l.enum(v, "protocol", &protocol, "http1", "h2", "h2c") && protocol != "http1" {
				l.unavailable(v, "the protocol "+strconv.Quote(protocol))
			}
		}},
	)
	if !members && !value.broken {
		l.errorAt(key, Diagnostic{Msg: "the upstream " + strconv.Quote(u.Name) + " has no members", Want: "members: [HOST:PORT]"})
	}
}

// readBalance reads the way to balance of a pool, which is checked like the policy of a route.
func (l *loader) readBalance(v *node) {
	args, ok := l.text(v, "round-robin")
	if !ok {
		return
	}
	p, err := policy.Parse("balance", args)
	if err != nil {
		l.policyError(v, 0, args, err)
		return
	}
	if !p.Available() {
		l.unavailable(v, strconv.Quote(p.String()))
	}
}

func (l *loader) readMembers(u *Upstream, value *node) {
	items := l.items(value)
	if len(items) == 0 {
		l.errorAt(value, Diagnostic{Msg: "the list is empty", Want: wantMember})
	}
	if len(items) > maxMembers {
		l.errorAt(items[maxMembers], Diagnostic{Msg: "the pool has more than " + strconv.Itoa(maxMembers) + " members", Want: "fewer members"})
		items = items[:maxMembers]
	}
	for _, item := range items {
		m := Member{Weight: 1, Pos: item.pos()}
		var at *node
		if item.shape == mapping {
			l.fields(
				item, "the member",
				field{"addr", func(_, v *node) {
					if s, ok := l.text(v, wantMember); ok && l.memberAddress(v, word{s, 0}, &m) {
						at = v
					}
				}},
				field{"weight", func(_, v *node) { l.integer(v, 1, maxWeight, &m.Weight) }},
			)
			if item.get("addr") == nil && !item.broken {
				l.errorAt(item, Diagnostic{Msg: "the member has no address", Want: "addr: HOST:PORT"})
			}
		} else if s, ok := l.text(item, wantMember); ok && l.memberLine(item, words(s), &m) {
			at = item
		}
		if at != nil {
			l.addMember(u, at, m)
		}
	}
}

// memberLine reads ADDR [weight N].
func (l *loader) memberLine(item *node, list []word, m *Member) bool {
	if len(list) == 0 {
		l.errorAt(item, Diagnostic{Msg: "the value is empty", Want: wantMember})
		return false
	}
	if !l.memberAddress(item, list[0], m) {
		return false
	}
	switch {
	case len(list) == 1:
		return true
	case list[1].text != "weight":
		d := Diagnostic{Msg: "unexpected " + strconv.Quote(list[1].text) + " behind the address", Want: "weight N", Suggest: route.Suggest(list[1].text, []string{"weight"})}
		if _, _, ok := strings.Cut(list[1].text, ":"); ok {
			d.Want = "a list of addresses in brackets, or weight N"
		}
		l.wordError(item, list[1], d)
		return false
	case len(list) == 2:
		l.wordError(item, list[1], Diagnostic{Msg: "the weight is missing", Want: "a whole number from 1 to " + strconv.Itoa(maxWeight)})
		return false
	case len(list) > 3:
		l.wordError(item, list[3], Diagnostic{Msg: "unexpected " + strconv.Quote(list[3].text) + " behind the weight", Want: "ADDR weight N"})
		return false
	}
	n, err := strconv.Atoi(list[2].text)
	if err != nil || n < 1 || n > maxWeight {
		l.wordError(item, list[2], Diagnostic{Msg: strconv.Quote(list[2].text) + " is not a weight", Want: "a whole number from 1 to " + strconv.Itoa(maxWeight)})
		return false
	}
	m.Weight = n
	return true
}

// memberAddress reads HOST[:PORT], http://HOST[:PORT] or unix:/PATH.
func (l *loader) memberAddress(item *node, w word, m *Member) bool {
	text, base := w.text, 0
	if !strings.Contains(text, "://") && !strings.HasPrefix(text, "unix:") {
		if strings.Contains(text, "/") {
			l.wordError(item, w, Diagnostic{Msg: strconv.Quote(text) + " is not an address", Want: wantMember})
			return false
		}
		if addr, err := netip.ParseAddr(text); err == nil && addr.Is6() {
			l.wordError(item, w, Diagnostic{Msg: "the IPv6 address " + strconv.Quote(text) + " has no brackets", Want: wantMember, Suggest: "[" + text + "]:80"})
			return false
		}
		text, base = "http://"+text, len("http://")
	}
	t, err := route.ParseTarget(text)
	if err != nil {
		off := max(0, err.Off-base)
		d := Diagnostic{Msg: err.Msg, Want: err.Want, Suggest: strings.TrimPrefix(err.Suggest, text[:base])}
		l.errorIn(item, w.off+off, min(err.Len, len(w.text)-off), d)
		return false
	}
	if t.HasPath {
		l.errorIn(item, w.off+len(w.text)-len(t.Path), len(t.Path), Diagnostic{
			Msg: "a member has no path", Want: wantMember + "; a path belongs into the route", Suggest: strings.TrimSuffix(w.text, t.Path),
		})
		return false
	}
	if t.Scheme != "http" && t.Scheme != "unix" {
		l.unavailableIn(item, w.off, len(t.Scheme)+len("://"), `"`+t.Scheme+`://"`)
	}
	m.Scheme, m.Addr = directAddress(t)
	return true
}

// directAddress returns the scheme and address of a target that is no pool.
func directAddress(t route.Target) (scheme, addr string) {
	if t.Scheme == "unix" {
		return "unix", t.Host
	}
	addr = strings.ToLower(t.Host)
	if i := strings.LastIndexByte(addr, ':'); i < 0 || strings.IndexByte(addr[i:], ']') >= 0 {
		port := ":80"
		if t.Scheme == "https" {
			port = ":443"
		}
		addr += port
	}
	return "http", addr
}

// addMember appends a member that the pool does not have yet. Members with different weights would need weighted
// balancing, so they are refused.
func (l *loader) addMember(u *Upstream, at *node, m Member) {
	for _, other := range u.Members {
		if other.Scheme == m.Scheme && other.Addr == m.Addr {
			l.errorAt(at, Diagnostic{
				Kind: KindConflict, Msg: "the member " + m.Addr + " is there twice", Want: "each address once; a weight gives one a larger share",
				Related: []Related{l.relatedPos(other.Pos, "the first one")},
			})
			return
		}
	}
	if len(u.Members) > 0 && u.Members[0].Weight != m.Weight {
		l.unavailable(at, "a pool whose members have different weights")
	}
	u.Members = append(u.Members, m)
}
