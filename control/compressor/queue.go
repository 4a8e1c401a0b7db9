package compressor

import (
	"sync/atomic"

	"github.com/anygate/anygate/static"
)

// queue is a bounded queue of jobs with many senders and one receiver. Each slot
// carries a sequence number that says whose turn it is (Vyukov's bounded queue), so
// that no sender ever waits for another.
type queue struct {
	slots [queueSlots]slot
	head  uint64 // the receiver's
	_     [64]byte
	tail  atomic.Uint64
}

type slot struct {
	seq atomic.Uint64
	job static.Job
}

func (q *queue) open() {
	for i := range q.slots {
		q.slots[i].seq.Store(uint64(i))
	}
}

// put appends a job; it fails when the queue is full.
func (q *queue) put(j *static.Job) bool {
	for {
		t := q.tail.Load()
		s := &q.slots[t%queueSlots]
		switch seq := s.seq.Load(); {
		case seq == t:
			if !q.tail.CompareAndSwap(t, t+1) {
				continue
			}
			s.job = *j
			s.seq.Store(t + 1)
			return true
		case seq < t:
			return false
		}
	}
}

// take removes the oldest job; ok is false when there is none.
func (q *queue) take() (j static.Job, ok bool) {
	s := &q.slots[q.head%queueSlots]
	if s.seq.Load() != q.head+1 {
		return j, false
	}
	j, s.job = s.job, static.Job{}
	s.seq.Store(q.head + queueSlots)
	q.head++
	return j, true
}
