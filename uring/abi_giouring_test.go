//go:build giouring

package uring

import (
	"testing"
	"unsafe"

	"github.com/pawelgaczynski/giouring"
	"golang.org/x/sys/unix"
)

// This file compares the package's ABI with giouring's, an independent translation of liburing and the kernel's
// header: sizes, offsets, numbers, and the entries both write for the same operation. It is behind a build tag since giouring
// links against syscall.munmap by name, which Go 1.23 and later refuse without a linker flag:
//
//	go test -tags giouring -ldflags=-checklinkname=0 ./uring/
//
// giouring is an oracle only. Known faults of the version in go.mod, all found by reading and none compared here:
//   - PrepareSendto and PrepareSendZC pass the address of the slice header, so that memory of the process other than the data
//     is sent to the peer; PrepareConnect passes the address of a Go interface instead of a sockaddr;
//   - prepareRW leaves OpcodeFlags and Addr3 of the slot's last use in place, so an operation that sets neither runs with
//     flags of another one;
//   - PrepareTimeout passes the address of its own parameter instead of the timespec, PrepareLinkTimeout that of a local
//     variable, which is gone when the kernel reads it;
//   - it does not know NO_SQARRAY, and with the flag set its filling of the array overwrites the ring's header;
//   - the size of the completion queue (CQSIZE) and the minimal wait of Linux 6.12 cannot be set.
//
// It predates and so does not have: NO_SQARRAY, SyncCancelReg.opcode, GetEventsArg.min_wait_usec.

func TestGiouringLayout(t *testing.T) {
	var (
		sqe      giouring.SubmissionQueueEntry
		cqe      giouring.CompletionQueueEvent
		buf      giouring.BufAndRing
		reg      giouring.BufReg
		update   giouring.RsrcUpdate
		cancel   giouring.SyncCancelReg
		sizeOnly = []struct {
			name       string
			ours, them uintptr
		}{
			{"Params", unsafe.Sizeof(setupParams{}), unsafe.Sizeof(giouring.Params{})},
			{"SQRingOffsets", unsafe.Sizeof(sqRingOffsets{}), unsafe.Sizeof(giouring.SQRingOffsets{})},
			{"CQRingOffsets", unsafe.Sizeof(cqRingOffsets{}), unsafe.Sizeof(giouring.CQRingOffsets{})},
			{"GetEventsArg", unsafe.Sizeof(getEventsArg{}), unsafe.Sizeof(giouring.GetEventsArg{})},
		}
	)
	for _, c := range append(sizeOnly, []struct {
		name       string
		ours, them uintptr
	}{
		{"SQE", unsafe.Sizeof(SQE{}), unsafe.Sizeof(sqe)},
		{"SQE.OpCode", unsafe.Offsetof(SQE{}.opcode), unsafe.Offsetof(sqe.OpCode)},
		{"SQE.Flags", unsafe.Offsetof(SQE{}.flags), unsafe.Offsetof(sqe.Flags)},
		{"SQE.IoPrio", unsafe.Offsetof(SQE{}.ioprio), unsafe.Offsetof(sqe.IoPrio)},
		{"SQE.Fd", unsafe.Offsetof(SQE{}.fd), unsafe.Offsetof(sqe.Fd)},
		{"SQE.Off", unsafe.Offsetof(SQE{}.off), unsafe.Offsetof(sqe.Off)},
		{"SQE.Addr", unsafe.Offsetof(SQE{}.addr), unsafe.Offsetof(sqe.Addr)},
		{"SQE.Len", unsafe.Offsetof(SQE{}.len), unsafe.Offsetof(sqe.Len)},
		{"SQE.OpcodeFlags", unsafe.Offsetof(SQE{}.opFlags), unsafe.Offsetof(sqe.OpcodeFlags)},
		{"SQE.UserData", unsafe.Offsetof(SQE{}.userData), unsafe.Offsetof(sqe.UserData)},
		{"SQE.BufIG", unsafe.Offsetof(SQE{}.bufGroup), unsafe.Offsetof(sqe.BufIG)},
		{"SQE.Personality", unsafe.Offsetof(SQE{}.personality), unsafe.Offsetof(sqe.Personality)},
		{"SQE.SpliceFdIn", unsafe.Offsetof(SQE{}.fileIndex), unsafe.Offsetof(sqe.SpliceFdIn)},
		{"SQE.Addr3", unsafe.Offsetof(SQE{}.addr3), unsafe.Offsetof(sqe.Addr3)},
		{"CQE", unsafe.Sizeof(CQE{}), unsafe.Sizeof(cqe)},
		{"CQE.UserData", unsafe.Offsetof(CQE{}.UserData), unsafe.Offsetof(cqe.UserData)},
		{"CQE.Res", unsafe.Offsetof(CQE{}.Res), unsafe.Offsetof(cqe.Res)},
		{"CQE.Flags", unsafe.Offsetof(CQE{}.Flags), unsafe.Offsetof(cqe.Flags)},
		{"Buf", unsafe.Sizeof(bufEntry{}), unsafe.Sizeof(buf)},
		{"Buf.Addr", unsafe.Offsetof(bufEntry{}.addr), unsafe.Offsetof(buf.Addr)},
		{"Buf.Len", unsafe.Offsetof(bufEntry{}.len), unsafe.Offsetof(buf.Len)},
		{"Buf.Bid", unsafe.Offsetof(bufEntry{}.bid), unsafe.Offsetof(buf.Bid)},
		{"Buf.Tail", unsafe.Offsetof(bufEntry{}.tail), unsafe.Offsetof(buf.Tail)},
		{"BufReg", unsafe.Sizeof(bufReg{}), unsafe.Sizeof(reg)},
		{"BufReg.RingAddr", unsafe.Offsetof(bufReg{}.ringAddr), unsafe.Offsetof(reg.RingAddr)},
		{"BufReg.RingEntries", unsafe.Offsetof(bufReg{}.ringEntries), unsafe.Offsetof(reg.RingEntries)},
		{"BufReg.Bgid", unsafe.Offsetof(bufReg{}.bgid), unsafe.Offsetof(reg.Bgid)},
		{"RsrcUpdate", unsafe.Sizeof(rsrcUpdate{}), unsafe.Sizeof(update)},
		{"RsrcUpdate.Data", unsafe.Offsetof(rsrcUpdate{}.data), unsafe.Offsetof(update.Data)},
		{"SyncCancelReg", unsafe.Sizeof(syncCancelReg{}), unsafe.Sizeof(cancel)},
		{"SyncCancelReg.Addr", unsafe.Offsetof(syncCancelReg{}.addr), unsafe.Offsetof(cancel.Addr)},
		{"SyncCancelReg.Fd", unsafe.Offsetof(syncCancelReg{}.fd), unsafe.Offsetof(cancel.Fd)},
		{"SyncCancelReg.Flags", unsafe.Offsetof(syncCancelReg{}.flags), unsafe.Offsetof(cancel.Flags)},
		{"SyncCancelReg.Timeout", unsafe.Offsetof(syncCancelReg{}.timeout), unsafe.Offsetof(cancel.Timeout)},
	}...) {
		if c.ours != c.them {
			t.Errorf("%s: %d here, %d in giouring", c.name, c.ours, c.them)
		}
	}
}

