package engine

import (
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine/offheap"
	"github.com/anygate/anygate/uring"
)

// The operations a completion can belong to: the top 8 bits of its user data.
// Below them are the generation and the index of what it is for.
const (
	opAccept = iota + 1
	opReceive
	opReceiveLittle // into a small buffer, once
	opReadable
	opSend
	opPoll
	opCancel
	opWake
)

func userData(op uint64, gen, index uint32) uint64 {
	return op<<56 | uint64(gen&genMask)<<32 | uint64(index)
}

// uringLoop is the io_uring backend. Receives are multishot into a small ring
// of provided buffers; everything a turn has to send is submitted with the
// system call that waits for the next turn.
//
// A connection's place in the table is freed only after all its operations
// have completed, so that no completion can meet a stranger; the generation
// in the user data asserts it.
type uringLoop struct {
	s      *Shard
	ring   *uring.Ring
	small  recvGroup
	large  recvGroup
	last   *uring.SQE // of the receive armed last
	refill []uint32   // connections whose receive found no buffer
	dry    bool       // and there still is none

	msgs []message // arguments of the sendmsg operations not yet submitted
	used int

	_ [64]byte // another shard's loop may lie behind this one, and both are written all the time
}

func newUringLoop(s *Shard) (*uringLoop, error) {
	l := &uringLoop{s: s, small: recvGroup{id: 1}, large: recvGroup{id: 2}}
	var err error
	if l.ring, err = uring.Open(uring.Options{}); err != nil {
		return nil, err
	}
	if err = l.small.open(s, l.ring, recvSmall, SmallBuffer); err == nil {
		err = l.large.open(s, l.ring, recvLarge, LargeBuffer)
	}
	if err == nil {
		l.msgs, err = offheap.Slice[message](256)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("io_uring: %w", err)
	}
	s.msg = &l.msgs[0]
	l.used = 1
	l.armWake()
	return l, nil
}

func (l *uringLoop) close() {
	// Descriptors may be about to be closed by the queue.
	l.ring.Submit()
	_ = l.ring.Close()
	l.small.close()
	l.large.close()
	offheap.Unmap(l.msgs)
}

func (l *uringLoop) armWake() {
	l.ring.Next().PollMulti(l.s.inbox.fd, unix.POLLIN, userData(opWake, 0, 0))
}

func (l *uringLoop) turn() {
	s, r := l.s, l.ring
	l.submit()
	if r.Ready() == 0 {
		d := s.wait()
		if l.dry {
			d = sooner(d, starvedWait)
		}
		if d != 0 && !l.spin(d) {
			s.inbox.asleep.Store(true)
			if s.inbox.empty() {
				s.stats.Waits++
				if s.napping(d) {
					r.SubmitAndNap(napTime)
					s.napped(r.Ready() > 0)
				} else {
					r.SubmitAndWait(d)
					s.woken()
				}
			}
			s.inbox.asleep.Store(false)
		}
	}
	s.clock()
	s.waited()
	if s.handler.Turn != nil {
		s.handler.Turn()
	}
	n := r.Ready()
	if r.Overflowed() {
		s.stats.Overflows++
	}
	s.batch = int(n)
	s.stats.Turns++
	s.stats.Events += uint64(n)
	for n > 0 {
		k := min(n, flushEvery)
		for j := range k {
			e := r.CQE(j)
			l.complete(e.UserData, e.Res, e.Flags)
		}
		// The entries up to here go back first: what the submission completes
		// needs room.
		r.Advance(k)
		if n -= k; n > 0 {
			s.flush(l.send)
			l.publish()
			l.push()
		}
	}
	s.work()
	l.rearm()
	s.flush(l.send)
	l.publish()
}

// spin looks again for completions, if this is the time for it, and reports
// whether there is something to do. The kernel posts completions only when it
// is entered.
func (l *uringLoop) spin(d time.Duration) bool {
	s := l.s
	if l.dry || !s.spins(d) {
		return false
	}
	for {
		if l.submit(); l.ring.Ready() > 0 {
			return true
		}
		if !s.looks() {
			return s.looked(d)
		}
	}
}

// submit hands over what is queued. Should the kernel not take all of it, for
// want of memory, the rest stays queued, and the arguments it points to stay
// in place.
func (l *uringLoop) submit() {
	l.ring.Submit()
	l.reuse()
}

// push is submit in the middle of a turn. It does not let the kernel receive
// more meanwhile: a turn under load would end with more completions waiting
// than it began with, until all receive buffers are among them and receives
// fail for want of one.
func (l *uringLoop) push() {
	l.ring.Push()
	l.reuse()
}

// reuse makes the arguments of sends free again once the kernel has taken all.
func (l *uringLoop) reuse() {
	if l.ring.Pending() == 0 {
		l.used = 1
	}
}

