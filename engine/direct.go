package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is the argument of one sendmsg, off-heap because the kernel reads
// it; its layout is the kernel's.
type message struct {
	hdr unix.Msghdr
	vec [sendVectors]unix.Iovec
}

// gather points m at the queued memory up to the first piece of something else,
// a file say. It returns the number of pieces, their bytes, and whether that
// follows directly; of a record behind memory it does not tell.
func (s *Shard) gather(q *queue, m *message) (pieces, total int, more bool) {
	for i := q.head; i != 0; {
		g := &s.segs.all[i]
		i = g.next
		if g.n == 0 {
			continue
		}
		if g.kind >= segFile {
			return pieces, total, g.kind != segRecord || pieces == 0
		}
		if pieces == sendVectors || total >= sendBytes {
			return pieces, total, false
		}
		n := min(g.n, int64(sendBytes-total))
		// SAFETY: the address is off-heap memory of this shard or memory
		// under a release token; both stay until the bytes are consumed.
		m.vec[pieces].Base = (*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&g.pos)))
		m.vec[pieces].SetLen(int(n))
		total += int(n)
		pieces++
	}
	return pieces, total, false
}

type outcome uint8

const (
	outDone    outcome = iota // the queue is empty
	outBlocked                // the socket is full
	outAgain                  // the connection has had its share of this turn
	outGone                   // the connection has failed
	outAbsent                 // what comes next is not in memory
)

// sendDirect writes the queue with system calls, as far as the socket takes
// it.
func (s *Shard) sendDirect(i uint32) outcome {
	c := &s.conns[i]
	moved := 0
	for c.q.bytes > 0 {
		if moved >= turnBytes {
			return outAgain
		}
		n, e := s.sendSome(i)
		switch {
		case e == unix.EINTR:
			continue
		case e == unix.EAGAIN:
			return outBlocked
		case e == errAbsent:
			return outAbsent
		case e == errTruncated:
			s.failed(i, ReasonFile, 0)
			return outGone
		case e != 0:
			s.sendFailed(i, e)
			return outGone
		}
		s.stats.DirectSends++
		moved += n
		s.written(i, int64(n))
		if c.has(flagUnbound) {
			s.restoreBound(i)
		}
	}
	return outDone
}

// errTruncated stands for a sendfile that found the file shorter than it was.
const errTruncated = Errno(0xffff)

// errAbsent stands for a sendfile that would wait for a disk.
const errAbsent = Errno(0xfffe)

// sendSome makes one system call for the front of the queue.
func (s *Shard) sendSome(i uint32) (int, Errno) {
	c := &s.conns[i]
	pieces, total, file := s.gather(&c.q, s.msg)
	flags := unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT
	if file {
		flags |= unix.MSG_MORE
	}
	switch {
	case pieces == 1:
		return sendMemory(c.fd, uintptr(unsafe.Pointer(s.msg.vec[0].Base)), total, flags)
	case pieces > 1:
		s.msg.hdr = unix.Msghdr{Iov: &s.msg.vec[0]}
		s.msg.hdr.SetIovlen(pieces)
		return sendMessage(c.fd, s.msg, flags)
	}
	for s.segs.all[c.q.head].n == 0 {
		s.pop(&c.q)
	}
	g := &s.segs.all[c.q.head]
	if g.kind == segPipe {
		return s.sendPiped(c.fd, g)
	}
	if g.kind == segRecord {
		return sendRecord(c.fd, byte(g.fd), uintptr(g.pos), int(g.n))
	}
	piece := s.front(i, g)
	if piece == 0 {
		return 0, errAbsent
	}
	if g.n >= unboundFile && !c.has(flagUnbound) {
		if c.has(flagKernel) {
			s.raiseBound(c)
		} else {
			s.liftBound(c)
		}
	}
	n, e := sendFile(c.fd, g.fd, int64(g.pos), int(min(piece, turnBytes)))
	if n == 0 && e == 0 {
		return 0, errTruncated
	}
	return n, e
}
