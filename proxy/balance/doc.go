// Package balance chooses the member of an upstream that a request goes to:
// round robin, least connections, power of two choices, consistent hashing,
// with weights, backup members, slow start and a panic mode.
//
// It knows neither addresses nor connections, and no clock: time comes in as
// nanoseconds of any clock that does not go backwards. There are three parts.
//
//   - A [Set] is the members as the control plane has published them. It is
//     immutable and shared by all shards.
//   - A [View] is what one shard knows of the members of one upstream: which
//     are up, how many requests each has under way, how fast it answers. All
//     routes that use the upstream share it.
//   - A [Picker] is where one shard and one route are in their turns.
//
// A View and its Pickers belong to one thread. They allocate when the Set is
// replaced, and never for a request. What a request costs does not depend on
// which members are down: that is worked out when it changes.
//
// A shard sees its own requests only. Balancing by load is therefore exact for
// what a shard sends and statistical for the process, which is what it can be
// without a cache line that all shards write.
package balance
