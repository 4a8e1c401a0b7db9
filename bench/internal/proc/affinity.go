package proc

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CPUs is a list of processor numbers, in ascending order as the user wrote them.
type CPUs []int

// ParseCPUs reads the notation of taskset -c: "0", "0,2", "4-7".
func ParseCPUs(text string) (CPUs, error) {
	var cpus CPUs
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(low)
		if err != nil || first < 0 || first >= maxCPUs {
			return nil, fmt.Errorf("%q is not a processor number in %q", low, text)
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(high); err != nil || last < first || last >= maxCPUs {
				return nil, fmt.Errorf("%q is not a range of processors in %q", part, text)
			}
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// maxCPUs is the number of bits of unix.CPUSet.
const maxCPUs = 1024

// String is the notation that ParseCPUs reads.
func (c CPUs) String() string {
	parts := make([]string, len(c))
	for i, cpu := range c {
		parts[i] = strconv.Itoa(cpu)
	}
	return strings.Join(parts, ",")
}

func (c CPUs) set() *unix.CPUSet {
	set := new(unix.CPUSet)
	for _, cpu := range c {
		set.Set(cpu)
	}
	return set
}

// Allowed returns the processors that this process may run on.
func Allowed() (CPUs, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	var cpus CPUs
	for cpu := range maxCPUs {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// PinSelf moves every thread of this process to cpus, and with them those that the runtime starts later, which inherit
// the mask of the thread that starts them.
func PinSelf(cpus CPUs) error {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		tid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// A thread that ended between the listing and this call is no error.
		if err := unix.SchedSetaffinity(tid, cpus.set()); err != nil && err != unix.ESRCH {
			return fmt.Errorf("pin thread %d to processors %s: %w", tid, cpus, err)
		}
	}
	return nil
}

// onCPUs runs start on a thread that is pinned to cpus, so that a process forked by it begins its life there: a server
// that sizes itself by its affinity mask must see the mask at its first instruction.
func onCPUs(cpus CPUs, start func() error) error {
	if len(cpus) == 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("sched_getaffinity: %w", err)
	}
	if err := unix.SchedSetaffinity(0, cpus.set()); err != nil {
		return fmt.Errorf("pin to processors %s: %w", cpus, err)
	}
	startErr := start()
	if err := unix.SchedSetaffinity(0, &before); err != nil {
		return fmt.Errorf("restore the affinity mask: %w", err)
	}
	return startErr
}
