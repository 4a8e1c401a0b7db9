package tuning

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Service is what the configuration says about AnyGate.
type Service struct {
	// Config is the name of the configuration, empty if there is none: then whatever it could say is assumed.
	Config string
	// Named says that it was chosen on the command line.
	Named bool
	// Ports are those of TCP that are listened on.
	Ports []int
	// Proxies says that a route is a proxy.
	Proxies bool
	// Pools are those of upstreams that are connected to by TCP.
	Pools []Pool
	// Shards is server.shards, 0 for auto.
	Shards int
	// Connections is server.limits.connections, 0 for none.
	Connections int
}

// Pool is what the configuration says about connections to an upstream.
type Pool struct {
	Name string
	// Most is limits.connections, 0 for none; Idle is keepalive.connections, which each shard keeps to each member.
	Most, Idle int
}

// facts are what rows depend on, read once for all of them.
type facts struct {
	service    Service
	kernel     string
	version    [2]int
	cpus       []span // online, or those that the service may run on
	processors int
	nodes      int
	memory     int64 // of the machine, or of the cgroup if that is less
	quota      float64
	shards     int
	process    process
	nics       []nic
	counters   counters
	forwarding bool // of packets, between interfaces or into containers and virtual machines
}

// gather reads them.
func (h *Host) gather(s Service) *facts {
	f := &facts{service: s, kernel: h.text("/proc/sys/kernel/osrelease"), process: h.process()}
	f.version = kernelVersion(f.kernel)
	if f.cpus, _ = parseSpans(f.process.cpus); f.cpus == nil {
		f.cpus, _ = parseSpans(h.text("/sys/devices/system/cpu/online"))
	}
	f.processors = max(width(f.cpus), 1)
	nodes, _ := parseSpans(h.text("/sys/devices/system/node/online"))
	f.nodes = max(width(nodes), 1)
	g := h.cgroup(f.process.directory)
	f.quota = g.quota
	f.memory = h.machineMemory()
	if g.memory > 0 && (f.memory == 0 || g.memory < f.memory) {
		f.memory = g.memory
	}
	f.shards = s.Shards
	if f.shards == 0 {
		f.shards = f.processors
		if f.quota > 0 {
			f.shards = min(f.shards, int(math.Ceil(f.quota)))
		}
	}
	f.nics = h.interfaces()
	for _, key := range []string{"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"} {
		n, _ := h.number(sysctlPath(key))
		f.forwarding = f.forwarding || n != 0
	}
	f.counters = h.count(f.process)
	return f
}

// width is how many numbers the spans hold.
func width(spans []span) (n int) {
	for _, s := range spans {
		n += int(s.last - s.first + 1)
	}
	return n
}

// kernelVersion reads the first two numbers of a release.
func kernelVersion(release string) (v [2]int) {
	for i, part := range strings.SplitN(release, ".", 3) {
		end := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(part)
		}
		if i < 2 {
			v[i], _ = strconv.Atoi(part[:end])
		}
	}
	return v
}

// before reports whether the kernel is older than a version.
func (f *facts) before(major, minor int) bool {
	return slices.Compare(f.version[:], []int{major, minor}) < 0
}

