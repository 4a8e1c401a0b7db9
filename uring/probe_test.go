package uring

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestProbe(t *testing.T) {
	before := openFiles(t)
	f, err := Probe()
	if err != nil {
		cause, cure := Explain(err)
		t.Fatalf("%v\n%s\n%s", err, cause, cure)
	}
	t.Log(f)
	if ok, missing := f.Usable(); !ok {
		t.Errorf("this kernel lacks %s", missing)
	}
	if f.Err() != nil {
		t.Errorf("Err: %v", f.Err())
	}
	if f.Kernel == "" || f.Kernel == "unknown" {
		t.Errorf("kernel %q", f.Kernel)
	}
	if after := openFiles(t); after != before {
		t.Errorf("the probe leaves %d descriptors open, %d before", after, before)
	}
}

// The trials give the same answer on the rings of older kernels.
func TestProbeWithoutTheNewerFlags(t *testing.T) {
	accepted := rungs(t)
	for i, rung := range accepted {
		f, err := probe(accepted[i:], setupSyscall)
		if err != nil {
			t.Fatal(err)
		}
		if f.SetupFlags != rung {
			t.Errorf("set up with %#x, want %#x", f.SetupFlags, rung)
		}
		if err := f.Err(); err != nil {
			t.Errorf("with %#x: %v", rung, err)
		}
	}
}

// A signal that ends a wait is no sign of an old kernel, unless no wait ends otherwise.
func TestProbeHeedsNoSignal(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, err := Open(Options{Entries: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, c := range []struct {
		signals int
		want    bool
	}{{0, true}, {1, true}, {7, true}, {probeSignals, false}} {
		left := c.signals
		call := func(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err unix.Errno) {
			if left > 0 {
				left--
				return 0, 0, unix.EINTR
			}
			return unix.Syscall6(trap, a1, a2, a3, a4, a5, a6)
		}
		if got := r.timesOut(call); got != c.want || left != 0 {
			t.Errorf("after %d signals: %t, %d left", c.signals, got, left)
		}
	}
}

func TestProbeWithoutARing(t *testing.T) {
	f, err := probe(setupRungs[:], func(uint32, *setupParams) (int, unix.Errno) { return -1, unix.ENOSYS })
	if !errors.Is(err, unix.ENOSYS) {
		t.Fatalf("error %v, want ENOSYS", err)
	}
	if ok, _ := f.Usable(); ok || f.Kernel == "" {
		t.Errorf("features %+v", f)
	}
}

func TestUsable(t *testing.T) {
	all := Features{Kernel: "6.18.1", ExtArg: true, BufRing: true, MultishotRecv: true, MultishotAccept: true, CancelFD: true}
	for _, c := range []struct {
		name    string
		change  func(f *Features)
		missing string
	}{
		{"all that is required", func(*Features) {}, ""},
		{"what is not required", func(f *Features) { f.SendZC, f.RegisteredRing = true, true }, ""},
		{"no wait timeouts", func(f *Features) { f.ExtArg = false }, "wait timeouts (Linux 5.11)"},
		{"a kernel 5.19", func(f *Features) { f.MultishotRecv = false }, "multishot receive (Linux 6.0)"},
		{
			"a kernel 5.15", func(f *Features) { *f = Features{Kernel: f.Kernel, ExtArg: true} },
			"buffer rings (Linux 5.19), multishot accept (Linux 5.19), cancellation by descriptor (Linux 5.19), multishot receive (Linux 6.0)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := all
			c.change(&f)
			ok, missing := f.Usable()
			if missing != c.missing || ok != (c.missing == "") {
				t.Errorf("Usable: %t, %q; want %q", ok, missing, c.missing)
			}
			err := f.Err()
			if (err == nil) != ok {
				t.Errorf("Err: %v", err)
			}
			if err != nil && err.Error() != "io_uring of kernel 6.18.1 lacks "+c.missing {
				t.Errorf("Err: %q", err)
			}
		})
	}
}

func TestFeaturesString(t *testing.T) {
	f := Features{Kernel: "6.0.2", SetupFlags: setupRungs[2], ExtArg: true, BufRing: true}
	const want = "kernel 6.0.2, set-up single_issuer|coop_taskrun|taskrun_flag|submit_all|clamp|cqsize, " +
		"has wait timeouts, buffer rings, lacks registered rings, multishot accept, cancellation by descriptor, " +
		"multishot receive, zero-copy send"
	if f.String() != want {
		t.Errorf("\n got %s\nwant %s", f, want)
	}
	for _, s := range setupNames {
		if !strings.Contains(Features{SetupFlags: s.flag}.String(), s.name) {
			t.Errorf("%s is not printed", s.name)
		}
	}
}
