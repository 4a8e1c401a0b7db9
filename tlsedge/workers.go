package tlsedge

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Workers sign, and verify certificates, where it takes so long that a shard's other
// connections would notice: RSA takes a millisecond. They are shared by all shards, which hand them jobs through
// a queue without locks, and get them back in their inboxes.
type Workers struct {
	queue  queue
	bell   *os.File // an eventfd, rung when a job comes and a worker sleeps
	bellFD int
	asleep atomic.Int32
	ended  atomic.Bool
	wg     sync.WaitGroup
}

// NewWorkers starts n goroutines that sign for a number of shards. All that these
// may ask for at a time has room, so that no shard ever waits for another.
func NewWorkers(n, shards int) (*Workers, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK|unix.EFD_SEMAPHORE)
	if err != nil {
		return nil, fmt.Errorf("workers for signatures: %w", os.NewSyscallError("eventfd", err))
	}
	w := &Workers{bell: os.NewFile(uintptr(fd), "eventfd"), bellFD: fd}
	w.queue.open(max(1, shards) * signaturesMost)
	for range max(1, n) {
		w.wg.Go(w.work)
	}
	return w, nil
}

// Close ends the goroutines, when no shard is left.
func (w *Workers) Close() {
	w.ended.Store(true)
	_ = w.bell.Close()
	w.wg.Wait()
}

// submit takes a job from a shard. It reports false if there is no room.
func (w *Workers) submit(j *job) bool {
	if !w.queue.push(j) {
		return false
	}
	// A worker says that it sleeps, and then looks once more.
	if w.asleep.Load() > 0 {
		one := [8]byte{1} // in the byte order of little endian machines, which all of ours are
		_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(w.bellFD), uintptr(unsafe.Pointer(&one)), 8)
	}
	return true
}

func (w *Workers) work() {
	for !w.ended.Load() {
		j := w.queue.pop()
		if j == nil {
			if j = w.sleep(); j == nil {
				continue
			}
		}
		j.run()
		for !j.edge.post(j) && !w.ended.Load() {
			// The inbox of the shard is full; it is emptied in every turn.
			time.Sleep(time.Millisecond)
		}
	}
}

// sleep waits for the bell, unless a job has come meanwhile.
func (w *Workers) sleep() *job {
	w.asleep.Add(1)
	defer w.asleep.Add(-1)
	if j := w.queue.pop(); j != nil {
		return j
	}
	var b [8]byte
	_, _ = w.bell.Read(b[:])
	return nil
}

// queue is a bounded queue of jobs with many senders and many receivers: each slot
// carries a number that says whose turn it is (Vyukov's).
type queue struct {
	slots []slot
	_     [64]byte
	head  atomic.Uint64
	_     [64]byte
	tail  atomic.Uint64
}

type slot struct {
	seq atomic.Uint64
	job *job
}

// open makes room for at least n jobs.
func (q *queue) open(n int) {
	size := 1
	for size < n {
		size *= 2
	}
	q.slots = make([]slot, size)
	for i := range q.slots {
		q.slots[i].seq.Store(uint64(i))
	}
}

func (q *queue) push(j *job) bool {
	for {
		t := q.tail.Load()
		s := &q.slots[t&uint64(len(q.slots)-1)]
		switch seq := s.seq.Load(); {
		case seq == t:
			if q.tail.CompareAndSwap(t, t+1) {
				s.job = j
				s.seq.Store(t + 1)
				return true
			}
		case seq < t:
			return false
		}
	}
}

func (q *queue) pop() *job {
	for {
		h := q.head.Load()
		s := &q.slots[h&uint64(len(q.slots)-1)]
		switch seq := s.seq.Load(); {
		case seq == h+1:
			if q.head.CompareAndSwap(h, h+1) {
				j := s.job
				s.job = nil
				s.seq.Store(h + uint64(len(q.slots)))
				return j
			}
		case seq < h+1:
			return nil
		}
	}
}
