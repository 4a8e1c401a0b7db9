package handoff

import "sync/atomic"

// queue is a bounded queue with many senders and one receiver. Each slot carries a sequence number that says whose turn
// it is (Vyukov's bounded queue), so that no sender ever waits for another.
type queue[J any] struct {
	slots []slot[J]
	head  uint64 // the receiver's
	_     [64]byte
	tail  atomic.Uint64
}

type slot[J any] struct {
	seq atomic.Uint64
	job J
}

func (q *queue[J]) open(slots int) {
	q.slots = make([]slot[J], slots)
	for i := range q.slots {
		q.slots[i].seq.Store(uint64(i))
	}
}

// at is the slot of a turn.
func (q *queue[J]) at(turn uint64) *slot[J] { return &q.slots[turn%uint64(len(q.slots))] }

// put appends a job; it fails when the queue is full.
func (q *queue[J]) put(j J) bool {
	for {
		t := q.tail.Load()
		s := q.at(t)
		switch seq := s.seq.Load(); {
		case seq == t:
			if !q.tail.CompareAndSwap(t, t+1) {
				continue
			}
			s.job = j
			s.seq.Store(t + 1)
			return true
		case seq < t:
			return false
		}
	}
}

// take removes the oldest job; ok is false when there is none.
func (q *queue[J]) take() (j J, ok bool) {
	s := q.at(q.head)
	if s.seq.Load() != q.head+1 {
		return j, false
	}
	var none J
	j, s.job = s.job, none
	s.seq.Store(q.head + uint64(len(q.slots)))
	q.head++
	return j, true
}
