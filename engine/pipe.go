package engine

import (
	"golang.org/x/sys/unix"
)

// Content that only passes through need not be copied into this process and
// out of it again: splice(2) moves the pages that hold it from one socket to
// a pipe, and from there to another. For large content that takes less than
// half of what copying takes; for small content the two further system calls
// and the wait for readiness cost more than the copy.
//
// A pipe stands in for a receive buffer. The connection that is received from
// holds one for as long as it receives into it; what a call of Piped relays
// becomes a segment of the other connection's output, which holds it as well.
// A pipe can only be emptied in the order in which it was filled: all that was
// received into one goes to the same connection. When that drops a segment,
// what is left in the pipe is of no use to anyone, and it is closed.

// pipe is a pipe of the shard's.
type pipe struct {
	r, w int32
	refs int32
	held int64 // bytes in it
	lost bool  // some of them belong to nobody
}

// inflow says how a connection receives into a pipe.
type inflow struct {
	left int64  // bytes that may be received into it
	pipe uint32 // 0 none
}

// pipes are the pipes of a shard; index 0 is "none".
type pipes struct {
	all   []pipe
	idle  []uint32 // open and empty
	free  []uint32 // places without a pipe
	flows []inflow // by connection; made with the first one
	limit int
	dry   int64  // until when none is asked for, because there was none
	now   uint32 // the pipe that the Piped in progress has received into
	fresh int    // and how much
}

// open finds an empty pipe, 0 if there is none.
func (p *pipes) open() uint32 {
	if n := len(p.idle); n > 0 {
		i := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.all[i].refs = 1
		return i
	}
	i := uint32(len(p.all))
	if n := len(p.free); n > 0 {
		i = p.free[n-1]
	} else if int(i) > p.limit {
		return 0
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC) != nil {
		return 0
	}
	// Without the privilege, or beyond the user's share, it stays small.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeBytes)
	q := pipe{r: int32(fds[0]), w: int32(fds[1]), refs: 1}
	if int(i) < len(p.all) {
		p.free = p.free[:len(p.free)-1]
		p.all[i] = q
	} else {
		if i == 0 {
			p.all = append(p.all, pipe{})
			i = 1
		}
		p.all = append(p.all, q)
	}
	return i
}

// release gives up one hold on a pipe.
func (p *pipes) release(i uint32) {
	q := &p.all[i]
	if q.refs--; q.refs > 0 {
		return
	}
	if q.lost || q.held > 0 || len(p.idle) >= idlePipes {
		closeFD(q.r)
		closeFD(q.w)
		*q = pipe{r: -1, w: -1}
		p.free = append(p.free, i)
		return
	}
	p.idle = append(p.idle, i)
}

func (p *pipes) close() {
	for _, q := range p.all {
		if q.w > 0 {
			closeFD(q.r)
			closeFD(q.w)
		}
	}
	*p = pipes{}
}

// ReceivePiped asks that the next n bytes of a connection be received without
// passing through memory: Piped tells of them, and RelayPiped sends them on.
// What has been received already, or cannot be received in this way, comes to
// Received as ever, and counts. It reports false if that is all that can come.
func (s *Shard) ReceivePiped(from Conn, n int64) bool {
	c := s.get(from)
	if c == nil || n <= 0 || c.has(flagFilter|flagEOF|flagConnecting) || s.handler.Piped == nil || s.now < s.pipes.dry {
		return false
	}
	if s.pipes.flows == nil {
		s.pipes.flows = make([]inflow, len(s.conns))
		s.pipes.limit = s.cfg.Limits.Pipes
		if s.pipes.limit == 0 {
			s.pipes.limit = maxPipes
		}
	}
	s.pipes.flows[from.index()].left = n
	if !c.has(flagPiped) {
		c.flags |= flagPiped
		s.loop.receive(from.index())
	}
	return true
}

// Piping reports whether output of the connection goes out as it was received
// through RelayPiped: it must not be transformed in this process.
func (s *Shard) Piping(to Conn) bool {
	c := s.get(to)
	return c != nil && !c.sealed()
}

// RelayPiped appends the bytes of the Piped call in progress to another
// connection's output.
func (s *Shard) RelayPiped(to Conn) {
	p := &s.pipes
	if s.get(to) == nil || p.fresh == 0 {
		return
	}
	p.all[p.now].refs++
	s.push(s.out(to.index()), segment{n: int64(p.fresh), owner: p.now, kind: segPipe})
	p.fresh = 0
	s.markDirty(to.index())
}

