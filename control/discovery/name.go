package discovery

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// name is a name that is being watched: one goroutine, which sleeps until it
// is time to resolve it again.
type name struct {
	d      *Discovery
	q      Query
	ctx    context.Context
	cancel context.CancelFunc
	given  chan Answer // from watchers that know more; an empty one wants a look-up
	memory memory      // only the goroutine touches it

	mu       sync.Mutex
	watches  []*Watch
	last     []Endpoint
	good     time.Time
	failures int
	err      error
}

func newName(d *Discovery, q Query) *name {
	n := &name{d: d, q: q, given: make(chan Answer, 1)}
	n.ctx, n.cancel = context.WithCancel(d.ctx)
	return n
}

// add takes in a watcher. What it knows is news to the others, if it knows
// anything.
func (n *name) add(w *Watch, known Answer) {
	n.mu.Lock()
	n.watches = append(n.watches, w)
	if len(n.last) == 0 {
		// Lookup may fall back on it from now on.
		n.last, n.good = known.Endpoints, time.Now()
	}
	n.mu.Unlock()
	select {
	case n.given <- known:
	default: // Another answer of this moment waits already; its turn comes.
	}
}

// remove takes out a watcher and reports whether it was the last.
func (n *name) remove(w *Watch) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watches = slices.DeleteFunc(n.watches, func(x *Watch) bool { return x == w })
	return len(n.watches) == 0
}

func (n *name) endpoints() []Endpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last
}

func (n *name) status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return Status{Query: n.q, Endpoints: n.last, Good: n.good, Failures: n.failures, Err: n.err}
}

// run keeps the name up to date until it is not watched any more.
func (n *name) run() {
	defer n.cancel()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var a Answer
		var err error
		select {
		case <-n.ctx.Done():
			return
		case a = <-n.given:
		case <-timer.C:
		}
		if len(a.Endpoints) == 0 {
			a, err = n.d.once(n.ctx, n.q, n.memory)
			if n.ctx.Err() != nil {
				return
			}
		}
		if err != nil {
			timer.Reset(n.fail(err))
			continue
		}
		timer.Reset(n.learn(a))
	}
}

// fail notes that a look-up has failed. The endpoints stay.
func (n *name) fail(err error) (next time.Duration) {
	n.mu.Lock()
	n.failures++
	n.err = err
	failures := n.failures
	n.mu.Unlock()
	n.d.log(Event{Query: n.q, Err: err, Failures: failures})
	return shake(n.retry(failures))
}

// learn takes in an answer and tells the watchers if it changes anything.
func (n *name) learn(a Answer) (next time.Duration) {
	event := Event{Query: n.q, Err: a.Partial}
	n.mu.Lock()
	if a.Partial == nil {
		event.Failures = n.failures
		n.failures, n.err, n.good = 0, nil, time.Now()
	} else {
		n.failures++
		n.err, event.Failures = a.Partial, n.failures
	}
	failures := n.failures
	if a.memory != nil {
		n.memory = a.memory
	}
	event.Added, event.Removed = missing(n.last, a.Endpoints), missing(a.Endpoints, n.last)
	n.last = a.Endpoints
	watches := slices.Clone(n.watches)
	n.mu.Unlock()

	// What the log says has changed has changed.
	for _, w := range watches {
		if !slices.Equal(w.last, a.Endpoints) {
			w.last = a.Endpoints
			w.changed(a.Endpoints)
		}
	}
	if event.Err != nil || event.Failures > 0 || len(event.Added)+len(event.Removed) > 0 {
		n.d.log(event)
	}
	if failures > 0 {
		return shake(n.retry(failures))
	}
	low, high := n.bounds()
	return shake(min(max(a.TTL, low), high))
}

// missing are the endpoints of the second list that the first has not.
func missing(from, list []Endpoint) []Endpoint {
	var found []Endpoint
	for _, e := range list {
		if !slices.Contains(from, e) {
			found = append(found, e)
		}
	}
	return found
}

// bounds are the least and the greatest time between two look-ups.
func (n *name) bounds() (low, high time.Duration) {
	low, high = cmp.Or(n.q.Min, minTTL), cmp.Or(n.q.Max, maxTTL)
	if n.q.Max == 0 {
		return low, max(low, high)
	}
	return min(low, high), high
}

// retry is the time to the next look-up after so many failures in a row. It is
// never longer than it would be without any.
func (n *name) retry(failures int) time.Duration {
	_, high := n.bounds()
	return min(retryFirst<<min(failures-1, 10), retryMost, high)
}

// shake changes a time at random.
func shake(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 - jitter + 2*jitter*rand.Float64()))
}
