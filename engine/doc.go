// Package engine runs shards: one OS thread per core, each with its own event
// loop, connection table, buffers and timers, and no goroutine beside the one
// that is locked to the thread.
//
// The engine moves bytes and knows no protocol. It calls the plain functions
// of a [Handler] with what happened (accepted, received, drained, closed, a
// deadline) and the protocol answers by appending output to a connection's
// queue and by asking for rare operations (connect, close, pause). At the end
// of a turn the loop writes each connection that has output exactly once.
//
// # Threads
//
// Everything in this package runs on the shard's own thread, except
// [Shard.Post], [Listen] and what is needed to build a shard. A shard
// never takes a lock and never touches a channel; other goroutines reach it
// through its inbox.
//
// # Bytes
//
// Bytes handed to Received are borrowed until the function returns; they lie
// in an off-heap receive buffer which [Shard.Relay] can pass on by reference.
// Bytes appended to a queue are copied into off-heap buffers of the shard, or
// referenced where the caller promises that they stay (memory and files with
// a release token). Memory that the kernel sees is never Go heap.
//
// # Backends
//
// Two loops produce the same calls: uringLoop (multishot receive with provided
// buffers, one io_uring_enter per turn) and epollLoop (edge-triggered, direct
// reads and writes). A third, [Sim], is deterministic and simulated; tests
// drive protocols through it with seeded faults.
package engine
