package engine

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Addr is a socket address in the kernel's form: of a TCP endpoint or of a
// unix socket. It is immutable.
type Addr struct {
	raw    [unsafe.Sizeof(unix.RawSockaddrAny{})]byte
	n      uint32
	family int
	text   string
}

// String is the address as it was given.
func (a *Addr) String() string { return a.text }

// Unix reports whether it is a unix socket.
func (a *Addr) Unix() bool { return a.family == unix.AF_UNIX }

// TCPAddr makes an Addr of an IP address and port.
func TCPAddr(ap netip.AddrPort) *Addr {
	a := &Addr{text: ap.String()}
	port := ap.Port()
	ip := ap.Addr()
	if ip.Is4() || ip.Is4In6() {
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(&a.raw))
		sa.Family, sa.Addr = unix.AF_INET, ip.Unmap().As4()
		putPort((*[2]byte)(unsafe.Pointer(&sa.Port)), port)
		a.n, a.family = unix.SizeofSockaddrInet4, unix.AF_INET
		return a
	}
	sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(&a.raw))
	sa.Family, sa.Addr = unix.AF_INET6, ip.As16()
	putPort((*[2]byte)(unsafe.Pointer(&sa.Port)), port)
	if z := ip.Zone(); z != "" {
		if ifi, err := net.InterfaceByName(z); err == nil {
			sa.Scope_id = uint32(ifi.Index)
		}
	}
	a.n, a.family = unix.SizeofSockaddrInet6, unix.AF_INET6
	return a
}

// UnixAddr makes an Addr of the path of a unix socket; a leading @ names one
// of the abstract namespace.
func UnixAddr(path string) (*Addr, error) {
	a := &Addr{text: "unix:" + path, family: unix.AF_UNIX}
	sa := (*unix.RawSockaddrUnix)(unsafe.Pointer(&a.raw))
	if path == "" || len(path) >= len(sa.Path) {
		return nil, fmt.Errorf("the path of a unix socket has 1 to %d bytes, this one %d", len(sa.Path)-1, len(path))
	}
	if strings.IndexByte(path, 0) >= 0 {
		return nil, fmt.Errorf("the path of a unix socket ends at a NUL, and %q has one inside", path)
	}
	sa.Family = unix.AF_UNIX
	for i := range len(path) {
		sa.Path[i] = int8(path[i])
	}
	a.n = uint32(unsafe.Offsetof(sa.Path)) + uint32(len(path)) + 1
	if path[0] == '@' {
		sa.Path[0] = 0
		a.n--
	}
	return a, nil
}

func putPort(p *[2]byte, port uint16) { p[0], p[1] = byte(port>>8), byte(port) }

// dial creates a socket and starts to connect it. A connect that completes
// at once is reported like any other, by writability.
func (s *Shard) dial(i uint32, a *Addr) Errno {
	if s.cfg.Backend == simulated {
		return s.loop.(*Sim).dial(i, a)
	}
	c := &s.conns[i]
	fd, err := unix.Socket(a.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return errnoOf(err)
	}
	if a.family != unix.AF_UNIX {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	}
	// SAFETY: the kernel copies the address during the call.
	_, _, e := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&a.raw)), uintptr(a.n))
	switch e {
	case 0, unix.EINPROGRESS, unix.EINTR:
		c.fd = int32(fd)
		return 0
	}
	_ = unix.Close(fd)
	return e
}

func errnoOf(err error) Errno {
	if e, ok := err.(unix.Errno); ok {
		return e
	}
	return unix.EIO
}
