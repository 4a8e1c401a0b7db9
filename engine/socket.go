package engine

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of a shard. They are raw: none of them blocks, so that the
// Go scheduler need not know.

func closeFD(fd int32) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

func shutdownFD(fd int32, how int) {
	_, _, _ = unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), uintptr(how), 0)
}

func sendMemory(fd int32, addr uintptr, n, flags int) (int, Errno) {
	r, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), addr, uintptr(n), uintptr(flags), 0, 0)
	return int(r), e
}

func sendMessage(fd int32, m *message, flags int) (int, Errno) {
	r, _, e := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&m.hdr)), uintptr(flags))
	return int(r), e
}

func sendFile(out, in int32, off int64, n int) (int, Errno) {
	r, _, e := unix.RawSyscall6(unix.SYS_SENDFILE, uintptr(out), uintptr(in), uintptr(unsafe.Pointer(&off)), uintptr(n), 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(r), 0
}

func receiveFD(fd int32, addr uintptr, n int) (int, Errno) {
	r, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), addr, uintptr(n), unix.MSG_DONTWAIT, 0, 0)
	return int(r), e
}

// staleFD reports whether a read of an idle socket would bring anything: bytes,
// the end, or an error.
func staleFD(fd int32) bool {
	var one [1]byte
	_, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&one)), 1, unix.MSG_DONTWAIT|unix.MSG_PEEK, 0, 0)
	return e != unix.EAGAIN && e != unix.EINTR
}

func acceptFD(fd int32) (int32, Errno) {
	r, _, e := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	return int32(r), e
}

func pread(fd int32, p []byte, off int64) (int, Errno) {
	if len(p) == 0 {
		return 0, unix.ENOMEM
	}
	r, _, e := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), uintptr(off), 0, 0)
	return int(r), e
}

func writeFD(fd int32, p []byte) (int, Errno) {
	n, err := unix.Write(int(fd), p)
	if err != nil {
		return 0, errnoOf(err)
	}
	return n, 0
}

func readFD(fd int32, p []byte) (int, Errno) {
	n, err := unix.Read(int(fd), p)
	if err != nil {
		return 0, errnoOf(err)
	}
	return n, 0
}

// resetOnClose makes close(2) send a RST.
func resetOnClose(fd int32) {
	l := unix.Linger{Onoff: 1}
	_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &l)
}

// socketError fetches and clears the pending error of a socket.
func socketError(fd int32) Errno {
	v, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return unix.EBADF
	}
	return Errno(v)
}

// ackedBytes is how many bytes the peer of a TCP connection has acknowledged;
// of another socket, how many have left its send queue.
func ackedBytes(fd int32, sent uint64) uint64 {
	if ti, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
		return ti.Bytes_acked
	}
	n, err := unix.IoctlGetInt(int(fd), unix.TIOCOUTQ)
	if err != nil {
		return sent
	}
	// What is queued counts with its overhead, and while a send is in the
	// kernel some of it is not counted as sent.
	return sent - min(sent, uint64(n))
}

// peerAddr is the address of the other end, the zero value if it has none.
func peerAddr(fd int32) netip.AddrPort {
	sa, err := unix.Getpeername(int(fd))
	if err != nil {
		return netip.AddrPort{}
	}
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// pin binds the calling thread to one core; unpin lets it run where it could
// before.
func pin(cpu int) (unpin func(), err error) {
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, err
	}
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return nil, err
	}
	return func() { _ = unix.SchedSetaffinity(0, &before) }, nil
}

// CPUs lists the cores this process may run on.
func CPUs() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return []int{0}
	}
	var cpus []int
	for i := 0; i < len(set)*64; i++ {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus
}
