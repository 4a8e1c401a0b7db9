package static

import "golang.org/x/sys/unix"

// outcome is what a path of a site leads to at one moment.
type outcome struct {
	// status is 200 for a file, 301 for a directory that wants a slash,
	// statusListing for one that is to be listed, or why there is none of them.
	status uint16
	// deep says that the path may be a deep link into a single-page
	// application: nothing is there, and it does not look like an asset.
	deep bool
	// shell says that the file is the root's index of a site with fallback.
	shell bool
	// index is which index name was found, plus one; zero for a file named in full.
	index uint8
	// file is the state of the file, if there is one.
	file identity
	// siblings are the states of the coded forms beside it.
	siblings siblings
}

// statusListing stands for a directory without an index on a site that lists
// them. It is no status of an answer.
const statusListing = 1

// resolve finds what a path leads to without opening it, and leaves the name
// to open in l.name, NUL-terminated. It is both the first half of loading and
// the whole of revalidating.
func (l *Loader) resolve(s *Site, r *root, path []byte) outcome {
	if s.file != nil {
		l.name = append(append(l.name[:0], s.file...), 0)
		return l.probeFile(r, s)
	}
	name, directory, v := appendName(l.name[:0], path)
	l.name = name
	switch v {
	case nameMalformed:
		return outcome{status: 400}
	case nameImpossible, nameHidden:
		return outcome{status: 404}
	}
	if directory {
		out := l.resolveIndex(s, r)
		if out.status == 404 && s.listing && l.probeDirectory(s, r, len(name)) {
			out = outcome{status: statusListing}
		}
		out.deep = out.status == 404
		return out
	}
	length := len(name)
	l.name = append(name, 0)
	var st fileStat
	errno := l.probe(r, s, &st)
	if errno == 0 && st.mode == unix.S_IFREG {
		return outcome{status: 200, file: st.identity, shell: s.spa != SPAOff && s.isIndex(name)}
	}
	out := outcome{status: 404}
	switch {
	case errno != 0:
		out.status = statusOf(errno)
	case st.mode == unix.S_IFDIR:
		l.directory = true
		// A slash is worth a redirect only if there is something behind it.
		l.name = l.name[:length]
		switch found := l.resolveIndex(s, r); {
		case found.status == 200, found.status == 404 && s.listing:
			out.status = 301
		case found.status != 404:
			out.status = found.status
		}
	}
	out.deep = out.status == 404 && extension(name) == nil
	return out
}

// resolveIndex tries the index names in the directory that l.name names.
func (l *Loader) resolveIndex(s *Site, r *root) outcome {
	directory := len(l.name)
	for i, index := range s.index {
		l.name = l.name[:directory]
		if directory > 0 {
			l.name = append(l.name, '/')
		}
		l.name = append(append(l.name, index...), 0)
		out := l.probeFile(r, s)
		if out.status == 404 {
			continue
		}
		out.index = uint8(i + 1)
		out.shell = s.spa != SPAOff && directory == 0
		return out
	}
	return outcome{status: 404}
}

// probeDirectory reports whether the first n octets of l.name are a directory's.
func (l *Loader) probeDirectory(s *Site, r *root, n int) bool {
	l.name = directoryName(l.name, n)
	var st fileStat
	return l.probe(r, s, &st) == 0 && st.mode == unix.S_IFDIR
}

// directoryName makes the first n octets of name, a path below the root that may
// be empty, into what openat2 takes.
func directoryName(name []byte, n int) []byte {
	name = name[:n]
	if n == 0 {
		name = append(name, '.')
	}
	return append(name, 0)
}

// isIndex reports whether a name relative to the root is one of its index files.
func (s *Site) isIndex(name []byte) bool {
	for _, index := range s.index {
		if string(index) == string(name) {
			return true
		}
	}
	return false
}

// probeFile finds out whether l.name is a regular file.
func (l *Loader) probeFile(r *root, s *Site) outcome {
	var st fileStat
	if errno := l.probe(r, s, &st); errno != 0 {
		return outcome{status: statusOf(errno)}
	}
	if st.mode != unix.S_IFREG {
		return outcome{status: 404}
	}
	return outcome{status: 200, file: st.identity}
}

// probe reads the status of what l.name names below the root. It opens the place, not
// the file, so FIFOs and devices do not notice.
//
// Where links may be followed, it looks first whether there are any on the way: a
// change of where they lead is seen in directories that nobody thinks of watching.
func (l *Loader) probe(r *root, s *Site, st *fileStat) unix.Errno {
	fd, errno := openat2(r.fd, l.name, probeFlags, s.resolve|unix.RESOLVE_NO_SYMLINKS)
	if errno == unix.ELOOP && s.resolve&unix.RESOLVE_NO_SYMLINKS == 0 {
		l.linked = true
		fd, errno = openat2(r.fd, l.name, probeFlags, s.resolve)
	}
	if errno != 0 {
		return errno
	}
	errno = statOf(fd, st)
	unix.Close(fd)
	return errno
}
