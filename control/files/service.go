package files

import (
	"sync"
	"time"

	"github.com/anygate/anygate/control/handover"
	"github.com/anygate/anygate/static"
)

// Service does what shards ask of a Store.
type Service struct {
	store   *static.Store
	mu      sync.Mutex // the store's
	asks    *handover.Queue[static.Ask]
	reads   *handover.Queue[part]
	closing chan struct{}
	running sync.WaitGroup
	filled  [2]chan struct{} // the store is not empty any more
	loaded  chan struct{}    // something has been asked of it
}

// New makes a store of the options, whose lock is the service's, and starts to serve it. Clock
// is the shards' clock in milliseconds.
func New(o static.StoreOptions, clock func() int64) (*Service, error) {
	s := &Service{closing: make(chan struct{}), loaded: make(chan struct{}, 1)}
	for i := range s.filled {
		s.filled[i] = make(chan struct{}, 1)
	}
	o.Lock, o.Clock, o.Pause = &s.mu, clock, func() { time.Sleep(replyPause) }
	if o.Unix == nil {
		o.Unix = func() int64 { return time.Now().Unix() }
	}
	var err error
	if s.store, err = static.NewStore(o); err != nil {
		return nil, err
	}
	if s.asks, err = handover.New[static.Ask](queueSlots); err != nil {
		s.store.Close()
		return nil, err
	}
	if s.reads, err = handover.New[part](readSlots); err != nil {
		s.asks.Close()
		s.store.Close()
		return nil, err
	}
	startCrew(s, s.asks, maxWorkers, s.worker)
	startCrew(s, s.reads, maxReaders, s.reader)
	s.running.Go(s.upkeep)
	s.running.Go(s.followRoots)
	if s.store.WatchFD() >= 0 {
		s.running.Go(s.changes)
	}
	return s, nil
}

// Store is what is served.
func (s *Service) Store() *static.Store { return s.store }

// Submit takes what a shard asks, or refuses it. It is for the shards' threads.
func (s *Service) Submit(a *static.Ask) bool { return s.asks.Put(a) }

// Close ends all work, waits for that, and closes the store. No shard may be running. What
// hangs in a file system that does not answer is not waited for; the store is then left to
// the end of the process.
func (s *Service) Close() {
	close(s.closing)
	s.asks.Close()
	s.reads.Close()
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		s.store.Close()
	case <-time.After(closePatience):
	}
}

// worker does what is asked.
func (s *Service) worker() func(*static.Ask) {
	l := static.NewLoader()
	return func(a *static.Ask) {
		s.store.Handle(l, a)
		for _, c := range [...]chan struct{}{s.filled[0], s.filled[1], s.loaded} {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
}
