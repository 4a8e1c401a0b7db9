// Package stats reduces measurements to the few figures that a report shows: medians, spreads, ratios with their range,
// and percentiles of latencies.
//
// Everything here is a function of values; nothing reads a clock or a file.
package stats
