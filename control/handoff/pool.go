package handoff

import (
	"sync"

	"github.com/anygate/anygate/control/handover"
)

// Pool is a queue with its workers. They take jobs in turns: one waits for the next, the others wait for it or are at work.
type Pool[J any] struct {
	work  func(J, <-chan struct{})
	queue *handover.Queue[J]
	turn  sync.Mutex // of the one who waits for the next job

	closing chan struct{}
	running sync.WaitGroup
}

// New starts workers, and makes room for as many jobs as slots, a power of two. What work gets beside its job is closed when
// Close has begun, for jobs that wait for something.
func New[J any](slots, workers int, work func(j J, closing <-chan struct{})) (*Pool[J], error) {
	queue, err := handover.New[J](slots)
	if err != nil {
		return nil, err
	}
	p := &Pool[J]{work: work, queue: queue, closing: make(chan struct{})}
	for range workers {
		p.running.Go(p.serve)
	}
	return p, nil
}

// Submit hands over a job, or refuses it. It is for the shards' threads: it takes no lock and does not block. After
// Close has begun it must not be called.
func (p *Pool[J]) Submit(j J) bool { return p.queue.Put(&j) }

// Close ends all work, and waits for the jobs under way. Those that wait are dropped. No shard may be running.
func (p *Pool[J]) Close() {
	p.queue.Close()
	close(p.closing)
	p.running.Wait()
}

// serve does one job at a time.
func (p *Pool[J]) serve() {
	for {
		p.turn.Lock()
		j, ok := p.queue.Take()
		p.turn.Unlock()
		if !ok {
			return
		}
		p.work(j, p.closing)
	}
}
