package uring

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	defaultEntries   = 4096
	defaultCQEntries = 16384

	sqeSize = unsafe.Sizeof(SQE{})
	cqeSize = unsafe.Sizeof(CQE{})
)

// Options sets the sizes of a ring. The kernel rounds them up to powers of two and clamps them to its limits.
type Options struct {
	// Entries is the size of the submission queue: how many operations one system call submits at most. 0 means 4,096.
	Entries uint32
	// CQEntries is the size of the completion queue. It should hold what one turn of the loop can complete, as an overflow
	// makes the kernel allocate. 0 means 16,384, or four times Entries when that is set.
	CQEntries uint32
}

func (o Options) withDefaults() Options {
	if o.CQEntries == 0 {
		o.CQEntries = defaultCQEntries
		if o.Entries != 0 {
			o.CQEntries = 4 * o.Entries
		}
	}
	if o.Entries == 0 {
		o.Entries = defaultEntries
	}
	return o
}

// setupRungs are the flags to try, best first. Every rung is the one above without what the older kernel does not know, so
// that the first EINVAL-free rung is the best this kernel has. TASKRUN_FLAG stands in where DEFER_TASKRUN is missing: it
// keeps the kernel from interrupting the shard for completions it will collect anyway.
var setupRungs = [...]uint32{
	SetupCQSize | SetupClamp | SetupSubmitAll | SetupCoopTaskrun | SetupSingleIssuer | SetupDeferTaskrun | SetupNoSQArray, // 6.6
	SetupCQSize | SetupClamp | SetupSubmitAll | SetupCoopTaskrun | SetupSingleIssuer | SetupDeferTaskrun,                  // 6.1
	SetupCQSize | SetupClamp | SetupSubmitAll | SetupCoopTaskrun | SetupTaskrunFlag | SetupSingleIssuer,                   // 6.0
	SetupCQSize | SetupClamp | SetupSubmitAll | SetupCoopTaskrun | SetupTaskrunFlag,                                       // 5.19
	SetupCQSize | SetupClamp | SetupSubmitAll,                                                                             // 5.18
	SetupCQSize | SetupClamp, // 5.6
}

// setupFunc is io_uring_setup(2), or a stand-in that a test refuses flags with.
type setupFunc func(entries uint32, p *setupParams) (fd int, errno unix.Errno)

func setupSyscall(entries uint32, p *setupParams) (int, unix.Errno) {
	// SAFETY: p is live for the whole call, and the kernel keeps no reference to it.
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(p)), 0)
	return int(fd), errno
}

// errOldKernel is what Open reports for a ring that exists but lacks what the package is built on.
var errOldKernel = errors.New("io_uring of this kernel is too old: it lacks single mmap, lossless completions or wait timeouts")

// Open sets up a ring. It must be called on the locked OS thread that will use the ring, and every other method must be
// called on that thread too: with SINGLE_ISSUER the kernel refuses anyone else with EEXIST. An error can be
// handed to Explain.
func Open(o Options) (*Ring, error) { return open(o, setupRungs[:], setupSyscall) }

func open(o Options, rungs []uint32, setup setupFunc) (*Ring, error) {
	o = o.withDefaults()
	var p setupParams
	var fd int
	errno := unix.EINVAL
	for _, flags := range rungs {
		p = setupParams{flags: flags, cqEntries: o.CQEntries}
		if fd, errno = setup(o.Entries, &p); errno != unix.EINVAL {
			break
		}
	}
	if errno != 0 {
		return nil, os.NewSyscallError("io_uring_setup", errno)
	}
	const need = featSingleMmap | featNoDrop | featExtArg
	if p.features&need != need {
		unix.Close(fd)
		return nil, errOldKernel
	}
	r := &Ring{fd: fd, flags: p.flags}
	if err := r.mapRings(&p); err != nil {
		r.Close()
		return nil, err
	}
	r.registerRing()
	return r, nil
}

