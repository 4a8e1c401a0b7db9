package tuning

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	Path    string      `json:"path"`
	Existed bool        `json:"existed"`
	Mode    fs.FileMode `json:"mode"`
	Content []byte      `json:"content"`
	// Written is what was put in its place.
	Written []byte `json:"written"`
}

const stateVersion = 1

// loadState reads the restore file; nil if there is none.
func (h *Host) loadState(name string) (*state, error) {
	text, err := h.raw(name)
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

func (h *Host) saveState(name string, s *state) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	return h.replace(name, b.Bytes(), 0o600)
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
// behind.
func (h *Host) lock(stateFile string) (unlock func(), err error) {
	fd, err := unix.Open(h.path(path.Dir(stateFile)), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Dir(stateFile), err)
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = unix.Close(fd)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, err
	}
	return func() { _ = unix.Close(fd) }, nil
}
