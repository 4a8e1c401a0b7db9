package compressor

import (
	"sync"
	"testing"

	"github.com/anygate/anygate/static"
)

func TestQueueIsBounded(t *testing.T) {
	var q queue
	q.open()
	for round := range uint32(3) {
		for i := range uint32(queueSlots) {
			if !q.put(&static.Job{Token: round<<16 | i}) {
				t.Fatalf("job %d is refused", i)
			}
		}
		if q.put(&static.Job{}) {
			t.Fatal("a job too many is taken")
		}
		for i := range uint32(queueSlots) {
			if j, ok := q.take(); !ok || j.Token != round<<16|i {
				t.Fatalf("job %x comes out as %x, %v", i, j.Token, ok)
			}
		}
		if _, ok := q.take(); ok {
			t.Fatal("an empty queue has a job")
		}
	}
}

// TestQueueKeepsTheOrderOfEachSender has several senders, and one receiver at work.
func TestQueueKeepsTheOrderOfEachSender(t *testing.T) {
	const senders, each = 4, 2000
	var q queue
	q.open()
	var sending sync.WaitGroup
	for s := range uint32(senders) {
		sending.Go(func() {
			for i := uint32(0); i < each; {
				if q.put(&static.Job{Token: s<<16 | i}) {
					i++
				}
			}
		})
	}
	var next [senders]uint32
	for n := 0; n < senders*each; {
		j, ok := q.take()
		if !ok {
			continue
		}
		n++
		s, i := j.Token>>16, j.Token&0xffff
		if i != next[s] {
			t.Fatalf("sender %d: job %d after %d", s, i, next[s])
		}
		next[s]++
	}
	sending.Wait()
}

func TestPutAllocatesNothing(t *testing.T) {
	var q queue
	q.open()
	j := &static.Job{Token: 1}
	if n := testing.AllocsPerRun(100, func() { q.put(j); q.take() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
