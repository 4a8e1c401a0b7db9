package static

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

// watches tell of changes in directories by inotify.
//
// Any event in a directory of a site says only that the site's entries are to be
// looked at again: a look costs some microseconds, happens only for what is asked for,
// and cannot be wrong, where conclusions from events could. The lock of the Store is
// held for all of it but adding a watch.
type watches struct {
	fd       int // -1 if the kernel has none left
	byNumber map[int32][]*watched
	count    int
	removals uint64
}

// watched is a directory of a place that is watched.
type watched struct {
	place      *place
	path       string // below the root
	number     int32
	generation uint32 // in which the path was seen to lead there
	used       int64
}

const (
	watchMask = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_MODIFY | unix.IN_CLOSE_WRITE |
		unix.IN_ATTRIB | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK

	// directoryFlags open a directory to be watched.
	directoryFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC

	// eventSize is the fixed part of an event.
	eventSize = 16
)

func openWatches() watches {
	w := watches{fd: -1, byNumber: make(map[int32][]*watched)}
	if fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err == nil {
		w.fd = fd
	}
	return w
}

// WatchFD is what Notify is to be given the events of, -1 if there are none.
func (st *Store) WatchFD() int { return st.watches.fd }

// Notify takes what was read from WatchFD, and makes the sites with changes look again.
func (st *Store) Notify(events []byte) {
	st.lock.Lock()
	defer st.lock.Unlock()
	changed := make(map[*Site]bool)
	for len(events) >= eventSize {
		number := int32(binary.NativeEndian.Uint32(events))
		mask := binary.NativeEndian.Uint32(events[4:])
		next := eventSize + int(binary.NativeEndian.Uint32(events[12:]))
		if next > len(events) {
			break
		}
		events = events[next:]
		if mask&unix.IN_Q_OVERFLOW != 0 {
			for _, p := range st.places {
				changed[p.site] = true
			}
		}
		for _, d := range st.watches.byNumber[number] {
			changed[d.place.site] = true
		}
		if mask&unix.IN_IGNORED != 0 {
			st.forget(number)
		}
	}
	for s := range changed {
		s.generation.Add(1)
		// It may be the root itself that has moved.
		if p := st.places[s.id]; p != nil {
			p.checked -= rootInterval
		}
	}
	st.counts.Notices += uint64(len(changed))
}

// forget drops what is known of a watch that the kernel has removed.
func (st *Store) forget(number int32) {
	w := &st.watches
	for _, d := range w.byNumber[number] {
		delete(d.place.dirs, d.path)
		w.count--
	}
	delete(w.byNumber, number)
	w.removals++
}

// remove ends the watch of a directory for a place.
func (st *Store) remove(d *watched) {
	w := &st.watches
	delete(d.place.dirs, d.path)
	w.count--
	w.removals++
	list := w.byNumber[d.number]
	for i := range list {
		if list[i] == d {
			list = append(list[:i], list[i+1:]...)
			break
		}
	}
	if len(list) > 0 {
		w.byNumber[d.number] = list
		return
	}
	delete(w.byNumber, d.number)
	_, _ = unix.InotifyRmWatch(w.fd, uint32(d.number))
}

// unwatch ends all watches of a place.
func (st *Store) unwatch(p *place) {
	for _, d := range p.dirs {
		st.remove(d)
	}
}

// tidyWatches ends the watches of directories in which nothing was looked for in a while.
func (st *Store) tidyWatches(now int64) {
	for _, p := range st.places {
		for _, d := range p.dirs {
			if now-d.used > idleMostly*passSeconds*1000 {
				st.remove(d)
			}
		}
	}
}