// mapRings maps the two rings, the entries, and one page of scratch memory for arguments of system calls.
func (r *Ring) mapRings(p *setupParams) error {
	const protRW = unix.PROT_READ | unix.PROT_WRITE
	ringsLen := uintptr(p.cqOff.cqes) + uintptr(p.cqEntries)*cqeSize
	if p.flags&SetupNoSQArray == 0 {
		ringsLen = max(ringsLen, uintptr(p.sqOff.array)+uintptr(p.sqEntries)*4)
	}
	rings, err := r.mmap(r.fd, offSQRing, ringsLen, protRW, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return fmt.Errorf("mapping the io_uring queues: %w", err)
	}
	sqes, err := r.mmap(r.fd, offSQEs, uintptr(p.sqEntries)*sqeSize, protRW, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return fmt.Errorf("mapping the io_uring entries: %w", err)
	}
	args, err := r.mmap(-1, 0, unsafe.Sizeof(waitArgs{}), protRW, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return fmt.Errorf("mapping the io_uring arguments: %w", err)
	}

	// SAFETY: the offsets come from the kernel and lie within the mapping, whose length was computed from the same
	// parameters; the mapping lives until Close.
	word := func(offset uint32) *uint32 { return (*uint32)(unsafe.Add(rings, offset)) }
	r.sqes, r.cqes = sqes, unsafe.Add(rings, p.cqOff.cqes)
	r.sqHead, r.sqTail, r.sqFlags = word(p.sqOff.head), word(p.sqOff.tail), word(p.sqOff.flags)
	r.cqHead, r.cqTail, r.cqLost = word(p.cqOff.head), word(p.cqOff.tail), word(p.cqOff.overflow)
	r.sqMask, r.cqMask = *word(p.sqOff.ringMask), *word(p.cqOff.ringMask)
	r.sqEntries, r.cqEntries = p.sqEntries, p.cqEntries
	r.head, r.tail = atomic.LoadUint32(r.sqHead), atomic.LoadUint32(r.sqTail)
	r.reaped = atomic.LoadUint32(r.cqHead)

	// The indirection of the older layout is filled once with the identity: entry i is always in slot i.
	if p.flags&SetupNoSQArray == 0 {
		for i := range p.sqEntries {
			*word(p.sqOff.array + 4*i) = i
		}
	}

	r.args = (*waitArgs)(args)
	r.args.get.ts = uint64(uintptr(unsafe.Pointer(&r.args.ts)))
	return nil
}

func (r *Ring) mmap(fd int, offset int64, n uintptr, prot, flags int) (unsafe.Pointer, error) {
	p, err := unix.MmapPtr(fd, offset, nil, n, prot, flags)
	if err == nil {
		r.mappings = append(r.mappings, mapping{p, n})
	}
	return p, err
}

// registerRing saves the kernel the look-up of the descriptor on every enter. A kernel that cannot do it (before 5.18, or
// with all 16 slots of the thread taken) is used through the plain descriptor.
func (r *Ring) registerRing() {
	r.enterFD = uintptr(r.fd)
	update := rsrcUpdate{offset: registerAnyRingSlot, data: uint64(r.fd)}
	if n, errno := r.register(registerRingFDs, unsafe.Pointer(&update), 1); errno == 0 && n == 1 {
		r.enterFD = uintptr(update.offset)
		r.enterFlags = enterRegisteredRing
	}
}

// register is io_uring_register(2).
func (r *Ring) register(op uintptr, arg unsafe.Pointer, n uintptr) (uintptr, unix.Errno) {
	// SAFETY: arg is live for the whole call; the kernel copies what it needs and keeps no reference.
	v, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), op, uintptr(arg), n, 0, 0)
	return v, errno
}

// closeWaitSeconds bounds how long Close waits for operations that cannot be stopped at once.
const closeWaitSeconds = 1

// Close cancels every operation in flight and frees the ring. When it returns the kernel no longer writes to memory given
// to it, nor holds the files of the operations: a listener that is closed afterwards refuses connections at once. It must
// run on the ring's own thread. Entries not submitted are dropped, and so are completions not reaped, with the descriptors
// that accepts among them have opened. A second call does nothing.
func (r *Ring) Close() error {
	if r.fd < 0 {
		return nil
	}
	// Best effort: a kernel before 6.0 does not know the request, and lets go of the operations some milliseconds later.
	cancel := syncCancelReg{fd: -1, flags: cancelAll | cancelAny, timeout: kernelTimespec{sec: closeWaitSeconds}}
	r.register(registerSyncCancel, unsafe.Pointer(&cancel), 1)
	// With DEFER_TASKRUN the cancelled operations end, and release their files, when their completions are collected.
	unix.Syscall6(unix.SYS_IO_URING_ENTER, r.enterFD, 0, 0, enterGetEvents|r.enterFlags, 0, 0)
	if r.enterFlags&enterRegisteredRing != 0 {
		update := rsrcUpdate{offset: uint32(r.enterFD)}
		r.register(unregisterRingFDs, unsafe.Pointer(&update), 1)
	}
	var first error
	for _, m := range r.mappings {
		if err := unix.MunmapPtr(m.addr, m.len); err != nil && first == nil {
			first = err
		}
	}
	if err := unix.Close(r.fd); err != nil && first == nil {
		first = err
	}
	*r = Ring{fd: -1}
	return first
}
