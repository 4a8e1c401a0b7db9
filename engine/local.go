package engine

import "net/netip"

// simLocal is this side's address of every simulated connection.
var simLocal = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 2}), 80)

// LocalAddr is the address of this end of a connection; the zero value for a
// unix socket. It costs a system call.
func (s *Shard) LocalAddr(c Conn) netip.AddrPort {
	r := s.get(c)
	switch {
	case r == nil:
		return netip.AddrPort{}
	case s.cfg.Backend == simulated:
		return simLocal
	}
	ap, err := LocalAddr(r.fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
