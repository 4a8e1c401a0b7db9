package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// accepted takes over a socket that a loop has accepted. A multishot accept
// delivers until its cancellation has taken effect: what it brings beyond the
// limits waits for room, like the backlog behind it.
func (s *Shard) accepted(fd int32, l *listener) {
	if s.room() {
		s.admit(fd, l)
	} else {
		s.parked = append(s.parked, parked{fd: fd, l: l})
	}
	if !s.room() {
		s.restAccept(0)
	}
}

// room reports whether the limits allow a further client.
func (s *Shard) room() bool {
	return s.clients < s.cfg.Limits.Clients && s.table.open < s.cfg.Limits.Connections
}

// admit announces a client; there is room for it.
func (s *Shard) admit(fd int32, l *listener) {
	i := s.take()
	c := &s.conns[i]
	c.fd = fd
	c.flags |= flagClient | flagWanted
	s.clients++
	s.stats.Accepted++
	name := s.name(i)
	if s.handler.Accepted != nil {
		s.handler.Accepted(name, l.id)
	}
	// The protocol may have aborted it, and the place may be another's by
	// now. One that it has closed still has to be watched to its end.
	if s.name(i) != name || !c.has(flagOpen) || c.has(flagFinishing) {
		return
	}
	if e := s.loop.added(i); e != 0 {
		s.failed(i, ReasonMemory, e)
	}
}

// acceptFailed handles an error of accept: those that a single connection
// caused pass by, exhaustion makes accepting rest for a moment.
func (s *Shard) acceptFailed(e Errno) {
	s.stats.AcceptErrors++
	switch e {
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ENOSPC:
		s.restAccept(acceptRetry)
	}
}

// restAccept stops accepting until a connection ends or d has passed; clients
// wait in the listen backlog meanwhile.
func (s *Shard) restAccept(d time.Duration) {
	s.retryAt = max(s.retryAt, s.now+int64(d))
	if s.full {
		return
	}
	s.full = true
	for _, l := range s.listeners {
		if !l.closed {
			s.loop.rest(l)
		}
	}
}

// mayResume reports whether accepting rests without a reason.
func (s *Shard) mayResume() bool { return s.full && s.now >= s.retryAt && s.room() }

// resumeAccept lets clients in again: first those that are accepted already.
func (s *Shard) resumeAccept() {
	k := 0
	for ; k < len(s.parked) && s.room(); k++ {
		s.admit(s.parked[k].fd, s.parked[k].l)
	}
	s.parked = s.parked[:copy(s.parked, s.parked[k:])]
	if !s.room() {
		return
	}
	s.full = false
	for _, l := range s.listeners {
		if !l.closed {
			s.loop.listen(l)
		}
	}
}

// received passes bytes on, or discards them when nobody is there to care.
func (s *Shard) received(i uint32, p []byte) {
	c := &s.conns[i]
	if c.has(flagPiped) {
		s.receivedBeside(i, len(p))
	}
	switch {
	case c.has(flagDead):
		s.discard(i, len(p))
		if c.has(flagFilter) && !c.has(flagShut) && !s.filters[i].refused {
			// What is queued may wait for the end of a handshake.
			s.open1(i, p)
		}
	case c.has(flagFilter):
		s.open1(i, p)
	case s.handler.Received != nil:
		s.handler.Received(s.name(i), p)
	}
}

// discard counts bytes that nobody reads. A peer that goes on sending is made
// to wait: to cut it off would be to reset the connection, and with it what
// is still on its way of the last answer.
func (s *Shard) discard(i uint32, n int) {
	c := &s.conns[i]
	if c.discard += uint32(n); c.discard > lingerBytes {
		c.flags &^= flagWanted
		s.loop.receive(i)
	}
}

// eof handles the end of what the peer sends.
func (s *Shard) eof(i uint32) {
	c := &s.conns[i]
	if c.has(flagMute) {
		// The send took the error that tells of the reset.
		s.failed(i, ReasonPeer, unix.ECONNRESET)
		return
	}
	if c.has(flagEOF) && !c.has(flagShut) {
		return // a transform has told of it before
	}
	c.flags |= flagEOF
	c.flags &^= flagWanted
	switch {
	case c.has(flagShut):
		s.kill(i)
	case c.has(flagDead):
		// Closing: what is queued may still be read by a peer that has only
		// closed its sending side.
		s.markDirty(i)
	case s.handler.EOF != nil:
		s.handler.EOF(s.name(i))
	}
}

// connected ends the connecting state.
func (s *Shard) connected(i uint32, e Errno) {
	c := &s.conns[i]
	c.flags &^= flagConnecting
	if e != 0 {
		s.failed(i, ReasonConnect, e)
		return
	}
	if c.has(flagDead) {
		return
	}
	if c.has(flagFilter) {
		// The protocol is told when the transform is ready.
		name := s.name(i)
		if s.open1(i, nil); !s.ceased(i, name) {
			s.loop.receive(i)
		}
		return
	}
	if s.handler.Connected != nil {
		s.handler.Connected(s.name(i))
	}
	if c.alive() {
		// What was asked for meanwhile (output, Drained, CloseWrite) is due.
		s.markDirty(i)
		s.loop.receive(i)
	}
}

// failed ends a connection that cannot go on and tells the protocol.
func (s *Shard) failed(i uint32, why Reason, e Errno) {
	c := &s.conns[i]
	if c.has(flagDead) {
		s.kill(i)
		return
	}
	name := s.name(i)
	c.flags |= flagDead
	if s.handler.Closed != nil {
		s.handler.Closed(name, why, e)
	}
	s.kill(i)
}

