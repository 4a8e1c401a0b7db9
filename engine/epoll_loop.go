package engine

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine/offheap"
	"github.com/anygate/anygate/epoll"
)

// What an event's data says: a kind in the top 8 bits, below it the
// generation and the index of a connection, or a listener's slot.
const (
	evConn = iota + 1
	evListener
	evWake
)

const connEvents = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// acceptsPerTurn bounds how many connections one listener hands over in one
// turn; the rest are there in the next.
const acceptsPerTurn = 64

// starvedWait is how long a shard that has no buffer left waits for one to
// come back.
const starvedWait = 2 * time.Millisecond

// epollLoop is the readiness backend: edge-triggered, it reads into a buffer
// of the shard and calls the same methods that completions call.
type epollLoop struct {
	s       *Shard
	p       *epoll.Poller
	rx      Buf      // what the next read fills; 0 after it was relayed
	again   []uint32 // connections to read again in the next turn
	reading []uint32 // and in this one
	starved bool     // the last read found no buffer
	msgs    []message

	_ [64]byte // another shard's loop may lie behind this one, and both are written all the time
}

func newEpollLoop(s *Shard) (*epollLoop, error) {
	p, err := epoll.Open()
	if err != nil {
		return nil, err
	}
	l := &epollLoop{s: s, p: p, rx: s.pool.receiveInto(LargeBuffer)}
	if l.msgs, err = offheap.Slice[message](1); err == nil {
		s.msg = &l.msgs[0]
		err = p.Add(s.inbox.fd, unix.EPOLLIN, evWake<<56)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *epollLoop) close() {
	_ = l.p.Close()
	offheap.Unmap(l.msgs)
}

func (l *epollLoop) turn() {
	s := l.s
	d := s.wait()
	switch {
	case l.starved:
		d = sooner(d, starvedWait)
	case len(l.again) > 0:
		d = 0
	}
	var events []epoll.Event
	if d == 0 || !l.spin(d, &events) {
		events = l.wait(d)
	}
	l.starved = false
	s.clock()
	s.waited()
	if s.handler.Turn != nil {
		s.handler.Turn()
	}
	s.batch = len(events)
	s.stats.Turns++
	s.stats.Events += uint64(len(events))
	l.again, l.reading = l.reading[:0], l.again
	for _, i := range l.reading {
		if c := &s.conns[i]; c.has(flagListed) {
			c.flags &^= flagListed
			l.read(i, false)
		}
	}
	for k := range events {
		l.event(events[k].Events, events[k].Data)
	}
	s.work()
	s.flush(l.send)
}

// wait sleeps for at most d, unless a message has come.
func (l *epollLoop) wait(d time.Duration) (events []epoll.Event) {
	s := l.s
	if d != 0 {
		s.inbox.asleep.Store(true)
		if !s.inbox.empty() {
			d = 0
		} else {
			s.stats.Waits++
		}
	}
	if d != 0 && s.napping(d) {
		events = l.p.Nap(napTime)
		s.napped(len(events) > 0)
	} else {
		events = l.p.Wait(d)
		s.woken()
	}
	s.inbox.asleep.Store(false)
	return events
}

// spin looks again for events, if this is the time for it, and reports whether
// there is something to do.
func (l *epollLoop) spin(d time.Duration, events *[]epoll.Event) bool {
	s := l.s
	if l.starved || !s.spins(d) {
		return false
	}
	for {
		if *events = l.p.Wait(0); len(*events) > 0 {
			return true
		}
		if !s.looks() {
			return s.looked(d)
		}
	}
}

func (l *epollLoop) event(ev uint32, data uint64) {
	s := l.s
	i := uint32(data)
	switch data >> 56 {
	case evWake:
		var b [8]byte
		_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(s.inbox.fd), uintptr(unsafe.Pointer(&b)), 8)
		return
	case evListener:
		l.accept(s.listeners[i])
		return
	}
	c := &s.conns[i]
	gen := uint32(data>>32) & genMask
	if c.gen&genMask != gen || !c.has(flagOpen) {
		return // of a connection that ended earlier in this turn
	}
	if c.has(flagConnecting) {
		if ev&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) == 0 {
			return
		}
		s.connected(i, socketError(c.fd))
		if c.gen&genMask != gen || !c.has(flagOpen) {
			return
		}
	} else if ev&unix.EPOLLOUT != 0 && c.has(flagPollOut) {
		c.flags &^= flagPollOut
		s.markDirty(i)
	}
	if ev&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.flags |= flagReadable
		if ev&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			// No further edge will tell of the end: read up to it.
			c.flags |= flagHup
		}
		l.read(i, true)
	}
}

