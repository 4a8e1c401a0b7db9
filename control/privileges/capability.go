package privileges

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Capabilities is a set of them, a bit for each by its number.
type Capabilities uint64

// Bind is the one that listening on low ports needs.
const Bind Capabilities = 1 << unix.CAP_NET_BIND_SERVICE

// names are those of linux/capability.h, in the order of their numbers, without the prefix.
var names = [...]string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable",
	"net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio",
	"sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time",
	"sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
	"wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
}

// String lists the capabilities as capabilities(7) calls them, in lower case; "none" for none, "all" for all that there are.
func (c Capabilities) String() string {
	if c == 0 {
		return "none"
	}
	if all := Capabilities(1)<<len(names) - 1; c&all == all {
		return "all"
	}
	var list []string
	for i := range 64 {
		switch {
		case c>>i&1 == 0:
		case i < len(names):
			list = append(list, names[i])
		default:
			list = append(list, "capability "+strconv.Itoa(i))
		}
	}
	return strings.Join(list, " ")
}

// FirstFreePort is the lowest port that every process of this network namespace may listen on.
func FirstFreePort() uint16 {
	const byDefault = 1024
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil {
		return byDefault
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil {
		return byDefault
	}
	return uint16(n)
}

// limit takes all capabilities but those to keep out of the bounding set of this thread, so that no program brings them
// back. Without the right to do so it is left as it is: no_new_privs has the same effect.
func (c Capabilities) limit() error {
	for i := range 64 {
		if c>>i&1 != 0 {
			continue
		}
		switch err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(i), 0, 0, 0); err {
		case nil:
		case unix.EINVAL, unix.EPERM:
			// Beyond the last that this kernel has; or not ours to limit.
			return nil
		default:
			return os.NewSyscallError("prctl", err)
		}
	}
	return nil
}

// hold leaves this thread with these capabilities, as far as it has them, and has them survive an execve(2).
func (c Capabilities) hold() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	have := Capabilities(data[0].Permitted) | Capabilities(data[1].Permitted)<<32
	keep := c & have
	for i := range data {
		part := uint32(keep >> (32 * i))
		data[i] = unix.CapUserData{Effective: part, Permitted: part, Inheritable: part}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return os.NewSyscallError("capset", err)
	}
	for i := range 64 {
		if keep>>i&1 == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(i), 0, 0); err != nil {
			return fmt.Errorf("cannot keep the capability %s: %w", Capabilities(1)<<i, err)
		}
	}
	return nil
}
