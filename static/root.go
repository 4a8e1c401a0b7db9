package static

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// root is one cache's own descriptor of a site's root directory.
//
// A Site holds the directory that its path named at load. Deployments replace
// that directory: a build removes and recreates ./dist, a release switches a
// symbolic link. So each cache looks once a second at what the path names now and
// moves on to it. When the path names nothing (the build is under way, or the
// process has since changed its root), the directory that was last seen stays.
type root struct {
	fd       int
	dev, ino uint64
	checked  int64
	used     int64
}

// rootOf returns the root of a site, opened and not older than checkInterval.
func (c *Cache) rootOf(s *Site, now int64) (*root, unix.Errno) {
	r := c.roots[s.id]
	if r == nil {
		fd, err := unix.FcntlInt(uintptr(s.dir), unix.F_DUPFD_CLOEXEC, 0)
		// The garbage collector may close the Site's descriptor once nothing uses it.
		runtime.KeepAlive(s)
		if err != nil {
			return nil, errnoOf(err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			unix.Close(fd)
			return nil, errnoOf(err)
		}
		r = &root{fd: fd, dev: st.Dev, ino: st.Ino, checked: now - checkInterval}
		c.roots[s.id] = r
	}
	r.used = now
	if uint64(now-r.checked) >= checkInterval {
		r.checked = now
		r.follow(s)
	}
	return r, 0
}

// follow moves the root to the directory its path names now, if that is another
// one.
func (r *root) follow(s *Site) {
	var st unix.Stat_t
	if unix.Stat(s.path, &st) != nil || st.Dev == r.dev && st.Ino == r.ino {
		return
	}
	fd, err := openDirectory(s.path)
	if err != nil {
		return
	}
	// The path may have moved on since the stat above; what counts is what was opened.
	if unix.Fstat(fd, &st) != nil {
		unix.Close(fd)
		return
	}
	unix.Close(r.fd)
	r.fd, r.dev, r.ino = fd, st.Dev, st.Ino
}

// errnoOf unwraps the error of a system call.
func errnoOf(err error) unix.Errno {
	if errno, ok := err.(unix.Errno); ok {
		return errno
	}
	return unix.EIO
}
