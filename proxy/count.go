package proxy

import "sync/atomic"

// counter is a number that one shard counts and others read.
type counter struct{ atomic.Uint64 }

// count publishes what the shard has of a member and of its upstream. Their
// numbers are stored, not added to, so that they cannot drift.
func (pl *pool) count() {
	pl.cell.Active.Store(int64(pl.busy))
	pl.cell.Open.Store(int64(pl.open))
	if l := &pl.v.settings.Limits; l.Connections > 0 || l.Requests > 0 {
		// Other shards go by these when a limit is reached.
		pl.v.cell.Active.Store(int64(pl.v.busy))
		pl.v.cell.Open.Store(int64(pl.v.open))
	}
}

// attempt counts an attempt that is made.
func (c *Call) attempt() {
	pl := c.pl
	pl.cell.Requests.Add(1)
	pl.v.cell.Requests.Add(1)
	c.v.members.Began(c.slot)
	c.sentAt, c.attempted, c.answered, c.judged = c.p.s.Now(), true, false, false
}

// answer counts the head of a response, which is what a member's speed is
// measured by; ok says that its status is none of 5xx.
func (c *Call) answer(ok bool) {
	now := c.p.s.Now()
	took := now - c.sentAt
	cell := c.pl.cell
	cell.LatencySum.Add(uint64(took / 1000))
	cell.LatencyN.Add(1)
	c.v.count.Answers.Observe(took)
	c.v.members.Observe(c.slot, took, ok, now)
	c.answered = true
}

// failed counts an attempt that the member has failed: it could not be
// connected to, did not answer in time, broke off, broke HTTP's rules, or
// answered 5xx.
func (c *Call) failed() {
	if !c.attempted || c.judged {
		c.settled()
		return
	}
	pl := c.pl
	pl.cell.Failures.Add(1)
	pl.cell.Consecutive.Add(1)
	pl.v.cell.Failures.Add(1)
	pl.v.cell.Consecutive.Add(1)
	if !c.answered {
		now := c.p.s.Now()
		c.v.members.Observe(c.slot, now-c.sentAt, false, now)
	}
	c.settled()
}

// succeeded counts an attempt that the member has served.
func (c *Call) succeeded() {
	if c.attempted && !c.judged {
		c.judge()
	}
	c.settled()
}

// judge counts an attempt as served before it has ended, which a tunnel may
// not do for hours. How it ends says nothing of the member any more.
func (c *Call) judge() {
	c.judged = true
	pl := c.pl
	for _, cell := range [...]*Cell{pl.cell, pl.v.cell} {
		cell.Successes.Add(1)
		if cell.Consecutive.Load() != 0 {
			cell.Consecutive.Store(0)
		}
	}
}

// settled ends an attempt, maybe without a verdict on the member: when the
// client has gone, or when it is this process that has failed.
func (c *Call) settled() {
	if c.attempted {
		c.attempted = false
		c.v.members.Ended(c.slot)
	}
}

// FailureCount is how many requests have failed for a reason. From any
// goroutine.
func (p *Proxy) FailureCount(f Failure) uint64 { return p.failures[f].Load() }
