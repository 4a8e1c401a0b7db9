package tuning

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Host is the machine that is looked at.
type Host struct {
	// Root is where /proc, /sys, /etc and /var are found; "" is this machine.
	Root string
	// Ring says whether io_uring can be used. Without it the sysctl is believed.
	Ring func() Ring
	// Link says what an interface's driver tells, Qdiscs what queueing disciplines the interfaces have. Where they are
	// missing, or fail, the rows about it say so.
	Link   func(name string) (Link, error)
	Qdiscs func() (map[string][]string, error)
}

// Ring is whether io_uring can be used, and if not, why and what would help.
type Ring struct {
	Available   bool
	Cause, Cure string
}

// Local is this machine.
func Local() *Host {
	return &Host{Link: readLink, Qdiscs: readQdiscs}
}

// Usable says why there is no host to look at. In an empty tree every setting is missing, which must not be taken for a host
// on which nothing has to be done.
func (h *Host) Usable() error {
	if !h.exists("/proc/sys") {
		return fmt.Errorf("%s does not hold a host: there is no proc/sys in it", h.path("/"))
	}
	return nil
}

// path is where a file of the host is found.
func (h *Host) path(name string) string { return filepath.Join("/", h.Root, name) }

// raw is the content of a file, byte for byte.
func (h *Host) raw(name string) ([]byte, error) { return os.ReadFile(h.path(name)) }

// text is the content of a file without the space around it, "" if it cannot be read.
func (h *Host) text(name string) string {
	b, err := h.raw(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// number is the number that a file holds.
func (h *Host) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(h.text(name), 10, 64)
	return n, err == nil
}

func (h *Host) exists(name string) bool {
	_, err := os.Stat(h.path(name))
	return err == nil
}

// writable reports whether the mode of a file lets its owner write. The kernel makes a sysctl read-only in the
// namespaces that it does not belong to.
func (h *Host) writable(name string) bool {
	info, err := os.Stat(h.path(name))
	return err == nil && info.Mode()&0o200 != 0
}

// hasModule reports whether a module of the kernel that runs is installed, so that it can be loaded.
func (h *Host) hasModule(name string) bool {
	dir := path.Join("/lib/modules", h.text("/proc/sys/kernel/osrelease"))
	for line := range strings.Lines(h.text(path.Join(dir, "modules.dep"))) {
		// "kernel/net/ipv4/tcp_bbr.ko.xz: ...", where a hyphen is the same as an underscore.
		file, _, _ := strings.Cut(line, ":")
		module, _, _ := strings.Cut(path.Base(file), ".")
		if strings.ReplaceAll(module, "-", "_") == name {
			return true
		}
	}
	return false
}

// names are the entries of a directory, in the order of the numbers at their ends: rx-2 before rx-10.
func (h *Host) names(dir string) []string {
	entries, err := os.ReadDir(h.path(dir))
	if err != nil {
		return nil
	}
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.Name())
	}
	slices.SortFunc(out, func(a, b string) int {
		textA, nA := cutNumber(a)
		textB, nB := cutNumber(b)
		if c := strings.Compare(textA, textB); c != 0 {
			return c
		}
		return nA - nB
	})
	return out
}

// cutNumber splits "rx-10" into "rx-" and 10.
func cutNumber(s string) (string, int) {
	i := len(s)
	for i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
		i--
	}
	n, err := strconv.Atoi(s[i:])
	if err != nil {
		n = -1
	}
	return s[:i], n
}

// store writes bytes into a file that exists already, in one write, as files of /proc want it.
func (h *Host) store(name string, b []byte) error {
	f, err := os.OpenFile(h.path(name), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// temporary is the name under which a file's new content is written first. It is always the same, and does not end as the files
// that others read, so that what a crash leaves behind harms nobody and is gone with the next try.
func temporary(name string) string {
	return path.Join(path.Dir(name), "."+path.Base(name)+".new")
}

// ownership is whose a file is, and what others may do with it.
type ownership struct {
	Mode fs.FileMode `json:"mode"`
	UID  int         `json:"uid"`
	GID  int         `json:"gid"`
}

// owned is the ownership of a file that is new.
func owned(mode fs.FileMode) ownership {
	return ownership{Mode: mode, UID: os.Geteuid(), GID: os.Getegid()}
}

// ownershipOf is that of a file that is there.
func ownershipOf(info fs.FileInfo) ownership {
	o := owned(info.Mode().Perm())
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		o.UID, o.GID = int(sys.Uid), int(sys.Gid)
	}
	return o
}

// replace gives a file new content, or the first: whoever reads it, even after a crash, finds the old or the new, whole.
func (h *Host) replace(name string, b []byte, o ownership) error {
	fresh := h.path(temporary(name))
	_ = os.Remove(fresh)
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && o != owned(o.Mode) {
		err = f.Chown(o.UID, o.GID)
	}
	if err == nil {
		err = f.Chmod(o.Mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(fresh, h.path(name))
	}
	if err != nil {
		_ = os.Remove(fresh)
		return err
	}
	return syncDirectory(h.path(path.Dir(name)))
}

// syncDirectory makes a rename last.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// missing are a directory and those above it that are not there, the lowest first.
func (h *Host) missing(dir string) (dirs []string) {
	for ; ; dir = path.Dir(dir) {
		if _, err := os.Lstat(h.path(dir)); !errors.Is(err, fs.ErrNotExist) {
			return dirs
		}
		dirs = append(dirs, dir)
	}
}

// makeDirectories makes what is missing.
func (h *Host) makeDirectories(dirs []string) error {
	for _, dir := range slices.Backward(dirs) {
		if err := os.Mkdir(h.path(dir), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := syncDirectory(h.path(path.Dir(dir))); err != nil {
			return err
		}
	}
	return nil
}

// removeDirectories removes those that makeDirectories has made, unless somebody has put something into them since, or in their
// place.
func (h *Host) removeDirectories(made []string) {
	for _, dir := range made {
		_ = unix.Rmdir(h.path(dir))
	}
}
