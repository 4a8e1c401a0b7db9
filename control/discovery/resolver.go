package discovery

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver finds the addresses of names.
type resolver struct {
	conf     file[conf]
	hosts    file[hosts]
	turn     atomic.Uint32
	routable func(netip.Addr) bool
}

func newResolver(o Options) *resolver {
	return &resolver{
		conf:     file[conf]{path: cmp.Or(o.ResolvConf, "/etc/resolv.conf"), parse: parseConf},
		hosts:    file[hosts]{path: cmp.Or(o.Hosts, "/etc/hosts"), parse: parseHosts},
		routable: routable,
	}
}

// settings are those of the system, with other servers if there are any.
func (r *resolver) settings(servers []netip.AddrPort) *conf {
	c := r.conf.get()
	if len(servers) > 0 {
		own := *c
		own.servers = servers
		c = &own
	}
	return c
}

// memory is what hosts had when they were last looked up, by name.
type memory map[string]host

// host is the addresses of a host.
type host struct {
	v4, v6 family
}

// family is the addresses of one kind, or why they are not known.
type family struct {
	addrs []netip.Addr
	ttl   time.Duration
	err   error
}

// look resolves a query. What is known from before takes the place of what the
// name servers do not answer, beside something that they do.
func (r *resolver) look(ctx context.Context, q Query, known memory) (Answer, error) {
	a := Answer{TTL: maxTTL, memory: make(memory)}
	c := r.settings(q.Servers)
	services := []service{{record{target: q.Name, port: q.Port}, host{}, nil}}
	if q.Service {
		var err error
		if services, a.TTL, err = r.services(ctx, c, q.Name); err != nil {
			return Answer{}, err
		}
	}
	r.resolveAll(ctx, c, services)
	var last error
	for i := range services {
		s := &services[i]
		old := known[s.target]
		if s.err != nil {
			last = cmp.Or(last, s.err)
			if definite(s.err) || !q.Service || len(old.v4.addrs)+len(old.v6.addrs) == 0 {
				if !definite(s.err) {
					a.Partial = s.err
				}
				continue
			}
			s.host = host{family{err: s.err}, family{err: s.err}}
		}
		s.v4.recall(old.v4, &a)
		s.v6.recall(old.v6, &a)
		a.memory[s.target] = s.host
		a.add(s, r.reachable(s.host))
	}
	if len(a.Endpoints) == 0 {
		return Answer{}, cmp.Or(last, error(notFound(q.Name)))
	}
	a.Endpoints = arrange(a.Endpoints)
	return a, nil
}

// recall gives a family what it had if it could not be found out what it has.
func (f *family) recall(old family, a *Answer) {
	switch {
	case f.err == nil:
		if len(f.addrs) > 0 {
			a.TTL = min(a.TTL, f.ttl)
		}
	case !definite(f.err):
		a.Partial = f.err
		f.addrs = old.addrs
	}
}

// add adds the endpoints of a service.
func (a *Answer) add(s *service, addrs []netip.Addr) {
	for _, ip := range addrs {
		a.Endpoints = append(a.Endpoints, Endpoint{Addr: netip.AddrPortFrom(ip, s.port), Weight: int(s.weight), Priority: s.priority})
	}
}

// service is a target of a SRV record with its addresses.
type service struct {
	record
	host
	err error
}

// services are the targets of a service (RFC 2782).
func (r *resolver) services(ctx context.Context, c *conf, name string) ([]service, time.Duration, error) {
	var last error
	for _, candidate := range c.candidates(name) {
		records, ttl, err := r.records(ctx, c, candidate, dnsmessage.TypeSRV)
		// A single target of "." says that there is no such service.
		records = slices.DeleteFunc(records, func(rec record) bool { return rec.target == "." })
		if err != nil || len(records) == 0 {
			last = worse(last, cmp.Or(err, error(notFound(name))))
			continue
		}
		slices.SortStableFunc(records, func(a, b record) int { return cmp.Compare(a.priority, b.priority) })
		list := make([]service, min(len(records), maxTargets))
		for i := range list {
			list[i].record = records[i]
		}
		return list, ttl, nil
	}
	return nil, 0, last
}

// resolveAll finds the addresses of the targets, some at once.
func (r *resolver) resolveAll(ctx context.Context, c *conf, list []service) {
	slots := make(chan struct{}, targetsAtOnce)
	var wait sync.WaitGroup
	for i := range list {
		s := &list[i]
		slots <- struct{}{}
		wait.Go(func() {
			s.host, s.err = r.host(ctx, c, s.target)
			<-slots
		})
	}
	wait.Wait()
}

