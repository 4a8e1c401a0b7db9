package limiter

import "sync/atomic"

// Counter counts what is under way at a time, exactly, up to a limit.
type Counter struct {
	most int64
	_    [56]byte
	n    atomic.Int64
	_    [56]byte
}

// NewCounter makes a counter that stands at 0.
func NewCounter(most int) *Counter { return &Counter{most: int64(most)} }

// Enter counts one more, unless that would be too many. A refusal only reads,
// so that refusing costs the others nothing.
func (c *Counter) Enter() bool {
	for {
		n := c.n.Load()
		if n >= c.most {
			return false
		}
		if c.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Leave counts one less.
func (c *Counter) Leave() { c.n.Add(-1) }

// Count is how many there are.
func (c *Counter) Count() int64 { return c.n.Load() }
