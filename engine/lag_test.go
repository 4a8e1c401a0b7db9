package engine

import (
	"testing"
	"time"
)

func TestLag(t *testing.T) {
	var l lag
	for _, step := range []struct {
		name        string
		rest, begin int64 // rest is 0 where the loop does not wait
		want        int64
	}{
		{"the first turn", 5, 10, 5},
		{"a short one, and a sleep", 12, 100, 2},
		{"a long one, without a sleep", 0, 150, 50},
		{"another", 0, 190, 40},
		{"a sleep again", 191, 1000, 1},
	} {
		if step.rest != 0 {
			l.rests(step.rest)
		}
		if l.begins(step.begin); l.last != step.want {
			t.Errorf("%s: the turn took %d, want %d", step.name, l.last, step.want)
		}
	}
}

// TestLagOfALoop keeps a loop busy for a while, in one turn.
func TestLagOfALoop(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const busy = 20 * time.Millisecond
		var s *Shard
		var longest time.Duration
		r := start(t, kind, smallLimits, Handler{Turn: func() {
			if s != nil {
				longest = max(longest, s.Lag())
			}
		}})
		r.do(func() {
			s = r.s
			for begin := time.Now(); time.Since(begin) < busy; {
			}
		})
		r.eventually("the turn was seen", func() bool { return longest >= busy })
	})
}
