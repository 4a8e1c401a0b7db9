package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// accepted takes over a socket that a loop has accepted.
func (s *Shard) accepted(fd int32, l *listener) {
	i := s.take()
	if i == 0 {
		closeFD(fd)
		s.restAccept(0)
		return
	}
	c := &s.conns[i]
	c.fd = fd
	c.flags |= flagClient | flagWanted
	c.listener = uint32(l.id)
	s.clients++
	s.stats.Accepted++
	s.handler.Accepted(s.name(i), l.id)
	if c.has(flagOpen) && !c.has(flagDead) {
		s.loop.added(i)
	}
	if s.clients >= s.cfg.Limits.Clients || s.table.open >= s.cfg.Limits.Connections {
		s.restAccept(0)
	}
}

// acceptFailed handles an error of accept: those that a single connection
// caused pass by, exhaustion makes accepting rest for a moment.
func (s *Shard) acceptFailed(e Errno) {
	s.stats.AcceptErrors++
	switch e {
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		s.restAccept(acceptRetry)
	}
}

// restAccept stops accepting until a connection ends or d has passed; clients
// wait in the listen backlog meanwhile.
func (s *Shard) restAccept(d time.Duration) {
	s.retryAt = s.now + int64(d)
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

// received passes bytes on, or discards them when nobody is there to care.
func (s *Shard) received(i uint32, p []byte) {
	c := &s.conns[i]
	if c.has(flagDead) {
		c.discard += uint32(len(p))
		if c.discard > lingerBytes {
			s.kill(i)
		}
		return
	}
	if c.has(flagFilter) {
		s.open1(i, p)
		return
	}
	s.handler.Received(s.name(i), p)
}

// eof handles the end of what the peer sends.
func (s *Shard) eof(i uint32) {
	c := &s.conns[i]
	c.flags |= flagEOF
	c.flags &^= flagWanted
	switch {
	case c.has(flagShut):
		s.kill(i)
	case c.has(flagDead):
		// Closing: what is queued may still be read by a peer that has only
		// closed its sending side.
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
	if s.handler.Connected != nil {
		s.handler.Connected(s.name(i))
	}
	if c.alive() {
		if c.q.bytes > 0 || c.has(flagClosing|flagFilter) {
			s.markDirty(i)
		}
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
	if c.has(flagFilter) {
		s.drop(&s.filters[i].plain)
		s.filters[i] = nil
	}
	s.timers.clear(i)
	if c.fd >= 0 {
		if c.has(flagReset) {
			resetOnClose(c.fd)
		}
		closeFD(c.fd)
	}
	if c.has(flagClient) {
		s.clients--
	}
	s.give(i)
}

// written accounts for n sent bytes.
func (s *Shard) written(i uint32, n int64) {
	c := &s.conns[i]
	c.sent += uint64(n)
	s.consume(&c.q, n)
}

// drained looks at what has to happen now that the queue has become shorter.
func (s *Shard) drained(i uint32) {
	c := &s.conns[i]
	left := c.q.bytes
	if c.has(flagFilter) {
		left += s.filters[i].plain.bytes
	}
	if c.has(flagClosing) && left == 0 && !c.has(flagShut|flagSending) {
		s.beginShut(i)
		return
	}
	if c.has(flagHalf) && left == 0 && !c.has(flagSending|flagDead) {
		c.flags &^= flagHalf
		s.loop.shut(i)
	}
	if c.has(flagNotify) && left <= int64(c.low) && !c.has(flagDead) {
		c.flags &^= flagNotify
		s.handler.Drained(s.name(i))
	}
}

// beginShut closes our side of a connection whose output is all sent, and
// waits a little for the peer to close its own.
func (s *Shard) beginShut(i uint32) {
	c := &s.conns[i]
	if c.has(flagEOF | flagConnecting) {
		s.kill(i)
		return
	}
	s.loop.shut(i)
	c.flags |= flagShut | flagWanted
	c.flags &^= flagBulk
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

// flush writes every connection that has output, and keeps those that have
// had their share for the next turn.
func (s *Shard) flush(send func(i uint32)) {
	for k := 0; k < len(s.dirty); k++ {
		i := s.dirty[k]
		if c := &s.conns[i]; c.has(flagDirty) {
			c.flags &^= flagDirty
			send(i)
		}
	}
	s.dirty = s.dirty[:0]
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
	c.deadline = s.now + after
	at := tickOf(c.deadline)
	if n := s.timers.nodes[i].at; n == 0 || n > at {
		s.timers.set(i, at)
	}
}
