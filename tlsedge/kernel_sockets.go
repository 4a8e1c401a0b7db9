package tlsedge

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tlsSend is TLS_TX of linux/tls.h.
const tlsSend = 1

// linuxSockets asks Linux.
type linuxSockets struct{}

func (linuxSockets) attach(fd int32, info []byte) error {
	if err := unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_ULP, "tls"); err != nil {
		return err
	}
	// SAFETY: the pointer is converted in the call's own argument list, and the
	// kernel keeps a copy of what it leads to.
	_, _, e := unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_TLS, tlsSend, uintptr(unsafe.Pointer(&info[0])), uintptr(len(info)), 0)
	if e != 0 {
		return e
	}
	return nil
}

func (linuxSockets) next(fd int32, info []byte) error { return option(fd, unix.SOL_TLS, tlsSend, info) }

// taken asks again if an acknowledgement has come between the two questions of which
// the answer consists.
func (linuxSockets) taken(fd int32) (uint64, error) {
	acked, err := acknowledged(fd)
	for range 4 {
		if err != nil {
			break
		}
		var queued int
		if queued, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err != nil {
			break
		}
		var again uint64
		if again, err = acknowledged(fd); again == acked {
			return acked + uint64(queued), err
		}
		acked = again
	}
	return acked, err
}

// acknowledged is how many bytes of a connection the peer has acknowledged.
func acknowledged(fd int32) (uint64, error) {
	var info unix.TCPInfo
	// SAFETY: the structure has no pointers, and no invalid values.
	err := option(fd, unix.IPPROTO_TCP, unix.TCP_INFO, unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info)))
	return info.Bytes_acked, err
}

// option is getsockopt(2).
func option(fd int32, level, name int, value []byte) error {
	n := uint32(len(value))
	// SAFETY: the pointers are converted in the call's own argument list, and the
	// kernel keeps neither.
	_, _, e := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&value[0])), uintptr(unsafe.Pointer(&n)), 0)
	if e != 0 {
		return e
	}
	return nil
}

// loopback makes a connection of the process with itself: the kernel makes records on
// connections only.
func loopback() (pair [2]int, err error) {
	const kind = unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	for _, a := range []unix.Sockaddr{
		&unix.SockaddrInet4{Addr: netip.AddrFrom4([4]byte{127, 0, 0, 1}).As4()},
		&unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()},
	} {
		family := unix.AF_INET
		if _, six := a.(*unix.SockaddrInet6); six {
			family = unix.AF_INET6
		}
		if pair, err = connectTo(family, kind, a); err == nil {
			return pair, nil
		}
	}
	return pair, err
}

func connectTo(family, kind int, a unix.Sockaddr) (pair [2]int, err error) {
	listening, err := unix.Socket(family, kind, 0)
	if err != nil {
		return pair, err
	}
	defer unix.Close(listening)
	if err = unix.Bind(listening, a); err != nil {
		return pair, err
	}
	if err = unix.Listen(listening, 1); err != nil {
		return pair, err
	}
	bound, err := unix.Getsockname(listening)
	if err != nil {
		return pair, err
	}
	if pair[0], err = unix.Socket(family, kind, 0); err != nil {
		return pair, err
	}
	// A listening socket completes connections without anybody's help.
	if err = unix.Connect(pair[0], bound); err == nil {
		pair[1], _, err = unix.Accept4(listening, unix.SOCK_CLOEXEC)
	}
	if err != nil {
		_ = unix.Close(pair[0])
	}
	return pair, err
}
