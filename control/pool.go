package control

import (
	"slices"
	"strings"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/proxy/balance"
)

// pool is an upstream as one configuration has it.
type pool struct {
	upstream *proxy.Upstream
	config   config.Pool
	servers  []server
	disabled []*proxy.Member // those that are left out
}

// server is a server of a pool, which is as many members as it has addresses.
type server struct {
	config    config.Member
	target    int // the index of the route's URI that it comes from
	group     int // of the target; see proxy.Target
	addresses []address
	// secure is how TLS is spoken to it, nil for not at all, and serverName who is asked for.
	secure     *secure
	serverName string
	name       *lookUp // of a server that has a name
}

// address is where a member listens, and how logs name it.
type address struct {
	name string
	addr *engine.Addr
	// weight and backup are those of a SRV record, in place of the server's; 0 is none.
	weight int
	backup bool
}

// settings are what shards have to know of the pool.
func (p *pool) settings() *proxy.Settings {
	c := &p.config
	return &proxy.Settings{
		Limits: proxy.Limits{
			Connections: c.Limits.Connections, Requests: c.Limits.Requests, Queue: c.Limits.Queue, Wait: c.Limits.Wait,
		},
		KeepAlive: proxy.KeepAlive{
			Idle: c.KeepAlive.Idle, Age: c.KeepAlive.Age, Requests: c.KeepAlive.Requests,
			Connections: c.KeepAlive.Connections, Warm: c.KeepAlive.Warm,
			Streams: c.KeepAlive.Streams, Ping: c.KeepAlive.Ping,
		},
		SlowStart:     c.SlowStart,
		Panic:         share(c.Panic),
		ProxyProtocol: uint8(c.ProxyProtocol),
		Protocol:      protocol(c.Protocol),
		GRPCFailures:  c.GRPCFailures,
	}
}

// publish hands the members of the pool to the shards. A member that comes back, or comes to others that are there
// already, starts slowly; one that has left takes no more requests and closes its connections as they become idle. The
// lock is held.
func (r *Registry) publish(p *pool) {
	before := p.upstream.Set().Endpoints
	var endpoints []proxy.Endpoint
	var weights []balance.Endpoint
	p.disabled = nil
	for i := range p.servers {
		s := &p.servers[i]
		for _, a := range s.addresses {
			e := proxy.Endpoint{Member: r.member(p.upstream, a, s), Target: s.target}
			r.secureMember(e.Member, s)
			if slices.Contains(endpoints, e) {
				continue // two names of one address
			}
			if r.disabled[memberName{p.upstream.Name, a.name}] {
				p.disabled = append(p.disabled, e.Member)
				continue
			}
			w := balance.Endpoint{Key: a.name, Weight: s.config.Weight, Backup: s.config.Backup || a.backup, Group: int32(s.group)}
			if a.weight > 0 {
				w.Weight = a.weight
			}
			endpoints, weights = append(endpoints, e), append(weights, w)
		}
	}
	now := engine.Now()
	for _, e := range endpoints {
		if len(before) > 0 && !has(before, e.Member) {
			e.Member.Mark(proxy.Draining, true, now)
		}
		e.Member.Mark(proxy.Draining, false, now)
	}
	r.sets++
	p.upstream.Publish(&proxy.Set{Version: r.sets, Endpoints: endpoints, Weights: balance.NewSet(weights)})
	for _, e := range before {
		if !has(endpoints, e.Member) {
			e.Member.Mark(proxy.Draining, true, now)
		}
	}
}

func has(list []proxy.Endpoint, m *proxy.Member) bool {
	return slices.ContainsFunc(list, func(e proxy.Endpoint) bool { return e.Member == m })
}

// adopt makes the pools of a configuration those of the process.
func (r *Registry) adopt(pools []*pool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pools, r.current = pools, make(map[*proxy.Upstream]*pool, len(pools))
	for _, p := range pools {
		r.current[p.upstream] = p
		p.upstream.Settings.Store(p.settings())
		r.publish(p)
	}
}

func protocol(p config.Protocol) proxy.Protocol {
	switch p {
	case config.H2C:
		return proxy.H2C
	case config.H2TLS:
		return proxy.H2
	}
	return proxy.HTTP1
}

// share is a percentage as a number from 0 to 1.
func share[P ~uint32](p P) float64 { return float64(p) / 100_000 }

// planBalance is how a route chooses members.
func planBalance(c policy.Balance) proxy.Balance {
	switch c.Method {
	case policy.LeastConn:
		return proxy.Balance{Policy: balance.LeastConn}
	case policy.TwoChoices:
		return proxy.Balance{Policy: balance.P2C}
	case policy.HashIP:
		return proxy.Balance{Policy: balance.Hash, Hash: proxy.HashIP}
	case policy.HashHeader:
		// Field names are compared without regard to case, and looked up in lower case.
		return proxy.Balance{Policy: balance.Hash, Hash: proxy.HashHeader, Name: strings.ToLower(c.Field)}
	case policy.HashCookie:
		return proxy.Balance{Policy: balance.Hash, Hash: proxy.HashCookie, Name: c.Field}
	case policy.HashPath:
		return proxy.Balance{Policy: balance.Hash, Hash: proxy.HashPath}
	}
	return proxy.Balance{Policy: balance.RoundRobin}
}

// planRetry is what a route tries again.
func planRetry(c *config.Retry) proxy.Retry {
	out := proxy.Retry{Attempts: c.Attempts, Budget: share(c.Budget), PerTry: c.PerTry}
	for _, o := range []struct {
		set bool
		on  proxy.RetryOn
	}{{c.Connect, proxy.RetryConnect}, {c.Reset, proxy.RetryReset}, {c.Timeout, proxy.RetryTimeout}} {
		if o.set {
			out.On |= o.on
		}
	}
	for _, status := range c.Statuses {
		out.Statuses.Add(status)
	}
	return out
}

// planTimeouts are those of a route.
func planTimeouts(c *config.Timeouts) proxy.Timeouts {
	return proxy.Timeouts{Connect: c.Connect, FirstByte: c.FirstByte, Idle: c.Idle, Tunnel: c.Tunnel}
}
