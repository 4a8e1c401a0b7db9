package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

var wantWeight = "a whole number from 1 to " + strconv.Itoa(maxWeight)

const wantMember = "HOST:PORT, unix:/PATH or srv:NAME"

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
		u := Upstream{Name: e.key.text, Named: true, Pool: l.cfg.Pool, Pos: e.key.pos()}
		if e.value.shape == mapping {
			l.readUpstream(&u, e.key, e.value)
		} else {
			l.readMembers(&u, e.value)
		}
		l.checkBackups(&u, e.key)
		for i := range u.Members {
			u.Members[i].anyPort, u.Members[i].plain = false, false
		}
		l.named[u.Name] = len(l.cfg.Upstreams)
		l.cfg.Upstreams = append(l.cfg.Upstreams, u)
	}
}

// poolName says that s can stand as the host of a URI.
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
	var limits, secure *node
	own := func(read func(key, v *node)) func(key, v *node) {
		return func(key, v *node) { u.Own = true; read(key, v) }
	}
	l.fields(
		value, "the upstream",
		field{"members", func(_, v *node) { members = true; l.readMembers(u, v) }},
		field{"balance", func(_, v *node) { u.Balance = l.readBalance(v) }},
		field{"health", own(func(_, v *node) { u.Health = l.readHealth(v) })},
		field{"passive", own(func(_, v *node) { u.Passive = l.readPassive(v) })},
		field{"breaker", own(func(_, v *node) { u.Breaker = l.readBreaker(v) })},
		field{"panic", own(func(_, v *node) { l.readPanic(v, &u.Panic) })},
		field{"slow-start", own(func(_, v *node) { l.durationOr("off", v, minTimeout, &u.SlowStart) })},
		field{"limits", own(func(_, v *node) { limits = v; l.readPoolLimits(v, &u.Limits) })},
		field{"keepalive", own(func(_, v *node) { l.readKeepAlive(v, &u.KeepAlive) })},
		field{"resolve", own(func(_, v *node) { l.readResolve(v, &u.Resolve) })},
		field{"proxy-protocol", own(func(_, v *node) { l.readProxyProtocol(v, &u.ProxyProtocol) })},
		field{"tls", own(func(key, v *node) { secure = key; l.readUpstreamTLS(v, u) })},
		field{"protocol", func(_, v *node) { l.readProtocol(v, &u.Protocol); u.Own = u.Own || u.Protocol != HTTP1 }},
		field{"grpc-failures", own(func(_, v *node) { l.readGRPCFailures(v, &u.GRPCFailures) })},
	)
	if warm := u.KeepAlive.Warm * len(u.Members); limits != nil && u.Limits.Connections > 0 && warm > u.Limits.Connections {
		l.errorAt(limits, Diagnostic{
			Msg:  "keepalive.warm opens " + strconv.Itoa(warm) + " connections from each shard, and limits.connections is " + strconv.Itoa(u.Limits.Connections),
			Want: "more connections, or fewer to open",
		})
	}
	if u.TLS != nil {
		l.finishUpstreamTLS(u, secure)
	}
	l.checkProtocol(u, value)
	if !members && !value.broken {
		l.errorAt(key, Diagnostic{Msg: "the upstream " + strconv.Quote(u.Name) + " has no members", Want: "members: [HOST:PORT]"})
	}
}

// poolKeys are the settings that only a pool has.
var poolKeys = []string{
	"members", "passive", "panic", "slow-start", "limits", "keepalive", "resolve", "proxy-protocol", "tls", "protocol", "grpc-failures",
}

// explainPoolKeys turns "unknown key" into a better message where the key is that of a pool.
func (l *loader) explainPoolKeys(value *node, before int) {
	if value.shape != mapping {
		return
	}
	for _, e := range value.entries {
		if !slices.Contains(poolKeys, e.key.text) {
			continue
		}
		for i := before; i < len(l.diagnostics); i++ {
			d := &l.diagnostics[i]
			if p := e.key.pos(); d.Line == p.Line && d.Col == p.Col && strings.HasPrefix(d.Msg, "unknown key") {
				d.Msg = strconv.Quote(e.key.text) + " is a setting of a pool"
				d.Want, d.Suggest = "it in a pool of upstreams, which routes name", ""
			}
		}
	}
}

// readBalance reads the way to balance: the policy without its name.
func (l *loader) readBalance(v *node) *policy.Balance {
	args, ok := l.text(v, "round-robin")
	if !ok {
		return nil
	}
	p, err := policy.Parse("balance", args)
	if err != nil {
		l.policyError(v, 0, args, err)
		return nil
	}
	b, _ := p.(policy.Balance)
	return &b
}

// readPanic reads the share of available members below which all are used.
func (l *loader) readPanic(v *node, into *quantity.Percent) {
	if v.shape == scalar && (v.text == "off" || v.text == "false") {
		*into = 0
		return
	}
	before := len(l.diagnostics)
	l.share(v, 0, 100_000, into)
	l.orWord("off", v, before)
}

func (l *loader) readProxyProtocol(v *node, into *int) {
	version := ""
	if !l.enum(v, "version", &version, "v1", "v2", "off", "false") {
		return
	}
	*into = map[string]int{"v1": 1, "v2": 2}[version]
}

