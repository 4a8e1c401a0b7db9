package control

import (
	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/discovery"
	"github.com/anygate/anygate/control/health"
	"github.com/anygate/anygate/telemetry"
)

// watch begins to follow the names of upstreams, and to look after those for which the configuration asks for it, in place
// of those of the configuration before. What is known of an upstream that stays is kept.
func (s *Server) watch() {
	s.registry.follow()
	if set := s.registry.set(); set != nil {
		set.Run(s.logs.say)
	}
	s.registry.identities.Run(s.logs.say, s.registry.showNew)
	s.registry.secrets.follow(secretsEvery, s.tellSecrets)
	list := s.registry.watched()
	if len(list) == 0 && s.health == nil {
		return
	}
	if s.health == nil {
		monitor := health.New(health.Options{Log: s.tell})
		s.mu.Lock()
		s.health = monitor
		s.mu.Unlock()
	}
	s.health.Apply(list)
}

// monitor looks after upstreams; nil if none is to be looked after.
func (s *Server) monitor() *health.Monitor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health
}

// tell logs what has become of a member or a breaker.
func (s *Server) tell(e health.Event) {
	level := telemetry.Info
	if e.Kind.Worse() {
		level = telemetry.Warn
	}
	s.logs.say(level, e.String())
}

// tellSecrets logs what has become of a file of passwords or tokens.
func (s *Server) tellSecrets(name string, err error) {
	if err != nil {
		s.logs.say(telemetry.Warn, "a file of credentials cannot be used: what was read of it before stays", telemetry.String("error", err.Error()))
		return
	}
	s.logs.say(telemetry.Info, "a file of credentials was read again", telemetry.String("file", name))
}

// tellName logs what has become of a name. Of failures in a row it tells the first one and then ever fewer.
func (s *Server) tellName(e discovery.Event) {
	name := telemetry.String("name", e.Query.Name)
	switch n := e.Failures; {
	case e.Err != nil && n&(n-1) == 0:
		s.logs.say(telemetry.Warn, "a name cannot be looked up: its last addresses stay", name,
			telemetry.Int("failures", int64(n)), telemetry.String("error", e.Err.Error()))
	case e.Err != nil:
		return
	case n > 0:
		s.logs.say(telemetry.Info, "a name can be looked up again", name, telemetry.Int("failures", int64(n)))
	}
	if move := describeMove(&e); move != "" {
		s.logs.say(telemetry.Info, "the addresses of a name have changed: "+move, name)
	}
}

// watched are the upstreams of the configuration that are looked after.
func (r *Registry) watched() []health.Upstream {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []health.Upstream
	for _, p := range r.pools {
		c := &p.config
		if c.Health != nil || c.Passive != nil || c.Breaker != nil {
			list = append(list, health.Upstream{
				Upstream: p.upstream, Active: activeChecks(c.Health), Passive: passiveEjection(c.Passive), Breaker: breaker(c.Breaker),
			})
		}
	}
	return list
}

func activeChecks(c *config.Health) *health.Check {
	if c == nil {
		return nil
	}
	out := &health.Check{
		Path: c.Path, Host: c.Host, Every: c.Every, Timeout: c.Timeout, Jitter: share(c.Jitter), Rise: c.Rise, Fall: c.Fall,
		GRPC: c.GRPC, Service: c.Service,
	}
	for _, r := range c.Status {
		out.Status = append(out.Status, health.StatusRange{From: r.Low, To: r.High})
	}
	return out
}

func passiveEjection(c *config.Passive) *health.Passive {
	if c == nil {
		return nil
	}
	return &health.Passive{Errors: c.Errors, Latency: c.Latency, Eject: c.Eject, Share: share(c.Max)}
}

func breaker(c *config.Breaker) *health.Breaker {
	if c == nil {
		return nil
	}
	return &health.Breaker{Errors: share(c.Errors), Window: c.Window, Min: c.Min, Open: c.Open}
}
