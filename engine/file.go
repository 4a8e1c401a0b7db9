package engine

import "golang.org/x/sys/unix"

// ReadFile fills p with the bytes of an open file from offset off on, for a
// protocol that has to put something around them. It reports false if the file
// does not have so many, or cannot be read. Like sendfile(2) it waits for a
// page that is not in memory: Resident is to be asked before.
func (s *Shard) ReadFile(fd int32, p []byte, off int64) bool {
	for len(p) > 0 {
		n, e := pread(fd, p, off)
		switch {
		case e == unix.EINTR:
		case e != 0 || n <= 0:
			return false
		default:
			p, off = p[n:], off+int64(n)
		}
	}
	return true
}
