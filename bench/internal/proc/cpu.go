package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of /proc/stat and /proc/PID/stat: USER_HZ is 100 on every Linux architecture that Go supports.
const tick = 10 * time.Millisecond

// Cost is a reading of the books of a process tree and of the processors it is pinned to.
type Cost struct {
	// Total is the time that threads of the tree, including those that have ended, spent on a processor. It comes from
	// the scheduler's own accounting in nanoseconds.
	Total time.Duration
	// User and System split Total by ticks, hence to 10 ms.
	User, System time.Duration
	// Busy is the time that the tree's processors were not idle, to 10 ms. It holds what Total cannot: interrupts and
	// kernel threads that work for the server, and anything else that ran there.
	Busy time.Duration
	// Stolen is the time that the hypervisor kept those processors from running.
	Stolen time.Duration
	// At is when the reading was taken.
	At time.Time
}

// Sub returns what was spent between an earlier reading and this one.
func (c Cost) Sub(earlier Cost) Cost {
	return Cost{
		Total:  c.Total - earlier.Total,
		User:   c.User - earlier.User,
		System: c.System - earlier.System,
		Busy:   c.Busy - earlier.Busy,
		Stolen: c.Stolen - earlier.Stolen,
		At:     c.At,
	}
}

// Cost reads the books of the process tree, and of cpus.
func (p *Process) Cost(cpus CPUs) (Cost, error) {
	tree, err := p.Tree()
	if err != nil {
		return Cost{}, err
	}
	cost := Cost{}
	for _, pid := range tree {
		total, err := processClock(pid)
		if err != nil {
			return Cost{}, fmt.Errorf("CPU clock of process %d (%s): %w", pid, p.command, err)
		}
		cost.Total += total
		stat, err := readStat(pid)
		if err != nil {
			return Cost{}, err
		}
		cost.User += time.Duration(stat.userTicks) * tick
		cost.System += time.Duration(stat.systemTicks) * tick
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Cost{}, err
	}
	cost.Busy, cost.Stolen = busyTime(string(text), cpus)
	cost.At = time.Now()
	return cost, nil
}

// processClock returns the sum of the run times of all threads of a process, ended ones included, in nanoseconds.
// The number of the clock is what clock_getcpuclockid(3) computes: the complement of the process's number above a
// kind, 2 for the scheduler's clock.
func processClock(pid int) (time.Duration, error) {
	const schedulerClock = 2
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedulerClock), &at); err != nil {
		return 0, err
	}
	return time.Duration(at.Nano()), nil
}

// ReapedTime returns the processor time of all children of this process that have ended and been waited for. Between two
// readings it grows by what a generator has used that ran meanwhile.
func ReapedTime() (time.Duration, error) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &usage); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// busyTime sums the lines cpuN of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
func busyTime(text string, cpus CPUs) (busy, stolen time.Duration) {
	const idle, wait, steal, counted = 3, 4, 7, 8
	for line := range strings.SplitSeq(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) <= counted || !ownLine(fields[0], cpus) {
			continue
		}
		for i, field := range fields[1 : counted+1] {
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				continue
			}
			switch i {
			case idle, wait:
			case steal:
				stolen += time.Duration(ticks) * tick
			default:
				busy += time.Duration(ticks) * tick
			}
		}
	}
	return busy, stolen
}

func ownLine(name string, cpus CPUs) bool {
	for _, cpu := range cpus {
		if name == "cpu"+strconv.Itoa(cpu) {
			return true
		}
	}
	return false
}
