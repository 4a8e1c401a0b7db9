package destination

import (
	"os"
	"sync"
)

// fileMode is what a log file is created with: its group may read it.
const fileMode = 0o640

// File is a file that lines are appended to.
type File struct {
	name string
	mu   sync.Mutex
	f    *os.File
}

// OpenFile opens a file for appending, and creates it if there is none.
func OpenFile(name string) (*File, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	return &File{name: name, f: f}, nil
}

func open(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, fileMode)
}

// Write appends to the file.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.f.Write(p)
}

// Reopen opens the file by its name anew, which is for who has given the old one another name. If that fails the old one
// is written to as before.
func (f *File) Reopen() error {
	next, err := open(f.name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	old := f.f
	f.f = next
	f.mu.Unlock()
	return old.Close()
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.f.Close()
}
