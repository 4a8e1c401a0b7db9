package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/discovery"
	"github.com/anygate/anygate/engine"
)

// Resolver finds the addresses of a name. *discovery.Discovery is one.
type Resolver interface {
	Lookup(ctx context.Context, q discovery.Query) (discovery.Answer, error)
}

// lookUp is the look-up of one name, for all servers that have it.
type lookUp struct {
	query  discovery.Query
	answer discovery.Answer
	err    error
}

// resolve finds the addresses of all servers. It returns all errors, each with the place of the server in the
// configuration.
func (r *Registry) resolve(pools []*pool) error {
	var errs []error
	known := make(map[string]*lookUp)
	for _, p := range pools {
		for i := range p.servers {
			s := &p.servers[i]
			query, err := s.locate(&p.config.Resolve)
			switch {
			case err != nil:
				errs = append(errs, at(s.config.Pos, err))
			case query.Name != "":
				key := fmt.Sprint(query)
				if known[key] == nil {
					known[key] = &lookUp{query: query}
				}
				s.name = known[key]
			}
		}
	}
	if len(known) == 0 {
		return errors.Join(errs...)
	}
	if r.resolver == nil {
		r.discovery = discovery.New(discovery.Options{Log: r.told})
		r.resolver = r.discovery
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	var wait sync.WaitGroup
	slots := make(chan struct{}, resolveParallel)
	for _, l := range known {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			l.answer, l.err = r.resolver.Lookup(ctx, l.query)
		})
	}
	wait.Wait()
	for _, p := range pools {
		for i := range p.servers {
			s := &p.servers[i]
			if s.name == nil {
				continue
			}
			if s.name.err != nil || len(s.name.answer.Endpoints) == 0 {
				errs = append(errs, at(s.config.Pos, explainLookUp(s.name.query, s.name.err)))
			}
			s.take(s.name.answer.Endpoints)
		}
	}
	return errors.Join(errs...)
}

// locate finds the address of a server that has one, or what is to be asked for it.
func (s *server) locate(c *config.Resolve) (q discovery.Query, err error) {
	q.Min, q.Max, q.Servers = c.Min, c.Max, c.Servers
	if c.Every > 0 {
		q.Min, q.Max = c.Every, c.Every
	}
	switch s.config.Scheme {
	case "unix":
		addr, err := engine.UnixAddr(s.config.Addr)
		s.addresses = []address{{name: "unix:" + s.config.Addr, addr: addr}}
		return discovery.Query{}, err
	case "srv":
		q.Name, q.Service = s.config.Addr, true
		return q, nil
	}
	host, service, err := net.SplitHostPort(s.config.Addr)
	if err != nil {
		return q, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return q, fmt.Errorf("%q is not a port", service)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		s.addresses = []address{tcpAddress(netip.AddrPortFrom(ip, uint16(port)))}
		return discovery.Query{}, nil
	}
	q.Name, q.Port = host, uint16(port)
	return q, nil
}

// take makes the addresses of a name those of the server.
func (s *server) take(list []discovery.Endpoint) {
	s.addresses = make([]address, len(list))
	for i, e := range list {
		a := tcpAddress(e.Addr)
		if s.config.Scheme == "srv" {
			a.weight, a.backup = e.Weight, e.Backup
		}
		s.addresses[i] = a
	}
}

// explainLookUp says what a failed look-up means for the one who wrote the name.
func explainLookUp(q discovery.Query, err error) error {
	what := "the host name"
	if q.Service {
		what = "the name of SRV records"
	}
	var dns *net.DNSError
	switch {
	case err == nil:
		return fmt.Errorf("%s %q has no address", what, q.Name)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("%s %q does not exist: check its spelling, or use an address", what, q.Name)
	case errors.As(err, &dns) && dns.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the name servers did not answer for %s %q within %v: check /etc/resolv.conf, or use an address", what, q.Name, resolveTime)
	}
	return fmt.Errorf("%s %q cannot be looked up: %w", what, q.Name, err)
}

// follow begins to watch the names of the pools, in place of those of the configuration before.
func (r *Registry) follow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.watches {
		w.Stop()
	}
	r.watches = nil
	if r.discovery == nil {
		return // no server has a name
	}
	for _, p := range r.pools {
		for i := range p.servers {
			if s := &p.servers[i]; s.name != nil {
				w := r.discovery.Watch(s.name.query, s.name.answer, func(list []discovery.Endpoint) { r.moved(p, s, list) })
				r.watches = append(r.watches, w)
			}
		}
	}
}

// moved publishes a pool of which a server has other addresses now.
func (r *Registry) moved(p *pool, s *server, list []discovery.Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current[p.upstream] != p {
		return // the configuration has been replaced
	}
	s.take(list)
	r.publish(p)
}

// close ends the watching of names and files. Nothing is published any more when it returns.
func (r *Registry) close() {
	r.secrets.close()
	if r.discovery != nil {
		r.discovery.Close()
	}
}

// describeMove says how the addresses of a name have changed.
func describeMove(e *discovery.Event) string {
	var parts []string
	for _, side := range []struct {
		word string
		list []discovery.Endpoint
	}{{"added", e.Added}, {"removed", e.Removed}} {
		if len(side.list) == 0 {
			continue
		}
		names := make([]string, len(side.list))
		for i, a := range side.list {
			names[i] = a.Addr.String()
		}
		parts = append(parts, side.word+" "+strings.Join(names, " "))
	}
	return strings.Join(parts, ", ")
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
