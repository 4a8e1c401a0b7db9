package explain

import (
	"context"
	"net/netip"

	"github.com/anygate/anygate/control/discovery"
)

// Offline is a resolver that gives every name one address, so that a configuration can be compiled where its upstreams
// are not known. What is explained names servers as the configuration does.
type Offline struct{}

// Lookup returns an address that is reserved for documentation (RFC 5737).
func (Offline) Lookup(_ context.Context, q discovery.Query) (discovery.Answer, error) {
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), max(q.Port, 1))
	return discovery.Answer{Endpoints: []discovery.Endpoint{{Addr: addr, Weight: 1}}}, nil
}
