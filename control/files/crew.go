package files

import (
	"sync"
	"sync/atomic"

	"github.com/anygate/anygate/control/handover"
)

// crew is workers that take the items of a queue in turns: one waits for the next item, the
// others wait for it or are at work, where they may have to wait for a disk. So an item is
// handed over once, and whoever is done goes on with the next one without a switch to
// another goroutine. There are as many workers as were needed at a time.
type crew[T any] struct {
	queue *handover.Queue[T]
	most  int32
	// hire makes what a worker does with an item, with the scratch that it needs.
	hire func() func(*T)

	turn    sync.Mutex // of the one who waits for the next item
	waiting atomic.Int32
	total   atomic.Int32
}

func startCrew[T any](s *Service, q *handover.Queue[T], most int32, hire func() func(*T)) {
	c := &crew[T]{queue: q, most: most, hire: hire}
	c.total.Store(1)
	s.running.Go(func() { c.work(s) })
}

func (c *crew[T]) work(s *Service) {
	do := c.hire()
	for {
		c.waiting.Add(1)
		c.turn.Lock()
		c.waiting.Add(-1)
		item, ok := c.queue.Take()
		if ok && c.waiting.Load() == 0 && c.total.Load() < c.most {
			c.total.Add(1)
			s.running.Go(func() { c.work(s) })
		}
		c.turn.Unlock()
		if !ok {
			return
		}
		do(&item)
	}
}
