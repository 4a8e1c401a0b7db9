package tuning

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// state is the restore file: how things were before the first Apply.
type state struct {
	Version int    `json:"version"`
	Profile string `json:"profile"`
	// Settings are in the order in which they were written.
	Settings []savedSetting `json:"settings"`
	File     savedFile      `json:"file"`
	// Made are the directories that were made for all of it, the lowest first.
	Made []string `json:"made_directories"`
}

// savedSetting is a sysctl with its bytes, line break included.
type savedSetting struct {
	Key    string `json:"key"`
	Before string `json:"before"`
	// Wanted is what was written, empty for what the kernel changed along with another one.
	Wanted string `json:"wanted"`
}

// savedFile is a file as it was.
type savedFile struct {
	Path    string `json:"path"`
	Existed bool   `json:"existed"`
	ownership
	Content []byte `json:"content"`
	// Written is what was put in its place.
	Written []byte `json:"written"`
}

const stateVersion = 1

// loadState reads the restore file; nil if there is none.
func (h *Host) loadState(name string) (*state, error) {
	text, err := h.trusted(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s is damaged, and with it the record of how things were: %w", name, err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("%s is of version %d, which another AnyGate has written: revert with that one", name, s.Version)
	}
	return &s, nil
}

// trusted is the content of a file that nobody but the one who runs this, or root, can have written: revert writes as root what
// its record says.
func (h *Host) trusted(name string) ([]byte, error) {
	f, err := os.OpenFile(h.path(name), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, unix.ELOOP):
		return nil, fmt.Errorf("%s is a link: a record of how things were is a file", name)
	case err != nil:
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	if o := ownershipOf(info); !o.ours() {
		return nil, fmt.Errorf("%s is not believed: user %d may have changed it (mode %04o); if it is as apply has written it, chown root: and chmod 600 it", name, o.UID, o.Mode)
	}
	return io.ReadAll(f)
}

// ours reports whether others than the one who runs this, and root, are kept from writing.
func (o ownership) ours() bool {
	return (o.UID == 0 || o.UID == os.Geteuid()) && o.Mode&0o022 == 0
}

func (h *Host) saveState(name string, s *state) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	return h.replace(name, b.Bytes(), owned(0o600))
}

// remember adds a sysctl as it is now, unless an earlier Apply has.
func (s *state) remember(h *Host, key, wanted string) error {
	if i := slices.IndexFunc(s.Settings, func(o savedSetting) bool { return o.Key == key }); i >= 0 {
		if wanted != "" {
			s.Settings[i].Wanted = wanted
		}
		return nil
	}
	before, err := h.raw(sysctlPath(key))
	if err != nil {
		return err
	}
	s.Settings = append(s.Settings, savedSetting{Key: key, Before: string(before), Wanted: wanted})
	return nil
}

// ErrBusy says that another command is writing.
var ErrBusy = errors.New("another anygate tune is at work")

// lock keeps two commands from writing at the same time. It holds the directory of the state file, so that it leaves nothing
// behind. A directory in which others can put a record of their own is refused.
func (h *Host) lock(stateFile string) (unlock func(), err error) {
	dir := path.Dir(stateFile)
	d, err := os.OpenFile(h.path(dir), os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	info, err := d.Stat()
	if err == nil {
		err = h.lockDirectory(d, dir, info)
	}
	if err != nil {
		_ = d.Close()
		return nil, err
	}
	return func() { _ = d.Close() }, nil
}

func (h *Host) lockDirectory(d *os.File, dir string, info fs.FileInfo) error {
	// What is sticky, such as /tmp, lets nobody replace what is another's.
	if o := ownershipOf(info); !o.ours() && (o.UID != 0 || info.Mode()&fs.ModeSticky == 0) {
		return fmt.Errorf("%s belongs to user %d (mode %04o), who could change what revert puts back: choose another place for --state", dir, o.UID, o.Mode)
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return ErrBusy
	} else if err != nil {
		return err
	}
	// A revert that was just over has removed the directory that was opened, and its lock holds nothing any more.
	if now, err := os.Stat(h.path(dir)); err != nil || !os.SameFile(info, now) {
		return ErrBusy
	}
	return nil
}
