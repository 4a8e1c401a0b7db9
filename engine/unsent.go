package engine

import "golang.org/x/sys/unix"

// The kernel takes at most unsentBytes of a connection beyond what is on its
// way to the peer. For the bytes of a file that bound saves no memory, because
// sendfile(2) has the socket refer to the pages of the file, and it costs a
// wake-up for each piece: a third of the processor's time of a large download.
// So while a large file is being sent it is lifted, for a bounded number of
// connections, since the pages that a socket refers to cannot be reclaimed. What
// is sealed on its way, here or in the kernel, does take memory, so there it is only
// raised.

// liftBound lets the kernel take as much of the file at the front of the queue
// as the socket's buffer holds; raiseBound as much as unsentSealed.
func (s *Shard) liftBound(c *conn)  { s.setBound(c, 0) }
func (s *Shard) raiseBound(c *conn) { s.setBound(c, unsentSealed) }

func (s *Shard) setBound(c *conn, n int) {
	if s.unbound < maxUnbound && unix.SetsockoptInt(int(c.fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, n) == nil {
		s.unbound++
		c.flags |= flagUnbound
	}
}

// restoreBound ends both once the file is sent.
func (s *Shard) restoreBound(i uint32) {
	c, q := &s.conns[i], &s.conns[i].q
	if c.sealed() {
		q = &s.filters[i].plain
	}
	if s.filed(q) {
		return
	}
	s.unbound--
	c.flags &^= flagUnbound
	_ = unix.SetsockoptInt(int(c.fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
}

// filed reports whether a file is at the front of a queue.
func (s *Shard) filed(q *queue) bool {
	return q.bytes > 0 && s.segs.all[q.head].kind == segFile
}
