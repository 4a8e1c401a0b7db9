package tuning

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// reading gives the values of a row that is no sysctl: one, or one for each interface.
type reading func(*Host, *facts) []value

// value is what a reading says.
type value struct {
	subject string // the interface, of several
	text    string // what is compared
	shown   string // what is shown instead, if that is not the same
	absent  string // why there is no value
	// wanted and met are for rows whose want is computed.
	wanted string
	met    bool
	note   string
	// command replaces the row's.
	command   string
	variables map[string]string
}

func absent(why string) []value { return []value{{absent: why}} }

// readings are all of them, by the names that rows use. Filled by init, because a reading of evidence needs the rows.
var readings map[string]reading

func init() {
	readings = map[string]reading{
		"limit.nofile":            limitReading("nofile"),
		"limit.memlock":           limitReading("memlock"),
		"cgroup.cpu":              readCgroupCPU,
		"cgroup.memory":           readCgroupMemory,
		"io_uring":                readRing,
		"kernel.release":          func(_ *Host, f *facts) []value { return []value{{text: f.kernel}} },
		"service.shards":          readShards,
		"tcp.memory":              readTCPMemory,
		"vm.transparent_hugepage": readHugePages,
		"numa.nodes":              func(_ *Host, f *facts) []value { return []value{{text: strconv.Itoa(f.nodes)}} },
		"cpu.governor":            readGovernor,
		"cpu.epb":                 readEnergyBias,
		"cpu.idle":                readIdleStates,
		"cpu.smt":                 readThreads,
		"cpu.mitigations":         readMitigations,
		"cpu.isolated":            readIsolated,
		"nic.queues":              readQueues,
		"nic.irq":                 readInterrupts,
		"nic.xps":                 readTransmitMap,
		"nic.rps":                 readReceiveMap,
		"nic.qdisc":               readQdisc,
		"nic.offloads":            readOffloads,
		"nic.lro":                 readLRO,
		"nic.rings":               readRings,
		"nic.coalesce":            readCoalescing,
		"nic.tls":                 readTLSOffload,
		"daemon.irqbalance":       daemonReading("irqbalance"),
		"daemon.tuned":            daemonReading("tuned"),
	}
}

func readRing(h *Host, f *facts) []value {
	if h.Ring != nil {
		r := h.Ring()
		if r.Available {
			return []value{{text: "available"}}
		}
		return []value{{text: "not available", note: r.Cause, command: r.Cure}}
	}
	disabled := h.text(sysctlPath("kernel.io_uring_disabled"))
	switch {
	case f.before(5, 1):
		return []value{{text: "not available", note: "kernel " + f.kernel + " has none", command: "run Linux 6.6 or newer"}}
	case disabled == "" && !f.before(6, 6):
		return []value{{text: "not available", note: "the kernel is built without it"}}
	case disabled == "" || disabled == "0":
		return []value{{text: "available", note: "by kernel.io_uring_disabled; seccomp filters were not asked"}}
	}
	return []value{{text: "not available", note: "kernel.io_uring_disabled is " + disabled, command: "sysctl -w kernel.io_uring_disabled=0"}}
}

func readShards(_ *Host, f *facts) []value {
	return []value{{text: fmt.Sprintf("%d on %s", f.shards, count(f.processors, "processor"))}}
}

// readTCPMemory shows the limits, and how much of the second one is in use.
func readTCPMemory(h *Host, f *facts) []value {
	text := strings.Join(strings.Fields(h.text(sysctlPath("net.ipv4.tcp_mem"))), " ")
	limits, ok := parseNumbers(text)
	if !ok || len(limits) != 3 {
		return absent(noKey)
	}
	v := value{text: text}
	if used, ok := f.counters["sockstat.mem"]; ok && limits[1] > 0 {
		v.note = fmt.Sprintf("%d pages are in use, %d%% of where pressure begins", used, 100*used/limits[1])
	}
	return []value{v}
}

// bracketed is the word in brackets of "always [madvise] never".
func bracketed(s string) string {
	_, rest, ok := strings.Cut(s, "[")
	word, _, closed := strings.Cut(rest, "]")
	if !ok || !closed {
		return ""
	}
	return word
}

