// Package destination holds what log lines are written to beside the standard streams: files and syslog.
//
// Both are io.Writers that take whole lines, and that say how much they have taken when they return an error, so that a
// telemetry.Writer can offer the rest again. They are used by one goroutine at a time; File.Reopen may be called by any.
package destination
