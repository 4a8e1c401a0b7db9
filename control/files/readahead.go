package files

import (
	"time"

	"golang.org/x/sys/unix"
)

// part is a part of a file that is to be brought into memory.
type part struct {
	fd     int32
	off, n int64
	token  uint64
	done   func(token uint64) bool
}

// ReadAhead has n bytes from off of a file read into memory, and then calls done until it is
// true; it is true at once unless the shard's inbox is full. The file stays open
// until then. It is for the shards' threads, and may refuse.
func (s *Service) ReadAhead(fd int32, off, n int64, token uint64, done func(token uint64) bool) bool {
	return s.reads.Put(&part{fd, off, n, token, done})
}

// reader brings parts of files into memory.
func (s *Service) reader() func(*part) {
	buffer := make([]byte, 128<<10)
	return func(p *part) {
		bring(p, buffer)
		for !p.done(p.token) {
			select {
			case <-time.After(replyPause):
			case <-s.closing:
				return
			}
		}
	}
}

// bring reads a part of a file, which puts it into the page cache. The advice has the disk
// asked for all of it at once.
func bring(p *part, buffer []byte) {
	_ = unix.Fadvise(int(p.fd), p.off, p.n, unix.FADV_WILLNEED)
	for off := p.off; off < p.off+p.n; {
		n, err := unix.Pread(int(p.fd), buffer[:min(int64(len(buffer)), p.off+p.n-off)], off)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return // the send will find out
		}
		off += int64(n)
	}
}