// complete handles one completion.
func (l *uringLoop) complete(ud uint64, res int32, flags uint32) {
	s := l.s
	i := uint32(ud)
	switch ud >> 56 {
	case opReceive:
		l.onReceive(i, uint32(ud>>32)&genMask, res, flags, s.conns[i].has(flagMulti))
	case opReceiveLittle:
		l.onReceive(i, uint32(ud>>32)&genMask, res, flags, true)
	case opReadable:
		c := &s.conns[i]
		l.check(c, ud)
		l.onReadable(i)
	case opSend:
		c := &s.conns[i]
		l.check(c, ud)
		c.flags &^= flagSending
		switch {
		case res >= 0:
			s.written(i, int64(res))
		case c.has(flagFinishing):
		case Errno(-res) != unix.EINTR && Errno(-res) != unix.EAGAIN:
			s.sendFailed(i, Errno(-res))
		}
		if c.has(flagFinishing) {
			l.finished(i)
			return
		}
		if c.q.bytes > 0 || c.has(flagFilter) {
			s.markDirty(i)
		}
		s.drained(i)
	case opPoll:
		c := &s.conns[i]
		l.check(c, ud)
		c.flags &^= flagPollOut
		if l.finished(i) || c.has(flagFinishing) {
			return
		}
		if c.has(flagConnecting) {
			s.connected(i, socketError(c.fd))
		} else {
			s.markDirty(i)
		}
	case opAccept:
		l.onAccept(s.listeners[i], res, flags)
	case opWake:
		var b [8]byte
		_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(s.inbox.fd), uintptr(unsafe.Pointer(&b)), 8)
		if flags&uring.CQEFMore == 0 {
			l.armWake()
		}
	}
}

// check asserts that a completion belongs to the connection in its place.
func (l *uringLoop) check(c *conn, ud uint64) {
	if c.gen&genMask != uint32(ud>>32)&genMask || !c.has(flagOpen) {
		panic("engine: a completion for a connection that is gone")
	}
}

func (l *uringLoop) onReceive(i, gen uint32, res int32, flags uint32, small bool) {
	s := l.s
	c := &s.conns[i]
	if c.gen&genMask != gen || !c.has(flagOpen) {
		panic("engine: a receive completed for a connection that is gone")
	}
	g := &l.large
	if small {
		g = &l.small
	}
	if flags&uring.CQEFMore == 0 {
		c.flags &^= flagRecvArmed | flagMulti | flagCancel
	}
	if flags&uring.CQEFBuffer != 0 {
		bid := uring.BufferID(flags)
		if res > 0 && !c.has(flagFinishing) {
			s.rx = g.slots[bid]
			// Of a unix socket the kernel does not say.
			s.more = flags&uring.CQEFSockNonEmpty != 0 || int(res) == g.size && staleFD(c.fd)
			s.received(i, offheap.Bytes(s.pool.addr(s.rx), int(res)))
			s.rx = 0
		}
		g.recycle(s, bid)
		if c.gen&genMask != gen || !c.has(flagOpen) {
			return
		}
	}
	if c.has(flagFinishing) {
		l.finished(i)
		return
	}
	switch {
	case res > 0:
	case res == 0:
		s.eof(i)
	case Errno(-res) == unix.ENOBUFS:
		s.stats.NoBuffers++
		if !c.has(flagRefill) {
			c.flags |= flagRefill
			l.refill = append(l.refill, i)
		}
		return
	case Errno(-res) == unix.ECANCELED, Errno(-res) == unix.EINTR, Errno(-res) == unix.EAGAIN:
	default:
		s.failed(i, ReasonPeer, Errno(-res))
		return
	}
	if c.gen&genMask == gen && c.has(flagOpen) && c.has(flagWanted) && !c.has(flagRecvArmed|flagFinishing|flagRefill) {
		l.arm(i)
		if res > 0 && flags&uring.CQEFSockNonEmpty == 0 {
			// The socket was empty: trying before waiting would be in vain.
			l.last.PollFirst()
		}
	}
}

// onReadable receives into a pipe.
func (l *uringLoop) onReadable(i uint32) {
	s := l.s
	c := &s.conns[i]
	gen := c.gen
	c.flags &^= flagRecvArmed
	if c.has(flagFinishing) {
		l.finished(i)
		return
	}
	for k := range readsPerTurn {
		if c.gen != gen || c.flags&(flagOpen|flagWanted|flagPiped|flagFinishing) != flagOpen|flagWanted|flagPiped {
			break
		}
		if !s.readPiped(i, k == 0) {
			break
		}
	}
	if c.gen == gen && c.has(flagOpen) && c.has(flagWanted) && !c.has(flagRecvArmed|flagFinishing|flagRefill) {
		l.arm(i)
	}
}