func (l *epollLoop) accept(lis *listener) {
	for range acceptsPerTurn {
		if !lis.wanted {
			return
		}
		fd, e := acceptFD(lis.fd)
		switch e {
		case 0:
			l.s.accepted(fd, lis)
		case unix.EAGAIN:
			return
		case unix.EINTR, unix.ECONNABORTED:
		default:
			l.s.acceptFailed(e)
			return
		}
	}
}

// read receives while the protocol wants and the socket has bytes; sure says
// that the kernel has just said so.
func (l *epollLoop) read(i uint32, sure bool) {
	s := l.s
	c := &s.conns[i]
	gen := c.gen
	for k := range readsPerTurn {
		if c.flags&(flagWanted|flagReadable|flagConnecting) != flagWanted|flagReadable {
			return
		}
		if c.has(flagPiped) {
			if !s.readPiped(i, sure && k == 0 || c.has(flagHup)) {
				c.flags &^= flagReadable
				return
			}
			if c.gen != gen || !c.has(flagOpen) {
				return
			}
			continue
		}
		if l.rx == 0 {
			if l.rx = s.pool.receiveInto(LargeBuffer); l.rx == 0 {
				s.stats.NoBuffers++
				l.starved = true
				break
			}
		}
		size := LargeBuffer
		if s.pool.scarce() {
			size = SmallBuffer
		}
		n, e := receiveFD(c.fd, s.pool.addr(l.rx), size)
		switch {
		case e == unix.EAGAIN:
			c.flags &^= flagReadable
			return
		case e == unix.EINTR:
			continue
		case e != 0:
			s.failed(i, ReasonPeer, e)
			return
		case n == 0:
			c.flags &^= flagReadable
			s.eof(i)
			return
		}
		if n < size && !c.has(flagHup) {
			c.flags &^= flagReadable
		}
		s.rx, s.more = l.rx, n == size && staleFD(c.fd)
		s.received(i, offheap.Bytes(s.pool.addr(l.rx), n))
		s.rx = 0
		if *s.pool.refs(l.rx) > 1 {
			s.pool.release(l.rx)
			l.rx = 0
		}
		if c.gen != gen || !c.has(flagOpen) {
			return
		}
	}
	l.receive(i)
}

// receive lists a connection whose socket may have bytes for the next turn.
func (l *epollLoop) receive(i uint32) {
	c := &l.s.conns[i]
	if c.flags&(flagWanted|flagReadable|flagListed) == flagWanted|flagReadable {
		c.flags |= flagListed
		l.again = append(l.again, i)
	}
}

func (l *epollLoop) added(i uint32) Errno {
	c := &l.s.conns[i]
	if err := l.p.Add(c.fd, connEvents&0xffffffff, evConn<<56|uint64(c.gen&genMask)<<32|uint64(i)); err != nil {
		return errnoOf(err)
	}
	return 0
}

func (l *epollLoop) finish(i uint32) { l.s.retire(i) }

func (l *epollLoop) shut(i uint32) { shutdownFD(l.s.conns[i].fd, unix.SHUT_WR) }

func (l *epollLoop) stale(i uint32) bool { return staleFD(l.s.conns[i].fd) }

func (l *epollLoop) progress(i uint32) uint64 {
	return ackedBytes(l.s.conns[i].fd, l.s.conns[i].sent)
}

func (l *epollLoop) peer(i uint32) netip.AddrPort { return peerAddr(l.s.conns[i].fd) }

func (l *epollLoop) listen(lis *listener) {
	lis.wanted = true
	if lis.armed {
		return
	}
	if err := l.p.Add(lis.fd, unix.EPOLLIN, evListener<<56|uint64(lis.slot)); err != nil {
		l.s.acceptFailed(errnoOf(err))
		return
	}
	lis.armed = true
}

func (l *epollLoop) rest(lis *listener) {
	lis.wanted = false
	if lis.armed {
		lis.armed = false
		_ = l.p.Del(lis.fd)
	}
}

func (l *epollLoop) send(i uint32) {
	s := l.s
	if !s.sendable(i) {
		return
	}
	switch s.sendDirect(i) {
	case outDone:
		s.sealLater(i)
		s.drained(i)
	case outBlocked:
		s.conns[i].flags |= flagPollOut
		s.drained(i)
	case outAgain:
		s.later = append(s.later, i)
	case outAbsent:
		s.drained(i)
	}
}
