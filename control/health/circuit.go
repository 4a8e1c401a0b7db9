package health

import (
	"fmt"
	"time"

	"github.com/anygate/anygate/proxy"
)

// Breaker is when an upstream is not asked any more. Zero fields take their defaults.
type Breaker struct {
	Errors float64       // the share of requests, from 0 to 1, whose failure opens it
	Window time.Duration // the time looked at
	Min    int           // how many requests that time must have seen
	Open   time.Duration // how long it stays open before requests may try
}

func (b *Breaker) withDefaults() *Breaker {
	c := *b
	if c.Errors <= 0 {
		c.Errors = defaultErrors
	}
	if c.Window <= 0 {
		c.Window = defaultWindow
	}
	if c.Min <= 0 {
		c.Min = defaultMin
	}
	if c.Open <= 0 {
		c.Open = defaultOpen
	}
	return &c
}

// circuit is the state of a breaker.
//
//	closed --- the share of failures in the window ---> open --- Open has passed ---> half open
//	closed <--- closeAfter successes and no failure --- half open --- a failure ---> open
//
// A request counts when it ends, and as what it ends; those under way count as nothing yet.
type circuit struct {
	state uint32 // proxy.BreakerClosed and so on
	until int64  // the end of open
	last  counts // as of the last look
	trial counts // as of the beginning of half open
	ring  [buckets]bucket
	at    int   // the bucket being filled
	began int64 // when that was begun
}

type bucket struct{ failures, ended uint64 }

// newCircuit is closed, and knows nothing of what was counted before.
func newCircuit(c counts, now int64) circuit { return circuit{last: c, began: now} }

// look takes what the shards have counted by now. If the state changes it says why.
func (b *circuit) look(s *Breaker, c counts, now int64) (why string, changed bool) {
	failures := c.failures - b.last.failures
	ended := failures + c.successes - b.last.successes
	b.last = c
	switch b.state {
	case proxy.BreakerClosed:
		b.slide(s, now)
		b.ring[b.at].failures += failures
		b.ring[b.at].ended += ended
		var all bucket
		for _, x := range b.ring {
			all.failures += x.failures
			all.ended += x.ended
		}
		// A failure is what opens it: a share alone may also grow because old successes leave the window.
		if failures == 0 || all.ended < uint64(s.Min) || float64(all.failures) < s.Errors*float64(all.ended) {
			return "", false
		}
		b.open(s, now)
		return fmt.Sprintf("%d of %d requests failed", all.failures, all.ended), true
	case proxy.BreakerOpen:
		if now < b.until {
			return "", false
		}
		b.state, b.trial = proxy.BreakerHalfOpen, c
		return "requests may try", true
	default:
		if c.failures != b.trial.failures {
			b.open(s, now)
			return "a trial failed", true
		}
		n := c.successes - b.trial.successes
		if n < closeAfter {
			return "", false
		}
		b.state, b.ring, b.began = proxy.BreakerClosed, [buckets]bucket{}, now
		return fmt.Sprintf("%d trials succeeded", n), true
	}
}

func (b *circuit) open(s *Breaker, now int64) {
	b.state, b.until = proxy.BreakerOpen, now+int64(s.Open)
}

// slide empties the buckets that have left the window.
func (b *circuit) slide(s *Breaker, now int64) {
	width := max(int64(s.Window)/buckets, 1)
	if now-b.began >= width*buckets {
		b.ring, b.began = [buckets]bucket{}, now
		return
	}
	for ; now-b.began >= width; b.began += width {
		b.at = (b.at + 1) % buckets
		b.ring[b.at] = bucket{}
	}
}
