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

// Deafen makes a listening TCP socket drop what would begin further
// connections; those that have begun are completed and handed over. A socket
// that is closed a moment later resets none of them. From any goroutine.
func Deafen(fd int32) error {
	// The filter sees a segment from its TCP header on: one that has SYN and
	// not ACK in its flags is dropped, all others are let through.
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: tcpSYN | tcpACK},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: tcpSYN, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}))
}

// The flags of a TCP segment (RFC 9293, section 3.1).
const (
	tcpSYN = 0x02
	tcpACK = 0x10
)

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

// Adopt prepares a listening socket that another process has opened. It fails
// for a descriptor that is none.
func Adopt(fd int32) error {
	listens, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	switch {
	case err != nil:
		return os.NewSyscallError("getsockopt", err)
	case listens == 0:
		return errors.New("it does not listen")
	}
	unix.CloseOnExec(int(fd))
	if err := unix.SetNonblock(int(fd), true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	// Those of a unix socket have no such options.
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	return nil
}

// Shareable reports whether further sockets may listen on the address of a
// listening TCP socket.
func Shareable(fd int32) bool {
	shared, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT)
	return err == nil && shared != 0
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
	l := &listener{id: id, slot: s.freeSlot(), fd: fd}
	if int(l.slot) == len(s.listeners) {
		s.listeners = append(s.listeners, l)
	} else {
		s.listeners[l.slot] = l
	}
	if s.loop != nil && !s.full {
		s.loop.listen(l)
	}
}

// freeSlot is the place of a listener that is closed, and of which the kernel
// has nothing more to say; else the one behind the last.
func (s *Shard) freeSlot() uint32 {
	for i, l := range s.listeners {
		if l.closed && !l.armed {
			return uint32(i)
		}
	}
	return uint32(len(s.listeners))
}

// CloseListener stops accepting for good on the sockets with that id: what
// waits in their backlogs is still accepted, then they are closed.
func (s *Shard) CloseListener(id int) {
	for _, l := range s.listeners {
		if l.id == id && !l.closed {
			s.closeListener(l)
		}
	}
}

// CloseListeners is CloseListener for all of them.
func (s *Shard) CloseListeners() {
	for _, l := range s.listeners {
		if !l.closed {
			s.closeListener(l)
		}
	}
	s.full = len(s.parked) > 0
}

func (s *Shard) closeListener(l *listener) {
	s.loop.rest(l)
	l.closed = true
	if s.cfg.Backend == simulated {
		return
	}
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

// Each calls f for every connection the protocol owns.
func (s *Shard) Each(f func(c Conn)) { s.EachOf(0, int(s.made), f) }

// EachOf is Each for n places of the table from one on. It returns the place to
// go on from, in another turn say, or 0 if that was the end of the table.
func (s *Shard) EachOf(from uint32, n int, f func(c Conn)) (next uint32) {
	end := min(uint64(from)+uint64(n), uint64(s.made))
	for i := max(from, 1); uint64(i) < end; i++ {
		if s.conns[i].alive() {
			f(s.name(i))
		}
	}
	if end >= uint64(s.made) {
		return 0
	}
	return uint32(end)
}
