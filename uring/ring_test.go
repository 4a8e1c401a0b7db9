package uring

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds a wait for what has to happen; reaching it is a failure.
const patience = 10 * time.Second

// openRing opens a ring on the test's thread, which ends with the test.
func openRing(tb testing.TB, o Options) *Ring {
	tb.Helper()
	return openRungs(tb, o, setupRungs[:])
}

func openRungs(tb testing.TB, o Options, rungs []uint32) *Ring {
	tb.Helper()
	runtime.LockOSThread()
	r, err := open(o, rungs, setupSyscall)
	if err != nil {
		cause, cure := Explain(err)
		tb.Fatalf("%v\n%s\n%s", err, cause, cure)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
		runtime.UnlockOSThread()
	})
	return r
}

// rungs are the sets of flags that this kernel accepts: a new kernel all of them, an older one those of its own age.
func rungs(tb testing.TB) []uint32 {
	tb.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, err := Open(Options{Entries: 8})
	if err != nil {
		tb.Fatal(err)
	}
	first := slices.Index(setupRungs[:], r.Flags())
	if err := r.Close(); err != nil || first < 0 {
		tb.Fatalf("flags %#x, Close: %v", r.Flags(), err)
	}
	return setupRungs[first:]
}

// take submits and returns the next completion.
func take(tb testing.TB, r *Ring) CQE {
	tb.Helper()
	for deadline := time.Now().Add(patience); r.Ready() == 0; {
		if errno := r.SubmitAndWait(time.Second); errno != 0 {
			tb.Fatalf("SubmitAndWait: %v", errno)
		}
		if time.Now().After(deadline) {
			tb.Fatal("no completion")
		}
	}
	c := *r.CQE(0)
	r.Advance(1)
	return c
}

// takeAll returns n completions by their user data.
func takeAll(tb testing.TB, r *Ring, n int) map[uint64]CQE {
	tb.Helper()
	all := map[uint64]CQE{}
	for range n {
		c := take(tb, r)
		if old, ok := all[c.UserData]; ok {
			tb.Fatalf("two completions for %d: %+v and %+v", c.UserData, old, c)
		}
		all[c.UserData] = c
	}
	return all
}

func wantNone(tb testing.TB, r *Ring) {
	tb.Helper()
	if errno := r.Submit(); errno != 0 {
		tb.Fatalf("Submit: %v", errno)
	}
	if n := r.Ready(); n != 0 {
		tb.Fatalf("%d completions, the first %+v; want none", n, *r.CQE(0))
	}
}

func TestNextSubmitsWhenTheQueueIsFull(t *testing.T) {
	for _, rung := range rungs(t) {
		t.Run(fmt.Sprintf("%#x", rung), func(t *testing.T) {
			r := openRungs(t, Options{Entries: 8, CQEntries: 64}, []uint32{rung})
			const n = 30
			for i := range uint64(n) {
				r.Next().Nop(i)
				if want := uint32(i%8) + 1; r.Pending() != want {
					t.Fatalf("after %d entries %d are pending, want %d", i+1, r.Pending(), want)
				}
			}
			if errno := r.Submit(); errno != 0 {
				t.Fatalf("Submit: %v", errno)
			}
			if r.Pending() != 0 {
				t.Fatalf("%d pending after Submit", r.Pending())
			}
			if r.Ready() != n {
				t.Fatalf("%d completions, want %d", r.Ready(), n)
			}
			for i := range uint32(n) {
				if c := *r.CQE(i); c != (CQE{UserData: uint64(i)}) {
					t.Fatalf("completion %d is %+v", i, c)
				}
			}
			r.Advance(n)
			wantNone(t, r)
		})
	}
}

// An operation must not inherit what the last one in its slot was given.
func TestNextZeroesTheEntry(t *testing.T) {
	r := openRing(t, Options{Entries: 4})
	for i := range 3 * r.Entries() {
		s := r.Next()
		if *s != (SQE{}) {
			t.Fatalf("entry %d is %+v", i, *s)
		}
		*s = SQE{
			opcode: opNop, flags: sqeBufferSelect, ioprio: 1, fd: 2, off: 3, addr: 4, len: 5, opFlags: 6, userData: 7,
			bufGroup: 8, personality: 9, fileIndex: 10, addr3: 11, pad: 12,
		}
	}
}

