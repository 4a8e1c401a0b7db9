// Package metrics makes the process's numbers readable by Prometheus.
//
// [Readings] are all that is known at one moment. They are taken by package control, which has every shard copy its
// counters; a scrape touches nothing that a shard uses. A [Collector] turns them into the families of docs/metrics.md,
// which are listed in one table; a test compares it with that page.
//
// # Threads
//
// Everything runs on ordinary goroutines. Readings are not changed while they are collected.
//
// # Bytes
//
// The number of series is bounded: routes are counted by themselves up to a limit, reasons and states are constants of the
// program, and members and certificates are those of the configuration.
//
// It serves nothing, and knows no server: package admin does.
package metrics