// checkBackups reports a pool that has nothing to back up.
func (l *loader) checkBackups(u *Upstream, key *node) {
	for _, m := range u.Members {
		if !m.Backup {
			return
		}
	}
	if len(u.Members) > 0 {
		l.errorAt(key, Diagnostic{Msg: "all members of the upstream " + strconv.Quote(u.Name) + " are backups", Want: "at least one member without backup"})
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
		var at, weight *node
		if item.shape == mapping {
			l.fields(
				item, "the member",
				field{"addr", func(_, v *node) {
					if s, ok := l.text(v, wantMember); ok && l.memberAddress(v, word{s, 0}, &m) {
						at = v
					}
				}},
				field{"weight", func(key, v *node) { weight = key; l.integer(v, 1, maxWeight, &m.Weight) }},
				field{"backup", func(_, v *node) { l.readSwitch(v, &m.Backup) }},
			)
			if weight != nil && m.Scheme == "srv" {
				l.srvWeight(weight, word{weight.text, 0})
				continue
			}
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

// memberLine reads ADDR [weight N] [backup].
func (l *loader) memberLine(item *node, list []word, m *Member) bool {
	if len(list) == 0 {
		l.errorAt(item, Diagnostic{Msg: "the value is empty", Want: wantMember})
		return false
	}
	if !l.memberAddress(item, list[0], m) {
		return false
	}
	weighted := false
	for i := 1; i < len(list); i++ {
		w := list[i]
		switch {
		case w.text == "backup" && !m.Backup:
			m.Backup = true
		case w.text == "weight" && !weighted:
			weighted = true
			if i++; i == len(list) {
				l.wordError(item, w, Diagnostic{Msg: "the weight is missing", Want: wantWeight})
				return false
			}
			n, err := strconv.Atoi(list[i].text)
			if err != nil || n < 1 || n > maxWeight {
				l.wordError(item, list[i], Diagnostic{Msg: strconv.Quote(list[i].text) + " is not a weight", Want: wantWeight})
				return false
			}
			m.Weight = n
			if m.Scheme == "srv" {
				l.srvWeight(item, w)
				return false
			}
		default:
			d := Diagnostic{Msg: "unexpected " + strconv.Quote(w.text) + " behind the address", Want: "weight N or backup", Suggest: route.Suggest(w.text, []string{"weight", "backup"})}
			if d.Suggest == w.text {
				d.Suggest = ""
			}
			if _, _, ok := strings.Cut(w.text, ":"); ok {
				d.Want = "a list of addresses in brackets, or weight N or backup"
			}
			l.wordError(item, w, d)
			return false
		}
	}
	return true
}

// srvWeight reports a weight of a member whose records have weights.
func (l *loader) srvWeight(item *node, w word) {
	l.wordError(item, w, Diagnostic{Msg: "a name of SRV records has no weight", Want: "the weights of the records"})
}

// memberAddress reads HOST[:PORT], http://HOST[:PORT], https://HOST[:PORT] or unix:/PATH.
func (l *loader) memberAddress(item *node, w word, m *Member) bool {
	text, base := w.text, 0
	if name, ok := strings.CutPrefix(text, "srv:"); ok {
		return l.srvName(item, w, name, m)
	}
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
	switch t.Scheme {
	case "http", "https", "unix":
	case "h2c":
		l.errorIn(item, w.off, len("h2c://"), Diagnostic{
			Msg: "a member has no protocol of its own", Want: wantMember + "; protocol: h2c belongs to the pool", Suggest: w.text[len("h2c://"):],
		})
		return false
	default:
		l.unavailableIn(item, w.off, len(t.Scheme)+len("://"), `"`+t.Scheme+`://"`)
	}
	m.Scheme, m.Addr = directAddress(t)
	m.anyPort, m.plain = base > 0 && !hasPort(t.Host), base == 0 && t.Scheme == "http"
	return true
}

// srvName reads the name of SRV records (RFC 2782).
func (l *loader) srvName(item *node, w word, name string, m *Member) bool {
	const want = "a name such as srv:_http._tcp.example.com"
	ok := name != "" && len(name) <= 253
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		ok = ok && label != "" && len(label) <= 63
	}
	for i := range len(name) {
		c := name[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	}
	if !ok {
		l.wordError(item, w, Diagnostic{Msg: strconv.Quote(w.text) + " is not a name of SRV records", Want: want})
		return false
	}
	m.Scheme, m.Addr = "srv", strings.ToLower(strings.TrimSuffix(name, "."))
	return true
}

// directAddress returns the scheme and address of a target that is no pool.
func directAddress(t route.Target) (scheme, addr string) {
	if t.Scheme == "unix" {
		return "unix", t.Host
	}
	scheme, addr = "http", strings.ToLower(t.Host)
	port := ":80"
	if t.Scheme == "https" {
		scheme, port = "https", ":443"
	}
	if !hasPort(addr) {
		addr += port
	}
	return scheme, addr
}

func hasPort(host string) bool {
	i := strings.LastIndexByte(host, ':')
	return i >= 0 && strings.IndexByte(host[i:], ']') < 0
}

// addMember appends a member that the pool does not have yet.
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
	u.Members = append(u.Members, m)
}
