package uring

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ring is one io_uring instance. It belongs to the thread that opened it.
type Ring struct {
	sqes unsafe.Pointer // sqEntries entries of sqeSize.
	cqes unsafe.Pointer // cqEntries entries of cqeSize.

	// Words of the shared rings. The kernel moves sqHead and cqTail, this side sqTail and cqHead.
	sqHead, sqTail, sqFlags *uint32
	cqHead, cqTail, cqLost  *uint32

	sqMask, sqEntries uint32
	cqMask, cqEntries uint32

	// tail counts the entries handed out by Next, head those the kernel has consumed as of the last enter. It consumes
	// during an enter only, so the copy is exact in between. reaped is this side's copy of cqHead.
	head, tail, reaped uint32

	enterFD    uintptr // The descriptor, or its index when enterFlags says that it is registered.
	enterFlags uintptr
	args       *waitArgs
	fd         int
	flags      uint32
	mappings   []mapping

	_ [64]byte // Another thread's ring may lie behind this one, and both are written all the time.
}

type mapping struct {
	addr unsafe.Pointer
	len  uintptr
}

// waitArgs is the scratch memory of SubmitAndWait. It is not on a Go stack, because the kernel writes and reads around
// a wait during which the garbage collector may move stacks.
type waitArgs struct {
	get getEventsArg
	ts  kernelTimespec

	_ [64]byte // As in Ring.
}

// FD returns the ring's descriptor.
func (r *Ring) FD() int { return r.fd }

// Flags returns the IORING_SETUP_* flags the kernel accepted.
func (r *Ring) Flags() uint32 { return r.flags }

// Registered reports whether the ring's descriptor is registered with the kernel.
func (r *Ring) Registered() bool { return r.enterFlags&enterRegisteredRing != 0 }

// Entries returns the size of the submission queue as the kernel made it.
func (r *Ring) Entries() uint32 { return r.sqEntries }

// CQEntries returns the size of the completion queue as the kernel made it.
func (r *Ring) CQEntries() uint32 { return r.cqEntries }

// Pending returns how many entries wait to be submitted.
func (r *Ring) Pending() uint32 { return r.tail - r.head }

// Next returns the next free entry, zeroed. When the queue is full it submits first. The entry must be filled before the
// next call of any method.
func (r *Ring) Next() *SQE {
	if r.tail-r.head >= r.sqEntries {
		r.makeRoom(1)
	}
	// SAFETY: the index is masked to the size of the mapping, which lives until Close.
	s := (*SQE)(unsafe.Add(r.sqes, uintptr(r.tail&r.sqMask)*sqeSize))
	r.tail++
	*s = SQE{}
	return s
}

// Reserve makes sure that the next n calls of Next do not submit in between, which would break a chain of linked entries in
// two. n is at most Entries.
func (r *Ring) Reserve(n uint32) {
	if r.tail-r.head+n > r.sqEntries {
		r.makeRoom(n)
	}
}

// Bounds of makeRoom: the kernel refuses a submission only when it cannot allocate, which it may overcome.
const (
	makeRoomAttempts = 1000
	makeRoomPause    = time.Millisecond
)

// makeRoom submits until n entries are free. It runs no deferred work, so that the completions its caller is walking
// through do not change under it. A kernel that has no memory for even one request during a whole second leaves no
// way on: entries cannot be dropped without leaking what they own.
func (r *Ring) makeRoom(n uint32) {
	if n > r.sqEntries {
		panic(fmt.Sprintf("uring: %d entries reserved in a queue of %d", n, r.sqEntries))
	}
	for range makeRoomAttempts {
		errno := r.enter(0)
		if r.sqEntries-r.Pending() >= n {
			return
		}
		if errno == unix.EAGAIN || errno == unix.EBUSY || errno == unix.ENOMEM {
			pause := unix.NsecToTimespec(int64(makeRoomPause))
			// An early return only makes the next attempt earlier.
			_ = unix.Nanosleep(&pause, nil)
			continue
		}
		if errno != 0 && errno != unix.EINTR {
			panic("uring: io_uring_enter: " + errno.Error())
		}
	}
	panic("uring: the kernel has had no memory for a submission for a second")
}

// enter submits what is pending without waiting, and notes how much was consumed. It is a raw system call: it never blocks,
// and so need not tell the Go scheduler.
func (r *Ring) enter(flags uintptr) unix.Errno {
	atomic.StoreUint32(r.sqTail, r.tail)
	_, _, errno := unix.RawSyscall6(unix.SYS_IO_URING_ENTER, r.enterFD, uintptr(r.Pending()), 0, flags|r.enterFlags, 0, 0)
	r.head = atomic.LoadUint32(r.sqHead)
	return errno
}

