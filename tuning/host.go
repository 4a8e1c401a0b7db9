package tuning

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

// sysctlPath is where a sysctl is found.
func sysctlPath(key string) string { return "/proc/sys/" + strings.ReplaceAll(key, ".", "/") }

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

// replace gives a file new content, or the first: whoever reads it, even after a crash, finds the old or the new, whole.
func (h *Host) replace(name string, b []byte, mode fs.FileMode) error {
	path := h.path(name)
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDirectory(filepath.Dir(path))
	}
	return err
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

// directories makes a directory and those above it that are missing, and returns those it has made, the lowest first.
func (h *Host) directories(name string) (made []string, err error) {
	for dir := filepath.Clean(name); !h.exists(dir); dir = filepath.Dir(dir) {
		made = append(made, dir)
	}
	return made, os.MkdirAll(h.path(name), 0o755)
}

// removeEmpty removes directories that directories has made, unless somebody has put something into them since.
func (h *Host) removeEmpty(made []string) {
	for _, dir := range made {
		_ = os.Remove(h.path(dir))
	}
}
