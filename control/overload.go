package control

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/telemetry"
)

// memoryUse is how much of the memory that the process may use is taken, and how much there is; 0 of 0 is unknown. Of
// its cgroups with a limit it is the fullest one. What the kernel keeps of files, and can drop, is not taken. Without such
// a limit it is what the process itself takes of the machine.
func (s system) memoryUse() (used, limit int64) {
	s.walk(func(dir string) {
		for _, name := range []string{"memory.max", "memory.high"} {
			most, err := strconv.ParseInt(firstLine(filepath.Join(dir, name)), 10, 64)
			if err != nil || most <= 0 {
				continue
			}
			now, err := strconv.ParseInt(firstLine(filepath.Join(dir, "memory.current")), 10, 64)
			if err != nil {
				continue
			}
			stat := numbers(filepath.Join(dir, "memory.stat"))
			now = max(now-stat["inactive_file"]-stat["active_file"], 0)
			// The fullest: now/most > used/limit, without division.
			if limit == 0 || float64(now)*float64(limit) > float64(used)*float64(most) {
				used, limit = now, most
			}
		}
	})
	if limit > 0 {
		return used, limit
	}
	// Without a limit of ours, what others take of the machine is not for us to make up for.
	words := strings.Fields(firstLine(s.selfStatm))
	if len(words) < 2 {
		return 0, 0
	}
	pages, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return 0, 0
	}
	return pages * int64(os.Getpagesize()), s.machineMemory()
}

// numbers reads a file of names and numbers, one pair in a line.
func numbers(path string) map[string]int64 {
	out := make(map[string]int64)
	f, err := os.Open(path)
	if err != nil {
		return out
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) >= 2 {
			if n, err := strconv.ParseInt(words[1], 10, 64); err == nil {
				out[words[0]] = n
			}
		}
	}
	return out
}

// heapUse is how much of its soft limit the Go heap takes; 0 of 0 where there is none.
func heapUse() (used, limit int64) {
	limit = debug.SetMemoryLimit(-1)
	if limit >= 1<<62 {
		return 0, 0
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0, 0
	}
	return int64(sample[0].Value.Uint64()), limit
}

// memoryGuard says when memory is short: from shedAbove percent of what there is, until it is below shedBelow.
type memoryGuard struct {
	short bool
	why   string
}

// look takes what is used now, and reports whether the judgement has changed.
func (m *memoryGuard) look(used, limit, heap, heapLimit int64) (changed bool) {
	most := int64(shedAbove)
	if m.short {
		most = shedBelow
	}
	was := m.short
	switch {
	case limit > 0 && used/100*100 >= limit/100*most:
		m.short, m.why = true, "memory"
	case heapLimit > 0 && heap >= heapLimit/100*most:
		m.short, m.why = true, "heap"
	default:
		m.short = false
	}
	return m.short != was
}

// guardMemory looks at the memory as long as shards run. The shards answer new requests with 503 while it is short.
func (s *Server) guardMemory(sys system) {
	var guard memoryGuard
	ticker := time.NewTicker(memoryLook)
	defer ticker.Stop()
	for {
		used, limit := sys.memoryUse()
		heap, heapLimit := heapUse()
		if guard.look(used, limit, heap, heapLimit) {
			s.overload.SetMemory(guard.short)
			if guard.short {
				s.logs.say(telemetry.Warn, "memory is short: new requests are answered with 503",
					telemetry.String("of", guard.why), telemetry.Int("used", used), telemetry.Int("limit", limit), telemetry.Int("heap", heap))
			} else {
				s.logs.say(telemetry.Info, "memory is no longer short: requests are served again", telemetry.Int("used", used), telemetry.Int("limit", limit))
			}
		}
		select {
		case <-ticker.C:
		case <-s.ended:
			return
		}
	}
}
