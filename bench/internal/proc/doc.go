// Package proc starts the processes of a benchmark, pins them to processors, reads what they cost and stops them.
//
// It owns every process it starts: each one leads a process group of its own, is stopped by that group's number and by
// nothing else, and dies with the benchmark should the benchmark be killed. Costs are read from the kernel's own books
// (the CPU clock of a process, /proc/PID/smaps_rollup, /proc/stat), never sampled by a timer, so that reading them
// costs the measured server nothing.
//
// Functions may be called from any goroutine. The package never writes to a cgroup, to a sysctl or to any process that
// it did not start.
package proc
