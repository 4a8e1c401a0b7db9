package engine

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/anygate/anygate/engine/offheap"
	"github.com/anygate/anygate/uring"
)

// Stub is an io_uring loop whose kernel is the benchmark: requests are copied
// into provided buffers and reported as completions, what the loop submits is
// taken out of the queue and reported as sent. What is left is the way of a
// request through user space.
type Stub struct {
	s     *Shard
	l     *uringLoop
	ready []uint32 // connections, in the order they were accepted
	sent  []uint32 // and those whose send is "in the kernel"
	bid   uint16

	// The ring's own counters of entries handed out and taken.
	tail, head *uint32
}

// NewStub starts the loop of a shard, which was made for io_uring, with n
// clients.
func NewStub(tb testing.TB, s *Shard, n int) *Stub {
	if err := s.open(); err != nil {
		tb.Fatal(err)
	}
	l := s.loop.(*uringLoop)
	// SAFETY: the fields of the ring, which lives as long as the shard.
	word := func(name string) *uint32 {
		return (*uint32)(unsafe.Pointer(reflect.ValueOf(l.ring).Elem().FieldByName(name).UnsafeAddr()))
	}
	k := &Stub{s: s, l: l, tail: word("tail"), head: word("head")}
	lis := &listener{id: 1, fd: -1}
	for range n {
		i := s.table.made
		s.accepted(-1, lis)
		k.ready = append(k.ready, i)
		k.rewind()
	}
	tb.Cleanup(func() {
		k.complete()
		k.rewind()
		for _, i := range k.ready {
			// Nothing of it is in the kernel.
			s.conns[i].flags &^= flagsInKernel
		}
		s.release()
	})
	return k
}

// rewind takes back what the loop has queued for the kernel.
func (k *Stub) rewind() { *k.tail = *k.head }

// complete reports the sends of the turn before.
func (k *Stub) complete() {
	for _, i := range k.sent {
		c := &k.s.conns[i]
		k.l.complete(userData(opSend, c.gen, i), int32(c.q.bytes), 0)
	}
	k.sent = k.sent[:0]
}

// Receive lays a request into a provided buffer, as the kernel does before it
// posts the completion.
func (k *Stub) Receive(slot int, p []byte) {
	b := k.l.small.slots[(int(k.bid)+slot)&(len(k.l.small.slots)-1)]
	copy(offheap.Bytes(k.s.pool.addr(b), SmallBuffer), p)
}

// Turn is a turn in which count connections, from the first on, have sent n
// bytes that Receive has laid down, and get their answers.
func (k *Stub) Turn(first, count, n int) {
	s, l := k.s, k.l
	s.clock()
	s.handler.Turn()
	s.batch = count + len(k.sent)
	k.complete()
	for j := range count {
		i := k.ready[first+j]
		flags := uring.CQEFBuffer | uring.CQEFMore | uint32(k.bid)<<16
		k.bid = (k.bid + 1) & uint16(len(l.small.slots)-1)
		l.complete(userData(opReceive, s.conns[i].gen, i), int32(n), flags)
	}
	s.work()
	l.rearm()
	s.flush(l.send)
	l.publish()
	for j := range count {
		if i := k.ready[first+j]; s.conns[i].has(flagSending) {
			k.sent = append(k.sent, i)
		}
	}
	l.used = 1
	k.rewind()
}

// Output is what waits to be sent on a connection.
func (k *Stub) Output(n int) (out []byte) {
	q := &k.s.conns[k.ready[n]].q
	m := &message{}
	pieces, _, _ := k.s.gather(q, m)
	for _, v := range m.vec[:pieces] {
		out = append(out, offheap.Bytes(uintptr(unsafe.Pointer(v.Base)), int(v.Len))...)
	}
	return out
}
