package control

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/limiter"
)

// limiters are what counts requests, by the route and the line of the policy. Who has used up a limit does not get a new
// one from a new configuration that says the same.
type limiters struct {
	of map[string]any // *limiter.Bucket, Table, Counter or Tally

	rateKeys   int   // places of a Table
	countKeys  int   // places of the Tally of connections
	countBytes int64 // what all Tallies of requests may take
}

// requestKeys is how many places each Tally of requests has: as many for each request that may be under way as there are
// for a connection, within what all of them may take. A client of HTTP/2 has many requests, each with a header field of its
// choice, and must not fill with a few connections what others are counted in.
func (l *limiters) requestKeys(cfg *config.Config) int {
	tallies := int64(0)
	for i := range cfg.Routes {
		for _, p := range cfg.Routes[i].Policies {
			if c, ok := p.(policy.Conns); ok && c.Scope.Kind != policy.PerRoute {
				tallies++
			}
		}
	}
	places := int64(l.countKeys)
	if cfg.Server.H2.On {
		places *= int64(cfg.Server.H2.Streams)
	}
	if room := l.countBytes / limiter.TallyBytes / max(tallies, 1); places > room {
		// A Tally's places are a power of two, rounded up.
		places = 1 << max(bits.Len64(uint64(room))-1, 0)
	}
	return max(int(places), l.countKeys)
}

// keep returns the limiter of a policy of a route: the one that there is, or a new one.
func keep[T any](c *compiler, r *config.Route, p policy.Policy, make func() *T) *T {
	return kept(c, r.Head.String()+" | "+p.String(), make)
}

func kept[T any](c *compiler, key string, make func() *T) *T {
	if old, ok := c.limiters[key].(*T); ok {
		return old
	}
	old, ok := c.reg.limiter(key).(*T)
	if !ok {
		old = make()
	}
	c.limiters[key] = old
	return old
}

// limiter is what counts under a key, nil if nothing does yet.
func (r *Registry) limiter(key string) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.limiters.of[key]
}

// adoptLimiters forgets those that the new configuration does not have. Exchanges that were counted there are counted
// until they end.
func (r *Registry) adoptLimiters(of map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limiters.of = of
}

func (c *compiler) conns(r *config.Route, p policy.Conns, out *gateway.Policies) error {
	if len(out.Conns) == gateway.MaxScopes {
		return tooMany(p)
	}
	var l gateway.Concurrency
	if p.Scope.Kind == policy.PerRoute {
		l.Counter = keep(c, r, p, func() *limiter.Counter { return limiter.NewCounter(p.Max) })
	} else {
		l.Scope = scope(p.Scope)
		l.Tally = keep(c, r, p, func() *limiter.Tally {
			if c.requestKeys == 0 {
				c.requestKeys = c.reg.limiters.requestKeys(c.cfg)
			}
			return limiter.NewTally(p.Max, c.requestKeys)
		})
	}
	out.Conns = append(out.Conns, l)
	return nil
}

func (c *compiler) limit(r *config.Route, p policy.Limit, out *gateway.Policies) error {
	if len(out.Limits) == gateway.MaxScopes {
		return tooMany(p)
	}
	rate := p.Rate
	var l gateway.RateLimit
	if p.Scope.Kind == policy.PerRoute {
		l.Bucket = keep(c, r, p, func() *limiter.Bucket { return limiter.NewBucket(rate.Count, rate.Per, p.Burst, c.reg.shards) })
	} else {
		l.Scope = scope(p.Scope)
		l.Table = keep(c, r, p, func() *limiter.Table { return limiter.NewTable(rate.Count, rate.Per, p.Burst, c.reg.limiters.rateKeys) })
	}
	l.Describe(scopeName(p.Scope), rate.Count, rate.Per, p.Burst)
	out.Limits = append(out.Limits, l)
	return nil
}

// perAddress counts the connections of client addresses; nil if they may have any number.
func (c *compiler) perAddress(most int) *limiter.Tally {
	if most == 0 {
		return nil
	}
	return kept(c, fmt.Sprintf("connections-per-address %d", most), func() *limiter.Tally { return limiter.NewTally(most, c.reg.limiters.countKeys) })
}

func tooMany(p policy.Policy) error {
	return fmt.Errorf("the route has more than %d policies of the name %q; remove one", gateway.MaxScopes, p.Name())
}

func scope(s policy.Scope) gateway.Scope {
	if s.Kind == policy.PerIP {
		return gateway.PerAddress()
	}
	return gateway.PerField(strings.ToLower(s.Field))
}

// scopeName is what clients are told of a limit by.
func scopeName(s policy.Scope) string {
	switch s.Kind {
	case policy.PerIP:
		return "ip"
	case policy.PerHeader:
		return strings.ToLower(s.Field)
	}
	return "route"
}

// limiterPlaces decides how many keys the limiters have places for: as many as a share of the memory holds, for limits of
// rates; four for each connection, for those of connections; and of requests under way what requestKeys makes of that.
func (s *size) limiterPlaces(cfg *config.Config, memory int64) {
	tables := int64(0)
	for i := range cfg.Routes {
		for _, p := range cfg.Routes[i].Policies {
			if l, ok := p.(policy.Limit); ok && l.Scope.Kind != policy.PerRoute {
				tables++
			}
		}
	}
	total := int64(maxLimiterBytes)
	if memory > 0 {
		total = min(total, memory/limiterShare)
	}
	s.rateKeys = int(min(max(total/limiter.TableBytes/max(tables, 1), minLimiterKeys), maxLimiterKeys))
	s.countKeys = min(max(4*s.limits.Clients*s.shards, minLimiterKeys), 4*maxLimiterKeys)
	s.countBytes = total
}
