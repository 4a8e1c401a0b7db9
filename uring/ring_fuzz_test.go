package uring

import (
	"runtime"
	"testing"
)

// FuzzRing drives a ring of four entries and eight completions through any order of queueing, submitting, reaping and reserving.
// Property: every operation completes exactly once, in order, however often either queue overflows.
//
// A byte is one step: its low two bits say what, the rest how often.
func FuzzRing(f *testing.F) {
	const (
		stepNext = iota
		stepSubmit
		stepReap
		stepReserve
	)
	f.Add(uint8(0), []byte{stepNext | 3<<2, stepSubmit, stepReap | 3<<2})
	f.Add(uint8(0), []byte{stepNext | 63<<2, stepSubmit, stepReap | 63<<2, stepNext | 9<<2})
	f.Add(uint8(2), []byte{stepNext | 30<<2, stepReap | 1<<2, stepReserve | 3<<2, stepNext | 30<<2, stepSubmit, stepReap | 5<<2})
	f.Add(uint8(5), []byte{stepNext, stepReserve, stepNext | 40<<2, stepReserve | 1<<2, stepReap})
	f.Fuzz(func(t *testing.T, rung uint8, steps []byte) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		r, err := open(Options{Entries: 4, CQEntries: 8}, setupRungs[int(rung)%len(setupRungs):], setupSyscall)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()

		var queued, reaped uint64
		submit := func() {
			if errno := r.Submit(); errno != 0 || r.Pending() != 0 {
				t.Fatalf("Submit: %v, %d pending", errno, r.Pending())
			}
		}
		reap := func(limit uint32) {
			n := min(r.Ready(), limit)
			if r.Ready() > r.CQEntries() {
				t.Fatalf("%d completions in a queue of %d", r.Ready(), r.CQEntries())
			}
			for i := range n {
				if c := *r.CQE(i); c != (CQE{UserData: reaped}) {
					t.Fatalf("completion %+v, want that of operation %d", c, reaped)
				}
				reaped++
			}
			r.Advance(n)
		}
		for _, step := range steps {
			times := uint32(step >> 2)
			switch step & 3 {
			case stepNext:
				for range times + 1 {
					r.Next().Nop(queued)
					queued++
				}
				if r.Pending() == 0 || r.Pending() > r.Entries() {
					t.Fatalf("%d pending after Next", r.Pending())
				}
			case stepSubmit:
				submit()
			case stepReap:
				reap(times + 1)
			case stepReserve:
				n := times % (r.Entries() + 1)
				r.Reserve(n)
				if r.Entries()-r.Pending() < n {
					t.Fatalf("%d reserved, %d pending", n, r.Pending())
				}
			}
		}
		for reaped < queued {
			before := reaped
			submit()
			reap(r.CQEntries())
			if reaped == before {
				t.Fatalf("%d operations completed of %d", reaped, queued)
			}
		}
		submit()
		if r.Ready() != 0 || r.Overflowed() || r.Lost() != 0 {
			t.Fatalf("ready %d, overflowed %t, lost %d at the end", r.Ready(), r.Overflowed(), r.Lost())
		}
	})
}
