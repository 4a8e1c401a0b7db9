package handoff

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Pool is a queue with its workers.
type Pool[J any] struct {
	work  func(J, <-chan struct{})
	queue queue[J]

	// A sender that finds the feeder asleep wakes it through an eventfd.
	asleep atomic.Bool
	bell   *os.File
	bellFD int

	jobs    chan J
	closing chan struct{}
	running sync.WaitGroup
}

// New starts workers, and makes room for as many jobs as slots. What work gets beside its job is closed when Close has
// begun, for jobs that wait for something.
func New[J any](slots, workers int, work func(j J, closing <-chan struct{})) (*Pool[J], error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("handoff: %w", os.NewSyscallError("eventfd", err))
	}
	p := &Pool[J]{
		work: work, bell: os.NewFile(uintptr(fd), "eventfd"), bellFD: fd,
		jobs: make(chan J), closing: make(chan struct{}),
	}
	p.queue.open(slots)
	p.running.Go(p.feed)
	for range workers {
		p.running.Go(p.serve)
	}
	return p, nil
}

// Submit hands over a job, or refuses it. It is for the shards' threads: it takes no lock and does not block. After
// Close has begun it must not be called.
func (p *Pool[J]) Submit(j J) bool {
	if !p.queue.put(j) {
		return false
	}
	if p.asleep.Swap(false) {
		one := [8]byte{1}
		// SAFETY: the pointer is converted in the call's own argument list, so that one stays alive and in place during
		// the call.
		_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(p.bellFD), uintptr(unsafe.Pointer(&one)), 8)
	}
	return true
}

// Close ends all work, and waits for the jobs under way. Those that wait are dropped. No shard may be running.
func (p *Pool[J]) Close() {
	close(p.closing)
	_ = p.bell.Close()
	p.running.Wait()
}

// feed hands the jobs of the queue to the workers.
func (p *Pool[J]) feed() {
	rung := make([]byte, 8)
	for {
		j, ok := p.queue.take()
		if !ok {
			// Asleep is said before the last look: a sender that comes after it rings.
			p.asleep.Store(true)
			if j, ok = p.queue.take(); !ok {
				if _, err := p.bell.Read(rung); err != nil {
					return
				}
				continue
			}
			p.asleep.Store(false)
		}
		select {
		case p.jobs <- j:
		case <-p.closing:
			return
		}
	}
}

// serve does one job at a time.
func (p *Pool[J]) serve() {
	for {
		select {
		case j := <-p.jobs:
			p.work(j, p.closing)
		case <-p.closing:
			return
		}
	}
}
