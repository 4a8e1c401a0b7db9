package generate

import (
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// slowReceiveBuffer keeps a slow client's kernel from taking the whole answer on its behalf.
const slowReceiveBuffer = 8 << 10

// sockaddr converts "IP:port".
func sockaddr(address string) (*unix.SockaddrInet4, error) {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil || !parsed.Addr().Is4() {
		return nil, fmt.Errorf("%q is not an IPv4 address and port", address)
	}
	return &unix.SockaddrInet4{Port: int(parsed.Port()), Addr: parsed.Addr().As4()}, nil
}

// open begins a non-blocking connection, from a local address of choice unless source is nil. It may still be connecting
// when open returns.
func open(to, source *unix.SockaddrInet4, receiveBuffer int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if receiveBuffer > 0 {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil && source != nil {
		err = bindSource(fd, source)
	}
	if err == nil {
		err = unix.Connect(fd, to)
	}
	if err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// bindSource gives a socket its local address. The port is chosen at connect, when the kernel knows the destination and
// can share it with connections to others.
func bindSource(fd int, source *unix.SockaddrInet4) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	return unix.Bind(fd, source)
}

// connectionsPerSource is how many connections come from one local address, well below the 28,000 ports it has.
const connectionsPerSource = 1000

// sourceOf is the local address of the i-th connection: 127.0.1.1, 127.0.1.2 and so on, in turn.
func sourceOf(i int) *unix.SockaddrInet4 {
	const host = 250 // addresses of each /24, without those at its ends
	n := i / connectionsPerSource
	return &unix.SockaddrInet4{Addr: [4]byte{127, 0, byte(1 + n/host), byte(1 + n%host)}}
}

// poller is an epoll instance in level-triggered mode.
type poller struct {
	fd     int
	events [256]unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &poller{fd: fd}, nil
}

// add watches a connection. Events carry its index and generation, so that one for a descriptor that has been closed
// since, and whose number may already be taken again, is recognised.
func (p *poller) add(fd int, index, generation int32, events uint32) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: index, Pad: generation})
}

func (p *poller) change(fd int, index, generation int32, events uint32) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: events, Fd: index, Pad: generation})
}

// wait returns the connections that are ready, after patience at the latest.
func (p *poller) wait(patience time.Duration) ([]unix.EpollEvent, error) {
	timeout := unix.NsecToTimespec(int64(max(patience, 0)))
	// SAFETY: both pointers are to memory that outlives the call, which does not keep them: p is reachable through the
	// receiver, timeout lives in this frame. epoll_pwait2 is called because epoll_wait counts in milliseconds.
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])),
		uintptr(len(p.events)), uintptr(unsafe.Pointer(&timeout)), 0, 0)
	switch errno {
	case 0:
		return p.events[:n], nil
	case unix.EINTR:
		return nil, nil
	default:
		return nil, errno
	}
}

func (p *poller) close() { _ = unix.Close(p.fd) }
