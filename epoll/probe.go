package epoll

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Features is what Probe found out about the kernel.
type Features struct {
	// Pwait2 says that waits have nanosecond timeouts; otherwise they are rounded up to milliseconds.
	Pwait2 bool
	// Exclusive says that EPOLLEXCLUSIVE is there (Linux 4.5).
	Exclusive bool
}

func (f Features) String() string {
	return fmt.Sprintf("pwait2=%t exclusive=%t", f.Pwait2, f.Exclusive)
}

// Probe tries what the epoll engine needs on an eventfd: an edge that is delivered with its data, and delivered once. An error
// means that epoll cannot be used at all. It takes no longer than a few system calls.
func Probe() (f Features, err error) {
	p, err := Open()
	if err != nil {
		return f, err
	}
	defer p.Close()
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return f, fmt.Errorf("eventfd: %w", err)
	}
	defer unix.Close(fd)

	f.Exclusive = p.Add(int32(fd), In|Exclusive, 0) == nil
	if f.Exclusive {
		if err := p.Del(int32(fd)); err != nil {
			return f, fmt.Errorf("epoll_ctl: %w", err)
		}
	}
	const mark = 0xfeed_0000_beef
	if err := p.Add(int32(fd), In|ET, mark); err != nil {
		return f, fmt.Errorf("epoll_ctl: %w", err)
	}
	// Nothing is ready yet, so this takes the blocking path with the shortest timeout there is.
	events := p.Wait(1)
	if p.last != 0 {
		return f, fmt.Errorf("epoll_wait: %w", p.last)
	}
	if len(events) != 0 {
		return f, errors.New("epoll_wait reported an idle descriptor as ready")
	}
	f.Pwait2 = !p.noPwait2
	if _, err := unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return f, fmt.Errorf("eventfd: %w", err)
	}
	if events = p.Wait(0); len(events) != 1 || events[0] != (Event{Events: In, Data: mark}) {
		return f, errors.New("epoll_wait did not deliver the event of a ready descriptor")
	}
	if events = p.Wait(0); len(events) != 0 {
		return f, errors.New("epoll_wait repeated an edge")
	}
	return f, nil
}
