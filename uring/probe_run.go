package uring

import (
	"bytes"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probeStep bounds each wait of the probe. What works answers within microseconds; the bound only has to be larger than what
// a busy machine delays a thread.
const probeStep = 500 * time.Millisecond

const (
	probeGroup  = 1
	probeBufs   = 4
	probeBufLen = 64
)

// Probe opens a small ring and tries what the engine uses, on a socket pair and a loopback listener: versions say little,
// as distributions backport, and containers take away. An error means that there is no ring at all; hand it to
// Explain. What does not work is false in the Features, for whatever reason. Every wait is bounded by half a second and a
// failed trial ends the trials that depend on it, so the whole takes about a millisecond, and at worst some seconds.
func Probe() (Features, error) { return probe(setupRungs[:], setupSyscall) }

func probe(rungs []uint32, setup setupFunc) (Features, error) {
	// The ring belongs to the thread. It is given back afterwards: the ring, and what was registered, are gone by then.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	f := Features{Kernel: kernelRelease()}
	// Unmapped after the ring has been closed, so that a trial that failed half-way cannot write to what comes after it.
	mem, err := unix.Mmap(-1, 0, probeBufs*probeBufLen, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return f, fmt.Errorf("mapping buffers: %w", err)
	}
	defer unix.Munmap(mem)
	r, err := open(Options{Entries: 16}, rungs, setup)
	if err != nil {
		return f, err
	}
	defer r.Close()
	f.SetupFlags = r.Flags()
	f.RegisteredRing = r.Registered()
	if f.ExtArg = r.timesOut(unix.Syscall6); !f.ExtArg {
		return f, nil
	}
	if err := f.probeRecv(r, mem); err != nil {
		return f, err
	}
	f.probeAccept(r)
	return f, nil
}

// probeSignals is how many waits in a row may be ended by signals before that is taken for what the kernel does.
const probeSignals = 100

// timesOut reports whether a wait ends at its timeout, which is all that can end it on an idle ring: but for a signal, which
// says nothing about the kernel. Whoever starts a process may send it one in this very moment, stop it, or freeze it.
func (r *Ring) timesOut(call syscall6) bool {
	errno := unix.EINTR
	for n := 0; errno == unix.EINTR && n < probeSignals; n++ {
		errno = r.enterWait(call, time.Millisecond)
	}
	return errno == unix.ETIME
}

// await submits and waits for one completion with the user data; others are dropped.
func (r *Ring) await(ud uint64) (CQE, bool) {
	// What was submitted is waited for once at the least: the thread may come here late.
	left := probeStep
	for deadline := time.Now().Add(probeStep); ; {
		for r.Ready() > 0 {
			c := *r.CQE(0)
			r.Advance(1)
			if c.UserData == ud {
				return c, true
			}
		}
		if left <= 0 || r.SubmitAndWait(left) != 0 {
			return CQE{}, false
		}
		left = time.Until(deadline)
	}
}

// probeRecv tries a buffer ring, a multishot receive that delivers two messages, and its cancellation by descriptor.
func (f *Features) probeRecv(r *Ring, mem []byte) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("socketpair: %w", err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	bufs, err := r.NewBufRing(probeGroup, probeBufs)
	if err != nil {
		return nil
	}
	defer bufs.Close()
	for id := range uint16(probeBufs) {
		bufs.Add(uintptr(unsafe.Pointer(&mem[int(id)*probeBufLen])), probeBufLen, id)
	}
	bufs.Publish()

	const ud, cancelUD = 1, 2
	fd := int32(pair[0])
	received := func(c CQE, ok bool, want string) bool {
		if !ok || int(c.Res) != len(want) || c.Flags&CQEFBuffer == 0 || BufferID(c.Flags) >= probeBufs {
			return false
		}
		at := int(BufferID(c.Flags)) * probeBufLen
		return bytes.Equal(mem[at:at+len(want)], []byte(want))
	}
	say := func(s string) bool { n, err := unix.Write(pair[1], []byte(s)); return n == len(s) && err == nil }

	r.Next().Recv(fd, probeGroup, 0, ud)
	if !say("once") {
		return nil
	}
	c, ok := r.await(ud)
	if f.BufRing = received(c, ok, "once"); !f.BufRing {
		return nil
	}

	r.Next().RecvMulti(fd, probeGroup, ud)
	for _, word := range []string{"first", "second"} {
		if !say(word) {
			return nil
		}
		if c, ok = r.await(ud); !received(c, ok, word) || c.Flags&CQEFMore == 0 {
			return nil
		}
	}
	f.MultishotRecv = true

	r.Next().CancelFD(fd, cancelUD)
	c, ok = r.await(ud)
	f.CancelFD = ok && c.Res == -int32(unix.ECANCELED) && c.Flags&CQEFMore == 0
	return nil
}

// probeAccept tries a multishot accept that delivers two connections, and a zero-copy send on the second.
func (f *Features) probeAccept(r *Ring) {
	listener, addr, err := probeListener()
	if err != nil {
		return
	}
	defer unix.Close(listener)

	const ud, cancelUD, sendUD = 3, 4, 5
	r.Next().AcceptMulti(int32(listener), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, ud)
	var accepted int
	for i := range 2 {
		client, err := unix.Socket(probeFamily(addr), unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return
		}
		defer unix.Close(client)
		// Loopback answers during the call, or within the bound of the wait that follows.
		if err := unix.Connect(client, addr); err != nil && err != unix.EINPROGRESS {
			return
		}
		c, ok := r.await(ud)
		if !ok || c.Res < 0 {
			return
		}
		accepted = int(c.Res)
		defer unix.Close(accepted)
		if c.Flags&CQEFMore == 0 {
			return
		}
		f.MultishotAccept = i == 1
	}

	// The argument page serves as the bytes to send: what they are does not matter.
	r.Next().SendZC(int32(accepted), uintptr(unsafe.Pointer(r.args)), 1, 0, sendUD)
	if c, ok := r.await(sendUD); ok && c.Res == 1 && c.Flags&CQEFMore != 0 {
		c, ok = r.await(sendUD)
		f.SendZC = ok && c.Flags&CQEFNotif != 0
	}

	// A listener with an armed accept would outlive its descriptor.
	r.Next().CancelFD(int32(listener), cancelUD)
	r.await(cancelUD)
}

// probeListener listens on a loopback address, or, where there is no network, on a nameless unix socket.
func probeListener() (fd int, addr unix.Sockaddr, err error) {
	for _, bind := range []unix.Sockaddr{
		&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}},
		&unix.SockaddrInet6{Addr: [16]byte{15: 1}},
		&unix.SockaddrUnix{},
	} {
		if fd, err = unix.Socket(probeFamily(bind), unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			continue
		}
		if err = unix.Bind(fd, bind); err == nil {
			if err = unix.Listen(fd, 2); err == nil {
				if addr, err = unix.Getsockname(fd); err == nil {
					return fd, addr, nil
				}
			}
		}
		unix.Close(fd)
	}
	return -1, nil, err
}

func probeFamily(addr unix.Sockaddr) int {
	switch addr.(type) {
	case *unix.SockaddrInet4:
		return unix.AF_INET
	case *unix.SockaddrInet6:
		return unix.AF_INET6
	default:
		return unix.AF_UNIX
	}
}
