package engine

import "golang.org/x/sys/unix"

// The kernel takes at most unsentBytes of a connection beyond what is on its
// way to the peer. For the bytes of a file that bound saves no memory, because
// sendfile(2) has the socket refer to the pages of the file, and it costs a
// wake-up for each piece: a third of the processor's time of a large download.
// So while a large file is being sent it is lifted, for a bounded number of
// connections, since the pages that a socket refers to cannot be reclaimed.

// liftBound lets the kernel take as much of the file at the front of the queue
// as the socket's buffer holds.
func (s *Shard) liftBound(c *conn) {
	if s.unbound < maxUnbound && unix.SetsockoptInt(int(c.fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 0) == nil {
		s.unbound++
		c.flags |= flagUnbound
	}
}

// restoreBound ends liftBound once the file is sent.
func (s *Shard) restoreBound(c *conn) {
	if s.filed(&c.q) {
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
