package privileges

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/control/mark"
)

// Files reads files, also such as the process was allowed to read once and is not any more: of these it has the content
// as it was then, which stays good as long as the file does not change. A nil *Files reads files as they are.
type Files struct {
	state *State // of the process; nil while nothing was given up

	mu     sync.Mutex
	kept   map[string]keptFile // by the absolute name
	noting bool                // what is read is kept
	globs  map[string]bool     // patterns that were looked for while noting
	unseen map[string]bool     // files that were read from what is kept, without a way to see whether they have changed
}

// keptFile is a file as it was read.
type keptFile struct {
	Text  []byte    `json:"text"`
	Mode  uint32    `json:"mode"`
	Mtime time.Time `json:"mtime"`
	Mark  mark.Mark `json:"mark"`
}

// NewFiles reads what a process in that state may read. A nil state is that of one that has given up nothing: it notes what
// it reads, for the one that comes after it.
func NewFiles(s *State) *Files {
	f := &Files{state: s, kept: make(map[string]keptFile), globs: make(map[string]bool), unseen: make(map[string]bool), noting: s == nil}
	if s != nil {
		maps.Copy(f.kept, s.Kept)
	}
	return f
}

// Direct reads a file as it is, and tells of it.
type Direct = func(name string) ([]byte, fs.FileInfo, error)

// ReadInfo reads a file by direct if that is possible.
func (f *Files) ReadInfo(name string, direct Direct) ([]byte, fs.FileInfo, error) {
	text, info, err := direct(name)
	if f == nil {
		return text, info, err
	}
	switch {
	case err == nil:
		f.note(name, text, info)
	case err != nil && errors.Is(err, fs.ErrPermission):
		return f.recall(name, err)
	}
	return text, info, err
}

// Read is ReadInfo for what does not tell of the file.
func (f *Files) Read(name string, direct func(string) ([]byte, error)) ([]byte, error) {
	text, _, err := f.ReadInfo(name, func(name string) ([]byte, fs.FileInfo, error) {
		// Looked at first: if the file changes meanwhile, what was read is taken for older than it is, and not newer.
		info, _ := os.Stat(name)
		text, err := direct(name)
		return text, info, err
	})
	return text, err
}

// Stat tells of a file. Of one that cannot be looked at any more it tells what it was like.
func (f *Files) Stat(name string) (fs.FileInfo, error) {
	info, err := os.Stat(name)
	if f == nil || !errors.Is(err, fs.ErrPermission) {
		return info, err
	}
	if k, ok := f.find(name); ok {
		return keptInfo{filepath.Base(name), k}, nil
	}
	return nil, f.refusal(name, err)
}

// Glob lists files by a pattern, as filepath.Glob does, which says nothing of directories that it cannot list.
func (f *Files) Glob(pattern string) ([]string, error) {
	if f != nil {
		f.mu.Lock()
		if f.noting {
			f.globs[pattern] = true
		}
		f.mu.Unlock()
	}
	return filepath.Glob(pattern)
}

// Patterns are those that were looked for.
func (f *Files) Patterns() []string {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.globs))
}

// Unseen are the files that were read since the last call from what is kept of them, and of which the process cannot see
// whether they have changed.
func (f *Files) Unseen() []string {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list := slices.Sorted(maps.Keys(f.unseen))
	clear(f.unseen)
	return list
}

// Kept are the files whose content is kept.
func (f *Files) Kept() []string {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.kept))
}

// Settle ends noting: nobody comes after this process.
func (f *Files) Settle() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.noting {
		f.noting = false
		clear(f.kept)
		clear(f.globs)
	}
}

func (f *Files) note(name string, text []byte, info fs.FileInfo) {
	key, err := filepath.Abs(name)
	if err != nil || info == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.noting {
		return
	}
	f.kept[key] = keptFile{slices.Clone(text), uint32(info.Mode()), info.ModTime(), mark.Of(info)}
}

func (f *Files) find(name string) (keptFile, bool) {
	key, err := filepath.Abs(name)
	if err != nil {
		return keptFile{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	k, ok := f.kept[key]
	return k, ok
}

// recall is what is kept of a file that must not be read, if that is still what is in it.
func (f *Files) recall(name string, cause error) ([]byte, fs.FileInfo, error) {
	k, ok := f.find(name)
	if !ok {
		return nil, nil, f.refusal(name, cause)
	}
	switch info, err := os.Stat(name); {
	case errors.Is(err, fs.ErrPermission):
		f.mu.Lock()
		f.unseen[name] = true
		f.mu.Unlock()
	case err != nil:
		return nil, nil, err
	case mark.Of(info) != k.Mark:
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: refusal(fmt.Sprintf(
			"it has changed since AnyGate was started, and %s may not read it: grant the right to (chgrp and chmod do), or restart AnyGate", f.state.who()))}
	}
	return slices.Clone(k.Text), keptInfo{filepath.Base(name), k}, nil
}

// refusal explains why a file cannot be read.
func (f *Files) refusal(name string, err error) error {
	if f.state == nil || f.state.User == "" && f.state.Landlock == 0 {
		return err
	}
	why := fmt.Sprintf("%s may not read it", f.state.who())
	if f.state.Landlock > 0 && !f.state.Reaches.Allow(name, Read) {
		why = Outside
	}
	return &fs.PathError{Op: "open", Path: name, Err: refusal(why)}
}

// Outside is what is to be said of a path that Landlock keeps the process from.
const Outside = "it is outside of what Landlock lets this process reach, which was settled when it was started: restart AnyGate, " +
	"and name the directory in server.landlock if later configurations are to have more of it"

// refusal is an error of permission with a reason.
type refusal string

func (r refusal) Error() string        { return string(r) }
func (r refusal) Is(target error) bool { return target == fs.ErrPermission }

// keptInfo tells of a file that is kept.
type keptInfo struct {
	name string
	file keptFile
}

func (i keptInfo) Name() string       { return i.name }
func (i keptInfo) Size() int64        { return i.file.Mark.Size }
func (i keptInfo) Mode() fs.FileMode  { return fs.FileMode(i.file.Mode) }
func (i keptInfo) ModTime() time.Time { return i.file.Mtime }
func (i keptInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i keptInfo) Sys() any           { return nil }

// lost are the files that were noted and that this thread may not read; the others need not be kept.
func (f *Files) lost() map[string]keptFile {
	f.mu.Lock()
	defer f.mu.Unlock()
	lost := make(map[string]keptFile)
	for name, k := range f.kept {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		switch {
		case err == nil:
			_ = unix.Close(fd)
		case errors.Is(err, fs.ErrPermission):
			lost[name] = k
		}
	}
	return lost
}
