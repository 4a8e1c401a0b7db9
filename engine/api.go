package engine

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine/offheap"
)

// out is the queue that a protocol's bytes go to.
func (s *Shard) out(i uint32) *queue {
	if s.conns[i].sealed() {
		return &s.filters[i].plain
	}
	return &s.conns[i].q
}

// Reserve returns at least n writable bytes at the end of the connection's
// output, to be followed by Commit before any other call for this connection.
// It returns nil if the connection is gone, n is over LargeBuffer, or the
// shard has no buffer left.
func (s *Shard) Reserve(c Conn, n int) []byte {
	r := s.get(c)
	if r == nil || n > LargeBuffer {
		return nil
	}
	return s.reserve(s.out(c.index()), n)
}

// Commit appends the first n bytes of what Reserve returned.
func (s *Shard) Commit(c Conn, n int) {
	if s.get(c) == nil {
		return
	}
	q := s.out(c.index())
	if n == 0 {
		// A connection with nothing to send holds no buffer.
		s.consume(q, 0)
		return
	}
	s.commit(q, n)
	s.markDirty(c.index())
}

// Grow is Reserve and Commit of n bytes in one, for output whose length is
// known: they are to be filled in before any other call for this connection.
func (s *Shard) Grow(c Conn, n int) []byte {
	if s.get(c) == nil || n > LargeBuffer {
		return nil
	}
	q := s.out(c.index())
	b := s.reserve(q, n)
	if b == nil {
		return nil
	}
	s.commit(q, n)
	s.markDirty(c.index())
	return b[:n]
}

// Append copies p to the end of the connection's output. It reports false,
// and the output is then broken, if the shard has no buffer left.
func (s *Shard) Append(c Conn, p []byte) bool {
	if s.get(c) == nil {
		return true
	}
	s.markDirty(c.index())
	return s.write(s.out(c.index()), p)
}

// Relay appends p, bytes of the Received call in progress, to another
// connection's output: large pieces by reference to the buffer they lie in.
func (s *Shard) Relay(to Conn, p []byte) bool {
	if s.get(to) == nil {
		return true
	}
	// A few bytes would keep a whole buffer, and cost a further piece in the
	// write. What receives next needs another in its place.
	if len(p) <= relayCopy || s.rx == 0 || !s.pool.worthKeeping(s.rx, len(p)) {
		return s.Append(to, p)
	}
	base := s.pool.addr(s.rx)
	if at := offheap.Addr(p); at < base || at+uintptr(len(p)) > base+uintptr(s.pool.size(s.rx)) {
		return s.Append(to, p)
	}
	s.pool.retain(s.rx)
	g := s.extend(s.out(to.index()), int64(len(p)), 0)
	g.pos, g.owner, g.kind = uint64(offheap.Addr(p)), uint32(s.rx), segBuffer
	s.markDirty(to.index())
	return true
}

// More reports whether the socket holds further bytes behind those of the
// Received call in progress, as far as the kernel has said: what a message is
// not followed by in one receive may be there all the same.
func (s *Shard) More() bool { return s.more }

// Pressure says how scarce the shard's buffers are: 0 while more than half of
// them are left, 1 while more than a quarter, 2, and 3 below an eighth. What
// may wait for one connection should shrink as it grows.
func (s *Shard) Pressure() int { return s.pool.pressure() }

// Exhausted reports whether heads and small answers have used half of the small
// buffers that no content gets (about 3 % of all): there is next to nothing left
// to pass a request on with. Content that waits for clients that do not read does
// not bring it about, except what a transform has sealed of it already.
func (s *Shard) Exhausted() bool { return s.pool.exhausted() }

// Buffer returns a pool buffer of at least n bytes with one reference, 0 if
// there is none left. Bytes views all of it; ReleaseBuffer gives it back.
func (s *Shard) Buffer(n int) Buf { return s.pool.get(n) }

// Bytes views the memory of a buffer.
func (s *Shard) Bytes(b Buf) []byte { return offheap.Bytes(s.pool.addr(b), s.pool.size(b)) }

