// Package handoff takes work from shards' threads to goroutines.
//
// A shard must not block, take a lock, or touch a channel. So a job goes through a [handover.Queue], from which a fixed
// number of workers take the jobs. When the queue is full a job is refused, and the sender says so to whoever waits for it.
//
// Submit is for the shards' threads; everything else runs on the goroutines that New starts and Close waits for. What a
// job leads to is the job's own matter: the package posts nothing back.
package handoff
