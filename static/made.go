package static

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/static/coding"
)

// Job asks for a coded form of a file. Whoever takes it calls Reply once, and reads
// the file until then only.
type Job struct {
	store  *Store
	token  uint32
	k      coding.Coding
	size   int64
	file   identity
	memory []byte // the content, if it is in memory
	fd     int32  // else the open file
}

// Coding is the coding that is asked for.
func (j *Job) Coding() coding.Coding { return j.k }

// Size is the length of the content.
func (j *Job) Size() int64 { return j.size }

// ErrChanged says that a file is not any more what its entry holds.
var ErrChanged = errors.New("static: the file has changed")

// ReadAt reads content; it fails rather than read other content than the entry's.
func (j *Job) ReadAt(b []byte, off int64) (int, error) {
	if j.memory != nil {
		n := copy(b, j.memory[min(off, int64(len(j.memory))):])
		if n < len(b) {
			return n, io.EOF
		}
		return n, nil
	}
	for {
		n, err := unix.Pread(int(j.fd), b, off)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && off < j.size:
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
	if j.memory != nil {
		return true
	}
	var st fileStat
	return statOf(int(j.fd), &st) == 0 && st.identity == j.file
}

// Coded is the outcome of a Job.
type Coded struct {
	// Content is the form, which is copied; nil if there is none.
	Content []byte
	// Useless says that no form of the file is worth having. Without it, and
	// without Content, it may be asked for again.
	Useless bool
}

// handleMake hands a job to who makes forms.
func (st *Store) handleMake(a *Ask) {
	e := &st.entries[a.entry]
	if st.o.Make == nil || !st.roomForForm(e) {
		a.Drop()
		return
	}
	j := &Job{store: st, token: a.entry, k: a.k, size: e.file.size, file: e.file, memory: e.content(), fd: e.fd}
	if !st.o.Make(j) {
		a.Drop()
	}
}

// roomForForm reports whether a form of a file will probably be kept: text shrinks to a
// quarter or less. Otherwise it would be made for nothing, again and again.
func (st *Store) roomForForm(e *Entry) bool {
	st.lock.Lock()
	defer st.lock.Unlock()
	r, size := rankMemory, e.file.size/4
	n := imageRoom
	if size > smallLimit {
		if r = rankForm; st.most[rankForm] == 0 || size > st.o.FormBytes {
			return false
		}
	} else {
		n += int(size)
	}
	from, full := st.short(r, n, size)
	if !full {
		return true
	}
	v := st.victim(from)
	return v != nil && st.frequency(v) < st.frequency(e)
}

// Reply ends a Job: the form is found from now on by who asks for the file. It
// reports whether the form is kept.
func (j *Job) Reply(o Coded) bool {
	st := j.store
	e := &st.entries[j.token]
	st.lock.Lock()
	defer st.lock.Unlock()
	defer e.refs.Add(-1)
	if o.Content == nil {
		useless := uint32(0)
		if o.Useless {
			useless = formsUseless
		}
		e.failed(j.k, useless)
		return false
	}
	if !st.keepForm(e, j.k, o.Content) {
		e.failed(j.k, 0)
		return false
	}
	st.counts.Forms++
	return true
}

// keepForm makes an entry of a form.
func (st *Store) keepForm(e *Entry, k coding.Coding, content []byte) bool {
	f := &finding{
		outcome: outcome{status: 200, file: e.file}, variant: k, of: stampOf(&e.file), made: true, modified: e.modified,
		fd: -1, content: content, inMemory: true,
	}
	f.file.size = int64(len(content))
	if len(content) > smallLimit {
		f.content, f.inMemory = nil, false
		if f.fd = sealedFile(content); f.fd < 0 {
			return false
		}
		defer f.close()
	}
	f.buildForm(st.start, e)
	hash := st.hashOf(e.site, e.path(), k)
	if old := st.lookup(hash, e.site, e.path(), k); old != nil {
		st.drop(old)
	}
	v := st.keep(f, e.site, hash, st.frequency(e))
	if v == nil {
		return false
	}
	v.refs.Add(-1)
	e.forms.Or(formReady(k))
	if now := st.lookup(st.hashOf(e.site, e.path(), coding.Identity), e.site, e.path(), coding.Identity); now != nil && now != e {
		st.formsOf(now)
	}
	return true
}

// sealedFile is a file without a name that never changes again, -1 if there can be none.
func sealedFile(content []byte) int {
	fd, err := unix.MemfdCreate("anygate-form", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if full(unix.Pwrite, fd, content) {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err == nil {
			return fd
		}
	}
	unix.Close(fd)
	return -1
}

// failed notes that a form came to nothing.
func (e *Entry) failed(k coding.Coding, useless uint32) { e.forms.Or(formFailed(k) | useless) }

// retryForms lets the forms that came to nothing be asked for again.
func (e *Entry) retryForms() {
	for k := coding.Brotli; k < coding.Count; k++ {
		if e.forms.Load()&formFailed(k) != 0 {
			e.forms.And(^(formFailed(k) | formAsked(k)))
		}
	}
}

// formsOf finds the forms that there are of a file that has a new entry.
func (st *Store) formsOf(e *Entry) {
	if !e.is(flagCodable) || e.is(flagYoung) {
		return
	}
	for k := coding.Brotli; k < coding.Count; k++ {
		v := st.lookup(st.hashOf(e.site, e.path(), k), e.site, e.path(), k)
		if v != nil && v.is(flagMade) && v.of == stampOf(&e.file) {
			e.forms.Or(formAsked(k) | formReady(k))
		}
	}
}

// formGone lets a form that was dropped be asked for again.
func (st *Store) formGone(v *Entry) {
	e := st.lookup(st.hashOf(v.site, v.path(), coding.Identity), v.site, v.path(), coding.Identity)
	if e != nil && stampOf(&e.file) == v.of {
		e.forms.And(^(formAsked(v.variant) | formReady(v.variant)))
	}
}
