package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is the processor time that the calling thread has used: on the shard's
// thread, the shard's.
func CPUTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
