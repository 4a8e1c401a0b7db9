package epoll

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxEvents is how many events one Wait returns at most. Whatever else is ready comes with the next one; the kernel
// rotates its list, so that nobody starves.
const MaxEvents = 512

// Events to ask for and to receive. Err and HUp are reported whether asked for or not.
const (
	In    uint32 = unix.EPOLLIN
	Out   uint32 = unix.EPOLLOUT
	RdHUp uint32 = unix.EPOLLRDHUP
	Pri   uint32 = unix.EPOLLPRI
	Err   uint32 = unix.EPOLLERR
	HUp   uint32 = unix.EPOLLHUP

	// ET asks for edges: an event for every change, instead of one for as long as the state lasts.
	ET uint32 = unix.EPOLLET
	// OneShot disarms the descriptor after one event, until Mod.
	OneShot uint32 = unix.EPOLLONESHOT
)

// Event says what a descriptor is ready for. Data is what Add or Mod was given.
type Event struct {
	Events uint32
	Data   uint64
}

// kernelEvent is struct epoll_event, which is packed on amd64 and aligned elsewhere; x/sys has it right for each
// architecture, with the 64 bits of data as the two fields Fd and Pad.
type kernelEvent = unix.EpollEvent

func (e *Event) fromKernel(k *kernelEvent) {
	e.Events = k.Events
	e.Data = uint64(uint32(k.Fd)) | uint64(uint32(k.Pad))<<32
}

func toKernel(events uint32, data uint64) kernelEvent {
	return kernelEvent{Events: events, Fd: int32(uint32(data)), Pad: int32(uint32(data >> 32))}
}

// eventMemory is what a Poller maps: the array that the kernel fills, the array that Wait returns, and the timeout of a
// blocking call, during which the garbage collector may move stacks.
type eventMemory struct {
	kernel  [MaxEvents]kernelEvent
	events  [MaxEvents]Event
	timeout unix.Timespec
}

// Poller is one epoll instance.
type Poller struct {
	fd       int
	mem      *eventMemory
	noPwait2 bool
	last     unix.Errno

	_ [64]byte // Another thread's poller may lie behind this one.
}

// Open creates a Poller.
func Open() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	mem, err := unix.MmapPtr(-1, 0, nil, unsafe.Sizeof(eventMemory{}),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("mapping the epoll events: %w", err)
	}
	return &Poller{fd: fd, mem: (*eventMemory)(mem)}, nil
}

// FD returns the epoll descriptor.
func (p *Poller) FD() int { return p.fd }

// Close frees the Poller; the watched descriptors stay open. A second call does nothing.
func (p *Poller) Close() error {
	if p.mem == nil {
		return nil
	}
	unmapErr := unix.MunmapPtr(unsafe.Pointer(p.mem), unsafe.Sizeof(eventMemory{}))
	closeErr := unix.Close(p.fd)
	p.fd, p.mem = -1, nil
	return errors.Join(unmapErr, closeErr)
}

// Add starts to watch a descriptor. data comes back with every event of it.
func (p *Poller) Add(fd int32, events uint32, data uint64) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, events, data)
}

// Mod changes what a watched descriptor is watched for, and its data. It reports the present state anew, also under ET.
func (p *Poller) Mod(fd int32, events uint32, data uint64) error {
	return p.control(unix.EPOLL_CTL_MOD, fd, events, data)
}

// Del stops watching a descriptor. Events of it that the last Wait returned remain in that slice.
func (p *Poller) Del(fd int32) error { return p.control(unix.EPOLL_CTL_DEL, fd, 0, 0) }

func (p *Poller) control(op uintptr, fd int32, events uint32, data uint64) error {
	e := toKernel(events, data)
	// SAFETY: e is live for the whole call; the kernel copies it.
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), op, uintptr(fd), uintptr(unsafe.Pointer(&e)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// Wait returns what is ready, waiting for it up to the timeout; a negative timeout is none. It returns nothing when the timeout
// has passed or a signal came. An error of the kernel, which only a defect can cause, also returns nothing; Failure
// names it. The slice is borrowed until the next Wait.
func (p *Poller) Wait(timeout time.Duration) []Event { return p.wait(unix.Syscall6, timeout) }

// Nap is Wait without a word to Go's scheduler: the thread keeps its processor (P). The world cannot stop meanwhile,
// except that the signal by which the runtime preempts ends the nap. So the timeout is to be short, and the call is not
// for programs that turn asynchronous preemption off.
func (p *Poller) Nap(timeout time.Duration) []Event { return p.wait(unix.RawSyscall6, timeout) }

type syscall6 = func(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err unix.Errno)

func (p *Poller) wait(call syscall6, timeout time.Duration) []Event {
	// SAFETY: the array is mapped memory that lives until Close.
	buf := uintptr(unsafe.Pointer(&p.mem.kernel))
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), buf, MaxEvents, 0, 0, 0)
	if n == 0 && errno == 0 && timeout != 0 {
		n, errno = p.block(call, buf, timeout)
	}
	if errno != 0 {
		n = 0
		if errno != unix.EINTR {
			p.last = errno
		}
	}
	events := p.mem.events[:n]
	for i := range events {
		events[i].fromKernel(&p.mem.kernel[i])
	}
	return events
}

// Failure returns the error of the last Wait that failed, or 0.
func (p *Poller) Failure() unix.Errno { return p.last }

// block waits.
func (p *Poller) block(call syscall6, buf uintptr, timeout time.Duration) (uintptr, unix.Errno) {
	if !p.noPwait2 {
		var ts uintptr
		if timeout > 0 {
			p.mem.timeout = unix.NsecToTimespec(int64(timeout))
			// SAFETY: the timespec is mapped memory that lives until Close.
			ts = uintptr(unsafe.Pointer(&p.mem.timeout))
		}
		n, _, errno := call(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), buf, MaxEvents, ts, 0, 0)
		if errno != unix.ENOSYS && errno != unix.EPERM {
			return n, errno
		}
		// Linux before 5.11 does not have the call, and seccomp profiles that are older than it refuse it.
		p.noPwait2 = true
	}
	n, _, errno := call(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), buf, MaxEvents, millis(timeout), 0, 0)
	return n, errno
}

// millis is the timeout as epoll_pwait takes it: rounded up, since waking before the time would make the caller spin
// until it has come.
func millis(timeout time.Duration) uintptr {
	if timeout < 0 {
		return ^uintptr(0)
	}
	ms := timeout / time.Millisecond
	if timeout%time.Millisecond > 0 {
		ms++
	}
	return uintptr(min(ms, math.MaxInt32))
}
