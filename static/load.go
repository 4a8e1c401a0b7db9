package static

import (
	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/static/coding"
)

// Loader looks into the file system for a Store, and may wait for a disk there. It
// has the scratch of one call at a time, so each goroutine has its own.
type Loader struct {
	name      []byte // the name being resolved, NUL-terminated
	buffer    []byte // the content of a short file
	found     finding
	linked    bool // a symbolic link was on the way
	directory bool // the path named a directory, without a slash
}

// NewLoader makes a Loader.
func NewLoader() *Loader {
	return &Loader{name: make([]byte, 0, 256), buffer: make([]byte, smallLimit)}
}

// survey finds out what a path leads to, and looks at the forms beside the file.
func (l *Loader) survey(s *Site, r *root, path []byte) outcome {
	l.linked, l.directory = false, false
	out := l.resolve(s, r, path)
	if out.status == 200 && s.compress != CompressOff && out.file.size > 0 {
		l.probeSiblings(s, r, &out)
	}
	return out
}

// probeSiblings looks for the forms beside the file that l.name names, and
// leaves that as it was. A form that is older than its file is of an earlier
// content, and one that is not shorter is of no use.
func (l *Loader) probeSiblings(s *Site, r *root, out *outcome) {
	length := len(l.name) - 1
	if !coding.Compressible(contentType(l.name[:length])) {
		return
	}
	for k := coding.Brotli; k < coding.Count; k++ {
		l.name = append(append(l.name[:length], k.Suffix()...), 0)
		found := l.probeFile(r, s)
		if f := &found.file; found.status == 200 && f.size > 0 && f.size < out.file.size && f.mtime >= out.file.mtime {
			out.siblings.form[k] = *f
			out.siblings.has = out.siblings.has.With(k)
		}
	}
	l.name = append(l.name[:length], 0)
}

// load makes a finding of what survey found. What was probed may have been replaced
// since, so everything about a file is taken from the opened one.
func (l *Loader) load(start string, s *Site, r *root, path []byte, out outcome, unixNow int64) *finding {
	l.found = finding{outcome: out, fd: -1, image: l.found.image}
	f := &l.found
	if out.status == 200 {
		l.open(s, r, unixNow)
	}
	if f.status == 200 {
		f.buildImage(start, s, path, l.name[:len(l.name)-1])
	} else {
		f.begin(path)
	}
	return f
}

// open opens the file that l.name names.
func (l *Loader) open(s *Site, r *root, unixNow int64) {
	f := &l.found
	for attempt := range readAttempts {
		st, errno := f.openName(l.name, r, s, unixNow)
		if errno != 0 {
			f.fail(statusOf(errno))
			return
		}
		if st.mode != unix.S_IFREG {
			f.close()
			f.fail(404)
			return
		}
		if st.size > smallLimit || l.read(st) || attempt+1 == readAttempts {
			return
		}
		f.close()
	}
}

// openName opens a name below the root.
func (f *finding) openName(name []byte, r *root, s *Site, unixNow int64) (*fileStat, unix.Errno) {
	fd, errno := openat2(r.fd, name, openFlags, s.resolve)
	if errno != 0 {
		return nil, errno
	}
	st := new(fileStat)
	if errno := statOf(fd, st); errno != 0 {
		unix.Close(fd)
		return nil, errno
	}
	f.fd, f.file = fd, st.identity
	f.modified = max(0, min(st.modified, unixNow))
	f.young = st.changed > unixNow-youngSeconds
	return st, 0
}

// read reads a short file, whose descriptor stays open in case there is no memory for
// the content. It fails if the file was written to meanwhile.
func (l *Loader) read(st *fileStat) bool {
	f := &l.found
	content := l.buffer[:st.size]
	var after fileStat
	if !full(unix.Pread, f.fd, content) || statOf(f.fd, &after) != 0 || after.identity != st.identity {
		return false
	}
	f.content, f.inMemory = content, true
	return true
}

// beside opens the form k beside the file of an entry, and reports whether it is the one
// that was seen there. Another one may belong to another version of the file.
func (l *Loader) beside(start string, s *Site, r *root, e *Entry, k coding.Coding, unixNow int64) *finding {
	l.found = finding{outcome: outcome{status: 200}, variant: k, of: stampOf(&e.file), fd: -1, image: l.found.image}
	f := &l.found
	l.nameSibling(s, e, k)
	st, errno := f.openName(l.name, r, s, unixNow)
	if errno != 0 {
		return nil
	}
	if st.mode != unix.S_IFREG || stampOf(&st.identity) != e.stamps[k] || st.size <= smallLimit && !l.read(st) {
		f.close()
		return nil
	}
	f.buildForm(start, e)
	return f
}

// nameSibling writes the name of a form into l.name.
func (l *Loader) nameSibling(s *Site, e *Entry, k coding.Coding) {
	switch {
	case s.file != nil:
		l.name = append(l.name[:0], s.file...)
	default:
		l.name, _, _ = appendName(l.name[:0], e.path())
		if e.index > 0 {
			if len(l.name) > 0 {
				l.name = append(l.name, '/')
			}
			l.name = append(l.name, s.index[e.index-1]...)
		}
	}
	l.name = append(append(l.name, k.Suffix()...), 0)
}

// fail makes f a finding without a file.
func (f *finding) fail(status uint16) {
	*f = finding{outcome: outcome{status: status}, fd: -1, image: f.image}
}

// close gives up the file.
func (f *finding) close() {
	if f.fd >= 0 {
		unix.Close(f.fd)
	}
	f.fd, f.content, f.inMemory = -1, nil, false
}

// full reads or writes, as call does, exactly len(b) octets at the start of a
// file.
func full(call func(fd int, b []byte, off int64) (int, error), fd int, b []byte) bool {
	for off := 0; off < len(b); {
		n, err := call(fd, b[off:], int64(off))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return false
		}
		off += n
	}
	return true
}

// stampOf is the identity of a file in one word.
func stampOf(f *identity) uint64 {
	h := uint64(0x9E3779B97F4A7C15)
	for _, v := range [...]uint64{f.dev, f.ino, uint64(f.size), uint64(f.mtime), uint64(f.ctime)} {
		h = (h ^ v) * 0xBF58476D1CE4E5B9
		h ^= h >> 29
	}
	return h
}
