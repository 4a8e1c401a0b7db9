// Package trial runs one peer under one load, once: it starts the server on its processors, makes sure that it answers
// correctly, warms it up, measures it under load, and stops it.
//
// A Bench is what all trials of a run share: processors, files, the upstream, programs. A Trial belongs to one round of
// one peer in one scenario and is used by one goroutine. Every server starts afresh for every round, so that an
// accident of memory layout becomes spread instead of a lasting advantage.
package trial
