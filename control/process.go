package control

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
)

// survey finds out what the process has to work with.
func survey() resources {
	host := hostSystem()
	return resources{
		cpus:        engine.CPUs(),
		quota:       host.processors(),
		memory:      host.memory(),
		descriptors: descriptorLimit(),
	}
}

// descriptorLimit is how many files the process may have open.
func descriptorLimit() int {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil {
		return 1024
	}
	return int(min(r.Cur, math.MaxInt32))
}

// raiseLimits asks for as many open files as an unprivileged process may have, and for as much locked memory, which the
// queues of io_uring count as since Linux 6.14.
func raiseLimits() {
	for _, resource := range []int{unix.RLIMIT_NOFILE, unix.RLIMIT_MEMLOCK} {
		var r unix.Rlimit
		if unix.Getrlimit(resource, &r) == nil && r.Cur < r.Max {
			r.Cur = r.Max
			_ = unix.Setrlimit(resource, &r)
		}
	}
}

// tune sets up the Go runtime for the shards. What the environment says about the garbage collector stays.
func tune(s *size) {
	// Each shard keeps a thread to itself; with no processor beyond theirs a goroutine would wait for a shard to sleep.
	runtime.GOMAXPROCS(max(2, s.shards+1))
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" && s.heap > 0 {
		debug.SetMemoryLimit(s.heap)
	}
}
