package policy

import "net/netip"

// Deny answers the clients whose address is in one of the prefixes with 403: deny 192.0.2.0/24.
type Deny struct {
	Prefixes []netip.Prefix
}

var _ Policy = Deny{}

// Name returns "deny".
func (Deny) Name() string { return "deny" }

// Available says that this version judges addresses.
func (Deny) Available() bool { return true }

// Slot is the same for all.
func (Deny) Slot() string { return "deny" }

// String writes the canonical line.
func (d Deny) String() string { return "deny" + formatPrefixes(d.Prefixes) }

func parseDeny(w *words) (Policy, *Error) {
	list, err := parsePrefixes(w)
	if err != nil {
		return nil, err
	}
	return Deny{list}, nil
}
