package explain

import (
	"context"
	"net/netip"
)

// Offline is a resolver that gives every name one address, so that a configuration can be compiled where its upstreams
// are not known. What is explained names servers as the configuration does.
type Offline struct{}

// LookupNetIP returns an address that is reserved for documentation (RFC 5737).
func (Offline) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 1})}, nil
}
