package static

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// probeFlags open a place in the tree without opening the file: no device is
	// touched, no FIFO gains a reader, no read permission is needed.
	probeFlags = unix.O_PATH | unix.O_CLOEXEC

	// openFlags open a file for reading. O_NONBLOCK keeps the shard from waiting
	// for a FIFO's writer should one appear between the probe and the opening.
	openFlags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC

	// resolveClient holds a path that a client chose beneath the root, whatever
	// symbolic links and dot segments it leads through. Magic links
	// (/proc/PID/fd) would lead out of every root.
	resolveClient = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS

	// resolveNoLinks follows no symbolic link at all.
	resolveNoLinks = resolveClient | unix.RESOLVE_NO_SYMLINKS

	// resolveOperator is for the one name that the operator wrote into the
	// configuration and that no client can influence: it may be a link to
	// anywhere.
	resolveOperator = unix.RESOLVE_NO_MAGICLINKS
)

// openat2 opens name, which must end in a NUL, relative to the directory dir.
// RESOLVE_BENEATH answers EAGAIN when a rename raced with a walk through ".." in
// a symbolic link; that, like EINTR, is tried again a bounded number of times.
func openat2(dir int, name []byte, flags, resolve uint64) (int, unix.Errno) {
	if len(name) == 0 || name[len(name)-1] != 0 {
		panic("static: openat2 needs a name that ends in a NUL")
	}
	how := unix.OpenHow{Flags: flags, Resolve: resolve}
	var errno unix.Errno
	for range openAttempts {
		// SAFETY: both pointers are converted in the call's own argument list, so
		// the compiler keeps name's array and how alive and in place during the
		// call; name is NUL-terminated, and the kernel keeps neither.
		fd, _, e := unix.Syscall6(unix.SYS_OPENAT2, uintptr(dir), uintptr(unsafe.Pointer(&name[0])),
			uintptr(unsafe.Pointer(&how)), unix.SizeofOpenHow, 0, 0)
		if e == 0 {
			return int(fd), 0
		}
		if errno = e; errno != unix.EINTR && errno != unix.EAGAIN {
			break
		}
	}
	return -1, errno
}

// openDirectory opens a directory that the operator named.
func openDirectory(path string) (int, error) {
	return unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// identity is what tells one state of one file from every other that matters: a
// replaced file has another inode, a rewritten one another change time.
type identity struct {
	dev, ino     uint64
	size         int64
	mtime, ctime int64 // nanoseconds
}

// fileStat is the part of a stat that this package uses.
type fileStat struct {
	identity
	mode     uint32
	modified int64 // seconds, for Last-Modified
	changed  int64 // seconds; set by the kernel, so no program can set it back
}

// statOf reads the status of an open file.
func statOf(fd int, out *fileStat) unix.Errno {
	var st unix.Stat_t
	for {
		err := unix.Fstat(fd, &st)
		if err == nil {
			break
		}
		errno, ok := err.(unix.Errno)
		if !ok {
			return unix.EIO
		}
		if errno != unix.EINTR {
			return errno
		}
	}
	out.set(&st)
	return 0
}

// set takes over what this package uses.
func (out *fileStat) set(st *unix.Stat_t) {
	out.identity = identity{
		dev:   st.Dev,
		ino:   st.Ino,
		size:  st.Size,
		mtime: st.Mtim.Nano(),
		ctime: st.Ctim.Nano(),
	}
	out.mode = st.Mode & unix.S_IFMT
	out.modified, _ = st.Mtim.Unix()
	out.changed, _ = st.Ctim.Unix()
}

// statusOf translates why a file cannot be had into the status that says so
// without saying more than the client may know.
func statusOf(errno unix.Errno) uint16 {
	switch errno {
	case unix.ENOENT, unix.ENOTDIR, unix.ENAMETOOLONG, unix.ELOOP, unix.EXDEV, unix.EINVAL,
		unix.ENXIO, unix.ENODEV, unix.EISDIR:
		return 404
	case unix.EACCES, unix.EPERM:
		return 403
	case unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EAGAIN, unix.EINTR:
		return 503
	}
	return 500
}
