package compressor

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/static"
)

// Compressor makes forms.
type Compressor struct {
	shelf *static.Shelf
	queue queue

	// A sender that finds the feeder asleep wakes it through an eventfd.
	asleep atomic.Bool
	bell   *os.File
	bellFD int

	jobs    chan static.Job
	closing chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	under map[static.FormKey][]static.Job // the jobs that wait for a form being made

	stats Stats
}

// Stats is what a Compressor counted.
type Stats struct {
	Made    atomic.Uint64 // forms that stand, or stood, on the shelf
	Useless atomic.Uint64 // forms that did not pay
	Failed  atomic.Uint64 // files that changed, or forms without room
	Refused atomic.Uint64 // jobs that found the queue full
}

// New starts the workers for a process with that many processors.
func New(shelf *static.Shelf, processors int) (*Compressor, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("compressor: %w", os.NewSyscallError("eventfd", err))
	}
	c := &Compressor{
		shelf: shelf, bell: os.NewFile(uintptr(fd), "eventfd"), bellFD: fd,
		jobs: make(chan static.Job), closing: make(chan struct{}),
		under: make(map[static.FormKey][]static.Job),
	}
	c.queue.open()
	c.running.Go(c.feed)
	for range min(max(processors/processorsPerWorker, 1), maxWorkers) {
		c.running.Go(func() { newWorker(c).run() })
	}
	return c, nil
}

// Stats are the counters.
func (c *Compressor) Stats() *Stats { return &c.stats }

// Submit hands over a job, or refuses it. It is for the shards' threads: it takes no
// lock and does not block. After Close has begun it must not be called.
func (c *Compressor) Submit(j *static.Job) bool {
	if !c.queue.put(j) {
		c.stats.Refused.Add(1)
		return false
	}
	if c.asleep.Swap(false) {
		one := [8]byte{1}
		// SAFETY: the pointer is converted in the call's own argument list, so that
		// one stays alive and in place during the call.
		_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(c.bellFD), uintptr(unsafe.Pointer(&one)), 8)
	}
	return true
}

// Close ends all work, and waits for that. Jobs that are not done get no reply; their
// caches have to Abandon them. No shard may be running.
func (c *Compressor) Close() {
	close(c.closing)
	_ = c.bell.Close()
	c.running.Wait()
	c.shelf.Clear()
}

// feed hands the jobs of the queue to the workers.
func (c *Compressor) feed() {
	for {
		j, ok := c.queue.take()
		if !ok {
			// Asleep is said before the last look: a sender that comes after it rings.
			c.asleep.Store(true)
			if j, ok = c.queue.take(); !ok {
				var rung [8]byte
				if _, err := c.bell.Read(rung[:]); err != nil {
					return
				}
				continue
			}
			c.asleep.Store(false)
		}
		select {
		case c.jobs <- j:
		case <-c.closing:
			return
		}
	}
}

// begin reports whether the caller is to make the form of a job; else a worker is
// about it already, and will reply to this job as well.
func (c *Compressor) begin(j *static.Job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waiting, made := c.under[j.Key]; made {
		c.under[j.Key] = append(waiting, *j)
		return false
	}
	c.under[j.Key] = nil
	return true
}

// put puts a form on the shelf, retained for the caller.
func (c *Compressor) put(j *static.Job, content []byte) *static.Form {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shelf.Put(j.Key, content)
}

// room reports whether there will probably be room for the form of a job: text
// shrinks to a quarter or less. Otherwise it would be made for nothing, again and again.
func (c *Compressor) room(j *static.Job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shelf.Room(j.Size() / 4)
}

// end takes back begin, and returns the other jobs that wait for the form.
func (c *Compressor) end(j *static.Job) []static.Job {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.under[j.Key]
	delete(c.under, j.Key)
	return waiting
}