func TestGiouringNumbers(t *testing.T) {
	for _, c := range []struct {
		name       string
		ours, them uint64
	}{
		{"OpNop", uint64(opNop), uint64(giouring.OpNop)},
		{"OpPollAdd", uint64(opPollAdd), uint64(giouring.OpPollAdd)},
		{"OpSendmsg", uint64(opSendMsg), uint64(giouring.OpSendmsg)},
		{"OpAccept", uint64(opAccept), uint64(giouring.OpAccept)},
		{"OpAsyncCancel", uint64(opAsyncCancel), uint64(giouring.OpAsyncCancel)},
		{"OpConnect", uint64(opConnect), uint64(giouring.OpConnect)},
		{"OpClose", uint64(opClose), uint64(giouring.OpClose)},
		{"OpRead", uint64(opRead), uint64(giouring.OpRead)},
		{"OpSend", uint64(opSend), uint64(giouring.OpSend)},
		{"OpRecv", uint64(opRecv), uint64(giouring.OpRecv)},
		{"OpShutdown", uint64(opShutdown), uint64(giouring.OpShutdown)},
		{"OpSendZC", uint64(opSendZC), uint64(giouring.OpSendZC)},
		{"SqeIOLink", uint64(sqeIOLink), uint64(giouring.SqeIOLink)},
		{"SqeBufferSelect", uint64(sqeBufferSelect), uint64(giouring.SqeBufferSelect)},
		{"SqeCQESkipSuccess", uint64(sqeCQESkipSuccess), uint64(giouring.SqeCQESkipSuccess)},
		{"RecvsendPollFirst", uint64(recvSendPollFirst), uint64(giouring.RecvsendPollFirst)},
		{"RecvMultishot", uint64(recvMultishot), uint64(giouring.RecvMultishot)},
		{"AcceptMultishot", uint64(acceptMultishot), uint64(giouring.AcceptMultishot)},
		{"PollAddMulti", uint64(pollAddMulti), uint64(giouring.PollAddMulti)},
		{"AsyncCancelAll", uint64(cancelAll), uint64(giouring.AsyncCancelAll)},
		{"AsyncCancelFd", uint64(cancelFD), uint64(giouring.AsyncCancelFd)},
		{"AsyncCancelAny", uint64(cancelAny), uint64(giouring.AsyncCancelAny)},
		{"CQEFBuffer", uint64(CQEFBuffer), uint64(giouring.CQEFBuffer)},
		{"CQEFMore", uint64(CQEFMore), uint64(giouring.CQEFMore)},
		{"CQEFSockNonempty", uint64(CQEFSockNonEmpty), uint64(giouring.CQEFSockNonempty)},
		{"CQEFNotif", uint64(CQEFNotif), uint64(giouring.CQEFNotif)},
		{"CQEBufferShift", cqeBufferShift, uint64(giouring.CQEBufferShift)},
		{"SetupCQSize", uint64(SetupCQSize), uint64(giouring.SetupCQSize)},
		{"SetupClamp", uint64(SetupClamp), uint64(giouring.SetupClamp)},
		{"SetupSubmitAll", uint64(SetupSubmitAll), uint64(giouring.SetupSubmitAll)},
		{"SetupCoopTaskrun", uint64(SetupCoopTaskrun), uint64(giouring.SetupCoopTaskrun)},
		{"SetupTaskrunFlag", uint64(SetupTaskrunFlag), uint64(giouring.SetupTaskrunFlag)},
		{"SetupSingleIssuer", uint64(SetupSingleIssuer), uint64(giouring.SetupSingleIssuer)},
		{"SetupDeferTaskrun", uint64(SetupDeferTaskrun), uint64(giouring.SetupDeferTaskrun)},
		{"FeatSingleMMap", uint64(featSingleMmap), uint64(giouring.FeatSingleMMap)},
		{"FeatNoDrop", uint64(featNoDrop), uint64(giouring.FeatNoDrop)},
		{"FeatExtArg", uint64(featExtArg), uint64(giouring.FeatExtArg)},
		{"EnterGetEvents", uint64(enterGetEvents), uint64(giouring.EnterGetEvents)},
		{"EnterExtArg", uint64(enterExtArg), uint64(giouring.EnterExtArg)},
		{"EnterRegisteredRing", uint64(enterRegisteredRing), uint64(giouring.EnterRegisteredRing)},
		{"RegisterRingFDs", uint64(registerRingFDs), uint64(giouring.RegisterRingFDs)},
		{"UnregisterRingFDs", uint64(unregisterRingFDs), uint64(giouring.UnregisterRingFDs)},
		{"RegisterPbufRing", uint64(registerPbufRing), uint64(giouring.RegisterPbufRing)},
		{"UnregisterPbufRing", uint64(unregisterPbufRing), uint64(giouring.UnregisterPbufRing)},
		{"RegisterSyncCancel", uint64(registerSyncCancel), uint64(giouring.RegisterSyncCancel)},
		{"SQCQOverflow", uint64(sqCQOverflow), uint64(giouring.SQCQOverflow)},
	} {
		if c.ours != c.them {
			t.Errorf("%s: %#x here, %#x in giouring", c.name, c.ours, c.them)
		}
	}
}

