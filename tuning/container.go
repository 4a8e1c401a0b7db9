package tuning

import (
	"os"
	"path"
	"strings"
)

// Container says why this is taken for the inside of a container; "" if it is not. Settings of a container are made by whoever
// starts it, and most others are the host's: neither is ours to write.
func (h *Host) Container() string {
	for _, name := range []string{"/.dockerenv", "/run/.containerenv"} {
		if h.exists(name) {
			return name + " exists"
		}
	}
	for _, name := range []string{"/run/systemd/container", "/run/host/container-manager"} {
		if kind := h.text(name); kind != "" {
			return name + " says " + kind
		}
	}
	// What LXC, systemd-nspawn and others tell their first process, which only root may read.
	for variable := range strings.SplitSeq(h.text("/proc/1/environ"), "\x00") {
		if kind, ok := strings.CutPrefix(variable, "container="); ok && kind != "" {
			return "the first process was started with container=" + kind
		}
	}
	for line := range strings.Lines(h.text("/proc/1/cgroup") + "\n" + h.text("/proc/self/cgroup")) {
		if ofRuntime(strings.TrimSpace(line)) {
			return "the cgroup is " + strings.TrimSpace(line)
		}
	}
	if h.mountedReadOnly("/proc/sys") {
		return "/proc/sys is mounted read-only"
	}
	if m := strings.Fields(h.text("/proc/self/uid_map")); len(m) >= 3 && (m[0] != "0" || m[1] != "0" || m[2] != "4294967295") {
		return "this is a user namespace of its own"
	}
	return h.ownNamespace()
}

// ofRuntime reports whether a line of /proc/PID/cgroup names a cgroup that a container runtime has made. Those of the runtimes
// themselves, such as docker.service, belong to the host.
func ofRuntime(line string) bool {
	f := strings.SplitN(line, ":", 3)
	if len(f) != 3 {
		return false
	}
	for part := range strings.SplitSeq(f[2], "/") {
		switch part {
		case "docker", "lxc", "containerd", "crio":
			return true
		}
		if strings.HasSuffix(part, ".service") {
			continue
		}
		for _, prefix := range []string{"kubepods", "docker-", "cri-containerd", "nerdctl-", "libpod", "crio-", "lxc.payload"} {
			if strings.HasPrefix(part, prefix) {
				return true
			}
		}
	}
	return false
}

// The numbers of the first namespaces, which are the same on every kernel (include/linux/proc_ns.h).
var firstNamespaces = map[string]string{"pid": "pid:[4026531836]", "cgroup": "cgroup:[4026531835]"}

// ownNamespace says which namespace is not the machine's. A runtime that hides all else makes one for processes or cgroups.
func (h *Host) ownNamespace() string {
	processes := []string{"1"} // only root may look at it
	if h.Root == "" {
		processes = append(processes, "self") // which below another root is this machine's
	}
	for _, process := range processes {
		for _, kind := range sortedKeys(firstNamespaces) {
			if id, err := os.Readlink(h.path(path.Join("/proc", process, "ns", kind))); err == nil && id != firstNamespaces[kind] {
				return "this is a " + kind + " namespace of its own"
			}
		}
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
