// Package uring is a thin layer over Linux io_uring: setting up a ring, writing submissions, reading completions, offering
// buffers to the kernel, and finding out by trial what the kernel can do. It is what AnyGate's first engine is built on.
//
// Thread. A Ring belongs to the locked OS thread that opened it, and every method of it and of its BufRings runs there. The
// kernel enforces it (SINGLE_ISSUER). Nothing here takes a lock. Calls that never block are raw system calls, invisible to
// the Go scheduler; the one that waits, SubmitAndWait, tells it.
//
// Ownership. The queues, the ring of buffer addresses and the arguments of waits are mapped memory that the Ring or BufRing
// owns until Close. The memory that operations read and write, buffers included, is the caller's: it must lie outside the Go
// heap, and stay valid until the operation has completed. A completion is borrowed until Advance.
//
// Order of use, per turn of a loop: Next and a writer for each operation, Submit, then CQE for each of Ready and one
// Advance; SubmitAndWait when nothing was ready. Overflow of either queue loses nothing: Next submits when the submission
// queue is full, and the kernel keeps completions that do not fit.
//
// The package never looks at what an operation was for: user data is opaque. It knows no HTTP, no connection and no buffer
// pool, reads no clock outside Probe, starts no goroutine, and has no state besides that of its values.
package uring
