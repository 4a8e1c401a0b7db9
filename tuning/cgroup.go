package tuning

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// cgroup is what the cgroups of a process grant it: the least of its own and of those above it.
type cgroup struct {
	quota  float64 // processors, 0 for all
	memory int64   // bytes, 0 for all
	// stat is the directory whose counters tell of throttling, where there is one.
	stat string
	// events is the directory whose counters tell of memory.
	events string
}

// cgroup reads both versions; a host may have one of them, or each for other controllers.
func (h *Host) cgroup(process string) cgroup {
	var g cgroup
	for line := range strings.Lines(h.text(process + "/cgroup")) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		controllers := strings.Split(f[1], ",")
		switch {
		case f[0] == "0":
			mount := "/sys/fs/cgroup"
			if !h.exists(mount + "/cgroup.controllers") {
				mount = "/sys/fs/cgroup/unified"
			}
			above(f[2], func(dir string) { g.second(h, path.Join(mount, dir)) })
		case slices.Contains(controllers, "cpu"):
			above(f[2], func(dir string) { g.firstCPU(h, path.Join("/sys/fs/cgroup", h.mountOf(f[1], "cpu"), dir)) })
		case slices.Contains(controllers, "memory"):
			above(f[2], func(dir string) { g.firstMemory(h, path.Join("/sys/fs/cgroup", h.mountOf(f[1], "memory"), dir)) })
		}
	}
	return g
}

// above calls f with a cgroup and each one above it. Cleaned as an absolute path it cannot leave the mount.
func above(dir string, f func(dir string)) {
	for dir = path.Clean("/" + dir); ; dir = path.Dir(dir) {
		f(dir)
		if dir == "/" {
			return
		}
	}
}

// mountOf is where controllers of version 1 are mounted: by the names of all that share it, or by its own.
func (h *Host) mountOf(all, one string) string {
	if h.exists(path.Join("/sys/fs/cgroup", all)) {
		return all
	}
	return one
}

func (g *cgroup) second(h *Host, dir string) {
	quota, period, _ := strings.Cut(h.text(dir+"/cpu.max"), " ")
	g.limitCPU(quota, period)
	if g.stat == "" && h.exists(dir+"/cpu.stat") {
		g.stat = dir
	}
	for _, name := range []string{"/memory.max", "/memory.high"} {
		if n, ok := h.number(dir + name); ok {
			g.limitMemory(n)
		}
	}
	if g.events == "" && h.exists(dir+"/memory.events") {
		g.events = dir
	}
}

func (g *cgroup) firstCPU(h *Host, dir string) {
	g.limitCPU(h.text(dir+"/cpu.cfs_quota_us"), h.text(dir+"/cpu.cfs_period_us"))
	if g.stat == "" && h.exists(dir+"/cpu.stat") {
		g.stat = dir
	}
}

func (g *cgroup) firstMemory(h *Host, dir string) {
	if n, ok := h.number(dir + "/memory.limit_in_bytes"); ok {
		g.limitMemory(n)
	}
}

func (g *cgroup) limitCPU(quota, period string) {
	q, err1 := strconv.ParseFloat(quota, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return // "max", -1, or no such file
	}
	if n := q / p; g.quota == 0 || n < g.quota {
		g.quota = n
	}
}

// noMemoryLimit is from where on a number of version 1 is its way to say that there is no limit.
const noMemoryLimit = 1 << 60

func (g *cgroup) limitMemory(n int64) {
	if n > 0 && n < noMemoryLimit && (g.memory == 0 || n < g.memory) {
		g.memory = n
	}
}

func readCgroupCPU(_ *Host, f *facts) []value {
	if f.quota == 0 {
		return []value{{text: "no quota", met: true}}
	}
	most := int(math.Ceil(f.quota))
	return []value{{
		text:   fmt.Sprintf("%s for %s", processors(f.quota), count(f.shards, "shard")),
		wanted: fmt.Sprintf("at most %s", count(most, "shard")), met: f.shards <= most,
		note: "of " + f.process.who,
	}}
}

func readCgroupMemory(h *Host, f *facts) []value {
	n := h.cgroup(f.process.directory).memory
	if n == 0 {
		return []value{{text: "no limit"}}
	}
	return []value{{text: size(n), note: "of " + f.process.who}}
}

func processors(n float64) string {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if n == 1 {
		return text + " processor"
	}
	return text + " processors"
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// size writes bytes for people.
func size(n int64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
