package tuning

import (
	"path"
	"strconv"
	"strings"
)

// counters are what the kernel has counted, by names such as "TcpExt.ListenOverflows", "softnet.squeezed" and
// "nic.eth0.rx_missed_errors". What this kernel does not count is missing.
type counters map[string]int64

// whole is a counter that another one is compared with. The packets of softnet are counted in 32 bits, which last for hours on a
// busy machine; what its interfaces have received says when there were more.
func (c counters) whole(name string) int64 {
	n := c[name]
	if received := c["nic.rx_packets"]; name == "softnet.processed" && received >= 1<<32 {
		n = max(n, received)
	}
	return n
}

// count reads all of them.
func (h *Host) count(p process) counters {
	c := make(counters)
	c.pairs(h.text("/proc/net/netstat"))
	c.pairs(h.text("/proc/net/snmp"))
	c.softnet(h.text("/proc/net/softnet_stat"))
	c.lines("tls", h.text("/proc/net/tls_stat"))
	c.sockets(h.text("/proc/net/sockstat"))
	c.conntrack(h)
	c.files(h)
	c.cards(h)
	g := h.cgroup(p.directory)
	if g.stat != "" {
		c.lines("cgroup", h.text(g.stat+"/cpu.stat"))
	}
	if g.events != "" {
		c.lines("cgroup.memory", h.text(g.events+"/memory.events"))
	}
	c.limits(h)
	return c
}

// pairs reads a file of lines in twos, names and numbers, each behind the name of its group.
func (c counters) pairs(text string) {
	lines := strings.Split(text, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, numbers := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) == 0 || len(names) != len(numbers) || names[0] != numbers[0] {
			continue
		}
		group := strings.TrimSuffix(names[0], ":")
		for j := 1; j < len(names); j++ {
			if n, err := strconv.ParseInt(numbers[j], 10, 64); err == nil {
				c[group+"."+names[j]] = n
			}
		}
	}
}

// softnet adds up the lines of the processors: packets, packets dropped, and rounds that ended before the work did.
func (c counters) softnet(text string) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		for i, name := range []string{"processed", "dropped", "squeezed"} {
			if i < len(f) {
				if n, err := strconv.ParseInt(f[i], 16, 64); err == nil {
					c["softnet."+name] += n
				}
			}
		}
	}
}

// lines reads a name and a number from each line.
func (c counters) lines(group, text string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				c[group+"."+f[0]] = n
			}
		}
	}
}

// sockets reads the line of TCP: "TCP: inuse 5 orphan 0 tw 12 alloc 6 mem 1".
func (c counters) sockets(text string) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "TCP:")
		if !ok {
			continue
		}
		f := strings.Fields(rest)
		for i := 0; i+1 < len(f); i += 2 {
			if n, err := strconv.ParseInt(f[i+1], 10, 64); err == nil {
				c["sockstat."+f[i]] = n
			}
		}
	}
}

// conntrack reads how full the table is, and adds up what each processor has counted, which is in hexadecimal.
func (c counters) conntrack(h *Host) {
	for name, key := range map[string]string{"count": "nf_conntrack_count", "max": "nf_conntrack_max"} {
		if n, ok := h.number(sysctlPath("net.netfilter." + key)); ok {
			c["conntrack."+name] = n
		}
	}
	lines := strings.Split(h.text("/proc/net/stat/nf_conntrack"), "\n")
	names := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		for i, text := range strings.Fields(line) {
			// "entries" is the whole table's, on every line.
			if n, err := strconv.ParseInt(text, 16, 64); err == nil && i < len(names) && names[i] != "entries" {
				c["conntrack."+names[i]] += n
			}
		}
	}
}

func (c counters) files(h *Host) {
	if n, ok := parseNumbers(h.text("/proc/sys/fs/file-nr")); ok && len(n) == 3 {
		c["files.open"], c["files.max"] = n[0], n[2]
	}
}

// cards reads what interfaces have lost, each and all together.
func (c counters) cards(h *Host) {
	for _, n := range h.interfaces() {
		for _, name := range []string{"rx_packets", "rx_dropped", "rx_missed_errors", "rx_fifo_errors", "tx_dropped"} {
			if v, ok := h.number(path.Join(netDirectory, n.name, "statistics", name)); ok {
				c["nic."+n.name+"."+name] = v
				c["nic."+name] += v
			}
		}
	}
}

// limits reads what levels are compared with.
func (c counters) limits(h *Host) {
	if n, ok := parseNumbers(h.text(sysctlPath(portRange))); ok && len(n) == 2 {
		c["ports.range"] = n[1] - n[0] + 1
	}
	if n, ok := parseNumbers(h.text(sysctlPath("net.ipv4.tcp_mem"))); ok && len(n) == 3 {
		c["sockstat.mem_pressure"] = n[1]
	}
	if n, ok := h.number(sysctlPath("net.ipv4.tcp_max_tw_buckets")); ok {
		c["sockstat.tw_max"] = n
	}
	if n, ok := h.number(sysctlPath("net.ipv4.tcp_max_orphans")); ok {
		c["sockstat.orphan_max"] = n
	}
}

// since is what has been added to an earlier count. The kernel's counts of softnet have 32 bits, and begin again at zero after
// them. Others are less than before only if they were reset, as those of an interface that comes up anew: then what they say
// came since.
func (c counters) since(earlier counters) counters {
	out := make(counters, len(c))
	for name, n := range c {
		switch before := earlier[name]; {
		case n >= before:
			out[name] = n - before
		case strings.HasPrefix(name, "softnet."):
			out[name] = int64(uint32(n - before))
		default:
			out[name] = n
		}
	}
	return out
}
