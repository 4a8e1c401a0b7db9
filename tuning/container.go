package tuning

import (
	"strings"
)

// Container says why this is taken for the inside of a container; "" if it is not. Settings of a container are made by whoever
// starts it, and most others are the host's: neither is ours to write.
func (h *Host) Container() string {
	switch {
	case h.exists("/.dockerenv"):
		return "/.dockerenv exists"
	case h.exists("/run/.containerenv"):
		return "/run/.containerenv exists"
	}
	if kind := h.text("/run/systemd/container"); kind != "" {
		return "/run/systemd/container says " + kind
	}
	for line := range strings.Lines(h.text("/proc/1/cgroup") + "\n" + h.text("/proc/self/cgroup")) {
		for _, runtime := range []string{"kubepods", "docker", "containerd", "libpod", "crio", "lxc.payload", "/lxc/"} {
			if strings.Contains(line, runtime) {
				return "the cgroup is " + strings.TrimSpace(line)
			}
		}
	}
	if h.mountedReadOnly("/proc/sys") {
		return "/proc/sys is mounted read-only"
	}
	if m := strings.Fields(h.text("/proc/self/uid_map")); len(m) >= 3 && (m[0] != "0" || m[1] != "0") {
		return "this is a user namespace of its own"
	}
	return ""
}

// mountedReadOnly looks for the mount that a path is on, or the one above it.
func (h *Host) mountedReadOnly(path string) bool {
	readOnly, best := false, -1
	for line := range strings.Lines(h.text("/proc/self/mountinfo")) {
		// ID, parent, device, root, mount point, options (proc(5)).
		f := strings.Fields(line)
		if len(f) < 6 || len(f[4]) < best {
			continue
		}
		if f[4] != path && !strings.HasPrefix(path, strings.TrimSuffix(f[4], "/")+"/") {
			continue
		}
		// Of several mounts at one place the last one is seen.
		best = len(f[4])
		readOnly = strings.HasPrefix(f[5]+",", "ro,") || strings.Contains(f[5], ",ro,")
	}
	return readOnly && best > 1
}
