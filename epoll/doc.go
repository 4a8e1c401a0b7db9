// Package epoll is a thin layer over epoll(7): the readiness notifications that AnyGate's second engine is built on, for
// kernels and containers without a usable io_uring.
//
// A Poller belongs to one shard. Wait is called on that shard's thread only; it first looks without blocking, as a raw system
// call, and tells the Go scheduler only when it really has to wait. Add, Mod and Del are raw system calls too, as they never
// block.
//
// Ownership: the Poller owns its descriptor and the memory that events are delivered in, which is mapped outside the
// Go heap. The events that Wait returns are borrowed until the next Wait. The descriptors that are watched remain the
// caller's; closing one takes it out of the interest list unless a duplicate of it is open elsewhere.
//
// The package does no reading or writing, knows no protocol and no connection, reads no clock, starts no goroutine and
// holds no state besides the kernel's.
package epoll
