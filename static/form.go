package static

import (
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/static/coding"
)

// FormKey names a coded form: one state of one file, in one coding.
type FormKey struct {
	file   identity
	coding coding.Coding
}

// Form is a coded form that was made while serving. Its content is in memory outside
// of the heap: short content mapped, as that of small files, and longer content as a
// file without a name, so that it is sent as large files are. It is shared by all
// caches, never changes, and stays for as long as anybody retains the Form.
//
// Retain and Release are for any goroutine. They are called when a form enters
// or leaves a cache, never for a request.
type Form struct {
	key  FormKey
	held held
	refs atomic.Int32
	used atomic.Int64 // when a cache last served it, Unix seconds
	// backstop gives up a form that was lost, in a message to a shard that has
	// ended, say.
	backstop runtime.Cleanup
}

// held is what a form takes of the shelf's means.
type held struct {
	shelf  *Shelf
	size   int64
	memory []byte // nil if the content is in the file
	fd     int32  // -1 if it is in memory
}

// newForm makes a form of content, which the caller retains.
func newForm(key FormKey, content []byte, s *Shelf) (*Form, error) {
	h := held{shelf: s, size: int64(len(content)), fd: -1}
	if len(content) <= smallLimit || !h.store(content) {
		if err := h.mapped(content); err != nil {
			return nil, err
		}
	}
	s.bytes.Add(footprint(h.size))
	f := &Form{key: key, held: h}
	f.refs.Store(1)
	f.backstop = runtime.AddCleanup(f, func(h held) { h.giveUp() }, h)
	return f, nil
}

// store puts content into a file without a name, if the shelf may have one more.
func (h *held) store(content []byte) bool {
	if h.shelf.files.Add(1) > h.shelf.mostFiles {
		h.shelf.files.Add(-1)
		return false
	}
	fd, err := unix.MemfdCreate("anygate-form", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		h.shelf.files.Add(-1)
		return false
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if !full(unix.Pwrite, fd, content) || sealed(fd, seals) != nil {
		unix.Close(fd)
		h.shelf.files.Add(-1)
		return false
	}
	h.fd = int32(fd)
	return true
}

// sealed makes sure that a file never changes again.
func sealed(fd, seals int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	return err
}

// mapped puts content into memory of its own.
func (h *held) mapped(content []byte) error {
	memory, err := unix.Mmap(-1, 0, len(content), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	copy(memory, content)
	// A stray write is then a fault at its place instead of a wrong response.
	if err := unix.Mprotect(memory, unix.PROT_READ); err != nil {
		_ = unix.Munmap(memory)
		return err
	}
	h.memory = memory
	return nil
}

// giveUp frees everything.
func (h *held) giveUp() {
	h.shelf.bytes.Add(-footprint(h.size))
	if h.fd >= 0 {
		unix.Close(int(h.fd))
		h.shelf.files.Add(-1)
		return
	}
	_ = unix.Munmap(h.memory)
}

// footprint is the memory that content takes: whole pages.
func footprint(n int64) int64 {
	page := int64(unix.Getpagesize())
	return (n + page - 1) / page * page
}

// tryRetain retains a form unless the last one has released it.
func (f *Form) tryRetain() bool {
	for {
		n := f.refs.Load()
		if n == 0 {
			return false
		}
		if f.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Retain keeps the form for one more holder. The caller is one.
func (f *Form) Retain() {
	if f.refs.Add(1) <= 1 {
		panic("static: Retain of a form that nobody holds")
	}
}

// Release ends a Retain. The last one gives the memory back.
func (f *Form) Release() {
	switch n := f.refs.Add(-1); {
	case n < 0:
		panic("static: Release of a form that nobody holds")
	case n == 0:
		f.backstop.Stop()
		f.held.giveUp()
	}
}
