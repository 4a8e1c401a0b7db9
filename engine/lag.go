package engine

import (
	"time"

	"github.com/anygate/anygate/telemetry"
)

// lag measures how long a turn takes, which is how long an event may wait that
// comes at its beginning: the latency that the loop itself adds. The time for
// which the shard sleeps is not a part of it.
type lag struct {
	began int64 // the turn in progress
	rest  int64 // when the loop began to wait last
	last  int64 // what the turn before took
	all   telemetry.Histogram
}

// rests notes that the loop has nothing to do.
func (l *lag) rests(now int64) { l.rest = now }

// begins notes that a turn begins. A loop that did not rest since the last one
// began had more to do at once.
func (l *lag) begins(now int64) {
	end := now
	if l.rest > l.began {
		end = l.rest
	}
	l.last, l.began = max(end-l.began, 0), now
	l.all.Observe(l.last)
}

// Lag is how long the turn before this one took.
func (s *Shard) Lag() time.Duration { return time.Duration(s.lag.last) }

// TurnTimes are how long all turns have taken. On the shard's thread.
func (s *Shard) TurnTimes() telemetry.Histogram { return s.lag.all }
