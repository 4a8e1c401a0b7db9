package privileges

import (
	"debug/elf"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Plan is what is to be given up.
type Plan struct {
	// Account is who the process goes on as; nil is who it is, with the capabilities that it has.
	Account *Account
	// Keep are the capabilities that are left to the account.
	Keep Capabilities
	// Landlock is the version to be enforced, 0 for none, and Reaches what is to be reached then.
	Landlock int
	Reaches  Reaches
}

// Needed reports whether there is anything to be given up. When Become has come back there is not, once Landlock is left out
// of the plan.
func (p *Plan) Needed() bool {
	s, err := Own()
	if err != nil {
		// Without /proc the program cannot be executed again either; what can be is found out by trying.
		return p.Account != nil || p.Landlock > 0
	}
	if p.Landlock > 0 || !s.NoNewPrivs {
		return true
	}
	a := p.Account
	return a != nil && (s.UID != a.UID || s.Permitted&^p.Keep != 0)
}

// Become gives up what the plan says, and executes the program again with the arguments that it has. next makes what is
// needed of the state then: the environment, and descriptors that stay open. It does not return if all goes well; an error
// means that the process has to end, as it may be somebody else already.
func (p *Plan) Become(files *Files, next func(*State) (env []string, stay []int, err error)) error {
	// The thread is never unlocked: if something fails, the process ends.
	runtime.LockOSThread()
	var rules ruleset
	if p.Landlock > 0 {
		var err error
		if rules, err = newRuleset(p.Reaches, p.Landlock); err != nil {
			return fmt.Errorf("cannot set up Landlock: %w", err)
		}
		defer rules.close()
	}
	state := &State{Landlock: p.Landlock, Reaches: p.Reaches}
	if p.Account != nil {
		state.User = p.Account.Name
		if err := p.drop(); err != nil {
			return err
		}
	}
	state.Kept = files.lost()
	env, stay, err := next(state)
	if err != nil {
		return err
	}
	path := program()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot set no_new_privs: %w", err)
	}
	if p.Landlock > 0 {
		if err := rules.enforce(); err != nil {
			return fmt.Errorf("cannot enforce Landlock: %w", err)
		}
	}
	if p.Account != nil {
		// What whoever has started the process has left open is not for the account. Kernels before 5.11 leave it so.
		_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	}
	for _, fd := range stay {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return os.NewSyscallError("fcntl", err)
		}
	}
	err = syscall.Exec(path, os.Args, env)
	for _, fd := range stay {
		unix.CloseOnExec(fd)
	}
	if errors.Is(err, unix.EACCES) && p.Account != nil {
		return fmt.Errorf("the user %s may not execute %s: chmod a+rx lets everybody", p.Account.Name, path)
	}
	return fmt.Errorf("cannot execute %s again: %w", path, err)
}

// drop turns this thread into one of the account.
func (p *Plan) drop() error {
	a := p.Account
	if err := p.Keep.limit(); err != nil {
		return fmt.Errorf("cannot limit capabilities: %w", err)
	}
	if unix.Geteuid() != a.UID {
		raiseMemoryLimit()
		if p.Keep != 0 {
			if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
				return os.NewSyscallError("prctl", err)
			}
		}
		if err := assume(a); err != nil {
			return fmt.Errorf("cannot become the user %s: %w; it takes the capabilities CAP_SETUID and CAP_SETGID, which root has outside of containers", a.Name, err)
		}
	}
	if err := p.Keep.hold(); err != nil {
		return fmt.Errorf("cannot give up capabilities: %w", err)
	}
	return nil
}

// assume sets the ids of this thread alone: those of package syscall are about all threads, which need not be the same.
func assume(a *Account) error {
	groups := make([]uint32, len(a.Groups))
	for i, g := range a.Groups {
		groups[i] = uint32(g)
	}
	// SAFETY: the kernel copies groups during the call, which keeps it alive. It has one element at least, the group.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(&groups[0])), 0); errno != 0 {
		return os.NewSyscallError("setgroups", errno)
	}
	gid, uid := uintptr(a.GID), uintptr(a.UID)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, gid, gid, gid); errno != 0 {
		return os.NewSyscallError("setresgid", errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
		return os.NewSyscallError("setresuid", errno)
	}
	return nil
}

// raiseMemoryLimit lets the account lock as much memory as root: since Linux 6.14 the queues of io_uring count, for all
// processes of a user together. Where it cannot be raised, io_uring says so when it has not enough.
func raiseMemoryLimit() {
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unlimited)
}

// self is the program that runs, whatever has become of the file it was started from.
const self = "/proc/self/exe"

// program is the path to execute: the one that the program was started from, by which the process is known, if this
// thread can execute it there and it is still the same.
func program() string {
	path, err := os.Executable()
	if err != nil {
		return self
	}
	var now, running unix.Stat_t
	if unix.Stat(path, &now) != nil || unix.Stat(self, &running) != nil || now.Dev != running.Dev || now.Ino != running.Ino {
		return self
	}
	if unix.Access(path, unix.X_OK) != nil {
		return self
	}
	return path
}

// AddProgram adds what it takes to execute this program, and the one that is put in its place later: the directory it
// stands in. Programs that are linked to libraries need the directories of these, too.
func (r *Reaches) AddProgram() {
	path, err := os.Executable()
	if err != nil {
		return
	}
	r.Add(filepath.Dir(path), Execute)
	file, err := elf.Open(self)
	if err != nil {
		return
	}
	defer file.Close()
	for _, part := range file.Progs {
		if part.Type != elf.PT_INTERP || part.Filesz == 0 || part.Filesz > 4096 {
			continue
		}
		name := make([]byte, part.Filesz)
		if _, err := part.ReadAt(name, 0); err != nil {
			return
		}
		r.Add(unix.ByteSliceToString(name), Execute)
		for _, dir := range []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"} {
			r.Add(dir, Read)
		}
	}
}

// LookedInto reports whether other processes of the user of this one can read its memory from the moment on in which it is
// executed, until it calls Conceal: the kernel keeps them from it where the user cannot read the program, or where the
// process has a capability that they lack.
func LookedInto(program string) bool { return unix.Access(program, unix.R_OK) == nil }

// Conceal keeps other processes of the same user from reading the memory of this one, and the kernel from writing it to a
// file when the process crashes.
func Conceal() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}
