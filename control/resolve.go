package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/proxy"
)

// servers are the members of one config.Member: one for each address of its name.
type servers map[config.Member][]*proxy.Member

// resolve finds the addresses of all upstream servers. It returns all errors, each with the place of the server in the
// configuration.
func (r *Registry) resolve(pools []config.Upstream) (servers, error) {
	found := make(servers)
	names := make(map[string][]netip.Addr)
	for _, pool := range pools {
		for _, m := range pool.Members {
			if host, _, err := net.SplitHostPort(m.Addr); err == nil && m.Scheme != "unix" {
				names[host] = nil
			}
		}
	}
	failed := r.lookUp(names)
	var errs []error
	for _, pool := range pools {
		for _, m := range pool.Members {
			if _, done := found[m]; done {
				continue
			}
			list, err := r.server(m, names, failed)
			if err != nil {
				errs = append(errs, at(m.Pos, err))
			}
			found[m] = list
		}
	}
	return found, errors.Join(errs...)
}

// server makes the members of one server from what look-up found.
func (r *Registry) server(m config.Member, names map[string][]netip.Addr, failed map[string]error) ([]*proxy.Member, error) {
	if m.Scheme == "unix" {
		member, err := r.unixMember(m.Addr)
		if err != nil {
			return nil, err
		}
		return []*proxy.Member{member}, nil
	}
	host, service, err := net.SplitHostPort(m.Addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a port", service)
	}
	if err := failed[host]; err != nil {
		return nil, err
	}
	var list []*proxy.Member
	for _, ip := range names[host] {
		list = append(list, r.tcpMember(netip.AddrPortFrom(ip, uint16(port))))
	}
	return list, nil
}

// lookUp fills in the addresses of names, in the order the resolver prefers, and returns the errors by name.
func (r *Registry) lookUp(names map[string][]netip.Addr) map[string]error {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	var (
		mu     sync.Mutex
		wait   sync.WaitGroup
		slots  = make(chan struct{}, resolveParallel)
		found  = make(map[string][]netip.Addr, len(names))
		failed = make(map[string]error)
	)
	for name := range names {
		if ip, err := netip.ParseAddr(name); err == nil {
			mu.Lock()
			found[name] = []netip.Addr{ip}
			mu.Unlock()
			continue
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			list, err := r.resolver.LookupNetIP(ctx, "ip", name)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || len(list) == 0 {
				failed[name] = explainLookUp(name, err)
				return
			}
			for i := range list {
				list[i] = list[i].Unmap()
			}
			// A name may be listed twice in the hosts file; each address counts once.
			for _, ip := range list {
				if !slices.Contains(found[name], ip) {
					found[name] = append(found[name], ip)
				}
			}
		})
	}
	wait.Wait()
	for name, list := range found {
		names[name] = list
	}
	return failed
}

// explainLookUp says what a failed look-up means for the one who wrote the name.
func explainLookUp(name string, err error) error {
	var dns *net.DNSError
	switch {
	case err == nil:
		return fmt.Errorf("the host name %q has no address", name)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("the host name %q does not exist: check its spelling, or use an address", name)
	case errors.As(err, &dns) && dns.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the name servers did not answer for the host name %q within %v: check /etc/resolv.conf, or use an address", name, resolveTime)
	}
	return fmt.Errorf("the host name %q cannot be looked up: %w", name, err)
}

// at adds the place in the configuration to an error.
func at(p config.Pos, err error) error {
	switch {
	case p.Line == 0:
		return err
	case p.File == "":
		return fmt.Errorf("%d:%d: %w", p.Line, p.Col, err)
	}
	return fmt.Errorf("%s:%d:%d: %w", p.File, p.Line, p.Col, err)
}
