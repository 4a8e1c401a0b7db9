package static

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/static/coding"
)

// Job asks for a coded form of a file that a cache holds. Whoever takes it calls
// Reply once, and reads the file until then only: the cache keeps it for that long.
type Job struct {
	Key    FormKey
	Memory []byte // the content, if it is in memory
	FD     int32  // else the open file
	Token  uint32 // names the job to the cache
	Reply  func(Coded) bool
}

// Coded is the outcome of a Job.
type Coded struct {
	Token uint32
	// Form is the form, retained for the cache, or nil.
	Form *Form
	// Useless says that no form of the file is worth having. Without it, and
	// without a Form, it may be asked for again.
	Useless bool
}

// Coding is the coding that is asked for.
func (j *Job) Coding() coding.Coding { return j.Key.coding }

// Size is the length of the content.
func (j *Job) Size() int64 { return j.Key.file.size }

// ErrChanged says that a file is not any more what its entry holds.
var ErrChanged = errors.New("static: the file has changed")

// ReadAt reads content; it fails rather than read other content than the entry's.
func (j *Job) ReadAt(b []byte, off int64) (int, error) {
	if j.Memory != nil {
		n := copy(b, j.Memory[min(off, int64(len(j.Memory))):])
		if n < len(b) {
			return n, io.EOF
		}
		return n, nil
	}
	for {
		n, err := unix.Pread(int(j.FD), b, off)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && off < j.Size():
			return 0, ErrChanged
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Intact reports whether the file is still in the state that its entry holds. It
// is asked after the last ReadAt.
func (j *Job) Intact() bool {
	if j.Memory != nil {
		return true
	}
	var st fileStat
	return statOf(int(j.FD), &st) == 0 && st.identity == j.Key.file
}