func readHugePages(h *Host, _ *facts) []value {
	word := bracketed(h.text("/sys/kernel/mm/transparent_hugepage/enabled"))
	if word == "" {
		return absent("this kernel has no transparent huge pages")
	}
	return []value{{text: word}}
}

const cpuDirectory = "/sys/devices/system/cpu"

// perCPU reads a file of every processor, and joins what is not the same. Processors that are offline have no such file.
func (h *Host) perCPU(file string) []string {
	var out []string
	for _, name := range h.names(cpuDirectory) {
		if prefix, n := cutNumber(name); prefix != "cpu" || n < 0 {
			continue
		}
		if text := h.text(path.Join(cpuDirectory, name, file)); text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

func readGovernor(h *Host, _ *facts) []value {
	all := h.perCPU("cpufreq/scaling_governor")
	if len(all) == 0 {
		return absent("this machine's frequency is not the kernel's to set (cpufreq), as in most virtual machines")
	}
	return []value{{text: strings.Join(all, ",")}}
}

func readEnergyBias(h *Host, _ *facts) []value {
	if all := h.perCPU("cpufreq/energy_performance_preference"); len(all) > 0 {
		text := strings.Join(all, ",")
		return []value{{text: text, wanted: "performance", met: text == "performance"}}
	}
	if all := h.perCPU("power/energy_perf_bias"); len(all) > 0 {
		text := strings.Join(all, ",")
		return []value{{text: text, wanted: "0", met: text == "0"}}
	}
	return absent("these processors have no such setting, or it is not the kernel's")
}

// maxWake is the longest a processor should take to leave an idle state, in microseconds.
const maxWake = 10

func readIdleStates(h *Host, _ *facts) []value {
	dir := cpuDirectory + "/cpu0/cpuidle"
	name, deepest := "", int64(-1)
	for _, state := range h.names(dir) {
		disabled := h.text(path.Join(dir, state, "disable")) == "1"
		if latency, ok := h.number(path.Join(dir, state, "latency")); ok && !disabled && latency > deepest {
			name, deepest = h.text(path.Join(dir, state, "name")), latency
		}
	}
	if deepest < 0 {
		return absent("idle states are not the kernel's to choose (cpuidle), as in most virtual machines")
	}
	return []value{{
		text: fmt.Sprintf("%s, %d us", name, deepest), wanted: fmt.Sprintf("at most %d us", maxWake), met: deepest <= maxWake,
		note: "of processor 0; a program that holds /dev/cpu_dma_latency bounds it too",
	}}
}

func readThreads(h *Host, _ *facts) []value {
	control := h.text(cpuDirectory + "/smt/control")
	if control == "" {
		return absent("this kernel does not tell")
	}
	return []value{{text: control}}
}

func readMitigations(h *Host, _ *facts) []value {
	const dir = cpuDirectory + "/vulnerabilities"
	mitigated, vulnerable := 0, []string(nil)
	for _, name := range h.names(dir) {
		switch text := h.text(path.Join(dir, name)); {
		case strings.HasPrefix(text, "Mitigation"):
			mitigated++
		case strings.HasPrefix(text, "Vulnerable"):
			vulnerable = append(vulnerable, name)
		}
	}
	v := value{text: fmt.Sprintf("%d active", mitigated)}
	if slices.Contains(strings.Fields(h.text("/proc/cmdline")), "mitigations=off") {
		v.text = "off"
	}
	if len(vulnerable) > 0 {
		v.note = "vulnerable: " + strings.Join(vulnerable, ", ")
	}
	return []value{v}
}

func readIsolated(h *Host, _ *facts) []value {
	isolated, full := h.text(cpuDirectory+"/isolated"), h.text(cpuDirectory+"/nohz_full")
	if isolated == "" && (full == "" || full == "(null)") {
		return []value{{text: "none"}}
	}
	return []value{{text: fmt.Sprintf("isolcpus %q, nohz_full %q", isolated, full)}}
}

// daemonReading says whether a program runs.
func daemonReading(name string) reading {
	return func(h *Host, _ *facts) []value {
		for _, pid := range h.names("/proc") {
			if _, err := strconv.Atoi(pid); err == nil && h.text(path.Join("/proc", pid, "comm")) == name {
				return []value{{text: "runs"}}
			}
		}
		return []value{{text: "does not run"}}
	}
}
