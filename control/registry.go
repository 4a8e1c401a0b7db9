package control

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
)

// Resolver finds the addresses of a host name. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Registry is what outlives a generation: the numbers by which shards know upstream servers and proxy routes, so that
// connection pools and balancing state survive when the configuration is replaced.
type Registry struct {
	resolver Resolver

	mu      sync.Mutex
	members map[string]*proxy.Member // by name
	plans   map[string]uint32        // by the head of the route
}

// NewRegistry makes a registry. A nil resolver is the system's.
func NewRegistry(r Resolver) *Registry {
	if r == nil {
		r = net.DefaultResolver
	}
	return &Registry{resolver: r, members: make(map[string]*proxy.Member), plans: make(map[string]uint32)}
}

// tcpMember returns the member at a TCP address; always the same one for the same address.
func (r *Registry) tcpMember(ap netip.AddrPort) *proxy.Member {
	ap = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	return r.member(ap.String(), engine.TCPAddr(ap))
}

// unixMember returns the member behind a unix socket.
func (r *Registry) unixMember(path string) (*proxy.Member, error) {
	addr, err := engine.UnixAddr(path)
	if err != nil {
		return nil, err
	}
	return r.member("unix:"+path, addr), nil
}

func (r *Registry) member(name string, addr *engine.Addr) *proxy.Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[name]
	if m == nil {
		m = &proxy.Member{ID: uint32(len(r.members)), Name: name, Addr: addr}
		r.members[name] = m
	}
	return m
}

// plan returns the number of the proxy route with that head.
func (r *Registry) plan(head string) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.plans[head]
	if !ok {
		id = uint32(len(r.plans))
		r.plans[head] = id
	}
	return id
}