// ReleaseBuffer gives up one reference.
func (s *Shard) ReleaseBuffer(b Buf) { s.pool.release(b) }

// AppendBuffer appends n bytes at off of a buffer to the output, by
// reference; the caller keeps its own reference.
func (s *Shard) AppendBuffer(c Conn, b Buf, off, n int) {
	if s.get(c) == nil || n == 0 {
		return
	}
	s.pool.retain(b)
	g := s.extend(s.out(c.index()), int64(n), 0)
	g.pos, g.owner, g.kind = uint64(s.pool.addr(b))+uint64(off), uint32(b), segBuffer
	s.markDirty(c.index())
}

// SentBytes is how many bytes the connection has handed to the kernel, known
// up to and in the call of Closed. Of a send that the kernel has not completed
// one byte is counted: some may have left.
func (s *Shard) SentBytes(c Conn) uint64 {
	r := &s.conns[c.index()]
	if r.gen&genMask != c.gen() {
		return 0
	}
	if r.has(flagSending) {
		return r.sent + 1
	}
	return r.sent
}

// AppendMemory appends n bytes of off-heap memory at addr, which stay as they
// are until Released gives the token back.
func (s *Shard) AppendMemory(c Conn, addr uintptr, n int, token uint32) {
	s.appendForeign(c, segment{pos: uint64(addr), n: int64(n), owner: token, kind: segMemory})
}

// AppendFile appends n bytes of an open file from offset off. The descriptor
// stays open until Released gives the token back.
func (s *Shard) AppendFile(c Conn, fd int32, off, n int64, token uint32) {
	s.appendForeign(c, segment{pos: uint64(off), n: n, owner: token, fd: fd, kind: segFile})
}

func (s *Shard) appendForeign(c Conn, g segment) {
	if s.get(c) == nil || g.n == 0 {
		if s.handler.Released != nil {
			s.handler.Released(g.owner)
		}
		return
	}
	s.push(s.out(c.index()), g)
	s.markDirty(c.index())
}

// Queued is how many bytes of output wait to be sent.
func (s *Shard) Queued(c Conn) int64 {
	if s.get(c) == nil {
		return 0
	}
	return s.unsent(c.index())
}

// NotifyDrained asks for one call of Drained when at most low bytes are left
// to send; if that is so already, it comes at the end of this turn, or when a
// connection that is being opened is open. Asked for by Drained itself, it
// comes in the next turn.
func (s *Shard) NotifyDrained(c Conn, low int) {
	if r := s.get(c); r != nil {
		r.q.low = uint32(low)
		r.flags |= flagNotify
		s.markDirty(c.index())
	}
}

// Pause stops receiving; bytes that the kernel has already handed over may
// still arrive. Resume goes on.
func (s *Shard) Pause(c Conn) {
	if r := s.get(c); r != nil && r.has(flagWanted) {
		r.flags &^= flagWanted
		s.loop.receive(c.index())
	}
}

// Resume receives again after Pause.
func (s *Shard) Resume(c Conn) {
	if r := s.get(c); r != nil && !r.has(flagWanted|flagEOF) {
		r.flags |= flagWanted
		if !r.has(flagConnecting) {
			s.loop.receive(c.index())
		}
	}
}

// Bulk tells how bytes are best received: on, one large buffer at a time, for
// bodies, with Pause taking effect at once; off, small buffers as they come.
func (s *Shard) Bulk(c Conn, on bool) {
	r := s.get(c)
	if r == nil || r.has(flagBulk) == on {
		return
	}
	r.flags ^= flagBulk
	if !r.has(flagConnecting) {
		s.loop.receive(c.index())
	}
}

// Close ends the connection once its output is sent: it closes the sending
// side, discards what the peer still sends, for a bounded time, and closes.
// The name is dead at once.
func (s *Shard) Close(c Conn) { s.closeSent(c, 0) }

// CloseQuiet is Close for a peer that has nothing more to send: there is no
// waiting for its end.
func (s *Shard) CloseQuiet(c Conn) { s.closeSent(c, flagQuiet) }

