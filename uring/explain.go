package uring

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// capSysAdmin is the bit of CAP_SYS_ADMIN in a capability mask.
const capSysAdmin = 21

// host is what an explanation is drawn from. A test points it at files of its own.
type host struct {
	disabledPath string // kernel.io_uring_disabled, Linux 6.6.
	groupPath    string // kernel.io_uring_group, Linux 6.6.
	statusPath   string // The process's status: Seccomp and CapEff.
	release      string
	lockable     uint64 // RLIMIT_MEMLOCK, in bytes.
}

// Explain says in one sentence each why an error of Open, Probe or Features.Err came about, and what to do about it. It
// reads the sysctls and the status of the process, so that it should be called soon, by the process that had the error.
func Explain(err error) (cause, cure string) {
	return host{
		disabledPath: "/proc/sys/kernel/io_uring_disabled",
		groupPath:    "/proc/sys/kernel/io_uring_group",
		statusPath:   "/proc/self/status",
		release:      kernelRelease(),
		lockable:     lockable(),
	}.explain(err)
}

const (
	cureUpgrade = "run Linux 6.0 or newer, where 6.6 or newer is fastest; until then the epoll engine serves the same configuration"
	cureSeccomp = "give the container a seccomp profile that allows io_uring_setup, io_uring_enter and io_uring_register " +
		"(docker and podman: --security-opt seccomp=PROFILE.json), or use the epoll engine"
)

func (h host) explain(err error) (cause, cure string) {
	var missing *MissingError
	switch {
	case err == nil:
		return "io_uring works", "nothing needs to be done"
	case errors.As(err, &missing):
		return fmt.Sprintf("the io_uring of kernel %s lacks %s", missing.Kernel, missing.Missing), cureUpgrade
	case errors.Is(err, errOldKernel), errors.Is(err, unix.EINVAL):
		return fmt.Sprintf("the io_uring of kernel %s is too old", h.release), cureUpgrade
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return h.explainRefused()
	case errors.Is(err, unix.ENOSYS):
		return h.explainAbsent()
	case errors.Is(err, unix.ENOMEM):
		return h.explainMemory()
	case errors.Is(err, unix.EMFILE):
		return "the process has as many open files as it may have", "raise RLIMIT_NOFILE (ulimit -n, or LimitNOFILE= of the systemd unit)"
	case errors.Is(err, unix.ENFILE):
		return "the system has as many open files as it may have", "raise the sysctl fs.file-max"
	}
	return fmt.Sprintf("io_uring failed with %q", err.Error()), "use the epoll engine, and report this as a defect with the kernel's release, " + h.release
}

// explainRefused tells apart who refused io_uring_setup: the sysctl, a seccomp filter, or a security module.
func (h host) explainRefused() (cause, cure string) {
	const set = "set it to 0 (sysctl -w kernel.io_uring_disabled=0, and a file in /etc/sysctl.d to keep it)"
	switch disabled := readSetting(h.disabledPath); {
	case disabled == "2":
		return "io_uring is disabled for every process by the sysctl kernel.io_uring_disabled=2", set
	case disabled == "1" && !h.privileged():
		group := readSetting(h.groupPath)
		if group == "" || group == "-1" {
			return "io_uring is disabled for unprivileged processes by the sysctl kernel.io_uring_disabled=1",
				set + ", or set kernel.io_uring_group to a group that AnyGate's user is in"
		}
		return "io_uring is disabled by the sysctl kernel.io_uring_disabled=1 for processes outside the group " + group + " (kernel.io_uring_group)",
			set + ", or run AnyGate with that group"
	case h.filtered():
		return "a seccomp filter refuses io_uring, as the default profiles of docker and podman do", cureSeccomp
	}
	return "a security module, such as SELinux or AppArmor, refuses io_uring",
		"allow io_uring in the policy that AnyGate runs under (the kernel's audit log names it), or use the epoll engine"
}

// explainAbsent tells a kernel without io_uring from a filter that pretends to be one.
func (h host) explainAbsent() (cause, cure string) {
	// The sysctl exists only on kernels that are built with io_uring.
	if readSetting(h.disabledPath) != "" || (h.filtered() && h.newerThan(5, 1)) {
		return "a seccomp filter hides io_uring, as the default profiles of some container runtimes do", cureSeccomp
	}
	if h.newerThan(5, 1) {
		return fmt.Sprintf("kernel %s is built without io_uring (CONFIG_IO_URING)", h.release),
			"run a kernel that is built with it; until then the epoll engine serves the same configuration"
	}
	return fmt.Sprintf("kernel %s is older than io_uring", h.release), cureUpgrade
}

// explainMemory tells apart what the queues do not fit into. The kernel counted them against RLIMIT_MEMLOCK before 5.12,
// and does again since 6.14, for all processes of a user together.
func (h host) explainMemory() (cause, cure string) {
	if h.newerThan(6, 14) && h.lockable != unix.RLIM_INFINITY && !h.has(unix.CAP_IPC_LOCK) {
		return fmt.Sprintf("the queues of io_uring do not fit into RLIMIT_MEMLOCK, which is %d KiB for all processes of the user; each shard takes about 550", h.lockable>>10),
			"raise the limit (LimitMEMLOCK=infinity of the systemd unit, ulimit -l, --ulimit memlock=-1 of the container)"
	}
	if h.newerThan(5, 12) {
		return "the kernel has no memory for the queues of io_uring",
			"free memory or raise the limit of the cgroup (MemoryMax= of the systemd unit, --memory of the container)"
	}
	return fmt.Sprintf("the queues of io_uring do not fit into RLIMIT_MEMLOCK, which kernel %s counts them against", h.release),
		"raise the limit (ulimit -l, LimitMEMLOCK= of the systemd unit, --ulimit memlock of the container), or run Linux 5.12 or newer"
}

// readSetting returns the first line of a file without blanks, or nothing.
func readSetting(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

// status returns a field of the process's status file.
func (h host) status(field string) string {
	b, err := os.ReadFile(h.statusPath)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && name == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// filtered reports whether a seccomp filter is in force.
func (h host) filtered() bool { return h.status("Seccomp") == "2" }

// privileged reports whether the sysctl's value of 1 lets the process pass.
func (h host) privileged() bool { return h.has(capSysAdmin) }

// has reports whether the process has a capability.
func (h host) has(capability int) bool {
	mask, err := strconv.ParseUint(h.status("CapEff"), 16, 64)
	return err == nil && mask>>capability&1 != 0
}

// lockable is how much memory the process may lock.
func lockable() uint64 {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r) != nil {
		return unix.RLIM_INFINITY
	}
	return r.Cur
}

// newerThan reports whether the kernel is of the given release or newer. A release that cannot be read counts as new.
func (h host) newerThan(major, minor int) bool {
	var gotMajor, gotMinor int
	if n, _ := fmt.Sscanf(h.release, "%d.%d", &gotMajor, &gotMinor); n != 2 {
		return true
	}
	return gotMajor > major || (gotMajor == major && gotMinor >= minor)
}
