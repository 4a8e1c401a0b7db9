package static

import "golang.org/x/sys/unix"

// Entry is one opened file, or a remembered failure. What it holds is fixed
// when it is made; a file that changes gets another Entry.
type Entry struct {
	// The fields that finding an entry touches come first.
	hash uint64
	site uint64
	path []byte // the request path it answers
	next uint32 // in the chain of the hash table, or of free entries

	token        uint32
	newer, older uint32 // neighbours in order of use
	refs         int32
	indexed      bool // reachable through the hash table
	minor        bool // belongs to Cache.minor, not to Cache.files

	checked int64 // when the file system was last asked
	touched int64 // when it was last moved to the front of its order

	outcome
	young    bool // changed so recently that its timestamps prove nothing
	fd       int32
	extent   extent
	memory   []byte // the content, if it is in the arena
	modified int64  // Last-Modified

	negotiation

	block []byte // see buildBlock
	marks blockMarks
}

// Token identifies an entry that the engine retains, where a pointer cannot be
// kept. It is never zero, and is used again only after the last Release.
func (e *Entry) Token() uint32 { return e.token }

// Size is the length of the file's content.
func (e *Entry) Size() int64 { return e.file.size }

// open opens the file that resolve left in c.name and fills e with it. What was
// probed may have been replaced since, so everything is taken from the opened file.
func (c *Cache) open(e *Entry, s *Site, r *root, now int64) {
	for attempt := range readAttempts {
		fd, errno := openat2(r.fd, c.name, openFlags, s.resolve)
		if (errno == unix.EMFILE || errno == unix.ENFILE) && c.evictDescriptors() {
			fd, errno = openat2(r.fd, c.name, openFlags, s.resolve)
		}
		if errno != 0 {
			e.fail(statusOf(errno))
			return
		}
		var st fileStat
		if errno := statOf(fd, &st); errno != 0 {
			unix.Close(fd)
			e.fail(statusOf(errno))
			return
		}
		if st.mode != unix.S_IFREG {
			unix.Close(fd)
			e.fail(404)
			return
		}
		e.file = st.identity
		e.modified = max(0, min(st.modified, now))
		e.young = st.changed > now-youngSeconds
		e.fd = int32(fd)
		if st.size == 0 {
			c.closeDescriptor(e)
			break
		}
		if st.size > smallLimit || c.readContent(e, &st) != contentChanged || attempt+1 == readAttempts {
			break
		}
		c.closeDescriptor(e)
	}
	if e.fd >= 0 {
		c.descriptors++
	}
	e.buildBlock(s, c.name[:len(c.name)-1])
}

// reading is how an attempt to copy a file into memory ended.
type reading uint8

const (
	contentRead    reading = iota
	contentNoRoom          // the arena is full of files in use
	contentChanged         // the file was written to during the read
)

// readContent copies a small file into the arena and closes its descriptor,
// which stays open for sending if the copy could not be made.
func (c *Cache) readContent(e *Entry, st *fileStat) reading {
	size := int(st.size)
	x, ok := c.makeRoom(size)
	if !ok {
		return contentNoRoom
	}
	content := c.arena.bytes(x, size)
	var after fileStat
	if !full(unix.Pread, int(e.fd), content) || statOf(int(e.fd), &after) != 0 || after.identity != st.identity {
		c.arena.release(x)
		return contentChanged
	}
	e.extent, e.memory = x, content
	c.closeDescriptor(e)
	return contentRead
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

// fail makes e an entry without a file.
func (e *Entry) fail(status uint16) {
	e.outcome = outcome{status: status}
	e.young = false
}

// closeDescriptor closes the descriptor of an entry that is being opened and
// turns out not to need it.
func (c *Cache) closeDescriptor(e *Entry) {
	unix.Close(int(e.fd))
	e.fd = -1
}
