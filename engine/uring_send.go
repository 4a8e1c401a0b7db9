package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/uring"
)

// send submits the front of a connection's queue. A turn with a single
// completion, or a file, is served by direct system calls.
func (l *uringLoop) send(i uint32) {
	s := l.s
	if !s.sendable(i) {
		return
	}
	c := &s.conns[i]
	if c.q.bytes == 0 {
		s.drained(i)
		return
	}
	if s.batch <= directBatch {
		l.sendNow(i)
		return
	}
	if g := &s.segs.all[c.q.head]; c.q.head == c.q.tail && g.kind < segFile && g.n <= sendBytes {
		// The usual answer is one piece.
		l.queued(c).Send(c.fd, uintptr(g.pos), uint32(g.n), sendFlags(c), userData(opSend, c.gen, i))
		return
	}
	m := l.slot()
	if m == nil {
		l.sendNow(i)
		return
	}
	pieces, total, file := s.gather(&c.q, m)
	if file {
		l.sendNow(i)
		return
	}
	e, ud := l.queued(c), userData(opSend, c.gen, i)
	if pieces == 1 {
		e.Send(c.fd, uintptr(unsafe.Pointer(m.vec[0].Base)), uint32(total), sendFlags(c), ud)
		return
	}
	m.hdr = unix.Msghdr{Iov: &m.vec[0]}
	m.hdr.SetIovlen(pieces)
	l.used++
	e.SendMsg(c.fd, uintptr(unsafe.Pointer(&m.hdr)), sendFlags(c), ud)
}

// sendFlags are those of a queued send. A kernel that makes records refuses to be
// asked for all of it; what it has not taken is sent again.
func sendFlags(c *conn) uint32 {
	if c.has(flagKernel) {
		return unix.MSG_NOSIGNAL
	}
	return unix.MSG_NOSIGNAL | unix.MSG_WAITALL
}

// queued is the entry for a send that goes with the next submission.
func (l *uringLoop) queued(c *conn) *uring.SQE {
	l.s.stats.QueuedSends++
	c.flags |= flagSending
	return l.ring.Next()
}

// slot is room for the argument of a sendmsg, stable until the next submit;
// nil if the kernel has not yet taken those before it.
func (l *uringLoop) slot() *message {
	if l.used == len(l.msgs) {
		if l.submit(); l.used == len(l.msgs) {
			return nil
		}
	}
	return &l.msgs[l.used]
}

func (l *uringLoop) sendNow(i uint32) {
	s := l.s
	c := &s.conns[i]
	switch s.sendDirect(i) {
	case outDone:
		s.sealLater(i)
		s.drained(i)
	case outBlocked:
		c.flags |= flagPollOut
		l.ring.Next().PollAdd(c.fd, unix.POLLOUT, userData(opPoll, c.gen, i))
		s.drained(i)
	case outAgain:
		s.later = append(s.later, i)
	case outAbsent:
		s.drained(i)
	}
}
