package policy

import "net/netip"

// Allow admits the clients whose address is in one of the prefixes and answers all others with 403: allow 10.0.0.0/8.
type Allow struct {
	Prefixes []netip.Prefix
}

var _ Policy = Allow{}

// Name returns "allow".
func (Allow) Name() string { return "allow" }

// Available says that this version judges addresses.
func (Allow) Available() bool { return true }

// Slot is the same for all.
func (Allow) Slot() string { return "allow" }

// String writes the canonical line.
func (a Allow) String() string { return "allow" + formatPrefixes(a.Prefixes) }

func parseAllow(w *words) (Policy, *Error) {
	list, err := parsePrefixes(w)
	if err != nil {
		return nil, err
	}
	return Allow{list}, nil
}
