// Package telemetry carries log lines from the shards to where they are written.
//
// A shard appends each line to a [Ring] of its own, a bounded queue of bytes with one producer and one consumer. It
// never waits: when the ring is full the line is dropped and counted. A [Writer], an ordinary goroutine, drains the
// rings of all shards into one io.Writer, and tells how many lines were lost.
//
// # Threads
//
// Reserve, Commit, Access and Error of a Ring run on the shard's thread; they take no lock, make no system call and
// allocate nothing. Everything of a Writer runs on ordinary goroutines and may be called by several at once. The two
// sides share three words per ring, of which a shard writes its own once a line.
//
// # Bytes
//
// What Reserve returns belongs to the shard until Commit, and to the Writer from then on. The byte slices of an
// [Access] or a [Field] are borrowed for the call.
//
// # Lines
//
// Whatever a peer sends reaches the log through one escaper: no control character, no invalid UTF-8 and no character
// that reorders or breaks lines gets through, and each value is cut at a fixed length, so that a peer can neither forge
// a line nor make one grow. docs/operating.md describes the lines field by field.
//
// The package opens no file and reads no clock.
package telemetry
