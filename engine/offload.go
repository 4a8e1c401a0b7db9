package engine

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A kernel can make the records of TLS itself (Documentation/networking/tls.rst).
// From the moment on at which it does so for a connection, content goes into
// the socket as it is: memory from where it lies, files by sendfile(2), pipes by
// splice(2). Receiving stays with the transform.

// Offloader is a Transform whose sending half the kernel can take over. When it
// has, Say writes the type of a record and then what the record holds, which is
// sent behind all that is queued.
type Offloader interface {
	Transform

	// HandOver has the kernel make the records that follow on a socket into which
	// all that was sealed has been written. If it reports false everything stays
	// as it was, and it is not asked again.
	HandOver(fd int32) bool

	// Flushed reports whether the records of all that was written to the socket,
	// sent bytes of records and content, have gone into the connection, and how
	// many bytes they are. What the kernel still holds beside the connection would
	// be lost when that ends.
	Flushed(sent uint64) (n uint64, ok bool)
}

// lagTime is after how long a connection is looked at again that is to end, and of
// which the kernel still holds records beside the socket's queue. There is no
// event that would tell.
const lagTime = 5 * time.Millisecond

// Offload offers that the kernel makes a connection's records: once there is
// content to be sent, and what is sealed is gone.
func (s *Shard) Offload(c Conn, t Offloader) {
	if r := s.get(c); r != nil && r.has(flagFilter) {
		s.filters[c.index()].offer = t
	}
}

// sealed reports whether a connection's output passes through its transform in
// this process.
func (c *conn) sealed() bool { return c.flags&(flagFilter|flagKernel) == flagFilter }

// handOver ends the sealing of a connection's output. Nothing of it is queued or
// in the kernel.
func (s *Shard) handOver(i uint32) bool {
	c, f := &s.conns[i], s.filters[i]
	t := f.offer
	f.offer = nil
	if !t.HandOver(c.fd) {
		return false
	}
	f.kernel = t
	c.flags |= flagKernel
	s.consume(&c.q, 0)
	low := c.q.low
	c.q, f.plain = f.plain, queue{}
	c.q.low = low
	return true
}

// speak queues what a transform has to say whose records the kernel makes.
func (s *Shard) speak(i uint32) {
	c, f := &s.conns[i], s.filters[i]
	if f.cut {
		f.cut = false
		s.drop(&c.q)
	}
	for f.t.Next(0) < 0 {
		b := s.pool.get(SayRoom)
		if b == 0 {
			s.failed(i, ReasonMemory, 0)
			return
		}
		m := f.t.Say(s.Bytes(b))
		if m < 2 {
			s.pool.release(b)
			break
		}
		g := s.extend(&c.q, int64(m-1), 0)
		g.pos, g.owner, g.kind = uint64(s.pool.addr(b))+1, uint32(b), segRecord
		g.fd = int32(s.Bytes(b)[0])
	}
	f.quiet = true
}

// sendRecord sends the content of a record that is not application data.
func sendRecord(fd int32, kind byte, addr uintptr, n int) (int, Errno) {
	const setRecordType = 1 // TLS_SET_RECORD_TYPE of linux/tls.h
	var control struct {
		head unix.Cmsghdr
		kind byte
		_    [7]byte
	}
	control.head.Level, control.head.Type = unix.SOL_TLS, setRecordType
	control.head.SetLen(unix.CmsgLen(1))
	control.kind = kind
	var part unix.Iovec
	// SAFETY: the address is that of a buffer of the shard's, which is outside of
	// the Go heap and stays until the bytes are consumed.
	part.Base = (*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr)))
	part.SetLen(n)
	m := unix.Msghdr{Iov: &part, Control: (*byte)(unsafe.Pointer(&control))}
	m.SetIovlen(1)
	m.SetControllen(unix.CmsgSpace(1))
	// SAFETY: the pointer is converted in the call's own argument list, and the
	// kernel keeps nothing of what it leads to.
	r, _, e := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&m)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	if e != 0 {
		return 0, e
	}
	return int(r), 0
}

// flushed reports whether our side of a connection may be shut down, now that its
// queue is empty. A kernel that makes records gives up those that the connection
// has not taken yet when it ends.
func (s *Shard) flushed(i uint32) bool {
	c := &s.conns[i]
	if c.flags&(flagKernel|flagShut) != flagKernel || s.filters[i].kernel == nil {
		return true
	}
	f := s.filters[i]
	n, ok := f.kernel.Flushed(c.sent)
	if !ok {
		if !f.lags {
			f.lags = true
			s.lagging = append(s.lagging, s.name(i))
			if len(s.lagging) == 1 {
				s.lagAt = s.now + int64(lagTime)
			}
		}
		return false
	}
	// What the peer acknowledges is measured against what it gets.
	c.sent, f.kernel = n, nil
	return true
}

// catchUp looks again at the connections of which the kernel has held records.
func (s *Shard) catchUp() {
	for _, name := range s.lagging {
		i := name.index()
		if c := &s.conns[i]; c.gen&genMask == name.gen() && c.has(flagOpen) && c.has(flagKernel) {
			s.filters[i].lags = false
			s.markDirty(i)
		}
	}
	s.lagging = s.lagging[:0]
}
