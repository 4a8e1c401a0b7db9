package files

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// changes tells the store what inotify tells.
func (s *Service) changes() {
	fd, err := unix.FcntlInt(uintptr(s.store.WatchFD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return
	}
	events := os.NewFile(uintptr(fd), "inotify")
	go func() {
		<-s.closing
		_ = events.Close() // ends Read
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := events.Read(buffer)
		if err != nil {
			return
		}
		s.store.Notify(buffer[:n])
		select {
		case <-time.After(noticePause):
		case <-s.closing:
			return
		}
	}
}
