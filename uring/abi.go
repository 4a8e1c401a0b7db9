package uring

// This file holds the part of the kernel's include/uapi/linux/io_uring.h that the package uses: structures by their
// exact size and offsets, numbers by their exact value. abi_test.go asserts the layout, abi_giouring_test.go compares it
// with an independent translation. The structures have no implicit padding and assume a little-endian machine, which
// every platform AnyGate is built for is.

// SQE is one submission queue entry, struct io_uring_sqe. It lives in memory shared with the kernel; the writers in sqe.go
// fill it.
type SQE struct {
	opcode      uint8
	flags       uint8
	ioprio      uint16
	fd          int32
	off         uint64 // Also addr2: the address length of a connect.
	addr        uint64
	len         uint32
	opFlags     uint32 // msg_flags, accept_flags, cancel_flags, poll32_events.
	userData    uint64
	bufGroup    uint16 // Also buf_index.
	personality uint16
	fileIndex   uint32 // Also splice_fd_in.
	addr3       uint64
	pad         uint64
}

// CQE is one completion queue entry, struct io_uring_cqe. Res is the result of the operation: what the system call of the
// same name would return, or a negated errno.
type CQE struct {
	UserData uint64
	Res      int32
	Flags    uint32
}

// Flags of a completion.
const (
	// CQEFBuffer says that the upper 16 bits of Flags are the id of the provided buffer that holds the data.
	CQEFBuffer uint32 = 1 << 0
	// CQEFMore says that the operation stays armed and more completions follow.
	CQEFMore uint32 = 1 << 1
	// CQEFSockNonEmpty says that the socket had more bytes after this receive.
	CQEFSockNonEmpty uint32 = 1 << 2
	// CQEFNotif marks the second completion of a zero-copy send: the memory is free again.
	CQEFNotif uint32 = 1 << 3

	cqeBufferShift = 16
)

// BufferID returns the id of the provided buffer a completion with CQEFBuffer carries.
func BufferID(flags uint32) uint16 { return uint16(flags >> cqeBufferShift) }

// Flags of io_uring_setup(2), IORING_SETUP_*. Ring.Flags and Features.SetupFlags are made of them.
const (
	SetupCQSize       uint32 = 1 << 3
	SetupClamp        uint32 = 1 << 4
	SetupSubmitAll    uint32 = 1 << 7
	SetupCoopTaskrun  uint32 = 1 << 8
	SetupTaskrunFlag  uint32 = 1 << 9
	SetupSingleIssuer uint32 = 1 << 12
	SetupDeferTaskrun uint32 = 1 << 13
	SetupNoSQArray    uint32 = 1 << 16
)

// Features the kernel reports in params.features, IORING_FEAT_*.
const (
	featSingleMmap uint32 = 1 << 0
	featNoDrop     uint32 = 1 << 1
	featExtArg     uint32 = 1 << 8
)

// Operations, enum io_uring_op.
const (
	opNop         uint8 = 0
	opPollAdd     uint8 = 6
	opSendMsg     uint8 = 9
	opAccept      uint8 = 13
	opAsyncCancel uint8 = 14
	opConnect     uint8 = 16
	opClose       uint8 = 19
	opRead        uint8 = 22
	opSend        uint8 = 26
	opRecv        uint8 = 27
	opShutdown    uint8 = 34
	opSendZC      uint8 = 47
)

// Flags of a submission, IOSQE_*.
const (
	sqeIOLink         uint8 = 1 << 2
	sqeBufferSelect   uint8 = 1 << 5
	sqeCQESkipSuccess uint8 = 1 << 6
)

// Flags of single operations.
const (
	recvSendPollFirst uint16 = 1 << 0 // In ioprio of send and receive.
	recvMultishot     uint16 = 1 << 1 // In ioprio of receive.
	acceptMultishot   uint16 = 1 << 0 // In ioprio of accept.
	pollAddMulti      uint32 = 1 << 0 // In len of poll.
	cancelAll         uint32 = 1 << 0 // In opFlags of cancel, as the two below.
	cancelFD          uint32 = 1 << 1
	cancelAny         uint32 = 1 << 2
)

// Flags of io_uring_enter(2), IORING_ENTER_*.
const (
	enterGetEvents      uintptr = 1 << 0
	enterExtArg         uintptr = 1 << 3
	enterRegisteredRing uintptr = 1 << 4
)

// Operations of io_uring_register(2), IORING_REGISTER_*.
const (
	registerRingFDs     uintptr = 20
	unregisterRingFDs   uintptr = 21
	registerPbufRing    uintptr = 22
	unregisterPbufRing  uintptr = 23
	registerSyncCancel  uintptr = 24
	registerAnyRingSlot uint32  = 1<<32 - 1 // rsrcUpdate.offset: let the kernel choose the slot.
)

// sqCQOverflow in the flags word of the submission ring says that completions wait in the kernel because the completion
// queue is full.
const sqCQOverflow uint32 = 1 << 1

// Offsets at which the file of a ring is mapped.
const (
	offSQRing int64 = 0
	offSQEs   int64 = 0x10000000
)

// setupParams is struct io_uring_params.
type setupParams struct {
	sqEntries    uint32
	cqEntries    uint32
	flags        uint32
	sqThreadCPU  uint32
	sqThreadIdle uint32
	features     uint32
	wqFD         uint32
	resv         [3]uint32
	sqOff        sqRingOffsets
	cqOff        cqRingOffsets
}

// sqRingOffsets is struct io_sqring_offsets.
type sqRingOffsets struct {
	head, tail, ringMask, ringEntries, flags, dropped, array, resv1 uint32

	userAddr uint64
}

// cqRingOffsets is struct io_cqring_offsets.
type cqRingOffsets struct {
	head, tail, ringMask, ringEntries, overflow, cqes, flags, resv1 uint32

	userAddr uint64
}

// rsrcUpdate is struct io_uring_rsrc_update, the argument of registering a ring's descriptor.
type rsrcUpdate struct {
	offset uint32
	resv   uint32
	data   uint64
}

// bufEntry is struct io_uring_buf. The tail of the whole ring overlays the last field of entry 0, which is why an entry is
// never stored as one value.
type bufEntry struct {
	addr uint64
	len  uint32
	bid  uint16
	tail uint16
}

// bufReg is struct io_uring_buf_reg.
type bufReg struct {
	ringAddr    uint64
	ringEntries uint32
	bgid        uint16
	flags       uint16
	resv        [3]uint64
}

// kernelTimespec is struct __kernel_timespec: 64 bits on every architecture.
type kernelTimespec struct {
	sec  int64
	nsec int64
}

// getEventsArg is struct io_uring_getevents_arg.
type getEventsArg struct {
	sigmask     uint64
	sigmaskSize uint32
	minWaitUsec uint32
	ts          uint64
}

// syncCancelReg is struct io_uring_sync_cancel_reg.
type syncCancelReg struct {
	addr    uint64
	fd      int32
	flags   uint32
	timeout kernelTimespec
	opcode  uint8
	pad     [7]uint8
	pad2    [3]uint64
}
