package control

import (
	"slices"
	"time"

	"github.com/anygate/anygate/engine"
)

// orders are given to the shards one after the other; mu of the Server is held, and the shards have not been told to end.

// command gives every shard an order, which make makes of the shard's index, and returns its number.
func (s *Server) command(make func(shard int) order) uint64 {
	s.orders++
	for i, sh := range s.shards {
		o := make(i)
		o.number = s.orders
		for !sh.Shard().Post(engine.Message{Kind: messageOrder, Value: &o}) {
			// It is not full for long: it holds far more than a shard is sent at once.
			time.Sleep(orderPoll)
		}
	}
	return s.orders
}

// await waits until all shards have carried out an order, or have ended.
func (s *Server) await(number uint64) {
	poll := time.NewTicker(orderPoll)
	defer poll.Stop()
	for slices.ContainsFunc(s.shards, func(sh *shard) bool { return sh.done.Load() < number }) {
		select {
		case <-poll.C:
		case <-s.ended:
			return
		}
	}
}
