package explain

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/variable"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/tlsedge"
)

// client is the address that the explained request comes from.
var client = netip.MustParseAddr("127.0.0.1")

// proxy shows what would be sent upstream, once for each way in which the route rewrites the request.
func (e *explanation) proxy(r *config.Route, g *gateway.Route) {
	content, length := e.request.Content()
	in := proxy.Request{
		Head: e.request, Path: e.norm, Match: &e.match, Peer: client, HTTPS: e.secure, OwnCertificate: e.gen.Settings.OwnCertificates,
		Content: content, Length: length, Edits: g.Proxy.Edits,
	}
	if l := g.Lines; l != nil {
		lines, _ := l.Append(nil, e.facts(r), http1.MaxHeadBytes)
		edits := g.Proxy.Edits.With(lines)
		in.Edits = &edits
	}
	shown := make(map[int]bool)
	members := 0
	for i, t := range r.Targets {
		pool := &e.cfg.Upstreams[t.Upstream]
		target := &g.Proxy.Targets[i]
		for _, m := range pool.Members {
			e.line("upstream", "%s", describe(pool, m))
			if !m.Backup {
				members++
			}
			if shown[target.Group] {
				continue
			}
			shown[target.Group] = true
			e.block(proxy.AppendRequest(nil, &in, target, member(g.Proxy, i)))
		}
	}
	switch {
	case members < 2:
	case r.Balance.Method == policy.RoundRobin:
		e.line("", "the %d servers take turns", members)
	default:
		e.line("balance", "%s, among %d servers", r.Balance.Args(), members)
	}
	e.pool(r)
}

// facts are what variables stand for. What only a connection can tell, or its handshake, stays a name in braces.
func (e *explanation) facts(r *config.Route) *gateway.Facts {
	f := &gateway.Facts{
		Client: netip.AddrPortFrom(client, 0), Peer: netip.AddrPortFrom(client, 0), HTTPS: e.secure, Asked: gateway.AskedBy(e.request, "HTTP/1.1"),
		Unknown: variable.SetOf(variable.ClientPort, variable.ServerPort, variable.RequestID),
	}
	for _, p := range r.Policies {
		if a, ok := p.(policy.Auth); ok && a.Kind == policy.AuthBasic {
			f.Unknown |= variable.SetOf(variable.User)
		}
	}
	if e.secure {
		f.TLS = new(tlsedge.State)
		f.Unknown |= variable.SetOf(variable.TLSVersion, variable.TLSCipher, variable.TLSServerName, variable.TLSALPN)
	}
	return f
}

// describe names a member as the configuration does.
func describe(pool *config.Upstream, m config.Member) string {
	name := m.String()
	if pool.Named {
		name += " (of the pool " + pool.Name + ")"
	}
	return name
}

// member is one that the requests of a target go to.
func member(p *proxy.Plan, target int) *proxy.Member {
	list := p.Upstream.Set().Endpoints
	for _, ep := range list {
		if ep.Target == target {
			return ep.Member
		}
	}
	return list[0].Member
}

// pool shows how the upstream is used, as far as it is not as always.
func (e *explanation) pool(r *config.Route) {
	p, _ := e.cfg.PoolOf(r)
	if p.Protocol != config.HTTP1 {
		e.line("protocol", "%s, in which the same is said in another form", p.Protocol)
	}
	if p.Health != nil {
		e.line("health", "%s", p.Health)
	}
	if p.Passive != nil {
		e.line("passive", "%s", p.Passive)
	}
	if p.Breaker != nil {
		e.line("breaker", "%s", p.Breaker)
	}
	if p.Limits.Connections > 0 || p.Limits.Requests > 0 {
		e.line("limits", "%s", p.Limits)
	}
	if r.Retry.Attempts > 0 {
		e.line("retry", "%s", &r.Retry)
	}
}

// errors shows which pages stand for errors.
func (e *explanation) errors(pages *config.Errors) {
	if len(pages.Pages) == 0 {
		return
	}
	var list []string
	for i := range pages.Pages {
		p := &pages.Pages[i]
		text := p.Path
		if text == "" {
			text = fmt.Sprintf("%.40q", p.Body)
		}
		list = append(list, p.Key()+" "+text)
	}
	if pages.Intercepts() {
		list = append(list, "and for what the upstream answers")
	}
	e.line("errors", "%s", strings.Join(list, ", "))
}