// readPiped receives into a connection's pipe what there is. It reports
// whether there may be more. sure says that the kernel has just called the
// socket readable.
func (s *Shard) readPiped(i uint32, sure bool) bool {
	c := &s.conns[i]
	if c.has(flagDead) {
		s.endPiped(i)
		return true
	}
	n, e := s.receivePiped(i, sure)
	switch {
	case e == unix.EAGAIN && sure:
		// There is something that splice(2) does not take: an urgent byte,
		// which it never passes. A receive into a buffer does.
		s.endPiped(i)
	case e == unix.EAGAIN:
		return false
	case e == unix.EINTR:
	case e == unix.ENOBUFS:
		s.pipes.dry = s.now + int64(pipeRest)
		s.endPiped(i)
	case e == unix.EINVAL:
		s.endPiped(i)
	case e != 0:
		s.failed(i, ReasonPeer, e)
	case n == 0:
		s.eof(i)
		return false
	}
	return true
}

// receivePiped receives once into a connection's pipe, as much as fits. An
// EAGAIN says that the socket is empty, ENOBUFS that there is no pipe.
func (s *Shard) receivePiped(i uint32, sure bool) (n int, e Errno) {
	p := &s.pipes
	f := &p.flows[i]
	for {
		if !s.enterPipe(f) {
			return 0, unix.ENOBUFS
		}
		q := &p.all[f.pipe]
		n, e = spliceFD(s.conns[i].fd, q.w, int(min(f.left, pipeBytes)))
		if e == unix.EAGAIN && q.held > 0 && (sure || readable(s.conns[i].fd)) {
			// It is the pipe that has no room. Of an end behind what was
			// received before, readable does not know.
			s.leavePipe(f)
			continue
		}
		break
	}
	if e == 0 && n > 0 {
		s.piped(i, n)
	}
	return n, e
}

// piped hands over n bytes that were received into a connection's pipe.
func (s *Shard) piped(i uint32, n int) {
	p := &s.pipes
	f := &p.flows[i]
	at := f.pipe
	q := &p.all[at]
	q.held += int64(n)
	q.refs++ // the call may end the connection, and with it the pipe
	f.left -= int64(n)
	p.now, p.fresh = at, n
	if f.left == 0 {
		s.endPiped(i)
	}
	s.handler.Piped(s.name(i), n)
	if p.fresh > 0 {
		p.all[at].lost = true
		p.fresh = 0
	}
	p.release(at)
}

// endPiped goes back to receiving into buffers.
func (s *Shard) endPiped(i uint32) {
	if c := &s.conns[i]; c.has(flagPiped) {
		c.flags &^= flagPiped
		f := &s.pipes.flows[i]
		f.left = 0
		s.leavePipe(f)
	}
}

// enterPipe sees to it that there is a pipe to receive into.
func (s *Shard) enterPipe(f *inflow) bool {
	if f.pipe != 0 && s.pipes.all[f.pipe].lost {
		s.leavePipe(f)
	}
	if f.pipe == 0 {
		f.pipe = s.pipes.open()
	}
	return f.pipe != 0
}

func (s *Shard) leavePipe(f *inflow) {
	if f.pipe != 0 {
		s.pipes.release(f.pipe)
		f.pipe = 0
	}
}

// receivedBeside accounts for bytes that came into a buffer although a pipe
// was wanted.
func (s *Shard) receivedBeside(i uint32, n int) {
	f := &s.pipes.flows[i]
	if f.left -= int64(n); f.left <= 0 {
		s.endPiped(i)
	}
}

// sendPiped moves a segment's bytes from its pipe to a socket.
func (s *Shard) sendPiped(fd int32, g *segment) (int, Errno) {
	q := &s.pipes.all[g.owner]
	n, e := spliceFD(q.r, fd, int(min(g.n, turnBytes)))
	q.held -= int64(n)
	return n, e
}

// dropPiped lets go of the pipe of a segment of which so many bytes were not
// sent.
func (s *Shard) dropPiped(at uint32, left int64) {
	if left > 0 {
		s.pipes.all[at].lost = true
	}
	s.pipes.release(at)
}

func spliceFD(from, to int32, n int) (int, Errno) {
	const flags = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK
	r, _, e := unix.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), flags)
	if e != 0 {
		return 0, e
	}
	return int(r), 0
}

// readable reports whether a socket has bytes to read.
func readable(fd int32) bool {
	n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
	return err == nil && n > 0
}
