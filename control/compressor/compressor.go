package compressor

import (
	"sync"
	"sync/atomic"

	"github.com/anygate/anygate/static"
)

// Compressor makes forms.
type Compressor struct {
	jobs    chan *static.Job
	closing chan struct{}
	running sync.WaitGroup
	stats   Stats
}

// Stats is what a Compressor counted.
type Stats struct {
	Made    atomic.Uint64 // forms that were made and kept
	Useless atomic.Uint64 // forms that did not pay
	Failed  atomic.Uint64 // files that changed, or forms without room
	Refused atomic.Uint64 // jobs that found the queue full
}

// New starts the workers for a process with that many processors.
func New(processors int) *Compressor {
	c := &Compressor{jobs: make(chan *static.Job, queueSlots), closing: make(chan struct{})}
	for range min(max(processors/processorsPerWorker, 1), maxWorkers) {
		c.running.Go(func() { newWorker(c).run() })
	}
	return c
}

// Stats are the counters.
func (c *Compressor) Stats() *Stats { return &c.stats }

// Submit hands over a job, or refuses it. It is for any goroutine and does not block.
func (c *Compressor) Submit(j *static.Job) bool {
	select {
	case c.jobs <- j:
		return true
	default:
		c.stats.Refused.Add(1)
		return false
	}
}

// Close ends all work, and waits for that. Jobs that are not done get no reply.
func (c *Compressor) Close() {
	close(c.closing)
	c.running.Wait()
}
