package control

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/engine"
)

// sockets are the listening sockets of a process: one for each listener and shard.
type sockets struct {
	// fds are by shard, then by listener.
	fds [][]int32
	// names are the addresses as bound, by listener.
	names []string
	// paths are the unix sockets in the file system.
	paths []boundPath
}

// boundPath is a unix socket in the file system, with what tells it from whatever may stand at its path later.
type boundPath struct {
	path string
	info os.FileInfo
}

// openSockets listens on all addresses, for all shards, or on none of them.
func openSockets(listeners []config.Listener, shards int) (*sockets, error) {
	s := &sockets{fds: make([][]int32, shards)}
	var errs []error
	for _, l := range listeners {
		if l.Network == "tcp" {
			if err := claim(l.Addr); err != nil {
				errs = append(errs, at(l.Pos, explainListen(l.Addr, err)))
			}
		}
	}
	for _, l := range listeners {
		if len(errs) > 0 {
			break
		}
		if err := s.open(l); err != nil {
			errs = append(errs, at(l.Pos, explainListen(l.Addr, err)))
		}
	}
	if len(errs) > 0 {
		s.close()
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// open adds the sockets of one listener.
func (s *sockets) open(l config.Listener) error {
	first, err := s.first(l)
	if err != nil {
		return err
	}
	s.fds[0] = append(s.fds[0], first)
	name := "unix:" + l.Addr
	further := func() (int32, error) { return engine.Duplicate(first) }
	if l.Network == "tcp" {
		bound, err := engine.LocalAddr(first)
		if err != nil {
			return err
		}
		name = bound.String()
		if bound.Addr().IsUnspecified() && l.Addr[0] == ':' {
			name = ":" + strconv.Itoa(int(bound.Port()))
		}
		further = func() (int32, error) { return engine.Listen(bound) }
	}
	for i := 1; i < len(s.fds); i++ {
		fd, err := further()
		if err != nil {
			return err
		}
		s.fds[i] = append(s.fds[i], fd)
	}
	if l.Network == "tcp" {
		for _, fds := range s.fds {
			// Only speed is lost where the kernel does not know it.
			_ = engine.DeferAccept(fds[len(fds)-1])
		}
	}
	s.names = append(s.names, name)
	return nil
}

// first opens the socket of the first shard, which settles the port if the configuration leaves it open.
func (s *sockets) first(l config.Listener) (int32, error) {
	if l.Network == "unix" {
		fd, err := engine.ListenUnix(l.Addr)
		if err == nil && l.Addr[0] != '@' {
			// A path that is gone already leaves nothing to remove.
			if info, e := os.Lstat(l.Addr); e == nil {
				s.paths = append(s.paths, boundPath{l.Addr, info})
			}
		}
		return fd, err
	}
	ap, every, err := parseListen(l.Addr)
	if err != nil {
		return -1, err
	}
	if every {
		return engine.ListenAny(ap.Port())
	}
	return engine.Listen(ap)
}

// parseListen reads ":PORT", which is every address, or "IP:PORT".
func parseListen(text string) (ap netip.AddrPort, every bool, err error) {
	if text != "" && text[0] == ':' {
		port, err := strconv.ParseUint(text[1:], 10, 16)
		if err != nil {
			return ap, false, fmt.Errorf("%q is not a port", text[1:])
		}
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(port)), true, nil
	}
	ap, err = netip.ParseAddrPort(text)
	return ap, false, err
}

// claim fails if some other process listens on the address. The shards' sockets share it among themselves
// (SO_REUSEPORT), and would share it silently with another AnyGate of the same user too: a socket that shares nothing
// finds out.
func claim(text string) error {
	ap, every, err := parseListen(text)
	if err != nil || ap.Port() == 0 {
		return err
	}
	err = bindAlone(ap)
	if every && (errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)) {
		err = bindAlone(netip.AddrPortFrom(netip.IPv4Unspecified(), ap.Port()))
	}
	return err
}

func bindAlone(ap netip.AddrPort) error {
	family := unix.AF_INET6
	var sa unix.Sockaddr = &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	if ap.Addr().Is4() {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if family == unix.AF_INET6 {
		only := 1
		if ap.Addr().IsUnspecified() {
			only = 0
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	}
	// Connections that still wait out their time on the address do not count.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	return os.NewSyscallError("bind", unix.Bind(fd, sa))
}

// explainListen names the likely cause and its cure.
func explainListen(addr string, err error) error {
	switch {
	case errors.Is(err, engine.ErrNotSocket):
		return fmt.Errorf("cannot listen on %s: a file that is no socket is in the way; remove it, or listen on another path", addr)
	case errors.Is(err, unix.EADDRINUSE):
		if _, _, e := parseListen(addr); e != nil {
			return fmt.Errorf("cannot listen on %s: another process answers there; stop it, or listen on another path", addr)
		}
		return fmt.Errorf("cannot listen on %s: another process does already; stop it (ss -ltnp names it), or listen on another port", addr)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		if ap, _, e := parseListen(addr); e == nil && ap.Port() < 1024 {
			return fmt.Errorf("cannot listen on %s: ports below 1024 need a privilege; grant CAP_NET_BIND_SERVICE (setcap cap_net_bind_service=+ep FILE, or AmbientCapabilities= of the systemd unit), or listen on another port", addr)
		}
		return fmt.Errorf("cannot listen on %s: not permitted to this user", addr)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("cannot listen on %s: no interface of this machine has the address", addr)
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return fmt.Errorf("cannot listen on %s: no descriptor is left; raise the limit (ulimit -n, or LimitNOFILE= of the systemd unit)", addr)
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("cannot listen on %s: the directory does not exist", addr)
	}
	return fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// close closes all sockets; for those that no shard has taken over.
func (s *sockets) close() {
	for _, list := range s.fds {
		for _, fd := range list {
			_ = unix.Close(int(fd))
		}
	}
	s.fds = nil
	s.unlink()
}

// unlink removes the unix sockets from the file system, but not what somebody has put in their places since.
func (s *sockets) unlink() {
	for _, p := range s.paths {
		if info, err := os.Lstat(p.path); err == nil && os.SameFile(info, p.info) {
			_ = os.Remove(p.path)
		}
	}
	s.paths = nil
}
