package engine

import (
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inbox is a bounded queue of messages with many senders and one receiver,
// and an eventfd that wakes the receiver when it sleeps. Each slot carries a
// sequence number that says whose turn it is (Vyukov's bounded queue), so
// that no sender ever waits for another.
type inbox struct {
	slots  [inboxSlots]inboxSlot
	head   uint64 // receiver's
	_      [64]byte
	tail   atomic.Uint64
	_      [64]byte
	asleep atomic.Bool
	full   atomic.Uint64 // messages that found no room
	fd     int32
}

type inboxSlot struct {
	seq atomic.Uint64
	m   Message
}

func (b *inbox) open() error {
	for i := range b.slots {
		b.slots[i].seq.Store(uint64(i))
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	b.fd = int32(fd)
	return nil
}

func (b *inbox) close() { _ = unix.Close(int(b.fd)) }

func (b *inbox) post(m Message) bool {
	for {
		t := b.tail.Load()
		s := &b.slots[t%inboxSlots]
		switch seq := s.seq.Load(); {
		case seq == t:
			if !b.tail.CompareAndSwap(t, t+1) {
				continue
			}
			s.m = m
			s.seq.Store(t + 1)
			if b.asleep.Swap(false) {
				b.wake()
			}
			return true
		case seq < t:
			b.full.Add(1)
			return false
		}
	}
}

func (b *inbox) wake() {
	one := [8]byte{1}
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(b.fd), uintptr(unsafe.Pointer(&one)), 8)
}

// take returns the next message; ok is false when there is none.
func (b *inbox) take() (m Message, ok bool) {
	s := &b.slots[b.head%inboxSlots]
	if s.seq.Load() != b.head+1 {
		return m, false
	}
	m, s.m = s.m, Message{}
	s.seq.Store(b.head + inboxSlots)
	b.head++
	return m, true
}

// empty is asked after asleep was set: a sender that came before saw a
// receiver awake and does not write to the eventfd.
func (b *inbox) empty() bool {
	return b.slots[b.head%inboxSlots].seq.Load() != b.head+1
}