// The two packages write the same 64 bytes for the same operation, starting from a zeroed entry.
func TestGiouringEntries(t *testing.T) {
	const (
		ud   = 0x8877665544332211
		addr = uintptr(0x7f0011223344)
	)
	for _, c := range []struct {
		name string
		ours func(s *SQE)
		them func(e *giouring.SubmissionQueueEntry)
	}{
		{
			"multishot accept", func(s *SQE) { s.AcceptMulti(3, unix.SOCK_NONBLOCK, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PrepareMultishotAccept(3, 0, 0, unix.SOCK_NONBLOCK) },
		},
		{
			"multishot receive", func(s *SQE) { s.RecvMulti(4, 9, ud) },
			func(e *giouring.SubmissionQueueEntry) {
				e.PrepareRecvMultishot(4, 0, 0, 0)
				e.Flags |= giouring.SqeBufferSelect
				e.BufIG = 9
			},
		},
		{
			"receive", func(s *SQE) { s.RecvInto(4, addr, 512, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PrepareRecv(4, addr, 512, 0) },
		},
		{
			"send", func(s *SQE) { s.Send(5, addr, 512, unix.MSG_WAITALL, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PrepareSend(5, addr, 512, unix.MSG_WAITALL) },
		},
		{
			"poll", func(s *SQE) { s.PollAdd(7, unix.POLLIN, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PreparePollAdd(7, unix.POLLIN) },
		},
		{
			"multishot poll", func(s *SQE) { s.PollMulti(7, unix.POLLIN, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PreparePollMultishot(7, unix.POLLIN) },
		},
		{
			"cancel", func(s *SQE) { s.Cancel(77, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PrepareCancel64(77, 0) },
		},
		{
			"cancel by descriptor", func(s *SQE) { s.CancelFD(8, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PrepareCancelFd(8, giouring.AsyncCancelAll) },
		},
		{
			"close", func(s *SQE) { s.Close(9, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PrepareClose(9) },
		},
		{
			"shutdown", func(s *SQE) { s.Shutdown(9, unix.SHUT_WR, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PrepareShutdown(9, unix.SHUT_WR) },
		},
		{
			"read", func(s *SQE) { s.Read(10, addr, 8, 1<<64-1, ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PrepareRead(10, addr, 8, 1<<64-1) },
		},
		{
			"nop", func(s *SQE) { s.Nop(ud) },
			func(e *giouring.SubmissionQueueEntry) { e.PrepareNop() },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ours SQE
			var them giouring.SubmissionQueueEntry
			c.ours(&ours)
			c.them(&them)
			them.SetData64(ud)
			if a, b := *(*[64]byte)(unsafe.Pointer(&ours)), *(*[64]byte)(unsafe.Pointer(&them)); a != b {
				t.Errorf("\n here %x\nthere %x", a, b)
			}
		})
	}
}
