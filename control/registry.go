package control

import (
	"io"
	"net/netip"
	"sync"

	"github.com/anygate/anygate/control/certificates"
	"github.com/anygate/anygate/control/discovery"
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
)

// Registry is what outlives a generation: the upstreams and members that shards know by their numbers, and the numbers of
// proxy routes, so that connection pools, counts, health and balancing state survive when the configuration is replaced.
type Registry struct {
	// discovery is made when the first name is to be looked up, and is the resolver then unless there was one before.
	resolver  Resolver
	discovery *discovery.Discovery
	shards    int
	tell      func(discovery.Event) // set before names are watched; nil tells nobody

	mu           sync.Mutex
	upstreams    map[string]*proxy.Upstream // by what tells them apart
	members      map[memberKey]*proxy.Member
	plans        map[string]uint32 // by the head of the route
	sets         uint64            // how many were published
	pools        []*pool           // of the configuration
	current      map[*proxy.Upstream]*pool
	watches      []*discovery.Watch
	certificates *certificates.Set // nil without TLS
	identities   *certificates.Identities
	trust        *certificates.Trust
	secured      map[*proxy.Member]string // what tells how TLS is spoken to it from other ways

	series   series
	disabled map[memberName]bool // taken out by command
	// handed says that another process has been told of them, and may be about to go on: they must not change.
	handed bool

	tokens   tokens
	limiters limiters
	secrets  secrets
	keyLog   io.Writer // takes the secrets of connections; nil almost always
	kernel   kernel
}

// set is the certificates that are served, nil without TLS.
func (r *Registry) set() *certificates.Set {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.certificates
}

// memberKey is a member's identity: counts and health of an address belong to one upstream, and to who is asked for there.
type memberKey struct {
	upstream *proxy.Upstream
	name     string
	secure   bool
	// serverName is who is asked for there by TLS.
	serverName string
}

// NewRegistry makes a registry. Without a resolver, names are looked up as the system is configured to.
func NewRegistry(r Resolver) *Registry {
	return &Registry{
		resolver: r, shards: 1, limiters: limiters{rateKeys: minLimiterKeys, countKeys: minLimiterKeys},
		upstreams: make(map[string]*proxy.Upstream), members: make(map[memberKey]*proxy.Member), plans: make(map[string]uint32),
		secured: make(map[*proxy.Member]string), series: newSeries(), disabled: make(map[memberName]bool),
	}
}

// told passes on what happens to names.
func (r *Registry) told(e discovery.Event) {
	if r.tell != nil {
		r.tell(e)
	}
}

// upstream returns the upstream with that key; always the same one for the same key. Logs know it by its name.
func (r *Registry) upstream(key, name string) *proxy.Upstream {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.upstreams[key]
	if u == nil {
		u = proxy.NewUpstream(uint32(len(r.upstreams)), name, r.shards)
		r.upstreams[key] = u
	}
	return u
}

// member returns the member of an upstream at an address of a server; always the same one for the same address. The
// lock is held.
func (r *Registry) member(u *proxy.Upstream, a address, s *server) *proxy.Member {
	key := memberKey{u, a.name, s.secure != nil, s.serverName}
	m := r.members[key]
	if m == nil {
		m = proxy.NewMember(uint32(len(r.members)), a.name, a.addr, u, r.shards)
		r.members[key] = m
	}
	return m
}

func tcpAddress(ap netip.AddrPort) address {
	ap = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	return address{name: ap.String(), addr: engine.TCPAddr(ap)}
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
