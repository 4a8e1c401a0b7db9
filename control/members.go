package control

import (
	"fmt"

	"github.com/anygate/anygate/proxy"
)

// SetMember takes a member of an upstream out, or lets it in again. One that is out gets no more requests, finishes those
// that it has, and closes its connections as they become idle; it stays out when another configuration is loaded, and as
// long as the process lives. One that is let in starts slowly, where the upstream asks for that.
func (s *Server) SetMember(upstream, member string, enabled bool) error {
	return s.registry.setMember(upstream, member, enabled)
}

// UnknownMember is a member, or an upstream, that there is not.
type UnknownMember struct{ What, Name string }

func (e *UnknownMember) Error() string { return fmt.Sprintf("there is no %s %q", e.What, e.Name) }

func (r *Registry) setMember(upstream, member string, enabled bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, found := false, false
	for _, p := range r.pools {
		if p.upstream.Name != upstream {
			continue
		}
		known = true
		changed := false
		each := func(m *proxy.Member) {
			if m.Name != member {
				return
			}
			found = true
			if r.disabled[m] == enabled {
				r.disabled[m], changed = !enabled, true
			}
		}
		for _, e := range p.upstream.Set().Endpoints {
			each(e.Member)
		}
		for _, m := range p.disabled {
			each(m)
		}
		if changed {
			r.publish(p)
		}
	}
	switch {
	case !known:
		return &UnknownMember{"upstream", upstream}
	case !found:
		return &UnknownMember{"member", member}
	}
	return nil
}
