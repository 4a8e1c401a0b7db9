// Package quantity reads and writes the quantities of the configuration language: durations (250ms, 5s, 1h), sizes
// (64KiB, 10MB), rates (100/s, 64KiB/s) and percentages (20%).
//
// It is functions of strings and values: no clocks, no globals that change, no goroutines, and it runs at load only,
// never on a shard. Every error carries the range of bytes that is wrong, what was expected and, where the intention
// is plain (10m for 10MiB), the spelling that would have been right. Every quantity has one canonical text, and
// parsing that text gives the same quantity again.
package quantity
