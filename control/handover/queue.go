package handover

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Queue is a bounded queue with many senders and one receiver. Each slot
// carries a sequence number that says whose turn it is (Vyukov's bounded queue), so
// that no sender ever waits for another.
type Queue[T any] struct {
	slots []slot[T]
	head  uint64 // the receiver's
	_     [64]byte
	tail  atomic.Uint64
	_     [64]byte

	// A sender that finds the receiver asleep rings the bell.
	asleep atomic.Bool
	closed atomic.Bool
	bell   *os.File
	bellFD int
	rung   [8]byte // the receiver's: what it reads off the bell
}

type slot[T any] struct {
	seq  atomic.Uint64
	item T
}

// New makes a queue of at most that many items, a power of two.
func New[T any](slots int) (*Queue[T], error) {
	if slots <= 0 || slots&(slots-1) != 0 {
		panic("handover: the number of slots is no power of two")
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("handover: %w", os.NewSyscallError("eventfd", err))
	}
	q := &Queue[T]{slots: make([]slot[T], slots), bell: os.NewFile(uintptr(fd), "eventfd"), bellFD: fd}
	for i := range q.slots {
		q.slots[i].seq.Store(uint64(i))
	}
	return q, nil
}

// Put appends a copy of an item; it fails when the queue is full. It must not be called
// once Close has begun.
func (q *Queue[T]) Put(item *T) bool {
	for {
		t := q.tail.Load()
		s := &q.slots[t&uint64(len(q.slots)-1)]
		switch seq := s.seq.Load(); {
		case seq == t:
			if !q.tail.CompareAndSwap(t, t+1) {
				continue
			}
			s.item = *item
			s.seq.Store(t + 1)
			if q.asleep.Load() && q.asleep.Swap(false) {
				q.ring()
			}
			return true
		case seq < t:
			return false
		}
	}
}

func (q *Queue[T]) ring() {
	one := [8]byte{1}
	// SAFETY: the pointer is converted in the call's own argument list, so that
	// one stays alive and in place during the call.
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(q.bellFD), uintptr(unsafe.Pointer(&one)), 8)
}

// TryTake removes the oldest item; ok is false when there is none.
func (q *Queue[T]) TryTake() (item T, ok bool) {
	s := &q.slots[q.head&uint64(len(q.slots)-1)]
	if s.seq.Load() != q.head+1 {
		return item, false
	}
	var none T
	item, s.item = s.item, none
	s.seq.Store(q.head + uint64(len(q.slots)))
	q.head++
	return item, true
}

// Take removes the oldest item, and waits for one; ok is false when the queue is closed.
func (q *Queue[T]) Take() (item T, ok bool) {
	for !q.closed.Load() {
		if item, ok = q.TryTake(); ok {
			return item, true
		}
		// Asleep is said before the last look: a sender that comes after it rings.
		q.asleep.Store(true)
		if item, ok = q.TryTake(); ok {
			q.asleep.Store(false)
			return item, true
		}
		if _, err := q.bell.Read(q.rung[:]); err != nil {
			break
		}
	}
	return item, false
}

// Close ends Take. What is left is for TryTake, when Take has returned.
func (q *Queue[T]) Close() {
	q.closed.Store(true)
	_ = q.bell.Close()
}
