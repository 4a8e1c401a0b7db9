package tuning

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
)

// ErrContainer is why nothing is written in a container.
var ErrContainer = errors.New("nothing is written inside a container")

// Apply carries a plan out. First the restore file is written, then the file for the next start, then the sysctls; if one of
// them is refused, all is put back as it was before, and the error says which. Of two Applies, the first one's record of how
// things were stays.
func Apply(h *Host, p *Plan, stateFile string) (err error) {
	if p.Container != "" {
		return fmt.Errorf("%w: %s", ErrContainer, p.Container)
	}
	if p.Empty() {
		return nil
	}
	made := h.missing(path.Dir(stateFile))
	if err := h.makeDirectories(made); err != nil {
		h.removeDirectories(made)
		return err
	}
	unlock, err := h.lock(stateFile)
	if err != nil {
		h.removeDirectories(made)
		return err
	}
	defer unlock()
	a := application{h: h, plan: p, stateFile: stateFile}
	if a.earlier, err = h.loadState(stateFile); err != nil {
		return err
	}
	return a.run(made)
}

// application is an Apply on its way.
type application struct {
	h         *Host
	plan      *Plan
	stateFile string
	// earlier is what an earlier Apply has left, nil without one; now is what this one leaves.
	earlier, now *state
	// undo is what is to be put back if this one fails, in the order in which it was written.
	undo []savedSetting
	// make are the directories that the file for the next start lacks.
	make []string
	// fileWas is the file for the next start as this Apply found it.
	fileWas savedFile
}

func (a *application) run(made []string) error {
	if err := a.record(made); err != nil {
		a.h.removeDirectories(made)
		return err
	}
	err := a.write()
	if err == nil {
		return nil
	}
	if back := a.rollBack(); back != nil {
		return fmt.Errorf("%w; and it could not all be put back: %w; 'anygate tune revert' tries again", err, back)
	}
	return err
}

// record writes the restore file, before anything else is written.
func (a *application) record(made []string) error {
	a.now = &state{Version: stateVersion, Profile: a.plan.Profile, Made: made}
	var err error
	if a.fileWas, err = a.h.saveFile(a.plan.File); err != nil {
		return err
	}
	if err := a.plan.stale(a.h, a.fileWas.Content, a.earlier); err != nil {
		return err
	}
	if e := a.earlier; e != nil {
		a.now.Settings = append(a.now.Settings, e.Settings...)
		a.now.Made = append(made, e.Made...)
		a.now.File = e.File
	} else {
		a.now.File = a.fileWas
	}
	a.make = a.h.missing(path.Dir(a.plan.File))
	a.now.Made = append(slices.Clone(a.make), a.now.Made...)
	a.now.File.Written = a.plan.fileIs
	for _, s := range a.plan.Settings {
		for _, key := range append([]string{s.Key}, s.touches...) {
			wanted := ""
			if key == s.Key {
				wanted = s.After
			} else if !a.h.writable(sysctlPath(key)) {
				continue // nothing that is done here changes it
			}
			if err := a.now.remember(a.h, key, wanted); err != nil {
				return err
			}
			before, err := a.h.raw(sysctlPath(key))
			if err != nil {
				return err
			}
			a.undo = append(a.undo, savedSetting{Key: key, Before: string(before)})
		}
	}
	return a.h.saveState(a.stateFile, a.now)
}

func (a *application) write() error {
	if err := a.h.makeDirectories(a.make); err != nil {
		return err
	}
	if err := a.h.replace(a.plan.File, a.plan.fileIs, a.fileWas.ownership); err != nil {
		return err
	}
	for _, s := range a.plan.Settings {
		if err := a.h.store(sysctlPath(s.Key), []byte(s.After+"\n")); err != nil {
			return fmt.Errorf("%s cannot be set to %s, and nothing else was: %w; --skip %[1]s applies the others", s.Key, s.After, unwrapPath(err))
		}
		// The kernel takes some values without a word, and makes others of them.
		if v := readSysctl(a.h, s.Key); v.text != s.After {
			return fmt.Errorf("%s was set to %s, became %s, and nothing else was set; --skip %[1]s applies the others", s.Key, s.After, v.text)
		}
	}
	return nil
}

// rollBack puts everything back as this Apply has found it.
func (a *application) rollBack() error {
	errs := []error{a.h.restoreSettings(a.undo), a.h.restoreFile(a.fileWas)}
	if errors.Join(errs...) != nil {
		return errors.Join(errs...) // the restore file stays, for revert
	}
	if a.earlier != nil {
		a.h.removeDirectories(a.make)
		return a.h.saveState(a.stateFile, a.earlier)
	}
	err := os.Remove(a.h.path(a.stateFile))
	a.h.removeDirectories(a.now.Made)
	return err
}

// saveFile remembers a file. One that is not there is remembered with the ownership that it is made with.
func (h *Host) saveFile(name string) (savedFile, error) {
	s := savedFile{Path: name, ownership: owned(0o644)}
	info, err := os.Lstat(h.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return s, err
	case !info.Mode().IsRegular():
		return s, fmt.Errorf("%s is no regular file: it stays as it is", name)
	}
	s.Existed, s.ownership = true, ownershipOf(info)
	s.Content, err = h.raw(name)
	return s, err
}

// restoreFile puts a file back, or takes it away. One that is as it was is not touched: it may be on a file system that is
// read-only, which is why it was never changed.
func (h *Host) restoreFile(s savedFile) error {
	_ = os.Remove(h.path(temporary(s.Path)))
	if h.unchanged(s) {
		return nil
	}
	if s.Existed {
		return h.replace(s.Path, s.Content, s.ownership)
	}
	if err := os.Remove(h.path(s.Path)); err != nil {
		return err
	}
	return syncDirectory(h.path(path.Dir(s.Path)))
}

// unchanged reports whether a file is as it was remembered.
func (h *Host) unchanged(s savedFile) bool {
	info, err := os.Lstat(h.path(s.Path))
	if err != nil || !s.Existed {
		return errors.Is(err, fs.ErrNotExist) && !s.Existed
	}
	content, err := h.raw(s.Path)
	return err == nil && info.Mode().IsRegular() && ownershipOf(info) == s.ownership && bytes.Equal(content, s.Content)
}

// restoreSettings puts sysctls back whose bytes are not what they were, the last one first: one that depends on another was
// written after it.
func (h *Host) restoreSettings(settings []savedSetting) error {
	var errs []error
	for i := len(settings) - 1; i >= 0; i-- {
		s := settings[i]
		now, err := h.raw(sysctlPath(s.Key))
		if err == nil && string(now) == s.Before {
			continue
		}
		if err == nil {
			err = h.store(sysctlPath(s.Key), []byte(s.Before))
		}
		if err == nil {
			if now, err = h.raw(sysctlPath(s.Key)); err == nil && string(now) != s.Before {
				err = fmt.Errorf("it became %q", now)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s cannot be set back to %q: %w", s.Key, s.Before, unwrapPath(err)))
		}
	}
	return errors.Join(errs...)
}

// unwrapPath leaves the path out of an error, where the key says it.
func unwrapPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
