package engine

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestAddrIsWhatTheKernelReads(t *testing.T) {
	unixAddr := func(path string) *Addr {
		a, err := UnixAddr(path)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	long := "/" + strings.Repeat("p", 106)
	for _, tc := range []struct {
		name, text string
		a          *Addr
		raw        string
		unix       bool
	}{
		{
			"v4", "192.0.2.7:8080", TCPAddr(netip.MustParseAddrPort("192.0.2.7:8080")),
			"\x02\x00\x1f\x90\xc0\x00\x02\x07\x00\x00\x00\x00\x00\x00\x00\x00", false,
		},
		{
			"v4 in v6", "[::ffff:192.0.2.7]:80", TCPAddr(netip.MustParseAddrPort("[::ffff:192.0.2.7]:80")),
			"\x02\x00\x00\x50\xc0\x00\x02\x07\x00\x00\x00\x00\x00\x00\x00\x00", false,
		},
		{
			"v6", "[2001:db8::1]:443", TCPAddr(netip.MustParseAddrPort("[2001:db8::1]:443")),
			"\x0a\x00\x01\xbb\x00\x00\x00\x00\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", false,
		},
		{
			"v6 with a zone", "[fe80::1%lo]:1", TCPAddr(netip.MustParseAddrPort("[fe80::1%lo]:1")),
			"\x0a\x00\x00\x01\x00\x00\x00\x00\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00", false,
		},
		{"unix", "unix:/run/a.sock", unixAddr("/run/a.sock"), "\x01\x00/run/a.sock\x00", true},
		{"abstract", "unix:@anygate", unixAddr("@anygate"), "\x01\x00\x00anygate", true},
		{"the longest path", "unix:" + long, unixAddr(long), "\x01\x00" + long + "\x00", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := string(tc.a.raw[:tc.a.n]); got != tc.raw {
				t.Errorf("raw address %q, want %q", got, tc.raw)
			}
			if tc.a.String() != tc.text || tc.a.Unix() != tc.unix {
				t.Errorf("%q, unix %v", tc.a, tc.a.Unix())
			}
		})
	}
}

func TestUnixAddrRefusesWhatDoesNotFit(t *testing.T) {
	for _, tc := range []struct{ name, path string }{
		{"empty", ""},
		{"too long", "/" + strings.Repeat("p", 107)},
		{"a NUL inside", "/run/a\x00.sock"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := UnixAddr(tc.path); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// TestKernelReadsAddr binds sockets to the raw form and asks the kernel what
// it understood.
func TestKernelReadsAddr(t *testing.T) {
	path := t.TempDir() + "/a.sock"
	a, err := UnixAddr(path)
	if err != nil {
		t.Fatal(err)
	}
	abstract, err := UnixAddr("@anygate-addr-test")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		a    *Addr
		name string
	}{
		{TCPAddr(netip.MustParseAddrPort("127.0.0.1:0")), "127.0.0.1"},
		{TCPAddr(netip.MustParseAddrPort("[::1]:0")), "::1"},
		{a, path},
		{abstract, "@anygate-addr-test"},
	} {
		t.Run(tc.a.String(), func(t *testing.T) {
			fd, err := unix.Socket(tc.a.family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if _, _, e := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&tc.a.raw)), uintptr(tc.a.n)); e != 0 {
				t.Fatalf("bind: %v", e)
			}
			sa, err := unix.Getsockname(fd)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			switch sa := sa.(type) {
			case *unix.SockaddrInet4:
				got = netip.AddrFrom4(sa.Addr).String()
			case *unix.SockaddrInet6:
				got = netip.AddrFrom16(sa.Addr).String()
			case *unix.SockaddrUnix:
				got = sa.Name
			}
			if got != tc.name {
				t.Errorf("the kernel understood %q, want %q", got, tc.name)
			}
		})
	}
}

func TestCPUsAndPin(t *testing.T) {
	before := CPUs()
	if len(before) == 0 {
		t.Fatal("no core to run on")
	}
	on := make(chan []int)
	go func() {
		// The goroutine ends locked, and takes its thread with it.
		lockThread()
		unpin, err := pin(before[len(before)-1])
		if err != nil {
			t.Error(err)
			close(on)
			return
		}
		on <- CPUs()
		unpin()
		on <- CPUs()
	}()
	if got := <-on; len(got) != 1 || got[0] != before[len(before)-1] {
		t.Errorf("pinned to %v, want %d", got, before[len(before)-1])
	}
	if got := <-on; len(got) != len(before) {
		t.Errorf("after unpin on %v, want %v", got, before)
	}
}

func TestPinRefusesACoreThatIsNotThere(t *testing.T) {
	done := make(chan error)
	go func() {
		lockThread()
		_, err := pin(1023)
		done <- err
	}()
	if err := <-done; err == nil {
		t.Error("pinned to core 1023")
	}
}

func TestListenUnixTakesThePlaceOfADeadSocket(t *testing.T) {
	path := t.TempDir() + "/s.sock"
	first, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if fd, err := ListenUnix(path); err == nil {
		closeFD(fd)
		t.Fatal("a second listener took a live socket's place")
	}
	closeFD(first) // its file stays
	second, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	closeFD(second)
}

func TestListenOnEveryFamily(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "[::]:0"} {
		fd, err := Listen(netip.MustParseAddrPort(addr))
		if err != nil {
			t.Fatalf("%s: %v", addr, err)
		}
		got, err := LocalAddr(fd)
		if err != nil || got.Port() == 0 {
			t.Errorf("%s: bound to %v, %v", addr, got, err)
		}
		// Another shard's socket for the same address.
		again, err := Listen(got)
		if err != nil {
			t.Fatalf("%s: a second time: %v", got, err)
		}
		closeFD(again)
		closeFD(fd)
	}
	fd, err := ListenAny(0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := LocalAddr(fd)
	if err != nil {
		t.Fatal(err)
	}
	closeFD(fd)
	if !bytes.Equal(got.Addr().AsSlice(), netip.IPv6Unspecified().AsSlice()) && !got.Addr().IsUnspecified() {
		t.Errorf("ListenAny listens on %v", got)
	}
}
