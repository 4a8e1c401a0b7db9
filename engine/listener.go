package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// listener is a listening socket of one shard.
type listener struct {
	id     int
	slot   uint32 // its place among the shard's listeners
	fd     int32
	armed  bool // the kernel reports connections
	wanted bool // and they are wanted
	closed bool
}

// parked is a client that was accepted when there was no room for it.
type parked struct {
	fd int32
	l  *listener
}

// Listen opens a listening socket. Each shard gets its own for the same
// address (SO_REUSEPORT); the kernel spreads connections over them. A unix
// socket cannot be shared like that: open it once and duplicate it.
func Listen(ap netip.AddrPort) (int32, error) {
	ip := ap.Addr()
	family := unix.AF_INET6
	var sa unix.Sockaddr = &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ip.As16()}
	if ip.Is4() {
		family = unix.AF_INET
		sa = &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ip.As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if family == unix.AF_INET6 {
		// [::] takes IPv4 as well, any other IPv6 address only itself.
		only := 1
		if ip.IsUnspecified() {
			only = 0
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	// Accepted connections inherit these.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	if err := bindListen(fd, sa); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return int32(fd), nil
}

// DeferAccept makes a listening socket hand connections over when their first
// bytes have come: accepting, receiving and answering then happen in one turn.
// A client that sends nothing is handed over after a second or so.
func DeferAccept(fd int32) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1))
}

// ListenAny listens on a port of every address family the host has.
func ListenAny(port uint16) (int32, error) {
	fd, err := Listen(netip.AddrPortFrom(netip.IPv6Unspecified(), port))
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) {
		return Listen(netip.AddrPortFrom(netip.IPv4Unspecified(), port))
	}
	return fd, err
}

// ErrNotSocket is what ListenUnix returns when the path is taken by a file, a
// directory or a symbolic link. Those are somebody's data and stay.
var ErrNotSocket = errors.New("a file that is no socket is in the way")

// ListenUnix opens a listening unix socket at path, in the place of a socket
// that a process left there which no longer answers. Nothing but a socket is
// ever removed.
func ListenUnix(path string) (int32, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	sa := &unix.SockaddrUnix{Name: path}
	err = bindListen(fd, sa)
	if errors.Is(err, unix.EADDRINUSE) && path[0] != '@' {
		err = replaceSocket(fd, sa, err)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return int32(fd), nil
}

// replaceSocket binds fd to the path of a socket that nobody listens on any
// more. taken is the error for a path that it must not touch.
func replaceSocket(fd int, sa *unix.SockaddrUnix, taken error) error {
	// Connecting tells nothing about what is there: a regular file refuses a
	// connection just as an abandoned socket does.
	info, err := os.Lstat(sa.Name)
	if err != nil {
		return taken
	}
	if info.Mode().Type() != os.ModeSocket {
		return ErrNotSocket
	}
	if !errors.Is(unix.Connect(fd, sa), unix.ECONNREFUSED) {
		return taken
	}
	if err := os.Remove(sa.Name); err != nil {
		return err
	}
	return bindListen(fd, sa)
}

func bindListen(fd int, sa unix.Sockaddr) error {
	if err := unix.Bind(fd, sa); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, listenBacklog); err != nil {
		return os.NewSyscallError("listen", err)
	}
	return nil
}

// Duplicate makes another descriptor of a listening socket.
func Duplicate(fd int32) (int32, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("dup", err)
	}
	return int32(n), nil
}

// LocalAddr is the address a listening TCP socket is bound to.
func LocalAddr(fd int32) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(int(fd))
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("not an IP socket")
}

// AddListener gives the shard a listening socket; connections are announced
// with id. Before Run, or on the shard's thread.
func (s *Shard) AddListener(fd int32, id int) {
	l := &listener{id: id, slot: uint32(len(s.listeners)), fd: fd}
	s.listeners = append(s.listeners, l)
	if s.loop != nil && !s.full {
		s.loop.listen(l)
	}
}

// CloseListeners stops accepting for good: what waits in the backlogs is
// still accepted, then the sockets are closed.
func (s *Shard) CloseListeners() {
	for _, l := range s.listeners {
		if l.closed {
			continue
		}
		s.loop.rest(l)
		l.closed = true
		if s.cfg.Backend != simulated {
			for {
				fd, e := acceptFD(l.fd)
				if e == unix.EINTR || e == unix.ECONNABORTED {
					continue
				}
				if e != 0 {
					break
				}
				s.accepted(fd, l)
			}
			closeFD(l.fd)
		}
	}
	s.full = len(s.parked) > 0
}

// Each calls f for every connection the protocol owns.
func (s *Shard) Each(f func(c Conn)) {
	for i := uint32(1); i < s.made; i++ {
		if s.conns[i].alive() {
			f(s.name(i))
		}
	}
}
