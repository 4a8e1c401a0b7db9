package uring

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// offHeap maps memory for operations to read and write.
func offHeap(tb testing.TB, n int) []byte {
	tb.Helper()
	mem, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { unix.Munmap(mem) })
	return mem
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

func socketpair(tb testing.TB, kind int) [2]int32 {
	tb.Helper()
	p, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		unix.Close(p[0])
		unix.Close(p[1])
	})
	return [2]int32{int32(p[0]), int32(p[1])}
}

func write(tb testing.TB, fd int32, s string) {
	tb.Helper()
	if n, err := unix.Write(int(fd), []byte(s)); n != len(s) || err != nil {
		tb.Fatalf("wrote %d bytes of %d: %v", n, len(s), err)
	}
}

// listen listens on a loopback port.
func listen(tb testing.TB) (fd int32, addr *unix.SockaddrInet4) {
	tb.Helper()
	fd, addr = listenUntilClosed(tb)
	tb.Cleanup(func() { unix.Close(int(fd)) })
	return fd, addr
}

// listenUntilClosed is listen for a test that closes the listener itself.
func listenUntilClosed(tb testing.TB) (fd int32, addr *unix.SockaddrInet4) {
	tb.Helper()
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	if err := unix.Bind(s, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(err)
	}
	if err := unix.Listen(s, 16); err != nil {
		tb.Fatal(err)
	}
	name, err := unix.Getsockname(s)
	if err != nil {
		tb.Fatal(err)
	}
	return int32(s), name.(*unix.SockaddrInet4)
}

func tcpSocket(tb testing.TB) int {
	tb.Helper()
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { unix.Close(s) })
	return s
}
