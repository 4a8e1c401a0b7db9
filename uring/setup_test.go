package uring

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// refusing is io_uring_setup of a kernel that does not know some flags.
func refusing(flags uint32) setupFunc {
	return func(entries uint32, p *setupParams) (int, unix.Errno) {
		if p.flags&flags != 0 {
			return -1, unix.EINVAL
		}
		return setupSyscall(entries, p)
	}
}

func TestOpenDropsWhatTheKernelRefuses(t *testing.T) {
	const base = SetupCQSize | SetupClamp
	best := rungs(t)[0] // An older kernel than this one cannot be told from it by what it refuses already.
	for _, c := range []struct {
		name          string
		refused, want uint32
	}{
		{"6.6", 0, base | SetupSubmitAll | SetupCoopTaskrun | SetupSingleIssuer | SetupDeferTaskrun | SetupNoSQArray},
		{"6.1", SetupNoSQArray, base | SetupSubmitAll | SetupCoopTaskrun | SetupSingleIssuer | SetupDeferTaskrun},
		{"6.0", SetupNoSQArray | SetupDeferTaskrun, base | SetupSubmitAll | SetupCoopTaskrun | SetupSingleIssuer | SetupTaskrunFlag},
		{"5.19", SetupNoSQArray | SetupDeferTaskrun | SetupSingleIssuer, base | SetupSubmitAll | SetupCoopTaskrun | SetupTaskrunFlag},
		{"5.18", SetupNoSQArray | SetupDeferTaskrun | SetupSingleIssuer | SetupCoopTaskrun | SetupTaskrunFlag, base | SetupSubmitAll},
		{"5.6", ^base, base},
	} {
		t.Run(c.name, func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			r, err := open(Options{Entries: 8, CQEntries: 32}, setupRungs[:], refusing(c.refused))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			want := c.want
			if c.refused == 0 {
				want = best
			}
			if r.Flags() != want {
				t.Errorf("flags %#x, want %#x", r.Flags(), want)
			}
			if r.Entries() != 8 || r.CQEntries() != 32 {
				t.Errorf("queues of %d and %d, want 8 and 32", r.Entries(), r.CQEntries())
			}
			// The ring works in this layout, past one round of its queues.
			for i := range uint64(100) {
				r.Next().Nop(i)
				if got := take(t, r); got != (CQE{UserData: i}) {
					t.Fatalf("completion %d is %+v", i, got)
				}
			}
		})
	}
}

func TestOpenDefaults(t *testing.T) {
	for _, c := range []struct {
		name        string
		o           Options
		entries, cq uint32
	}{
		{"none given", Options{}, 4096, 16384},
		{"entries given", Options{Entries: 64}, 64, 256},
		{"rounded up", Options{Entries: 9, CQEntries: 100}, 16, 128},
		{"clamped", Options{Entries: 1 << 20, CQEntries: 1 << 20}, 32768, 65536},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := openRing(t, c.o)
			if r.Entries() != c.entries || r.CQEntries() != c.cq {
				t.Errorf("queues of %d and %d, want %d and %d", r.Entries(), r.CQEntries(), c.entries, c.cq)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	fails := func(errno unix.Errno) setupFunc {
		return func(uint32, *setupParams) (int, unix.Errno) { return -1, errno }
	}
	before := openFiles(t)
	for _, c := range []struct {
		name  string
		setup setupFunc
		want  error
	}{
		{"every flag refused", fails(unix.EINVAL), unix.EINVAL},
		{"not permitted", fails(unix.EPERM), unix.EPERM},
		{"no memory", fails(unix.ENOMEM), unix.ENOMEM},
		{"features missing", func(entries uint32, p *setupParams) (int, unix.Errno) {
			fd, errno := setupSyscall(entries, p)
			p.features &^= featExtArg
			return fd, errno
		}, errOldKernel},
		{"descriptor cannot be mapped", func(entries uint32, p *setupParams) (int, unix.Errno) {
			ring, errno := setupSyscall(entries, p)
			if errno != 0 {
				return ring, errno
			}
			unix.Close(ring)
			fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			return fd, 0
		}, unix.ENODEV},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := open(Options{Entries: 8}, setupRungs[:], c.setup); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
}

// openFiles counts the descriptors of the process.
func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestCloseTwice(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The memory of an operation in flight belongs to the caller again when Close returns.
func TestCloseStopsWhatIsInFlight(t *testing.T) {
	for _, rung := range rungs(t) {
		t.Run(fmt.Sprintf("%#x", rung), func(t *testing.T) {
			r := openRungs(t, Options{Entries: 8}, []uint32{rung})
			pair := socketpair(t, unix.SOCK_STREAM)
			mem := offHeap(t, 4096)
			r.Next().RecvInto(pair[0], address(mem), 16, 1)
			wantNone(t, r)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			write(t, pair[1], "for whoever reads")
			got := make([]byte, 32)
			n, err := unix.Read(int(pair[0]), got)
			if err != nil || string(got[:n]) != "for whoever reads" {
				t.Fatalf("the socket holds %q, %v: a closed ring has taken bytes", got[:max(n, 0)], err)
			}
			if string(mem[:16]) != string(make([]byte, 16)) {
				t.Fatalf("a closed ring has written %q", mem[:16])
			}
		})
	}
}

// A successor of the process can take over the port, or clients are refused by it, from the moment Close returns: no
// cancelled accept holds the listener open in the background and takes connections that nobody will serve.
func TestCloseReleasesTheListener(t *testing.T) {
	for _, rung := range rungs(t) {
		t.Run(fmt.Sprintf("%#x", rung), func(t *testing.T) {
			for range 20 {
				r := openRungs(t, Options{Entries: 8}, []uint32{rung})
				listener, addr := listenUntilClosed(t)
				r.Next().AcceptMulti(listener, unix.SOCK_CLOEXEC, 1)
				wantNone(t, r)
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				unix.Close(int(listener))
				if err := unix.Connect(tcpSocket(t), addr); err != unix.ECONNREFUSED {
					t.Fatalf("connect after Close: %v, want ECONNREFUSED", err)
				}
			}
		})
	}
}

// Slots for registered rings are few per thread: one that was not given back would be missed after the sixteenth ring.
func TestRegistrationIsGivenBack(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for i := range 40 {
		r, err := Open(Options{Entries: 8})
		if err != nil {
			t.Fatal(err)
		}
		registered := r.Registered()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if !registered {
			t.Fatalf("ring %d is not registered", i)
		}
	}
}

// With all slots taken a ring works through its plain descriptor.
func TestUnregisteredRingWorks(t *testing.T) {
	const slots = 16
	for range slots {
		if r := openRing(t, Options{Entries: 8}); !r.Registered() {
			t.Fatal("not registered")
		}
	}
	r := openRing(t, Options{Entries: 8})
	if r.Registered() {
		t.Fatal("registered although the slots are taken")
	}
	r.Next().Nop(1)
	if c := take(t, r); c.UserData != 1 {
		t.Fatalf("completion %+v", c)
	}
	if errno := r.enterWait(unix.Syscall6, 0); errno != unix.ETIME && errno != unix.EINTR {
		t.Errorf("wait ended with %v, want ETIME", errno)
	}
}
