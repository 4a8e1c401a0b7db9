package epoll

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func openPoller(tb testing.TB) *Poller {
	tb.Helper()
	p, err := Open()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return p
}

func socketpair(tb testing.TB) [2]int32 {
	tb.Helper()
	s, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		unix.Close(s[0])
		unix.Close(s[1])
	})
	return [2]int32{int32(s[0]), int32(s[1])}
}

func write(tb testing.TB, fd int32, s string) {
	tb.Helper()
	if n, err := unix.Write(int(fd), []byte(s)); n != len(s) || err != nil {
		tb.Fatalf("wrote %d bytes of %d: %v", n, len(s), err)
	}
}

// drain reads all there is.
func drain(tb testing.TB, fd int32) string {
	tb.Helper()
	var got []byte
	for buf := make([]byte, 64); ; {
		n, err := unix.Read(int(fd), buf)
		if err == unix.EAGAIN || n == 0 {
			return string(got)
		}
		if err != nil {
			tb.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
}

// wait returns the next events; a signal may end a wait early.
func wait(tb testing.TB, p *Poller) []Event {
	tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if events := p.Wait(time.Second); len(events) > 0 {
			return events
		}
	}
	tb.Fatal("no event")
	return nil
}

func wantNone(tb testing.TB, p *Poller) {
	tb.Helper()
	if events := p.Wait(0); len(events) != 0 {
		tb.Fatalf("events %+v, want none", events)
	}
}

// modes are the two system calls a Poller may wait with.
func modes(t *testing.T, test func(t *testing.T, p *Poller)) {
	for _, noPwait2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("pwait2=%t", !noPwait2), func(t *testing.T) {
			p := openPoller(t)
			p.noPwait2 = noPwait2
			test(t, p)
			if p.noPwait2 != noPwait2 {
				t.Error("epoll_pwait2 is missing")
			}
			if p.Failure() != 0 {
				t.Errorf("a wait failed: %v", p.Failure())
			}
		})
	}
}

func TestRoundTrips(t *testing.T) {
	modes(t, func(t *testing.T, p *Poller) {
		pair := socketpair(t)
		const data = 0xfedc_ba98_7654_3210
		if err := p.Add(pair[0], In|RdHUp|ET, data); err != nil {
			t.Fatal(err)
		}
		wantNone(t, p)
		for i := range 300 {
			message := fmt.Sprintf("message %d", i)
			write(t, pair[1], message)
			if got := wait(t, p); len(got) != 1 || got[0] != (Event{In, data}) {
				t.Fatalf("events %+v for message %d", got, i)
			}
			if got := drain(t, pair[0]); got != message {
				t.Fatalf("read %q, want %q", got, message)
			}
		}
		wantNone(t, p)
		unix.Shutdown(int(pair[1]), unix.SHUT_WR)
		if got := wait(t, p); len(got) != 1 || got[0] != (Event{In | RdHUp, data}) {
			t.Fatalf("events %+v at the end of the stream", got)
		}
	})
}

func TestEdgeAndLevel(t *testing.T) {
	for _, c := range []struct {
		name   string
		events uint32
		want   int // Events for one message that is not read, in three waits.
	}{
		{"level", In, 3},
		{"edge", In | ET, 1},
		{"one shot", In | OneShot, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := openPoller(t)
			pair := socketpair(t)
			if err := p.Add(pair[0], c.events, 1); err != nil {
				t.Fatal(err)
			}
			write(t, pair[1], "x")
			n := 0
			for range 3 {
				n += len(p.Wait(0))
			}
			if n != c.want {
				t.Errorf("%d events, want %d", n, c.want)
			}
			// Mod reports the present state anew.
			if err := p.Mod(pair[0], c.events, 2); err != nil {
				t.Fatal(err)
			}
			if got := p.Wait(0); len(got) != 1 || got[0] != (Event{In, 2}) {
				t.Errorf("events %+v after Mod", got)
			}
		})
	}
}

func TestDelAndErrors(t *testing.T) {
	p := openPoller(t)
	pair := socketpair(t)
	write(t, pair[1], "x")
	if err := p.Add(pair[0], In, 1); err != nil {
		t.Fatal(err)
	}
	if err := p.Add(pair[0], In, 1); err != unix.EEXIST {
		t.Errorf("adding twice: %v, want EEXIST", err)
	}
	if err := p.Del(pair[0]); err != nil {
		t.Fatal(err)
	}
	wantNone(t, p)
	if err := p.Del(pair[0]); err != unix.ENOENT {
		t.Errorf("deleting twice: %v, want ENOENT", err)
	}
	if err := p.Mod(pair[0], In, 1); err != unix.ENOENT {
		t.Errorf("modifying what is not there: %v, want ENOENT", err)
	}
	if err := p.Add(-1, In, 1); err != unix.EBADF {
		t.Errorf("adding no descriptor: %v, want EBADF", err)
	}
}

