package engine

import (
	"os"
	"strings"
	"time"
)

// A shard that is busy but not saturated sleeps and wakes thousands of times a
// second. Telling Go's scheduler each time costs more than the sleep: the
// processor (P) is handed over, and with all of them idle the runtime's
// monitor thread is woken to poll every 20 microseconds for a while, on the
// shard's own core when there is no other. So a shard that has work first naps
// for a moment in a system call the scheduler knows nothing of, and only a
// shard without work sleeps properly. What wants to stop the world interrupts
// the nap by a signal.

// napTime is the longest nap.
const napTime = 2 * time.Millisecond

// canNap is false where the runtime has been told not to send those signals.
var canNap = !strings.Contains(os.Getenv("GODEBUG"), "asyncpreemptoff=1")

// napping reports whether the next wait, of d, is to be a nap.
func (s *Shard) napping(d time.Duration) bool {
	return canNap && !s.resting && (d < 0 || d > napTime)
}

// napped notes how a nap ended: when nothing came, the next wait is a proper
// one.
func (s *Shard) napped(something bool) { s.resting = !something }

// woken notes the end of a proper wait. The one after a long sleep is proper
// as well: a rare event does not make a shard busy.
func (s *Shard) woken() {
	before := s.now
	s.clock()
	s.resting = s.now-before > int64(napTime)
}
