// Package offheap has memory outside the Go heap, which the garbage collector neither scans nor moves: what the kernel is given
// the address of, and what there is so much of that a collection should not look at it.
//
// Memory is private and zeroed, and its pages are not committed before they are touched. Whoever maps it unmaps it.
package offheap