func TestCompletionOverflowLosesNothing(t *testing.T) {
	for _, rung := range rungs(t) {
		t.Run(fmt.Sprintf("%#x", rung), func(t *testing.T) {
			r := openRungs(t, Options{Entries: 8, CQEntries: 8}, []uint32{rung})
			if r.CQEntries() >= 40 {
				t.Fatalf("a completion queue of %d does not overflow", r.CQEntries())
			}
			const n = 40
			for i := range uint64(n) {
				r.Next().Nop(i)
			}
			r.Submit()
			if !r.Overflowed() {
				t.Fatal("the completion queue has not overflowed")
			}
			var got []uint64
			for len(got) < n {
				for i := range r.Ready() {
					got = append(got, r.CQE(i).UserData)
				}
				r.Advance(r.Ready())
				if errno := r.Submit(); errno != 0 {
					t.Fatalf("Submit: %v", errno)
				}
				if len(got) < n && r.Ready() == 0 {
					t.Fatalf("after %d completions of %d there are no more", len(got), n)
				}
			}
			if !slices.IsSorted(got) || got[0] != 0 || got[n-1] != n-1 {
				t.Fatalf("completions came in the order %d", got)
			}
			if r.Overflowed() || r.Lost() != 0 {
				t.Fatalf("overflowed %t, lost %d", r.Overflowed(), r.Lost())
			}
		})
	}
}

// A refused entry ends the submission where SUBMIT_ALL is missing; the entries behind it must not be left behind.
func TestSubmitGoesOnAfterARefusedEntry(t *testing.T) {
	for _, rung := range rungs(t) {
		t.Run(fmt.Sprintf("%#x", rung), func(t *testing.T) {
			r := openRungs(t, Options{Entries: 8}, []uint32{rung})
			r.Next().Nop(1)
			r.Next().prepare(255, -1, 0, 0, 0, 2)
			r.Next().Nop(3)
			r.Next().prepare(255, -1, 0, 0, 0, 4)
			r.Next().Nop(5)
			if errno := r.Submit(); errno != 0 || r.Pending() != 0 {
				t.Fatalf("Submit: %v, %d pending", errno, r.Pending())
			}
			all := takeAll(t, r, 5)
			for ud, want := range map[uint64]int32{1: 0, 2: -int32(unix.EINVAL), 3: 0, 4: -int32(unix.EINVAL), 5: 0} {
				if all[ud].Res != want {
					t.Errorf("completion %d has result %d, want %d", ud, all[ud].Res, want)
				}
			}
		})
	}
}

func TestReserveKeepsAChainTogether(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	fill := func() {
		for i := range uint64(7) {
			r.Next().Nop(100 + i)
		}
	}
	chain := func() {
		s := r.Next()
		s.Read(-1, 0, 1, 0, 1) // Fails with EBADF.
		s.Link()
		r.Next().Nop(2)
	}

	fill()
	r.Reserve(2)
	if r.Pending() != 0 {
		t.Fatalf("%d pending after Reserve, want 0", r.Pending())
	}
	chain()
	all := takeAll(t, r, 9)
	if all[1].Res != -int32(unix.EBADF) || all[2].Res != -int32(unix.ECANCELED) {
		t.Errorf("chain completed with %d and %d, want EBADF and ECANCELED", all[1].Res, all[2].Res)
	}

	// Without it the queue's end splits the chain, which is what Reserve is for.
	fill()
	chain()
	if all = takeAll(t, r, 9); all[2].Res != 0 {
		t.Errorf("the second half of a split chain completed with %d, want 0", all[2].Res)
	}

	r.Reserve(8)
	r.Next().Nop(1)
	r.Reserve(7)
	if r.Pending() != 1 {
		t.Errorf("Reserve submitted although there was room")
	}
	take(t, r)
}

func TestReserveMoreThanTheQueuePanics(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	r.Reserve(9)
}

func TestSubmitAndWaitTimeout(t *testing.T) {
	for _, rung := range rungs(t) {
		t.Run(fmt.Sprintf("%#x", rung), func(t *testing.T) {
			r := openRungs(t, Options{Entries: 8}, []uint32{rung})
			for _, timeout := range []time.Duration{0, 1, 3 * time.Millisecond, 20 * time.Millisecond} {
				start := time.Now()
				if errno := r.SubmitAndWait(timeout); errno != 0 {
					t.Fatalf("SubmitAndWait(%v): %v", timeout, errno)
				}
				// A signal of the runtime may end one wait early, so only the end of a series of waits is sure.
				for time.Since(start) < timeout {
					r.SubmitAndWait(timeout)
				}
				if took := time.Since(start); took > patience {
					t.Errorf("SubmitAndWait(%v) took %v", timeout, took)
				}
			}
			if errno := r.enterWait(unix.Syscall6, 0); errno != unix.ETIME && errno != unix.EINTR {
				t.Errorf("an idle wait ended with %v, want ETIME", errno)
			}
		})
	}
}

