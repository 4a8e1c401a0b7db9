package engine

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendfile(2) and pread(2) wait for the disk when pages of the file are not in
// memory, and all connections of the shard would wait with them. So before a
// piece of a file is sent the loop asks the kernel whether it is there. If not,
// the protocol is told (Handler.Absent) and has it read by somebody else; the
// connection rests, and goes on with Present.
//
// What is sent next is never more than the rest of a window, so that one look
// at a window is enough. That pages are reclaimed between the look and the send
// cannot be ruled out; it costs a wait, nothing else.

const (
	// residentWindow is how much of a file is looked at, and brought into
	// memory, at a time.
	residentWindow = 1 << 20

	// residentTime is for how long what was there is taken to be there still.
	residentTime = time.Second

	// residentSlots is how many windows a shard remembers for that time.
	residentSlots = 256
)

// window is a part of a file that was in memory a moment ago.
type window struct {
	from, to int64
	at       int64 // shard clock
	fd       int32
}

// residency is what a shard knows of the files it sends.
type residency struct {
	known  [residentSlots]window
	unsaid []uint32 // connections whose protocol could not be told
	blind  bool     // cachestat(2) is refused
}

// front is how many bytes of the file at g may be sent without waiting for a
// disk; 0 if none, and then the connection rests until Present.
func (s *Shard) front(i uint32, g *segment) int64 {
	if s.handler.Absent == nil {
		return min(g.n, turnBytes)
	}
	off := int64(g.pos)
	number := windowNumber(off)
	if g.window == number {
		return inWindow(off, g.n)
	}
	n, there := s.Resident(g.fd, off, g.n)
	if !there {
		s.absent(i, g, off, n)
		return 0
	}
	g.window = number
	return n
}

// Resident is for a protocol that reads files by ReadFile: of n bytes from off
// of a file, how many one look is about, and whether these are in memory. If
// not, somebody who may wait for the disk is to read them; that has to be the
// end of it, since what cannot be read is never in memory. Without
// Handler.Absent there is nobody to do that, and all of it counts as there.
func (s *Shard) Resident(fd int32, off, n int64) (part int64, there bool) {
	if s.handler.Absent == nil {
		return n, true
	}
	part = inWindow(off, n)
	if s.recent(fd, off, part) {
		return part, true
	}
	if !s.present(fd, off, part) {
		s.stats.Absent++
		return part, false
	}
	s.remember(fd, off, part)
	return part, true
}

// windowNumber is what a segment remembers of the window at off, never 0.
func windowNumber(off int64) uint16 { return uint16(off/residentWindow%0xffff) + 1 }

// inWindow is how many of n bytes from off lie in its first window.
func inWindow(off, n int64) int64 { return min(n, residentWindow-off%residentWindow) }

// absent has the protocol told that a connection needs a part of a file.
func (s *Shard) absent(i uint32, g *segment, off, n int64) {
	s.conns[i].flags |= flagAbsent
	if !s.handler.Absent(s.name(i), g.fd, off, n, g.owner) {
		s.resident.unsaid = append(s.resident.unsaid, i)
	}
}

// Present says that what Absent asked for is in memory, or cannot be brought
// there: the connection goes on either way.
func (s *Shard) Present(c Conn) {
	i := c.index()
	r := &s.conns[i]
	// A connection that is being closed still has its last answer to send.
	if r.gen&genMask != c.gen() || r.flags&(flagOpen|flagAbsent) != flagOpen|flagAbsent {
		return
	}
	r.flags &^= flagAbsent
	for k := s.sending(i).head; k != 0; k = s.segs.all[k].next {
		g := &s.segs.all[k]
		if g.n == 0 {
			continue
		}
		if off := int64(g.pos); g.kind == segFile {
			g.window = windowNumber(off)
			s.remember(g.fd, off, inWindow(off, g.n))
		}
		break
	}
	s.markDirty(i)
}

