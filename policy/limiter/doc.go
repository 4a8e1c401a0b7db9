// Package limiter counts for the policies limit and conns: how many requests
// have come of late, and how many are under way.
//
// It is a function of keys and of the time that it is given: it has no clock,
// starts nothing, and takes no locks. A limiter is shared by all shards. What
// is counted for a route as a whole is hot on all of them, so a Bucket lends
// tokens to the shards in batches, and a shard spends them on memory of its
// own. What is counted for one client is seldom touched by two shards at a
// time: it is one word in a Table, or a Tally, that is changed by
// compare-and-swap.
//
// Rates are kept by the generic cell rate algorithm, which is a token bucket
// in one number: the time at which the bucket would be full again. A bucket
// whose time has passed is full, and needs not be remembered, so that a table
// of buckets is never cleaned up.
//
// The memory of a limiter is allocated when it is made and never grows. What
// happens when there are more keys than places is said at Table and at Tally:
// in neither does it give anybody more than the limit.
package limiter
