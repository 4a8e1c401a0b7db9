package static

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// place is what a Store knows of a site's root.
//
// A Site holds the directory that its path named at load. Deployments replace
// that directory: a build removes and recreates ./dist, a release switches a
// symbolic link, at the root's own place or above it. So the Store looks at what the path names
// now, four times a second, and when something is not found, and moves on to it. When the path names nothing
// (the build is under way, or the process has since changed its root), the directory
// that was last seen stays.
type place struct {
	site      *Site // any with this number; all are alike
	current   *root
	checked   int64
	following bool  // somebody is looking
	used      int64 // when it was needed last
	dirs      map[string]*watched
}

// root is an open directory. It is counted, because somebody may be on the way through
// it when the place moves on.
type root struct {
	fd       int
	dev, ino uint64
	refs     int // the Store's lock is held
}

// enter returns the root of a site, counted, after a look at what its path names, and the
// generation of the site at that time.
func (st *Store) enter(s *Site) (r *root, generation uint32, errno unix.Errno) {
	now := st.o.Clock()
	st.lock.Lock()
	defer st.lock.Unlock()
	p := st.places[s.id]
	if p == nil {
		r, errno := openRoot(s)
		if errno != 0 {
			return nil, 0, errno
		}
		p = &place{current: r, checked: now - rootInterval, dirs: make(map[string]*watched)}
		st.places[s.id] = p
	}
	p.site, p.used = s, now
	if now-p.checked >= rootInterval {
		st.follow(p, now)
	}
	generation = s.generation.Load()
	p.current.refs++
	return p.current, generation, 0
}

// leave ends enter.
func (st *Store) leave(r *root) {
	st.lock.Lock()
	defer st.lock.Unlock()
	st.leaveLocked(r)
}

func (st *Store) leaveLocked(r *root) {
	if r.refs--; r.refs == 0 {
		unix.Close(r.fd)
	}
}

// openRoot begins with the directory that was there when the site was compiled.
func openRoot(s *Site) (*root, unix.Errno) {
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
	return &root{fd: fd, dev: st.Dev, ino: st.Ino, refs: 1}, 0
}

// follow moves a place to the directory its path names now, if that is another
// one, and makes everything that was found below the old one be looked at again. The
// lock is held, and let go of while the disk is asked.
func (st *Store) follow(p *place, now int64) {
	if p.following {
		return
	}
	p.following = true
	path, dev, ino := p.site.path, p.current.dev, p.current.ino
	st.lock.Unlock()
	next := nextRoot(path, dev, ino)
	st.lock.Lock()
	p.following, p.checked = false, now
	if next != nil {
		st.leaveLocked(p.current)
		p.current = next
		st.counts.Roots++
		p.site.generation.Add(1)
	}
}

// left reports whether a root is not the one of its site any more. What was not found there
// may be in the next one: a deployment puts that in its place, and removes the old one.
func (st *Store) left(s *Site, r *root) bool {
	var at unix.Stat_t
	if unix.Stat(s.path, &at) == nil {
		if at.Dev == r.dev && at.Ino == r.ino {
			return false
		}
	} else if unix.Fstat(r.fd, &at) != nil || at.Nlink > 0 {
		// Nothing is in its place, and it still stands somewhere: it counts.
		return false
	}
	st.lock.Lock()
	defer st.lock.Unlock()
	if p := st.places[s.id]; p != nil {
		p.checked -= rootInterval
	}
	return true
}

// nextRoot opens what a path names, if it is not the directory that is known.
func nextRoot(path string, dev, ino uint64) *root {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil || st.Dev == dev && st.Ino == ino {
		return nil
	}
	fd, err := openDirectory(path)
	if err != nil {
		return nil
	}
	// The path may have moved on since the stat above; what counts is what was opened.
	if unix.Fstat(fd, &st) != nil {
		unix.Close(fd)
		return nil
	}
	return &root{fd: fd, dev: st.Dev, ino: st.Ino, refs: 1}
}

// FollowRoots looks at what the paths of all sites in use name. It is called
// several times a second, on a goroutine that may wait for a disk.
func (st *Store) FollowRoots() {
	now := st.o.Clock()
	st.lock.Lock()
	defer st.lock.Unlock()
	for id, p := range st.places {
		if now-p.used > idleMostly*passSeconds*1000 && p.current.refs == 1 && !p.following {
			st.unwatch(p)
			st.leaveLocked(p.current)
			delete(st.places, id)
			continue
		}
		st.follow(p, now)
	}
}

// errnoOf unwraps the error of a system call.
func errnoOf(err error) unix.Errno {
	if errno, ok := err.(unix.Errno); ok {
		return errno
	}
	return unix.EIO
}