// arm puts a receive into the kernel.
func (l *uringLoop) arm(i uint32) {
	c := &l.s.conns[i]
	ud := userData(opReceive, c.gen, i)
	c.flags |= flagRecvArmed
	l.last = l.ring.Next()
	if c.has(flagPiped) {
		l.last.PollAdd(c.fd, unix.POLLIN|unix.POLLRDHUP, userData(opReadable, c.gen, i))
		return
	}
	if c.has(flagBulk) {
		if l.s.pool.scarce() {
			l.last.Recv(c.fd, l.small.id, 0, userData(opReceiveLittle, c.gen, i))
		} else {
			l.last.Recv(c.fd, l.large.id, 0, ud)
		}
		return
	}
	c.flags |= flagMulti
	l.last.RecvMulti(c.fd, l.small.id, ud)
}

// rearm arms the receives that found no buffer, now that some came back. While
// the shard has none at all they wait: they would find none again, at once.
func (l *uringLoop) rearm() {
	l.small.restock(l.s)
	l.large.restock(l.s)
	l.dry = false
	if len(l.refill) == 0 {
		return
	}
	l.publish()
	todo := l.refill
	l.refill = l.refill[:0]
	for _, i := range todo {
		c := &l.s.conns[i]
		if !c.has(flagRefill) {
			continue
		}
		g := &l.small
		if c.has(flagBulk) && !l.s.pool.scarce() {
			g = &l.large
		}
		if g.missing == len(g.slots) {
			l.refill = append(l.refill, i)
			l.dry = true
			continue
		}
		c.flags &^= flagRefill
		if c.has(flagOpen) && c.has(flagWanted) && !c.has(flagRecvArmed|flagFinishing) {
			l.arm(i)
		}
	}
}

func (l *uringLoop) publish() {
	l.small.publish()
	l.large.publish()
}

func (l *uringLoop) added(i uint32) Errno {
	c := &l.s.conns[i]
	if c.has(flagConnecting) {
		c.flags |= flagPollOut
		l.ring.Next().PollAdd(c.fd, unix.POLLOUT, userData(opPoll, c.gen, i))
		return 0
	}
	l.receive(i)
	return 0
}

func (l *uringLoop) receive(i uint32) {
	c := &l.s.conns[i]
	switch {
	case c.has(flagConnecting | flagFinishing | flagRefill):
	case !c.has(flagRecvArmed):
		if c.has(flagWanted) {
			l.arm(i)
		}
	case c.has(flagMulti) && !c.has(flagCancel) && (!c.has(flagWanted) || c.has(flagBulk|flagPiped)):
		// A multishot receive knows no back-pressure and keeps to its
		// buffers: to pause or to change them it has to be cancelled.
		c.flags |= flagCancel
		l.ring.Next().Cancel(userData(opReceive, c.gen, i), userData(opCancel, 0, 0))
	}
}

func (l *uringLoop) finish(i uint32) {
	c := &l.s.conns[i]
	if c.has(flagFinishing) {
		return
	}
	c.flags |= flagFinishing
	if l.finished(i) {
		return
	}
	if c.has(flagReset) {
		resetOnClose(c.fd)
	}
	// Behind the cancellation the descriptor is closed in the same
	// submission. What still refers to the socket are the operations that
	// are being cancelled; none is started again.
	c.flags |= flagClosed
	l.ring.Next().CancelFD(c.fd, userData(opCancel, 0, 0))
	l.ring.Next().Close(c.fd, userData(opCancel, 0, 0))
}

// finished retires a finishing connection once nothing of it is in the kernel.
func (l *uringLoop) finished(i uint32) bool {
	c := &l.s.conns[i]
	if c.flags&flagFinishing == 0 || c.flags&flagsInKernel != 0 {
		return false
	}
	l.s.retire(i)
	return true
}

func (l *uringLoop) shut(i uint32) { shutdownFD(l.s.conns[i].fd, unix.SHUT_WR) }

func (l *uringLoop) stale(i uint32) bool { return staleFD(l.s.conns[i].fd) }

func (l *uringLoop) progress(i uint32) uint64 {
	return ackedBytes(l.s.conns[i].fd, l.s.conns[i].sent)
}

func (l *uringLoop) peer(i uint32) netip.AddrPort { return peerAddr(l.s.conns[i].fd) }

func (l *uringLoop) onAccept(lis *listener, res int32, flags uint32) {
	s := l.s
	if flags&uring.CQEFMore == 0 {
		lis.armed = false
	}
	switch {
	case res >= 0:
		s.accepted(res, lis)
	case Errno(-res) != unix.ECANCELED:
		s.acceptFailed(Errno(-res))
	}
	if !lis.armed && lis.wanted && !lis.closed {
		l.listen(lis)
	}
}

func (l *uringLoop) listen(lis *listener) {
	lis.wanted = true
	if !lis.armed {
		lis.armed = true
		l.ring.Next().AcceptMulti(lis.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, userData(opAccept, 0, lis.slot))
	}
}

func (l *uringLoop) rest(lis *listener) {
	lis.wanted = false
	if lis.armed {
		l.ring.Next().Cancel(userData(opAccept, 0, lis.slot), userData(opCancel, 0, 0))
		// At once: the socket may be closed next, and would live on for as
		// long as an accept is armed.
		l.ring.Submit()
	}
}
