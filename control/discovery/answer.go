package discovery

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Query is a name to resolve.
type Query struct {
	// Name is a host name, or the name of a service, "_http._tcp.example.com",
	// if Service is set. A name without a trailing dot is subject to the
	// search list of resolv.conf.
	Name string
	// Port is the port of a host; services bring their own.
	Port    uint16
	Service bool
	// Min and Max bound the time between two look-ups; 0 is the default, from
	// 5 s to 5 min. If they are the same, the TTL does not matter.
	Min, Max time.Duration
	// Servers are asked instead of those of resolv.conf, in this order.
	Servers []netip.AddrPort
}

// key tells queries apart, and puts them in order.
func (q Query) key() string {
	return fmt.Sprintf("%s %05d %v %v %v %v", q.Name, q.Port, q.Service, q.Min, q.Max, q.Servers)
}

// Endpoint is an address that a name has.
type Endpoint struct {
	Addr netip.AddrPort
	// Weight is 1 for hosts, and what the SRV record says for services; never
	// 0.
	Weight int
	// Priority is that of the SRV record. Backup is set if there are ones
	// with a lower number, which are to be used first (RFC 2782).
	Priority uint16
	Backup   bool
}

// Answer is what a name has resolved to.
type Answer struct {
	// Endpoints are in order of their priorities and addresses, and there are
	// some.
	Endpoints []Endpoint
	// TTL is how long the answer is good for.
	TTL time.Duration
	// Partial is the reason for which some of the endpoints are from an
	// earlier answer, or may be missing: a name server did not answer for
	// all that was asked.
	Partial error

	// memory is what each host had, for the next look-up.
	memory memory
}

// arrange puts endpoints into the one form that they have: sorted, each
// address once, weights that are not 0, backups marked.
func arrange(list []Endpoint) []Endpoint {
	slices.SortFunc(list, func(a, b Endpoint) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Priority, b.Priority))
	})
	kept := list[:0]
	for _, e := range list {
		if n := len(kept) - 1; n >= 0 && kept[n].Addr == e.Addr {
			// An address that several names of a service have gets the share
			// of all of them, at its best priority.
			if kept[n].Priority == e.Priority {
				kept[n].Weight += e.Weight
			}
			continue
		}
		kept = append(kept, e)
	}
	slices.SortFunc(kept, func(a, b Endpoint) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.Addr.Compare(b.Addr))
	})
	for i := range kept {
		e := &kept[i]
		// A weight of 0 is a small chance beside others, and no preference if
		// all have it (RFC 2782).
		e.Weight = max(e.Weight, 1)
		e.Backup = e.Priority != kept[0].Priority
	}
	return kept
}