// watch sees to it that all directories on the way to a path of a site are watched, and
// reports whether they are, so that a change in them will be told. directory says that
// the path itself may be one. It is called before anything is looked for there.
func (st *Store) watch(l *Loader, s *Site, r *root, path []byte, generation uint32, directory bool) bool {
	if st.watches.fd < 0 {
		return false
	}
	name := []byte(nil)
	if s.file == nil {
		var slash bool
		var v verdict
		if name, slash, v = appendName(l.name[:0], path); v != nameFine {
			return true // nothing is looked for
		}
		l.name = name
		directory = directory || slash
	}
	if ok, further := st.watchOne(s, r, nil, generation); !ok || !further {
		return ok
	}
	for end := 0; ; end++ {
		i := bytes.IndexByte(name[end:], '/')
		if i < 0 {
			break
		}
		end += i
		if ok, further := st.watchOne(s, r, name[:end], generation); !ok || !further {
			return ok
		}
	}
	if directory && len(name) > 0 {
		ok, _ := st.watchOne(s, r, name, generation)
		return ok
	}
	return true
}

// watchOne watches one directory. If there is none, its parent tells when one comes, and
// nothing further is there to be watched.
func (st *Store) watchOne(s *Site, r *root, name []byte, generation uint32) (ok, further bool) {
	now := st.o.Clock()
	st.lock.Lock()
	p := st.places[s.id]
	if p == nil || p.current != r {
		st.lock.Unlock()
		return false, false
	}
	if d := p.dirs[string(name)]; d != nil && d.generation == generation {
		d.used = now
		st.lock.Unlock()
		return true, true
	}
	removals, full := st.watches.removals, st.watches.count >= maxWatches
	st.lock.Unlock()
	if full {
		return false, false
	}
	number, errno := addWatch(st.watches.fd, r, name)
	switch errno {
	case 0:
	case unix.ENOENT, unix.ENOTDIR:
		return true, false
	default:
		return false, false
	}
	st.lock.Lock()
	defer st.lock.Unlock()
	p = st.places[s.id]
	if p == nil || p.current != r || st.watches.removals != removals {
		// The watch may have been removed the moment after it was added.
		return false, false
	}
	if d := p.dirs[string(name)]; d != nil {
		if d.number == number {
			d.generation, d.used = generation, now
			return true, true
		}
		st.remove(d)
	}
	d := &watched{place: p, path: string(name), number: number, generation: generation, used: now}
	p.dirs[d.path] = d
	st.watches.byNumber[number] = append(st.watches.byNumber[number], d)
	st.watches.count++
	return true, true
}

// addWatch watches a directory below a root. It fails where events cannot be relied on:
// behind symbolic links, whose change is seen elsewhere, and on file systems that
// others write to.
func addWatch(fd int, r *root, name []byte) (int32, unix.Errno) {
	dir, errno := openat2(r.fd, directoryName(bytes.Clone(name), len(name)), directoryFlags, resolveNoLinks)
	if errno != 0 {
		return 0, errno
	}
	defer unix.Close(dir)
	var fs unix.Statfs_t
	if err := unix.Fstatfs(dir, &fs); err != nil {
		return 0, errnoOf(err)
	}
	if !tellsOfChanges(int64(fs.Type)) {
		return 0, unix.EOPNOTSUPP
	}
	number, err := unix.InotifyAddWatch(fd, "/proc/self/fd/"+strconv.Itoa(dir), watchMask)
	if err != nil {
		return 0, errnoOf(err)
	}
	return int32(number), 0
}

// The file systems that golang.org/x/sys does not name.
const (
	magicZFS      = 0x2fc12fc1
	magicBcachefs = 0xca451a4e
)

// tellsOfChanges reports whether inotify sees every change of a file system: those that
// are only written to through this kernel, and not by way of another file system. An overlay
// is written to from below as well.
func tellsOfChanges(magic int64) bool {
	switch magic {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.RAMFS_MAGIC,
		unix.SQUASHFS_MAGIC, unix.EROFS_SUPER_MAGIC_V1, unix.ISOFS_SUPER_MAGIC, magicZFS, magicBcachefs:
		return true
	}
	return false
}
