package control

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/anygate/anygate/engine"
)

// question is something that a shard is asked to find out. What the answer is written to is the shard's until done is true.
type question struct {
	find func() // called on the shard's thread
	done atomic.Bool
}

// errSilent is that a shard does not answer.
var errSilent = errors.New("a shard does not answer")

// ask puts questions to shards, at most one to each, all of them at once, and waits for the answers until a time. It
// reports which shards have answered; what the others were to write to may still be written to, at any time.
func (s *Server) ask(within time.Duration, find func(i int, sh *shard) func()) (answered []bool) {
	answered = make([]bool, len(s.shards))
	asked := make([]*question, len(s.shards))
	for i, sh := range s.shards {
		f := find(i, sh)
		if f == nil {
			continue
		}
		if q := (&question{find: f}); sh.Shard().Post(engine.Message{Kind: messageQuestion, Value: q}) {
			asked[i] = q
		}
	}
	s.wait(within, askPoll, func(i int, _ *shard) bool { return asked[i] == nil || asked[i].done.Load() })
	for i, q := range asked {
		answered[i] = q != nil && q.done.Load()
	}
	return answered
}