// host finds the addresses of a host. There is no error if there is any
// address.
func (r *resolver) host(ctx context.Context, c *conf, name string) (host, error) {
	if ip, err := netip.ParseAddr(name); err == nil {
		return split([]netip.Addr{ip.Unmap()}, maxTTL), nil
	}
	if list := (*r.hosts.get())[hostsKey(name)]; len(list) > 0 {
		return split(list, hostsTTL), nil
	}
	if key := hostsKey(name); key == "localhost" || strings.HasSuffix(key, ".localhost") {
		// RFC 6761, section 6.3.
		return split([]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, maxTTL), nil
	}
	var last error
	for _, candidate := range c.candidates(name) {
		var h host
		var wait sync.WaitGroup
		wait.Go(func() { h.v6 = r.family(ctx, c, candidate, dnsmessage.TypeAAAA) })
		h.v4 = r.family(ctx, c, candidate, dnsmessage.TypeA)
		wait.Wait()
		if len(h.v4.addrs)+len(h.v6.addrs) > 0 {
			return h, nil
		}
		err := worse(worse(nil, h.v4.err), h.v6.err)
		last = worse(last, cmp.Or(err, error(notFound(name))))
		if ctx.Err() != nil {
			break
		}
	}
	return host{}, last
}

// worse is the error that says more: that something could not be found out,
// rather than that there is nothing.
func worse(a, b error) error {
	if a == nil || b != nil && definite(a) {
		return b
	}
	return a
}

// split sorts addresses by their kind.
func split(list []netip.Addr, ttl time.Duration) host {
	h := host{v4: family{ttl: ttl}, v6: family{ttl: ttl}}
	for i, ip := range list {
		switch {
		case slices.Contains(list[:i], ip):
		case ip.Is4():
			h.v4.addrs = append(h.v4.addrs, ip)
		default:
			h.v6.addrs = append(h.v6.addrs, ip)
		}
	}
	return h
}

// family finds the addresses of one kind.
func (r *resolver) family(ctx context.Context, c *conf, name string, kind dnsmessage.Type) (f family) {
	records, ttl, err := r.records(ctx, c, name, kind)
	f.ttl, f.err = ttl, err
	for i := range records {
		if ip := records[i].addr; !slices.Contains(f.addrs, ip) {
			f.addrs = append(f.addrs, ip)
		}
	}
	return f
}

// records finds the records of a kind that a name has, itself or by way of
// CNAMEs. That there are none is no error if the name exists.
func (r *resolver) records(ctx context.Context, c *conf, name string, kind dnsmessage.Type) ([]record, time.Duration, error) {
	ttl := uint32(1<<31 - 1)
	for links := 0; links <= maxChain; {
		q, err := newQuestion(name, kind)
		if err != nil {
			return nil, 0, err
		}
		rep, err := r.ask(ctx, c, q)
		if err != nil {
			return nil, 0, err
		}
		before := links
		for ; links <= maxChain; links++ {
			found := rep.of(name, kind)
			for i := range found {
				ttl = min(ttl, found[i].ttl)
			}
			if len(found) > 0 {
				return found, time.Duration(ttl) * time.Second, nil
			}
			alias := rep.of(name, dnsmessage.TypeCNAME)
			if len(alias) == 0 {
				break
			}
			ttl = min(ttl, alias[0].ttl)
			name = alias[0].target
		}
		if links == before || rep.header.RecursionAvailable && links <= maxChain {
			// There is nothing of this kind, or not at the end of the chain,
			// which a server that asks others has followed.
			return nil, 0, nil
		}
	}
	return nil, 0, refused(name, "", "the name is an alias of an alias without an end")
}

// of are the records of a name.
func (r *reply) of(name string, kind dnsmessage.Type) (found []record) {
	for _, rec := range r.records {
		if rec.kind == kind && strings.EqualFold(rec.name, name) {
			found = append(found, rec)
		}
	}
	return found
}

// reachable are the addresses of a host to which there is a route: those of
// IPv6 are of no use to a machine that has none. If there is a route to none
// of them, it is not for the resolver to say so.
func (r *resolver) reachable(h host) []netip.Addr {
	all := slices.Concat(h.v4.addrs, h.v6.addrs)
	var list []netip.Addr
	for _, ip := range all {
		if r.routable(ip) {
			list = append(list, ip)
		}
	}
	if len(list) == 0 {
		return all
	}
	return list
}

// routable reports whether the system knows a route to an address. Connecting
// a UDP socket sends nothing.
func routable(ip netip.Addr) bool {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 9)))
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
