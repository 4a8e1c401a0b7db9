// Package handover carries work from the shards' threads to goroutines.
//
// A shard must not wait for anybody, take a lock or touch a channel; a goroutine
// wants to sleep until there is work. A Queue is a bounded ring between them, with an
// eventfd that is written to only when the receiver sleeps.
//
// Put is for any thread and does not block; Take is for one goroutine at a time. What
// is put is copied into the ring, so nothing is allocated.
package handover
