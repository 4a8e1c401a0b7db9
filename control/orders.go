package control

import (
	"fmt"
	"strings"
	"time"

	"github.com/anygate/anygate/engine"
)

// orders are given to the shards one after the other; mu of the Server is held, and the shards have not been told to end.

// command gives every shard an order, which order makes of the shard's index, and returns its number.
func (s *Server) command(order func(shard int) order) uint64 {
	s.orders++
	messages := make([]engine.Message, len(s.shards))
	for i := range messages {
		o := order(i)
		o.number = s.orders
		messages[i] = engine.Message{Kind: messageOrder, Value: &o}
	}
	s.toAll(func(i int, sh *shard) bool { return sh.Shard().Post(messages[i]) })
	return s.orders
}

// toAll posts a message to every shard. An inbox that takes none is not full for long, since it holds far more than a shard is
// sent at once. That of a shard that hangs may be for ever: the others are told all the same.
func (s *Server) toAll(post func(i int, sh *shard) bool) {
	told := make([]bool, len(s.shards))
	s.wait(s.patience, orderPoll, func(i int, sh *shard) bool {
		told[i] = told[i] || sh == nil || post(i, sh)
		return told[i]
	})
}

// await waits until all shards have carried out an order, or have ended. It returns those that have not in time.
func (s *Server) await(number uint64) (left silent) {
	return s.wait(s.patience, orderPoll, func(_ int, sh *shard) bool { return sh.done.Load() >= number })
}

// unresponsive are the shards that do not answer in time.
func (s *Server) unresponsive() silent {
	asked := make([]*question, len(s.shards))
	return s.wait(s.patience, orderPoll, func(i int, sh *shard) bool {
		if asked[i] != nil {
			return asked[i].done.Load()
		}
		if q := (&question{find: func() {}}); sh.Shard().Post(engine.Message{Kind: messageQuestion, Value: q}) {
			asked[i] = q
		}
		return false
	})
}

// wait waits until something is done for all shards, or they have ended, and returns those for which it is not in time. It looks
// every so often.
func (s *Server) wait(within, every time.Duration, done func(i int, sh *shard) bool) (left silent) {
	late := time.NewTimer(within)
	defer late.Stop()
	poll := time.NewTicker(every)
	defer poll.Stop()
	for {
		left = left[:0]
		for i, sh := range s.shards {
			if !done(i, sh) {
				left = append(left, i)
			}
		}
		if len(left) == 0 {
			return nil
		}
		select {
		case <-poll.C:
		case <-s.ended:
			return nil
		case <-late.C:
			return left
		}
	}
}

// silent are shards that do not answer, by their indices.
type silent []int

func (l silent) String() string {
	list := strings.Trim(fmt.Sprint([]int(l)), "[]")
	if len(l) == 1 {
		return "shard " + list + " does not answer"
	}
	return "shards " + list + " do not answer"
}
