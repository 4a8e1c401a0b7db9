package control

import (
	"bufio"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Files of the system that say what is ours; tests give others.
type system struct {
	selfCgroup string // /proc/self/cgroup
	cgroups    string // where cgroup v2 is mounted
	meminfo    string // /proc/meminfo
	selfStatm  string // /proc/self/statm
}

func hostSystem() system {
	s := system{selfCgroup: "/proc/self/cgroup", cgroups: "/sys/fs/cgroup", meminfo: "/proc/meminfo", selfStatm: "/proc/self/statm"}
	// Where both versions of cgroups are mounted, the second has a directory of its own.
	if _, err := os.Stat(filepath.Join(s.cgroups, "cgroup.controllers")); err != nil {
		if _, err := os.Stat(filepath.Join(s.cgroups, "unified", "cgroup.controllers")); err == nil {
			s.cgroups = filepath.Join(s.cgroups, "unified")
		}
	}
	return s
}

// walk calls f with the directory of the process's cgroup (v2) and of each one above it: a limit of any of them holds.
func (s system) walk(f func(dir string)) {
	text, err := os.ReadFile(s.selfCgroup)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(text)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		// Cleaned as an absolute path, it cannot leave the mount, even if it begins with "/.." as it does when the
		// process is outside its cgroup namespace.
		for path = filepath.Clean("/" + path); ; path = filepath.Dir(path) {
			f(filepath.Join(s.cgroups, path))
			if path == "/" {
				return
			}
		}
	}
}

// processors is how many processors' worth of time the cgroup grants, rounded up; 0 is no limit.
func (s system) processors() int {
	least := 0
	s.walk(func(dir string) {
		quota, period, ok := strings.Cut(firstLine(filepath.Join(dir, "cpu.max")), " ")
		q, err1 := strconv.ParseFloat(quota, 64)
		p, err2 := strconv.ParseFloat(period, 64)
		if !ok || err1 != nil || err2 != nil || q <= 0 || p <= 0 {
			return // "max 100000", or no such file
		}
		if n := int(math.Ceil(q / p)); least == 0 || n < least {
			least = n
		}
	})
	return least
}

// memory is how many bytes of memory the process may use: the smallest limit of its cgroups, or what the machine has.
// 0 is unknown.
func (s system) memory() int64 {
	least := s.machineMemory()
	s.walk(func(dir string) {
		for _, name := range []string{"memory.max", "memory.high"} {
			n, err := strconv.ParseInt(firstLine(filepath.Join(dir, name)), 10, 64)
			if err == nil && n > 0 && (least == 0 || n < least) {
				least = n
			}
		}
	})
	return least
}

func (s system) machineMemory() int64 {
	f, err := os.Open(s.meminfo)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		value, ok := strings.CutPrefix(lines.Text(), "MemTotal:")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0
		}
		return n << 10
	}
	return 0
}

func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}
