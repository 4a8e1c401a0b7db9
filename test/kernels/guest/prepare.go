package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/test/kernels/order"
)

// workplace is the working directory of the programs, and where they make their temporary files.
const workplace = "/tmp"

// mount puts the file systems of the kernel in their places.
func mount() error {
	for _, m := range []struct{ kind, path string }{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"devtmpfs", "/dev"},
		{"tmpfs", workplace},
	} {
		if err := os.MkdirAll(m.path, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.path, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", m.path, err)
		}
	}
	return os.Chmod(workplace, 0o777|os.ModeSticky)
}

// prepare makes the machine what the order wants it to be.
func prepare(o *order.Order) error {
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("the loopback interface: %w", err)
	}
	for _, name := range o.Modules {
		if err := load(name); err != nil {
			return fmt.Errorf("the module %s: %w", name, err)
		}
	}
	for _, s := range o.Settings {
		if err := os.WriteFile(filepath.Join("/proc/sys", s.Path), []byte(s.Value), 0); err != nil {
			return err
		}
	}
	if o.LockedMemory != nil {
		// Inherited by the programs. A limit of the first process, which is privileged, binds only them.
		limit := unix.Rlimit{Cur: *o.LockedMemory, Max: *o.LockedMemory}
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
			return fmt.Errorf("RLIMIT_MEMLOCK: %w", err)
		}
	}
	return nil
}

// load adds a module to the kernel.
func load(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.FinitModule(int(f.Fd()), "", 0)
}

// loopbackUp does what an init system does first: nothing on a new machine can connect to itself without it. The
// addresses, 127.0.0.1 and ::1, come by themselves.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, lo); err != nil {
		return err
	}
	lo.SetUint16(lo.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}
