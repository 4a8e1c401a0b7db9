package tuning

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Reverted is what Revert has done, or would do.
type Reverted struct {
	// Settings are the sysctls that go back, with what they are now and what they were.
	Settings []Setting `json:"settings"`
	File     string    `json:"file"`
	// FileBack says that the file is put back as it was, instead of being removed.
	FileBack bool     `json:"file_restored"`
	Warnings []string `json:"warnings"`
}

// ErrNothing says that nothing was applied.
var ErrNothing = errors.New("nothing to revert")

// Revert puts everything back as it was before the first Apply, byte for byte, and removes what Apply has made. What cannot be put
// back is an error, and stays on record for another try. With dry it only says what it would do.
func Revert(h *Host, stateFile string, dry bool) (*Reverted, error) {
	if why := h.Container(); why != "" {
		return nil, fmt.Errorf("%w: %s", ErrContainer, why)
	}
	nothing := fmt.Errorf("%w: there is no %s", ErrNothing, stateFile)
	unlock, err := h.lock(stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nothing
	}
	if err != nil {
		return nil, err
	}
	defer unlock()
	saved, err := h.loadState(stateFile)
	if err != nil {
		return nil, err
	}
	if saved == nil {
		// An apply may have been killed before it had written its record, and then nothing else.
		if !dry && stateFile == DefaultState {
			h.forget(stateFile, []string{path.Dir(stateFile)})
		}
		return nil, nothing
	}
	r := saved.preview(h)
	if dry {
		return r, nil
	}
	if err := errors.Join(h.restoreSettings(saved.Settings), h.restoreFile(saved.File)); err != nil {
		return r, fmt.Errorf("%w; the rest is back, and %s is kept for another try (remove it to give that up)", err, stateFile)
	}
	if err := os.Remove(h.path(stateFile)); err != nil {
		return r, err
	}
	if err := syncDirectory(h.path(path.Dir(stateFile))); err != nil {
		return r, err
	}
	h.forget(stateFile, saved.Made)
	return r, nil
}

// forget removes what is left of a record: what a crash has left of writing it, and directories that were made.
func (h *Host) forget(stateFile string, made []string) {
	_ = os.Remove(h.path(temporary(stateFile)))
	h.removeDirectories(made)
}

// preview says what goes back, and what others have changed since.
func (s *state) preview(h *Host) *Reverted {
	r := &Reverted{Settings: []Setting{}, File: s.File.Path, FileBack: s.File.Existed, Warnings: []string{}}
	for _, o := range s.Settings {
		now := readSysctl(h, o.Key).text
		before := strings.Join(strings.Fields(o.Before), " ")
		if now != before {
			r.Settings = append(r.Settings, Setting{Key: o.Key, Before: now, After: before})
		}
		if o.Wanted != "" && now != o.Wanted && now != before {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s was %s when it was applied, and somebody made it %s since", o.Key, o.Wanted, now))
		}
	}
	// After an interruption the file may be as it was already.
	if now, err := h.raw(s.File.Path); err == nil && !bytes.Equal(now, s.File.Written) && !h.unchanged(s.File) {
		r.Warnings = append(r.Warnings, s.File.Path+" was edited since it was written; the edits are lost")
	}
	return r
}
