package control

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/anygate/anygate/control/admin"
	"github.com/anygate/anygate/proxy"
)

// SetMember takes a member of an upstream out, or lets it in again. One that is out gets no more requests, finishes those
// that it has, and closes its connections as they become idle; it stays out when another configuration is loaded, and when
// another process goes on in the place of this one. One that is let in starts slowly, where the upstream asks for that.
func (s *Server) SetMember(upstream, member string, enabled bool) error {
	return s.registry.setMember(memberName{upstream, member}, enabled)
}

// memberName is what operators call a member by. It is the same member for them whatever is spoken to it.
type memberName struct {
	Upstream string `json:"upstream"`
	Member   string `json:"member"`
}

// UnknownMember is a member, or an upstream, that there is not.
type UnknownMember struct{ What, Name string }

func (e *UnknownMember) Error() string { return fmt.Sprintf("there is no %s %q", e.What, e.Name) }

func (r *Registry) setMember(name memberName, enabled bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var pools []*pool
	found := false
	is := func(m *proxy.Member) bool { return m.Name == name.Member }
	for _, p := range r.pools {
		if p.upstream.Name == name.Upstream {
			pools = append(pools, p)
			found = found || slices.ContainsFunc(p.disabled, is) ||
				slices.ContainsFunc(p.upstream.Set().Endpoints, func(e proxy.Endpoint) bool { return is(e.Member) })
		}
	}
	switch {
	case pools == nil:
		return &UnknownMember{"upstream", name.Upstream}
	case !found:
		return &UnknownMember{"member", name.Member}
	case r.disabled[name] != enabled:
		return nil
	case r.handed:
		return admin.ErrUpgrading
	case enabled:
		delete(r.disabled, name)
	default:
		r.disabled[name] = true
	}
	for _, p := range pools {
		r.publish(p)
	}
	return nil
}

// handOver lists the members of the configuration that are out, for the process that is to go on. They stay what they are
// until takeBack.
func (r *Registry) handOver() []memberName {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handed = true
	return r.out()
}

// takeBack says that no other process goes on.
func (r *Registry) takeBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handed = false
}

// takenOut lists the members of the configuration that are out.
func (r *Registry) takenOut() []memberName {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out()
}

// out is takenOut for who holds the lock.
func (r *Registry) out() (list []memberName) {
	for _, p := range r.pools {
		for _, m := range p.disabled {
			list = append(list, memberName{p.upstream.Name, m.Name})
		}
	}
	slices.SortFunc(list, func(a, b memberName) int {
		return cmp.Or(cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Member, b.Member))
	})
	return slices.Compact(list)
}
