package uring

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	statusPlain     = "Name:\tanygate\nCapEff:\t0000000000000000\nSeccomp:\t0\nSeccomp_filters:\t0\n"
	statusRoot      = "Name:\tanygate\nCapEff:\t000001ffffffffff\nSeccomp:\t0\nSeccomp_filters:\t0\n"
	statusContainer = "Name:\tanygate\nCapEff:\t00000000a80425fb\nSeccomp:\t2\nSeccomp_filters:\t1\n"
	statusFiltered  = "Name:\tanygate\nCapEff:\t000001ffffffffff\nSeccomp:\t2\nSeccomp_filters:\t1\n"
)

// testHost writes the files an explanation reads; an empty one does not exist.
func testHost(tb testing.TB, disabled, group, status, release string) host {
	tb.Helper()
	dir := tb.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if content != "" {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				tb.Fatal(err)
			}
		}
		return path
	}
	return host{file("disabled", disabled), file("group", group), file("status", status), release, 8 << 20}
}

func TestExplain(t *testing.T) {
	setup := func(errno unix.Errno) error { return os.NewSyscallError("io_uring_setup", errno) }
	for _, c := range []struct {
		name                             string
		disabled, group, status, release string
		err                              error
		cause, cure                      string // What the sentences contain.
	}{
		{
			"no error", "0\n", "-1\n", statusPlain, "6.18.1", nil,
			"io_uring works", "nothing",
		},
		{
			"disabled for all", "2\n", "-1\n", statusRoot, "6.12.0", setup(unix.EPERM),
			"disabled for every process by the sysctl kernel.io_uring_disabled=2", "sysctl -w kernel.io_uring_disabled=0",
		},
		{
			"disabled for the unprivileged", "1\n", "-1\n", statusPlain, "6.12.0", setup(unix.EPERM),
			"disabled for unprivileged processes by the sysctl kernel.io_uring_disabled=1", "kernel.io_uring_group",
		},
		{
			"disabled outside a group", "1\n", "990\n", statusPlain, "6.12.0", setup(unix.EPERM),
			"outside the group 990", "run AnyGate with that group",
		},
		{
			"disabled in a container, which has no CAP_SYS_ADMIN", "1\n", "-1\n", statusContainer, "6.12.0", setup(unix.EPERM),
			"kernel.io_uring_disabled=1", "kernel.io_uring_disabled=0",
		},
		{
			"privileged and filtered", "1\n", "-1\n", statusFiltered, "6.12.0", setup(unix.EPERM),
			"a seccomp filter refuses io_uring", "--security-opt seccomp=",
		},
		{
			"container", "0\n", "-1\n", statusContainer, "6.12.0", setup(unix.EPERM),
			"a seccomp filter refuses io_uring", "--security-opt seccomp=",
		},
		{
			"container before the sysctl", "", "", statusContainer, "6.1.0", setup(unix.EACCES),
			"a seccomp filter refuses io_uring", "io_uring_setup, io_uring_enter and io_uring_register",
		},
		{
			"security module", "0\n", "-1\n", statusPlain, "6.12.0", setup(unix.EACCES),
			"a security module, such as SELinux or AppArmor", "audit log",
		},
		{
			"no files to read", "", "", "", "6.12.0", setup(unix.EPERM),
			"a security module", "epoll engine",
		},
		{
			"hidden by a filter", "0\n", "-1\n", statusContainer, "6.12.0", setup(unix.ENOSYS),
			"a seccomp filter hides io_uring", "--security-opt seccomp=",
		},
		{
			"hidden by a filter before the sysctl", "", "", statusContainer, "5.15.0", setup(unix.ENOSYS),
			"a seccomp filter hides io_uring", "--security-opt seccomp=",
		},
		{
			"built without", "", "", statusPlain, "6.12.0", setup(unix.ENOSYS),
			"kernel 6.12.0 is built without io_uring", "epoll engine",
		},
		{
			"before io_uring", "", "", statusContainer, "4.19.0-27-amd64", setup(unix.ENOSYS),
			"kernel 4.19.0-27-amd64 is older than io_uring", "run Linux 6.0 or newer",
		},
		{
			"flags refused", "", "", statusPlain, "5.4.0", setup(unix.EINVAL),
			"the io_uring of kernel 5.4.0 is too old", "run Linux 6.0 or newer",
		},
		{
			"ring too old", "", "", statusPlain, "5.6.0", errOldKernel,
			"the io_uring of kernel 5.6.0 is too old", "run Linux 6.0 or newer",
		},
		{
			"feature missing", "", "", statusPlain, "5.19.0", Features{Kernel: "5.19.0"}.Err(),
			"multishot receive (Linux 6.0)", "run Linux 6.0 or newer",
		},
		{
			"locked memory", "", "", statusPlain, "5.10.0-35-amd64", setup(unix.ENOMEM),
			"RLIMIT_MEMLOCK, which kernel 5.10.0-35-amd64 counts", "LimitMEMLOCK=",
		},
		{
			"no memory", "", "", statusPlain, "6.12.0", setup(unix.ENOMEM),
			"the kernel has no memory", "cgroup",
		},
		{
			"locked memory, again", "", "", statusPlain, "6.18.0", setup(unix.ENOMEM),
			"RLIMIT_MEMLOCK, which is 8192 KiB for all processes of the user", "LimitMEMLOCK=infinity",
		},
		{
			"no memory, with the capability to lock any", "", "", "CapEff:\t0000000000004000\n", "6.18.0", setup(unix.ENOMEM),
			"the kernel has no memory", "cgroup",
		},
		{
			"process out of descriptors", "0\n", "", statusPlain, "6.12.0", setup(unix.EMFILE),
			"as many open files", "LimitNOFILE=",
		},
		{
			"system out of descriptors", "0\n", "", statusPlain, "6.12.0", setup(unix.ENFILE),
			"as many open files", "fs.file-max",
		},
		{
			"anything else", "0\n", "", statusPlain, "6.12.0", fmt.Errorf("opening: %w", setup(unix.EIO)),
			"input/output error", "report this",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			cause, cure := testHost(t, c.disabled, c.group, c.status, c.release).explain(c.err)
			if !strings.Contains(cause, c.cause) {
				t.Errorf("cause %q, want it to say %q", cause, c.cause)
			}
			if !strings.Contains(cure, c.cure) {
				t.Errorf("cure %q, want it to say %q", cure, c.cure)
			}
		})
	}
}

// The paths of the running system are those documented: on a kernel since 6.6 the sysctl can be read, and the status always.
func TestExplainReadsThisSystem(t *testing.T) {
	h := host{statusPath: "/proc/self/status", release: kernelRelease()}
	if h.status("Seccomp") == "" || h.status("CapEff") == "" {
		t.Error("the status of this process could not be read")
	}
	if cause, cure := Explain(unix.EPERM); cause == "" || cure == "" {
		t.Errorf("cause %q, cure %q", cause, cure)
	}
}

func TestNewerThan(t *testing.T) {
	for _, c := range []struct {
		release string
		want    bool
	}{
		{"5.12.0", true},
		{"5.13-rc1", true},
		{"6.0.0-amd64", true},
		{"5.11.22", false},
		{"4.20.1", false},
		{"unknown", true},
		{"", true},
	} {
		if got := (host{release: c.release}).newerThan(5, 12); got != c.want {
			t.Errorf("%q newer than 5.12: %t, want %t", c.release, got, c.want)
		}
	}
}