// sendFailed handles a connection whose peer takes nothing more. What it said
// before, an early answer maybe, is still there to be received; the receive
// ends with the error, and that ends the connection.
func (s *Shard) sendFailed(i uint32, e Errno) {
	c := &s.conns[i]
	if c.flags&(flagWanted|flagDead|flagEOF|flagFilter) != flagWanted || e != unix.EPIPE && e != unix.ECONNRESET {
		s.failed(i, ReasonPeer, e)
		return
	}
	c.flags |= flagMute | flagReadable | flagHup
	s.markDirty(i)
	s.loop.receive(i)
}

// sendable prepares a connection for being written, and reports whether it may be
// now; if not, what has to happen instead has happened.
func (s *Shard) sendable(i uint32) bool {
	c := &s.conns[i]
	switch {
	case !c.has(flagOpen) || c.has(flagConnecting|flagFinishing):
		return false
	case c.has(flagSending|flagPollOut) || s.rests(i):
		s.drained(i)
		return false
	case c.has(flagMute):
		s.swallow(i)
		return false
	case !c.has(flagFilter):
		return true
	}
	s.seal(i)
	return c.has(flagOpen) && !c.has(flagFinishing)
}

// swallow drops what is queued for a peer that takes nothing more.
func (s *Shard) swallow(i uint32) {
	s.drop(&s.conns[i].q)
	s.drained(i)
}

// kill ends a connection without telling the protocol.
func (s *Shard) kill(i uint32) {
	c := &s.conns[i]
	if !c.has(flagOpen) {
		return
	}
	c.flags |= flagDead
	c.flags &^= flagWanted | flagNotify
	c.deadline = 0
	s.loop.finish(i)
}

// retire frees a connection that the kernel no longer knows anything of.
func (s *Shard) retire(i uint32) {
	c := &s.conns[i]
	s.drop(&c.q)
	s.endPiped(i)
	s.endFilter(i)
	s.timers.clear(i)
	if c.fd >= 0 && !c.has(flagClosed) {
		if c.has(flagReset) {
			resetOnClose(c.fd)
		}
		closeFD(c.fd)
	}
	if c.has(flagClient) {
		s.clients--
	}
	if c.has(flagUnbound) {
		s.unbound--
	}
	s.give(i)
}

// written accounts for n sent bytes.
func (s *Shard) written(i uint32, n int64) {
	c := &s.conns[i]
	c.sent += uint64(n)
	s.consume(&c.q, n)
}

// unsent is how many bytes of output wait, sealed or plain.
func (s *Shard) unsent(i uint32) int64 {
	c := &s.conns[i]
	if c.has(flagFilter) {
		return c.q.bytes + s.filters[i].plain.bytes
	}
	return c.q.bytes
}

// drained looks at what has to happen now that the queue has become shorter.
func (s *Shard) drained(i uint32) {
	c := &s.conns[i]
	if c.flags&(flagFilter|flagClosing|flagHalf|flagNotify) == 0 {
		return
	}
	quiet := true
	if c.has(flagFilter) {
		f := s.filters[i]
		quiet = f.quiet
		if c.q.bytes == 0 && quiet && c.has(flagEOF) && c.has(flagClosing) {
			// A transform that has nothing to say, and will hear nothing
			// more, does not take what is left.
			s.drop(&f.plain)
		}
	}
	left := s.unsent(i)
	if left == 0 && quiet && !c.has(flagSending) && c.has(flagClosing|flagHalf) && s.flushed(i) {
		if c.has(flagClosing) && !c.has(flagShut) {
			s.beginShut(i)
			return
		}
		if c.has(flagHalf) && !c.has(flagDead) {
			c.flags &^= flagHalf
			s.loop.shut(i)
		}
	}
	if c.has(flagNotify) && left <= int64(c.q.low) && !c.has(flagDead) {
		c.flags &^= flagNotify
		if s.handler.Drained != nil {
			s.handler.Drained(s.name(i))
		}
	}
}

// beginShut closes our side of a connection whose output is all sent, and
// waits a little for the peer to close its own.
func (s *Shard) beginShut(i uint32) {
	c := &s.conns[i]
	if c.has(flagEOF | flagConnecting | flagQuiet) {
		s.kill(i)
		return
	}
	s.loop.shut(i)
	c.flags |= flagShut | flagWanted
	c.flags &^= flagBulk
	c.discard = 0
	s.setDeadline(i, int64(lingerTime))
	s.loop.receive(i)
}

func (s *Shard) markDirty(i uint32) {
	c := &s.conns[i]
	if c.has(flagDirty) {
		return
	}
	c.flags |= flagDirty
	s.dirty = append(s.dirty, i)
}

// flush writes every connection that has output. Those that have had their
// share, or got more output by being written (Drained), wait for the next
// turn: a peer that reads as fast as the protocol writes must not keep the
// others waiting.
func (s *Shard) flush(send func(i uint32)) {
	n := len(s.dirty)
	for k := range n {
		i := s.dirty[k]
		if c := &s.conns[i]; c.has(flagDirty) {
			c.flags &^= flagDirty
			send(i)
		}
	}
	s.dirty = s.dirty[:copy(s.dirty, s.dirty[n:])]
	for _, i := range s.later {
		s.markDirty(i)
	}
	s.later = s.later[:0]
}

func (s *Shard) setDeadline(i uint32, after int64) {
	c := &s.conns[i]
	if after <= 0 {
		c.deadline = 0
		return
	}
	before := c.deadline
	c.deadline = s.now + after
	if before == 0 || before > c.deadline {
		s.hasten(i)
	}
}

// hasten sees to it that a connection's node in the wheel does not come up
// later than its deadline. One that was in time for an earlier deadline may
// stay where it is.
func (s *Shard) hasten(i uint32) {
	at := tickOf(s.conns[i].deadline)
	if n := s.timers.nodes[i].at; n == 0 || n > at {
		s.timers.set(i, at)
	}
}
