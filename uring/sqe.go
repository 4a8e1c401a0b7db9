package uring

// The writers below expect a zeroed entry, which is what Ring.Next returns, and set only what their operation needs. The
// last argument is the user data that the completion will carry. Addresses point to memory outside the Go heap that stays
// valid until the operation has completed: the kernel reads or writes it at a moment of its own choosing.

func (s *SQE) prepare(opcode uint8, fd int32, addr uintptr, n uint32, off, ud uint64) {
	s.opcode = opcode
	s.fd = fd
	s.off = off
	s.addr = uint64(addr)
	s.len = n
	s.userData = ud
}

// Nop completes with result 0 and does nothing else.
func (s *SQE) Nop(ud uint64) { s.prepare(opNop, -1, 0, 0, 0, ud) }

// AcceptMulti accepts connections of a listener until it fails or is cancelled: one completion with the new descriptor for
// each, with CQEFMore while it stays armed. flags are those of accept4(2). The peer's address is not fetched: with many
// completions outstanding there is no one place to put it.
func (s *SQE) AcceptMulti(fd int32, flags uint32, ud uint64) {
	s.prepare(opAccept, fd, 0, 0, 0, ud)
	s.ioprio = acceptMultishot
	s.opFlags = flags
}

// RecvMulti receives into buffers of the group until the stream ends, fails or is cancelled, or the group runs out of
// buffers (ENOBUFS). Without CQEFMore in a completion it is no longer armed.
func (s *SQE) RecvMulti(fd int32, group uint16, ud uint64) {
	s.prepare(opRecv, fd, 0, 0, 0, ud)
	s.ioprio = recvMultishot
	s.flags = sqeBufferSelect
	s.bufGroup = group
}

// Recv receives once, into a buffer of the group that the kernel picks when bytes have arrived. maxLen limits how
// much of the buffer is used; 0 means all of it.
func (s *SQE) Recv(fd int32, group uint16, maxLen uint32, ud uint64) {
	s.prepare(opRecv, fd, 0, maxLen, 0, ud)
	s.flags = sqeBufferSelect
	s.bufGroup = group
}

// RecvInto receives once, into the given memory.
func (s *SQE) RecvInto(fd int32, addr uintptr, n uint32, ud uint64) {
	s.prepare(opRecv, fd, addr, n, 0, ud)
}

// Send sends the given memory. With MSG_WAITALL in msgFlags the kernel goes on after a short write, so that a short result
// means that the connection is broken. The kernel adds MSG_NOSIGNAL by itself.
func (s *SQE) Send(fd int32, addr uintptr, n, msgFlags uint32, ud uint64) {
	s.prepare(opSend, fd, addr, n, 0, ud)
	s.opFlags = msgFlags
}

// SendZC is Send without the copy into the socket's buffers. A successful one completes twice: with the result and
// CQEFMore, then with CQEFNotif when the kernel has let go of the memory.
func (s *SQE) SendZC(fd int32, addr uintptr, n, msgFlags uint32, ud uint64) {
	s.prepare(opSendZC, fd, addr, n, 0, ud)
	s.opFlags = msgFlags
}

// SendMsg sends what the struct msghdr at the address describes. Header and vectors are only read during submission, the
// bytes until completion.
func (s *SQE) SendMsg(fd int32, msghdr uintptr, msgFlags uint32, ud uint64) {
	s.prepare(opSendMsg, fd, msghdr, 1, 0, ud)
	s.opFlags = msgFlags
}

// Connect connects a socket to the address of n bytes at sockaddr, which is only read during submission.
func (s *SQE) Connect(fd int32, sockaddr uintptr, n uint32, ud uint64) {
	s.prepare(opConnect, fd, sockaddr, 0, uint64(n), ud)
}

// PollAdd completes once, with the events that are ready out of those asked for.
func (s *SQE) PollAdd(fd int32, events uint32, ud uint64) {
	s.prepare(opPollAdd, fd, 0, 0, 0, ud)
	s.opFlags = events
}

// PollMulti completes on every wake-up of the descriptor that brings one of the events (an edge, not a level), while
// CQEFMore is set.
func (s *SQE) PollMulti(fd int32, events uint32, ud uint64) {
	s.prepare(opPollAdd, fd, 0, pollAddMulti, 0, ud)
	s.opFlags = events
}

// Cancel cancels the first operation found whose user data is targetUD. The result is 0, -ENOENT when there is none, or
// -EALREADY when it is past stopping. The cancelled operation completes on its own, with -ECANCELED or with the result
// it had reached.
func (s *SQE) Cancel(targetUD, ud uint64) {
	s.prepare(opAsyncCancel, -1, 0, 0, 0, ud)
	s.addr = targetUD
}

// CancelFD cancels every operation on the descriptor; the result is how many there were. It has to be submitted before the
// descriptor is closed: afterwards the number no longer names the file the operations hold.
func (s *SQE) CancelFD(fd int32, ud uint64) {
	s.prepare(opAsyncCancel, fd, 0, 0, 0, ud)
	s.opFlags = cancelFD | cancelAll
}

// Close closes a descriptor. Operations armed on it hold the file open: cancel them first.
func (s *SQE) Close(fd int32, ud uint64) { s.prepare(opClose, fd, 0, 0, 0, ud) }

// Shutdown is shutdown(2).
func (s *SQE) Shutdown(fd int32, how uint32, ud uint64) { s.prepare(opShutdown, fd, 0, how, 0, ud) }

// Read reads n bytes at the offset; the offset of all ones means the file's own position, which is also what an eventfd
// or a pipe takes.
func (s *SQE) Read(fd int32, addr uintptr, n uint32, off, ud uint64) {
	s.prepare(opRead, fd, addr, n, off, ud)
}

// Link makes the next entry wait for this one; when this one fails, or a transfer is short, the next completes with
// -ECANCELED. A chain must be submitted in one piece: call Ring.Reserve with its length before the first entry.
func (s *SQE) Link() { s.flags |= sqeIOLink }

// SkipSuccess suppresses the completion unless the operation fails.
func (s *SQE) SkipSuccess() { s.flags |= sqeCQESkipSuccess }

// PollFirst lets a send or receive wait for readiness before the first attempt: right for a receive that is known to
// find nothing yet.
func (s *SQE) PollFirst() { s.ioprio |= recvSendPollFirst }
