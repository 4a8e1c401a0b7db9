package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// send submits the front of a connection's queue. A turn with a single
// completion, or a file, is served by direct system calls.
func (l *uringLoop) send(i uint32) {
	s := l.s
	c := &s.conns[i]
	if !c.has(flagOpen) || c.has(flagConnecting|flagFinishing) {
		return
	}
	if c.has(flagSending | flagPollOut) {
		s.drained(i)
		return
	}
	if c.has(flagMute) {
		s.swallow(i)
		return
	}
	if c.has(flagFilter) {
		if s.seal(i); !c.has(flagOpen) || c.has(flagFinishing) {
			return
		}
	}
	if c.q.bytes == 0 {
		s.drained(i)
		return
	}
	m := l.slot()
	if m == nil || s.batch <= directBatch {
		l.sendNow(i)
		return
	}
	pieces, total, file := s.gather(&c.q, m)
	if file {
		l.sendNow(i)
		return
	}
	s.stats.QueuedSends++
	c.flags |= flagSending
	ud := userData(opSend, c.gen, i)
	if pieces == 1 {
		l.ring.Next().Send(c.fd, uintptr(unsafe.Pointer(m.vec[0].Base)), uint32(total), unix.MSG_NOSIGNAL|unix.MSG_WAITALL, ud)
		return
	}
	m.hdr = unix.Msghdr{Iov: &m.vec[0]}
	m.hdr.SetIovlen(pieces)
	l.used++
	l.ring.Next().SendMsg(c.fd, uintptr(unsafe.Pointer(&m.hdr)), unix.MSG_NOSIGNAL|unix.MSG_WAITALL, ud)
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
	}
}