// rests reports whether there is nothing to be sent on a connection until
// Present: with a transform what is sealed already still goes out.
func (s *Shard) rests(i uint32) bool {
	c := &s.conns[i]
	switch c.flags & (flagAbsent | flagMute | flagFilter | flagKernel) {
	case flagAbsent:
		return true
	case flagAbsent | flagFilter | flagKernel:
		return !s.filters[i].refused
	}
	return false
}

// sending is the queue in which a connection's files wait.
func (s *Shard) sending(i uint32) *queue {
	if s.conns[i].sealed() {
		return &s.filters[i].plain
	}
	return &s.conns[i].q
}

// sayAgain asks once more for what the protocol could not have read before.
func (s *Shard) sayAgain() {
	list := s.resident.unsaid
	s.resident.unsaid = list[:0]
	for _, i := range list {
		if c := &s.conns[i]; c.flags&(flagOpen|flagAbsent) == flagOpen|flagAbsent {
			c.flags &^= flagAbsent
			s.markDirty(i)
		}
	}
}

func (r *residency) slot(fd int32, off int64) *window {
	h := uint64(fd)*0x9E3779B97F4A7C15 + uint64(off/residentWindow)*0xC2B2AE3D27D4EB4F
	return &r.known[h>>56%residentSlots]
}

// recent reports whether a part of a file was in memory a moment ago. The
// descriptor may be another file's by now, which is then looked at too late.
func (s *Shard) recent(fd int32, off, n int64) bool {
	w := s.resident.slot(fd, off)
	return w.fd == fd && w.from <= off && off+n <= w.to && s.now-w.at < int64(residentTime)
}

func (s *Shard) remember(fd int32, off, n int64) {
	*s.resident.slot(fd, off) = window{from: off, to: off + n, at: s.now, fd: fd}
}

// present reports whether a part of a file is in memory.
func (s *Shard) present(fd int32, off, n int64) bool {
	if s.cfg.Present != nil {
		return s.cfg.Present(fd, off, n)
	}
	if !s.resident.blind {
		cached, e := cachedPages(fd, off, n)
		switch {
		case e == 0:
			// Pages that are just being read are counted as well; their last one
			// is the last to be there.
			first, last := off/pageBytes, (off+n-1)/pageBytes
			return cached >= uint64(last-first+1) && readableByte(fd, off+n-1) != unix.EAGAIN
		case e != unix.EINTR:
			// The kernel is too old, or tells the owner of a file only.
			s.resident.blind = true
		}
	}
	for at := off; at < off+n; at += blindStep {
		if readableByte(fd, at) != 0 {
			return false
		}
	}
	return readableByte(fd, off+n-1) == 0
}

const (
	pageBytes = 4096

	// blindStep is the distance between two looks where the kernel tells of
	// single bytes only: it reads ahead, and reclaims, in larger pieces.
	blindStep = 64 << 10
)

// cachedPages counts the pages of a part of a file that are in memory. Large
// pages of other architectures only make it too small a number.
func cachedPages(fd int32, off, n int64) (uint64, Errno) {
	part := struct{ off, n uint64 }{uint64(off), uint64(n)}
	var counts struct{ cached, dirty, writeback, evicted, recentlyEvicted uint64 }
	// SAFETY: the pointers are converted in the call's own argument list, and
	// the kernel keeps neither.
	_, _, e := unix.RawSyscall6(unix.SYS_CACHESTAT, uintptr(fd), uintptr(unsafe.Pointer(&part)), uintptr(unsafe.Pointer(&counts)), 0, 0, 0)
	return counts.cached, e
}

// readableByte reports whether one byte of a file can be read at once: EAGAIN if
// not. Where there is no byte, at the end, nothing would wait either.
func readableByte(fd int32, off int64) Errno {
	var b [1]byte
	v := unix.Iovec{Base: &b[0], Len: 1}
	// SAFETY: as above.
	_, _, e := unix.RawSyscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1, uintptr(off), 0, unix.RWF_NOWAIT)
	return e
}