func (h *Host) machineMemory() int64 {
	for line := range strings.Lines(h.text("/proc/meminfo")) {
		if value, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// conditions are what rows may depend on; the text completes "matters only".
var conditions = map[string]*struct {
	text  string
	holds func(*facts) bool
}{
	"proxies": {"with a route that is a proxy", func(f *facts) bool { return f.service.Config == "" || f.service.Proxies }},
	"listens": {"with a configuration that listens on ports of TCP", func(f *facts) bool { return len(f.service.Ports) > 0 }},
	"numa":    {"with several NUMA nodes", func(f *facts) bool { return f.nodes > 1 }},
	"memlock": {"on kernels before 5.12, and from 6.14 on", func(f *facts) bool { return f.before(5, 12) || !f.before(6, 14) }},
	"squeezed": {"where the receive loop runs out of its budget (softnet_stat)", func(f *facts) bool {
		all, err := witnesses()
		i := slices.IndexFunc(all, func(w Witness) bool { return w.Counter == "softnet.squeezed" })
		return err == nil && all[i].evident(f.counters)
	}},
	"forwarding": {"where packets are forwarded", func(f *facts) bool { return f.forwarding }},
	"conntrack":  {"where connections are tracked", func(f *facts) bool { return f.counters["conntrack.count"] > 0 }},
}

// The terms of computed values.
const (
	minFiles   = 524288 // systemd's own default of the hard limit
	spareFiles = 4096
	shardFiles = 64 // what a shard has open for itself, and for as few connections as it runs with
	// Of locked memory a shard takes some 550 KiB, and so does the one that takes its place in an upgrade. The kernels that
	// counted first counted more.
	memlockShard    = 2 << 20
	oldMemlockShard = 4 << 20
)

// variables fill in the wants.
func (f *facts) variables(h *Host) map[string]string {
	files := int64(minFiles)
	if n := f.service.Connections; n > 0 {
		files = 2*int64(n) + shardFiles*int64(f.shards) + spareFiles
	}
	locked := int64(memlockShard)
	if f.before(5, 12) {
		locked = oldMemlockShard
	}
	perMemory := func(size, least, most int64) int64 { return min(max(f.memory/size, least), most) }
	v := map[string]int64{
		"nofile":     files,
		"file-max":   2 * files,
		"memlock":    int64(f.shards) * locked,
		"tw-buckets": perMemory(16<<10, 32768, 2000000),
		"orphans":    perMemory(256<<10, 16384, 262144),
		"conntrack":  perMemory(32<<10, 65536, 4194304),
		"queues":     int64(f.shards),
	}
	out := make(map[string]string, len(v)+1)
	for name, n := range v {
		out[name] = strconv.FormatInt(n, 10)
	}
	out["listen-ports"] = formatSpans(f.portsAtRisk(h))
	return out
}

// portsAtRisk are those listened on that outgoing connections may be given, with the range as it is or as it will be.
func (f *facts) portsAtRisk(h *Host) (out []span) {
	low := int64(10240)
	if n, ok := parseNumbers(h.text(sysctlPath(portRange))); ok {
		low = min(low, n[0])
	}
	for _, p := range f.service.Ports {
		if int64(p) >= low {
			out = append(out, span{int64(p), int64(p)})
		}
	}
	return merge(out, nil)
}

// portNeed compares a range of local ports with the connections that the configuration lets be open to one address of an
// upstream: to each of them, a port can be used once.
func (f *facts) portNeed(ports string) string {
	n, ok := parseNumbers(ports)
	if !ok || len(n) != 2 {
		return ""
	}
	have, note := int(n[1]-n[0]+1), ""
	for _, p := range f.service.Pools {
		idle := p.Idle * f.shards
		if p.Most > 0 {
			idle = min(idle, p.Most)
		}
		switch {
		case idle > have:
			note = fmt.Sprintf("%d ports: fewer than the idle connections that %s keeps to each member (keepalive.connections of %s)", have, p.Name, count(f.shards, "shard"))
		case p.Most > have && note == "":
			note = fmt.Sprintf("%d ports: fewer than %s may have connections to one member (limits.connections)", have, p.Name)
		}
	}
	return note
}

// fill replaces ${NAME}. A name that is not known stays, for those that know it.
func fill(text string, variables map[string]string) string {
	for name, value := range variables {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

// HostSummary is the host in a few words.
type HostSummary struct {
	Kernel     string `json:"kernel"`
	Processors int    `json:"processors"`
	Nodes      int    `json:"numa_nodes"`
	Memory     int64  `json:"memory_bytes"`
	// Quota is how many processors' worth of time the cgroup grants, 0 for all.
	Quota      float64  `json:"cpu_quota"`
	Shards     int      `json:"shards"`
	Interfaces []string `json:"interfaces"`
	// Process says whose limits are looked at.
	Process string `json:"process"`
}

func (f *facts) summary() HostSummary {
	s := HostSummary{
		Kernel: f.kernel, Processors: f.processors, Nodes: f.nodes, Memory: f.memory, Quota: f.quota, Shards: f.shards,
		Interfaces: []string{}, Process: f.process.who,
	}
	for _, n := range f.nics {
		s.Interfaces = append(s.Interfaces, fmt.Sprintf("%s (%d rx, %d tx)", n.name, n.rx, n.tx))
	}
	return s
}
