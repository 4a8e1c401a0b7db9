package engine

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func newInbox(t testing.TB) *inbox {
	t.Helper()
	b := new(inbox)
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

// woken reads the eventfd.
func woken(b *inbox) uint64 {
	var n uint64
	_, _ = unix.Read(int(b.fd), (*[8]byte)(unsafe.Pointer(&n))[:])
	return n
}

func TestInboxKeepsOrderAndBound(t *testing.T) {
	b := newInbox(t)
	for round := range 3 {
		for i := range inboxSlots {
			if !b.post(Message{Arg: uint64(i)}) {
				t.Fatalf("round %d: message %d was refused", round, i)
			}
		}
		if b.post(Message{}) {
			t.Fatal("a full inbox took a message")
		}
		for i := range inboxSlots {
			if m, ok := b.take(); !ok || m.Arg != uint64(i) {
				t.Fatalf("round %d: took %d, %v, want %d", round, m.Arg, ok, i)
			}
		}
		if _, ok := b.take(); ok || !b.empty() {
			t.Fatal("an empty inbox gave a message")
		}
	}
}

func TestInboxLetsGoOfValues(t *testing.T) {
	b := newInbox(t)
	b.post(Message{Value: "x"})
	b.take()
	if b.slots[0].m.Value != nil {
		t.Error("a message that was taken is still referenced")
	}
}

func TestInboxWakesASleeperOnce(t *testing.T) {
	b := newInbox(t)
	b.post(Message{})
	if woken(b) != 0 {
		t.Error("a receiver that was awake was woken")
	}
	b.asleep.Store(true)
	b.post(Message{})
	b.post(Message{})
	if n := woken(b); n != 1 {
		t.Errorf("woken %d times, want once", n)
	}
}

// TestInboxManySenders lets senders race with a receiver that goes to sleep
// as a loop does. A lost message or a lost wake-up hangs the test.
func TestInboxManySenders(t *testing.T) {
	const senders, each = 8, 5000
	b := newInbox(t)
	var wg sync.WaitGroup
	for k := range senders {
		wg.Go(func() {
			for i := range each {
				for !b.post(Message{Kind: uint32(k), Arg: uint64(i)}) {
					runtime.Gosched()
				}
			}
		})
	}
	var next [senders]uint64
	poll := []unix.PollFd{{Fd: b.fd, Events: unix.POLLIN}}
	for got := 0; got < senders*each; {
		m, ok := b.take()
		if ok {
			if m.Arg != next[m.Kind] {
				t.Fatalf("message %d of sender %d came when %d was due", m.Arg, m.Kind, next[m.Kind])
			}
			next[m.Kind]++
			got++
			continue
		}
		b.asleep.Store(true)
		if b.empty() {
			if n, err := unix.Poll(poll, 10_000); n == 0 && err == nil {
				t.Fatalf("nobody woke the receiver, which has %d of %d messages", got, senders*each)
			}
			woken(b)
		}
		b.asleep.Store(false)
	}
	wg.Wait()
}

func TestInboxAllocatesNothing(t *testing.T) {
	b := newInbox(t)
	if n := testing.AllocsPerRun(1000, func() {
		b.post(Message{Kind: 1})
		b.take()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