func (s *Shard) closeSent(c Conn, how connFlags) {
	r := s.get(c)
	if r == nil {
		return
	}
	i := c.index()
	if r.has(flagFilter) {
		s.filters[i].end()
	}
	r.flags |= flagClosing | flagDead | how
	r.flags &^= flagNotify
	if r.has(flagConnecting) {
		s.kill(i)
		return
	}
	// A peer that does not read must not keep the connection for ever; what
	// it has read by now is kept in the place of the protocol's number.
	r.user = 0
	s.setDeadline(i, int64(closeTime))
	s.markDirty(i)
}

// CloseWrite ends our side once the output is sent, and goes on receiving.
// Nothing may be appended after it.
func (s *Shard) CloseWrite(c Conn) {
	if r := s.get(c); r != nil {
		if r.has(flagFilter) {
			s.filters[c.index()].end()
		}
		r.flags |= flagHalf
		s.markDirty(c.index())
	}
}

// Abort drops the output and resets the connection.
func (s *Shard) Abort(c Conn) {
	if r := s.get(c); r != nil {
		r.flags |= flagReset
		s.kill(c.index())
	}
}

// Drop closes a connection on which nothing is under way in either direction.
func (s *Shard) Drop(c Conn) {
	if s.get(c) != nil {
		s.kill(c.index())
	}
}

// Connect opens a connection to addr; Connected or Closed tells the outcome.
// Output may be queued meanwhile.
func (s *Shard) Connect(addr *Addr, user uint64) (Conn, Errno) {
	i := s.take()
	if i == 0 {
		return NoConn, unix.EMFILE
	}
	c := &s.conns[i]
	c.user = user
	c.flags |= flagConnecting | flagWanted
	if e := s.dial(i, addr); e != 0 {
		s.give(i)
		return NoConn, e
	}
	if e := s.loop.added(i); e != 0 {
		closeFD(c.fd)
		s.give(i)
		return NoConn, e
	}
	s.stats.Connects++
	return s.name(i), 0
}

// SetUser attaches the protocol's own number to a connection, User reads it.
func (s *Shard) SetUser(c Conn, user uint64) {
	if r := s.get(c); r != nil {
		r.user = user
	}
}

// User returns what SetUser or Connect attached, 0 if the connection is gone.
func (s *Shard) User(c Conn) uint64 {
	if r := s.get(c); r != nil {
		return r.user
	}
	return 0
}

// Alive reports whether the name still stands for a connection.
func (s *Shard) Alive(c Conn) bool { return s.get(c) != nil }

// SetDeadline asks for a call of Timer after d; 0 asks for none. A connection
// has one deadline; the last call counts.
func (s *Shard) SetDeadline(c Conn, d time.Duration) {
	if s.get(c) != nil {
		s.setDeadline(c.index(), int64(d))
	}
}

// SetAlarm asks for a call of Alarm after d, at once in the next turn if d is
// not above 0. A shard has one alarm, for what belongs to no connection; the
// last call counts, and StopAlarm takes it back.
func (s *Shard) SetAlarm(d time.Duration) { s.alarm = max(1, s.now+max(0, int64(d))) }

// StopAlarm takes SetAlarm back.
func (s *Shard) StopAlarm() { s.alarm = 0 }

// Stale reports whether the peer of an idle connection has closed it, or has
// sent something, of which the shard has not been told yet. It costs a system
// call, and cannot see what the peer does a moment later.
func (s *Shard) Stale(c Conn) bool {
	r := s.get(c)
	return r == nil || r.has(flagEOF) || s.loop.stale(c.index())
}

// Progress is a number that grows when the peer has acknowledged bytes; a
// system call, for timers only.
func (s *Shard) Progress(c Conn) uint64 {
	if r := s.get(c); r != nil {
		return s.loop.progress(c.index())
	}
	return 0
}

// PeerAddr is the address of the other end; the zero value for a unix socket.
// It costs a system call.
func (s *Shard) PeerAddr(c Conn) netip.AddrPort {
	if r := s.get(c); r != nil {
		return s.loop.peer(c.index())
	}
	return netip.AddrPort{}
}
