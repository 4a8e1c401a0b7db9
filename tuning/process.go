package tuning

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// process is the AnyGate that runs, or the unit that would start it, or else this command in its place.
type process struct {
	who       string
	directory string // below /proc
	cpus      string // those it may run on, as a list; empty if only the machine's are known
	limits    map[string]int64
}

// unlimited stands for a limit that is none.
const unlimited = highest

// process finds it. What serves is a process with the name anygate whose command is not "tune".
func (h *Host) process() process {
	for _, name := range h.names("/proc") {
		if _, err := strconv.Atoi(name); err != nil {
			continue
		}
		dir := path.Join("/proc", name)
		if h.text(dir+"/comm") != "anygate" || strings.Contains(h.text(dir+"/cmdline"), "\x00tune\x00") {
			continue
		}
		if limits := h.limits(dir); limits != nil {
			return process{who: "process " + name, directory: dir, cpus: h.status(dir, "Cpus_allowed_list"), limits: limits}
		}
	}
	p := process{who: "this command", directory: "/proc/self", limits: h.limits("/proc/self")}
	if unit, set := h.unit(); unit != "" {
		p.who = "the unit " + unit
		p.limits = set
	}
	return p
}

// limits reads the hard limits of a process.
func (h *Host) limits(dir string) map[string]int64 {
	text := h.text(dir + "/limits")
	if text == "" {
		return nil
	}
	out := make(map[string]int64)
	for line := range strings.Lines(text) {
		for name, key := range map[string]string{"Max open files": "nofile", "Max locked memory": "memlock"} {
			rest, ok := strings.CutPrefix(line, name)
			if f := strings.Fields(rest); ok && len(f) >= 2 {
				out[key] = parseLimit(f[1])
			}
		}
	}
	return out
}

func parseLimit(s string) int64 {
	if s == "unlimited" || s == "infinity" {
		return unlimited
	}
	scale := int64(1)
	for suffix, n := range map[string]int64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, scale = rest, n
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n * scale
}

// status is a line of /proc/PID/status.
func (h *Host) status(dir, name string) string {
	for line := range strings.Lines(h.text(dir + "/status")) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// The limits of a unit that says nothing (systemd-system.conf(5)): DefaultLimitNOFILE=1024:524288, DefaultLimitMEMLOCK=8M.
const (
	unitFiles   = 524288
	unitMemlock = 8 << 20
)

// unit reads the limits of the systemd unit of AnyGate, drop-ins included; the name is empty if there is none.
func (h *Host) unit() (name string, limits map[string]int64) {
	for _, dir := range []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"} {
		file := path.Join(dir, "anygate.service")
		if !h.exists(file) {
			continue
		}
		limits = map[string]int64{"nofile": unitFiles, "memlock": unitMemlock}
		h.readUnit(file, limits)
		for _, d := range []string{"/usr/lib/systemd/system", "/run/systemd/system", "/etc/systemd/system"} {
			drop := path.Join(d, "anygate.service.d")
			for _, n := range h.names(drop) {
				if strings.HasSuffix(n, ".conf") {
					h.readUnit(path.Join(drop, n), limits)
				}
			}
		}
		return file, limits
	}
	return "", nil
}

func (h *Host) readUnit(file string, limits map[string]int64) {
	for line := range strings.Lines(h.text(file)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			continue
		}
		// "SOFT:HARD", or one value for both.
		if _, hard, both := strings.Cut(value, ":"); both {
			value = hard
		}
		switch strings.TrimSpace(key) {
		case "LimitNOFILE":
			limits["nofile"] = parseLimit(strings.TrimSpace(value))
		case "LimitMEMLOCK":
			limits["memlock"] = parseLimit(strings.TrimSpace(value))
		}
	}
}

// limitReading is a reading of one limit.
func limitReading(key string) reading {
	return func(_ *Host, f *facts) []value {
		n, ok := f.process.limits[key]
		switch {
		case !ok:
			return absent("the limits of " + f.process.who + " cannot be read")
		case n == unlimited:
			// As large as a number can be, so that it is at least anything.
			return []value{{text: strconv.FormatInt(unlimited, 10), shown: "unlimited", note: "of " + f.process.who}}
		}
		return []value{{text: strconv.FormatInt(n, 10), note: fmt.Sprintf("of %s", f.process.who)}}
	}
}
