package proxy

import "github.com/anygate/anygate/telemetry"

// UpstreamCount is what a shard has counted of an upstream.
type UpstreamCount struct {
	Upstream *Upstream
	viewCount
	// Open is how many connections there are, Busy how many of them serve a
	// call, Calls how many calls are under way, and Waiting how many of these wait
	// for a limit.
	Open, Busy, Calls, Waiting int
}

// viewCount are the numbers of a view that only grow.
type viewCount struct {
	// Connects are connections that were begun, Retries calls that were sent once
	// more because of an attempt that had failed.
	Connects, Retries uint64
	// Queued are calls that had to wait for a limit.
	Queued uint64
	// Failures are calls by why they have failed.
	Failures [numFailures]uint64
	// Answers are the times from the sending of a request to the head of its
	// response.
	Answers telemetry.Histogram
}

// Counts appends what the shard has counted of each upstream that it has used. On
// the shard's thread.
func (p *Proxy) Counts(list []UpstreamCount) []UpstreamCount {
	for _, v := range p.views {
		if v != nil {
			list = append(list, UpstreamCount{
				Upstream: v.u, viewCount: v.count, Open: v.open, Busy: v.busy, Calls: v.calls, Waiting: v.waiting,
			})
		}
	}
	return list
}

// Add adds what another shard has counted of the upstream.
func (c *UpstreamCount) Add(o *UpstreamCount) {
	c.Connects += o.Connects
	c.Retries += o.Retries
	c.Queued += o.Queued
	for i, n := range o.Failures {
		c.Failures[i] += n
	}
	c.Answers.Add(&o.Answers)
	c.Open += o.Open
	c.Busy += o.Busy
	c.Calls += o.Calls
	c.Waiting += o.Waiting
}