func TestSubmitAndWaitSubmitsAndReturnsAtOnce(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	r.Next().Nop(1)
	if errno := r.SubmitAndWait(-1); errno != 0 {
		t.Fatal(errno)
	}
	if r.Pending() != 0 || r.Ready() != 1 {
		t.Fatalf("pending %d, ready %d; want 0 and 1", r.Pending(), r.Ready())
	}
	// The completion is still there: another wait has nothing to wait for.
	if errno := r.SubmitAndWait(-1); errno != 0 {
		t.Fatal(errno)
	}
	r.Advance(1)
}

func TestPushRunsNoDeferredWork(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	if r.Flags()&SetupDeferTaskrun == 0 {
		t.Logf("this kernel does not defer work: flags %#x", r.Flags())
	}
	pair := socketpair(t, unix.SOCK_STREAM)
	r.Next().PollAdd(pair[0], unix.POLLIN, 7)
	wantNone(t, r)
	write(t, pair[1], "x")
	r.Next().Nop(1)
	if errno := r.Push(); errno != 0 || r.Pending() != 0 {
		t.Fatalf("Push: %v, %d entries pending", errno, r.Pending())
	}
	if n := r.Ready(); n != 1 && r.Flags()&SetupDeferTaskrun != 0 {
		t.Fatalf("%d completions after Push, want that of the entry only", n)
	}
	got := takeAll(t, r, 2)
	if _, ok := got[1]; !ok || got[7].Res != unix.POLLIN {
		t.Fatalf("completions %+v", got)
	}
	// With nothing pending it does nothing.
	if errno := r.Push(); errno != 0 || r.Ready() != 0 {
		t.Fatalf("Push of nothing: %v, %d completions", errno, r.Ready())
	}
}

func TestSubmitAndWaitIsWokenByACompletion(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	pair := socketpair(t, unix.SOCK_STREAM)
	r.Next().PollAdd(pair[0], unix.POLLIN, 7)
	wantNone(t, r)
	go unix.Write(int(pair[1]), []byte("x"))
	if c := take(t, r); c.UserData != 7 || c.Res != unix.POLLIN {
		t.Fatalf("completion %+v", c)
	}
}

func TestSubmitAndWaitEndsOnASignal(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	tid := unix.Gettid()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				// The runtime's own preemption signal: it expects to see it at any time.
				unix.Tgkill(unix.Getpid(), tid, unix.SIGURG)
			case <-stop:
				return
			}
		}
	}()
	if errno := r.SubmitAndWait(-1); errno != 0 {
		t.Errorf("SubmitAndWait: %v", errno)
	}
	close(stop)
	<-stopped
	if r.Ready() != 0 {
		t.Errorf("%d completions", r.Ready())
	}
}

func TestAnotherThreadIsRefused(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	r.Next().Nop(1)
	result := make(chan unix.Errno)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		result <- r.Submit()
	}()
	if errno := <-result; errno == 0 {
		t.Error("another thread could submit")
	}
	if r.Pending() != 1 {
		t.Fatalf("%d pending, want 1", r.Pending())
	}
	if c := take(t, r); c.UserData != 1 {
		t.Fatalf("completion %+v", c)
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	r := openRing(t, Options{Entries: 8, CQEntries: 64})
	for _, c := range []struct {
		name string
		turn func()
	}{
		{"submit", func() {
			for i := range uint64(20) {
				r.Next().Nop(i)
			}
			r.Submit()
			for i := range r.Ready() {
				_ = r.CQE(i).Res
			}
			r.Advance(r.Ready())
		}},
		{"wait", func() {
			r.Next().Nop(1)
			r.SubmitAndWait(-1)
			r.Advance(r.Ready())
			r.SubmitAndWait(time.Microsecond)
		}},
	} {
		if n := testing.AllocsPerRun(100, c.turn); n != 0 {
			t.Errorf("%s: %v allocations per turn", c.name, n)
		}
	}
}
