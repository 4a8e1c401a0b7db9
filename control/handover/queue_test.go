package handover

import (
	"sync"
	"testing"
)

// slots is how long the queues of the tests are.
const slots = 128

type job struct{ token uint32 }

func open(t testing.TB) *Queue[job] {
	t.Helper()
	q, err := New[job](slots)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestQueueIsBounded(t *testing.T) {
	q := open(t)
	for round := range uint32(3) {
		for i := range uint32(slots) {
			if !q.Put(&job{round<<16 | i}) {
				t.Fatalf("job %d is refused", i)
			}
		}
		if q.Put(&job{}) {
			t.Fatal("a job too many is taken")
		}
		for i := range uint32(slots) {
			if j, ok := q.TryTake(); !ok || j.token != round<<16|i {
				t.Fatalf("job %x comes out as %x, %v", i, j.token, ok)
			}
		}
		if _, ok := q.TryTake(); ok {
			t.Fatal("an empty queue has a job")
		}
	}
}

// TestQueueKeepsTheOrderOfEachSender has several senders, and one receiver at work.
func TestQueueKeepsTheOrderOfEachSender(t *testing.T) {
	const senders, each = 4, 2000
	q := open(t)
	var sending sync.WaitGroup
	for s := range uint32(senders) {
		sending.Go(func() {
			for i := uint32(0); i < each; {
				if q.Put(&job{s<<16 | i}) {
					i++
				}
			}
		})
	}
	var next [senders]uint32
	for n := 0; n < senders*each; {
		j, ok := q.TryTake()
		if !ok {
			continue
		}
		n++
		s, i := j.token>>16, j.token&0xffff
		if i != next[s] {
			t.Fatalf("sender %d: job %d after %d", s, i, next[s])
		}
		next[s]++
	}
	sending.Wait()
}

func TestPutAllocatesNothing(t *testing.T) {
	q := open(t)
	j := &job{1}
	if n := testing.AllocsPerRun(100, func() { q.Put(j); q.TryTake() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTakeSleeps has the receiver go to sleep between items, and end.
func TestTakeSleeps(t *testing.T) {
	q := open(t)
	taken := make(chan uint32)
	go func() {
		defer close(taken)
		for {
			j, ok := q.Take()
			if !ok {
				return
			}
			taken <- j.token
		}
	}()
	for i := range uint32(1000) {
		if !q.Put(&job{i}) {
			t.Fatal("refused")
		}
		if got := <-taken; got != i {
			t.Fatalf("%d comes out as %d", i, got)
		}
	}
	q.Close()
	if _, open := <-taken; open {
		t.Error("something is taken from a closed queue")
	}
}
