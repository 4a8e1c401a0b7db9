// Package health decides which members of an upstream are available, and whether the upstream is to be asked at all.
//
// It has three sources. Active checks ask each member at an interval. Passive ejection and the breaker read what the
// shards have counted of real requests. All of them are made once for the process and published through
// [proxy.Member.Mark] and [proxy.Upstream.SetBreaker], which shards read without a lock; slow start begins with the
// moment in which a member's last reason is cleared. What shards can see by themselves is not repeated here: that a
// member could not be connected to, and that too few are available (the panic threshold).
//
// # Parts
//
// The decisions are values without a clock: verdict (active), ejection (passive) and circuit (the breaker). They are
// told what was counted and what time it is. A [Monitor] feeds them: one goroutine that wakes every 100 ms while there
// is something to watch, and one goroutine for each check under way. All state belongs to the first one and is
// guarded by a mutex, so that it can be asked for and replaced from any goroutine.
//
// # What it never does
//
// It never runs on a shard, never makes a shard wait, never follows a redirect, reads no more of an answer than
// checkContent, and never takes the last member of an upstream away because of requests that failed.
package health
