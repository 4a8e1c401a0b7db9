package generate

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDialIsInterrupted has signals come while a connection waits for its server's backlog to have room: as the runtime's
// do, at any time.
func TestDialIsInterrupted(t *testing.T) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	to := name.(*unix.SockaddrInet4)
	first, err := dial(to, nil) // has the one place there is
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(first)

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread := unix.Gettid()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
			_ = unix.Tgkill(unix.Getpid(), thread, unix.SIGURG)
			if n == 20 {
				if fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC); err == nil {
					_ = unix.Close(fd)
				}
			}
		}
	}()
	fd, err := dial(to, nil)
	close(stop)
	<-stopped
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(fd)
}
