package proc

import (
	"os"
	"strconv"
	"strings"
)

// Slabs is what the kernel's slab caches hold, in bytes by cache: sockets, files, buffers of every process of the
// machine. It is empty where /proc/slabinfo cannot be read, which takes root.
type Slabs map[string]int64

// ReadSlabs reads the caches.
func ReadSlabs() Slabs {
	text, err := os.ReadFile("/proc/slabinfo")
	if err != nil {
		return nil
	}
	return parseSlabs(string(text))
}

// parseSlabs reads lines of the form "name active_objs num_objs objsize ...".
func parseSlabs(text string) Slabs {
	slabs := Slabs{}
	for line := range strings.SplitSeq(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		active, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			continue // The two lines at the top.
		}
		if size, err := strconv.ParseInt(fields[3], 10, 64); err == nil {
			slabs[fields[0]] = active * size
		}
	}
	return slabs
}

// Sub returns by how much each cache has grown since an earlier reading.
func (s Slabs) Sub(earlier Slabs) Slabs {
	growth := Slabs{}
	for name, bytes := range s {
		growth[name] = bytes - earlier[name]
	}
	return growth
}

// Sum is the total of all caches.
func (s Slabs) Sum() (total int64) {
	for _, bytes := range s {
		total += bytes
	}
	return total
}