func TestMoreEventsThanOneWaitReturns(t *testing.T) {
	p := openPoller(t)
	const n = MaxEvents + 100
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < n+64 {
		t.Fatalf("this test needs %d descriptors; the limit is %d", n+64, limit.Cur)
	}
	for i := range uint64(n) {
		fd, err := unix.Eventfd(1, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := p.Add(int32(fd), In|ET, 1<<40|i); err != nil {
			t.Fatal(err)
		}
	}
	var seen []uint64
	for _, want := range []int{MaxEvents, 100, 0} {
		events := p.Wait(0)
		if len(events) != want {
			t.Fatalf("%d events, want %d", len(events), want)
		}
		for _, e := range events {
			if e.Events != In {
				t.Fatalf("event %+v", e)
			}
			seen = append(seen, e.Data)
		}
	}
	slices.Sort(seen)
	for i, data := range seen {
		if data != 1<<40|uint64(i) {
			t.Fatalf("event %d has data %#x", i, data)
		}
	}
}

func TestWaitTimeout(t *testing.T) {
	modes(t, func(t *testing.T, p *Poller) {
		for _, timeout := range []time.Duration{0, 1, 300 * time.Microsecond, 20 * time.Millisecond} {
			start := time.Now()
			// A signal of the runtime may end a wait early, so only the end of a series of waits is sure.
			for first := true; first || time.Since(start) < timeout; first = false {
				if events := p.Wait(timeout); len(events) != 0 {
					t.Fatalf("events %+v", events)
				}
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("a wait of %v took %v", timeout, took)
			}
		}
	})
}

func TestWaitIsWoken(t *testing.T) {
	modes(t, func(t *testing.T, p *Poller) {
		pair := socketpair(t)
		if err := p.Add(pair[0], In|ET, 5); err != nil {
			t.Fatal(err)
		}
		go unix.Write(int(pair[1]), []byte("x"))
		for {
			// Without a timeout only the event, or a signal, ends the wait.
			if events := p.Wait(-1); len(events) > 0 {
				if len(events) != 1 || events[0] != (Event{In, 5}) {
					t.Errorf("events %+v", events)
				}
				return
			}
		}
	})
}

func TestFailure(t *testing.T) {
	p := openPoller(t)
	fd := p.fd
	p.fd = -1
	if events := p.Wait(0); len(events) != 0 || p.Failure() != unix.EBADF {
		t.Errorf("events %+v, failure %v; want EBADF", events, p.Failure())
	}
	p.fd = fd
}

func TestCloseTwice(t *testing.T) {
	p := openPoller(t)
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMillis(t *testing.T) {
	for _, c := range []struct {
		timeout time.Duration
		want    int32
	}{
		{-1, -1},
		{math.MinInt64, -1},
		{0, 0},
		{1, 1},
		{time.Millisecond, 1},
		{time.Millisecond + 1, 2},
		{1500 * time.Millisecond, 1500},
		{math.MaxInt64, math.MaxInt32},
	} {
		if got := int32(millis(c.timeout)); got != c.want {
			t.Errorf("millis(%d) = %d, want %d", int64(c.timeout), got, c.want)
		}
	}
}

// The kernel's event is 12 bytes on amd64 and 16 elsewhere; the 64 bits of data survive in either.
func TestEventLayout(t *testing.T) {
	for _, want := range []Event{{In, 0}, {0xffffffff, math.MaxUint64}, {Out, 1 << 63}, {In | Out, 0xfedcba9876543210}} {
		k := toKernel(want.Events, want.Data)
		var got Event
		if got.fromKernel(&k); got != want {
			t.Errorf("%+v became %+v", want, got)
		}
		at := unsafe.Sizeof(k) - 8
		if data := *(*[8]byte)(unsafe.Add(unsafe.Pointer(&k), at)); data[0] != byte(want.Data) || data[7] != byte(want.Data>>56) {
			t.Errorf("data %#x lies in memory as %x", want.Data, data)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	p := openPoller(t)
	pair := socketpair(t)
	write(t, pair[1], "x")
	if n := testing.AllocsPerRun(100, func() {
		p.Add(pair[0], In|ET, 1)
		if len(p.Wait(-1)) != 1 {
			t.Error("no event")
		}
		p.Wait(1)
		p.Mod(pair[0], In|Out|ET, 1)
		p.Del(pair[0])
	}); n != 0 {
		t.Errorf("%v allocations per round", n)
	}
}
