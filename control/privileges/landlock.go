package privileges

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ABI is the version of Landlock's interface in this kernel, and what it lacks if there is none: why, for people.
func ABI() (version int, missing string) {
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch errno {
	case 0:
		return int(n), ""
	case unix.ENOSYS:
		return 0, "the kernel is built without Landlock, or older than 5.13"
	case unix.EOPNOTSUPP:
		return 0, "Landlock is turned off at the start of the kernel: add it to the kernel's parameter lsm="
	case unix.EPERM, unix.EACCES:
		return 0, "a seccomp filter refuses Landlock"
	}
	return 0, errno.Error()
}

// The rights of Landlock by which of them a version of the interface brought.
const (
	firstRights = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	secondRights = firstRights | unix.LANDLOCK_ACCESS_FS_REFER
	thirdRights  = secondRights | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	fifthRights  = thirdRights | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

	// fileRights are those that a rule about a file may have; the others are about what is in a directory.
	fileRights = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// handled are all rights that a version knows: what is not allowed by a rule is refused.
func handled(abi int) uint64 {
	switch {
	case abi >= 5:
		return fifthRights
	case abi >= 3:
		return thirdRights
	case abi == 2:
		return secondRights
	}
	return firstRights
}

// rights are what an access needs.
func (a Access) rights() (r uint64) {
	if a&Read != 0 {
		r |= unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	}
	if a&Write != 0 {
		r |= unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
			unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
			unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REFER
	}
	if a&Sockets != 0 {
		r |= unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
	}
	if a&Execute != 0 {
		r |= unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE
	}
	return r
}

// ruleset is a list of paths as the kernel has it, not in force yet.
type ruleset int

// newRuleset tells the kernel of a list. Paths that are gone by now are left out.
func newRuleset(list Reaches, abi int) (_ ruleset, err error) {
	all := handled(abi)
	attr := unix.LandlockRulesetAttr{Handled_access_fs: all}
	// All versions have the first member, and need no more to be said.
	// SAFETY: the kernel copies the member during the call, which keeps attr alive.
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Handled_access_fs), 0)
	if errno != 0 {
		return -1, os.NewSyscallError("landlock_create_ruleset", errno)
	}
	rules := ruleset(fd)
	defer func() {
		if err != nil {
			rules.close()
		}
	}()
	for _, reach := range list {
		if err := rules.allow(reach, all); err != nil {
			return -1, fmt.Errorf("%s: %w", reach.Path, err)
		}
	}
	return rules, nil
}

func (rules ruleset) allow(reach Reach, all uint64) error {
	fd, err := unix.Open(reach.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EACCES):
		return nil
	case err != nil:
		return os.NewSyscallError("open", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	allowed := reach.Access.rights() & all
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		allowed &= fileRights
	}
	if allowed == 0 {
		return nil
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: allowed, Parent_fd: int32(fd)}
	// SAFETY: the kernel copies attr during the call, which keeps it alive.
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("landlock_add_rule", errno)
	}
	return nil
}

// enforce keeps this thread, and all that come of it, to the list. It needs no_new_privs.
func (rules ruleset) enforce() error {
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0); errno != 0 {
		return os.NewSyscallError("landlock_restrict_self", errno)
	}
	return nil
}

func (rules ruleset) close() { _ = unix.Close(int(rules)) }