// Submit submits all pending entries and lets the kernel run the work it deferred, which is what posts completions. It
// does not block. Entries that the kernel did not take stay queued, whatever is returned:
//   - 0: everything was taken.
//   - EAGAIN, EBUSY: the kernel is short of memory or of room for completions; reap and call again.
//   - EBADR: the kernel had no memory to keep completions that did not fit; Lost counts them.
//   - EEXIST, or EINVAL and EBADF where the ring is registered: this is not the thread the ring belongs to.
//
// Anything else is a defect of the caller.
func (r *Ring) Submit() unix.Errno { return r.submit(enterGetEvents) }

// Push submits pending entries as Submit does, but runs no deferred work: what it posts are the completions of entries that
// complete at once. It is for the middle of a walk through completions, which would otherwise grow while it is walked through.
// Where the kernel has no DEFER_TASKRUN, it may run that work in any system call.
func (r *Ring) Push() unix.Errno { return r.submit(0) }

func (r *Ring) submit(flags uintptr) unix.Errno {
	for {
		before := r.Pending()
		errno := r.enter(flags)
		left := r.Pending()
		switch {
		case errno == unix.EINTR:
			continue
		case errno != 0:
			return errno
		case left == 0:
			return 0
		case left == before:
			return unix.EAGAIN
		}
		// The kernel stopped in the middle: it ran out of memory, or, without SUBMIT_ALL, met an entry it refused, whose
		// completion says so. The rest goes in another call.
	}
}

// SubmitAndWait submits all pending entries and waits until a completion is available or the timeout has passed; a
// negative timeout is none. It returns at once if completions are available already. Being woken by a signal, running
// into the timeout and waking early for no visible reason are all normal returns with 0: look at Ready. Other results are
// those of Submit.
func (r *Ring) SubmitAndWait(timeout time.Duration) unix.Errno {
	return woken(r.enterWait(unix.Syscall6, timeout))
}

// SubmitAndNap is SubmitAndWait without a word to Go's scheduler: the thread keeps its processor (P), which saves the hand-over
// and, when no other P is busy, waking the runtime's monitor thread. The world cannot stop meanwhile, except that the signal
// by which the runtime preempts ends the nap; it repeats that signal until it is heard. So the timeout is to be short, and
// the call is not for programs that turn asynchronous preemption off.
func (r *Ring) SubmitAndNap(timeout time.Duration) unix.Errno {
	return woken(r.enterWait(unix.RawSyscall6, timeout))
}

// woken forgets the errors that are normal ends of a wait.
func woken(errno unix.Errno) unix.Errno {
	if errno == unix.EINTR || errno == unix.ETIME {
		return 0
	}
	return errno
}

type syscall6 = func(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err unix.Errno)

// enterWait is one blocking enter. The Go scheduler is told, so that a garbage collection does not wait for this thread.
func (r *Ring) enterWait(call syscall6, timeout time.Duration) unix.Errno {
	flags := enterGetEvents | r.enterFlags
	var arg, argSize uintptr
	if timeout >= 0 {
		r.args.ts = kernelTimespec{sec: int64(timeout / time.Second), nsec: int64(timeout % time.Second)}
		// SAFETY: args is mapped memory that lives until Close.
		arg, argSize = uintptr(unsafe.Pointer(&r.args.get)), unsafe.Sizeof(r.args.get)
		flags |= enterExtArg
	}
	atomic.StoreUint32(r.sqTail, r.tail)
	_, _, errno := call(unix.SYS_IO_URING_ENTER, r.enterFD, uintptr(r.Pending()), 1, flags, arg, argSize)
	r.head = atomic.LoadUint32(r.sqHead)
	return errno
}

// Ready returns how many completions are available.
func (r *Ring) Ready() uint32 { return atomic.LoadUint32(r.cqTail) - r.reaped }

// CQE returns the i-th available completion; i is less than what Ready returned. It is borrowed until Advance.
func (r *Ring) CQE(i uint32) *CQE {
	// SAFETY: the index is masked to the size of the mapping, which lives until Close.
	return (*CQE)(unsafe.Add(r.cqes, uintptr((r.reaped+i)&r.cqMask)*cqeSize))
}

// Advance gives the first n completions back to the kernel.
func (r *Ring) Advance(n uint32) {
	r.reaped += n
	atomic.StoreUint32(r.cqHead, r.reaped)
}

// Overflowed reports whether completions wait in the kernel because the queue was full. They are moved into the queue
// by the next Submit or SubmitAndWait after room was made.
func (r *Ring) Overflowed() bool { return atomic.LoadUint32(r.sqFlags)&sqCQOverflow != 0 }

// Lost returns how many completions the kernel has dropped for want of memory. Anything but 0 means that operations will
// never be answered.
func (r *Ring) Lost() uint32 { return atomic.LoadUint32(r.cqLost) }
