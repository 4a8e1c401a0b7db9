package static

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// SPA says whether a path that is not found may be answered with the root's
// index, which is what a single-page application needs for its deep links.
type SPA uint8

const (
	// SPAAuto falls back whenever the root has, at that moment, an index and no
	// 404.html: a site that brings a page for what is not found means it.
	SPAAuto SPA = iota
	// SPAOff never falls back: what is not there is not found.
	SPAOff
	// SPAOn falls back whatever else there is, and Compile refuses a root
	// without an index.
	SPAOn
)

// Options is what configuration says about a site.
type Options struct {
	// Root is the directory, or with File the regular file. A relative path is
	// relative to the working directory at the time of Compile.
	Root string
	// File says that Root is a regular file, which is the answer for every path.
	File bool
	// Index is the names tried for a directory, in order. Empty means
	// index.html.
	Index []string
	// SPA selects the fallback for navigation requests.
	SPA SPA
	// Listing lists directories that have no index.
	Listing bool
	// EarlyHints announces the assets of a page before the page.
	EarlyHints bool
	// NoCacheControl leaves out Cache-Control, which is otherwise derived from
	// the names of files.
	NoCacheControl bool
	// Compress selects the content codings.
	Compress Compress
	// NoSymlinks refuses paths that lead through a symbolic link, instead of
	// those only that lead out of Root. Root itself may be a link.
	NoSymlinks bool
}

// Site is a compiled static action. It is immutable and may be shared by any
// number of caches. The root's descriptor is closed by Close, or by the garbage
// collector once nothing refers to the Site.
type Site struct {
	*sharedSite
	dir      int      // O_PATH descriptor of the root directory
	path     string   // absolute path of the root directory
	file     []byte   // name of the only file within dir; nil for a directory site
	index    [][]byte // names tried for a directory
	resolve  uint64   // how openat2 walks
	spa      SPA      // SPAOff for a file
	listing  bool
	hints    bool
	compress Compress
	caching  bool // send Cache-Control
	bundles  bool // the root is itself a directory of build output
	closing  runtime.Cleanup
	closed   atomic.Bool
}

// sharedSite is what sites of the same root and options share, over generations of the
// configuration: what a Store has found for one is as good for the other.
type sharedSite struct {
	id   uint32
	key  string
	next *sharedSite
	_    [64]byte
	// generation grows when something may have changed anywhere below the root: what
	// was found in an earlier one is to be looked at again. It is read with each
	// request, so it has a cache line to itself.
	generation atomic.Uint32
	_          [64]byte
}

// sharedSites is the list of those of the process: as many as it has seen different ones.
var sharedSites atomic.Pointer[sharedSite]

// shareSite returns what sites share that were compiled from the same.
func shareSite(abs string, o Options) *sharedSite {
	key := fmt.Sprintf("%q %+v", abs, o)
	for {
		first := sharedSites.Load()
		for s := first; s != nil; s = s.next {
			if s.key == key {
				return s
			}
		}
		s := &sharedSite{id: 1, key: key, next: first}
		if first != nil {
			s.id = first.id + 1
		}
		if sharedSites.CompareAndSwap(first, s) {
			return s
		}
	}
}

// Compile checks the options against the file system and opens the root. Its
// errors name the path and say what is wrong with it.
func Compile(o Options) (*Site, error) {
	if o.Root == "" {
		return nil, errors.New("static: the root is empty: give the path of a directory or a file")
	}
	if strings.IndexByte(o.Root, 0) >= 0 {
		return nil, fmt.Errorf("static: root %q contains a NUL", o.Root)
	}
	index, err := compileIndex(o.Index)
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, fmt.Errorf("static: root %q: %w", o.Root, err)
	}
	if err := checkKind(o, abs); err != nil {
		return nil, err
	}
	dir, file := abs, []byte(nil)
	if o.File {
		var name string
		dir, name = filepath.Split(abs)
		dir, file = filepath.Clean(dir), []byte(name)
	}
	fd, err := openDirectory(dir)
	if err != nil {
		return nil, describe(o.Root, err)
	}
	s := &Site{
		sharedSite: shareSite(abs, o),

		dir:   fd,
		path:  dir,
		file:  file,
		index: index,

		resolve:  resolveClient,
		spa:      o.SPA,
		listing:  o.Listing && !o.File,
		hints:    o.EarlyHints,
		caching:  !o.NoCacheControl,
		compress: o.Compress,
		bundles:  bundleDirectory(baseName([]byte(dir))),
	}
	switch {
	case o.File:
		s.spa, s.resolve = SPAOff, resolveOperator
	case o.NoSymlinks:
		s.resolve = resolveNoLinks
	}
	if err := s.probeRoot(o); err != nil {
		unix.Close(fd)
		return nil, err
	}
	s.closing = runtime.AddCleanup(s, func(fd int) { unix.Close(fd) }, fd)
	return s, nil
}

// Close closes the root's descriptor at once instead of when the garbage
// collector finds the Site. No Serve may run with the Site during or after it.
func (s *Site) Close() {
	if s.closed.Swap(true) {
		return
	}
	s.closing.Stop()
	unix.Close(s.dir)
}

// compileIndex checks and copies the index names.
func compileIndex(names []string) ([][]byte, error) {
	if len(names) == 0 {
		names = []string{"index.html"}
	}
	if len(names) > maxIndexNames {
		return nil, fmt.Errorf("static: %d index names, at most %d are tried", len(names), maxIndexNames)
	}
	index := make([][]byte, 0, len(names))
	for _, name := range names {
		switch {
		case name == "":
			return nil, errors.New("static: an index name is empty")
		case strings.ContainsAny(name, "/\x00"):
			return nil, fmt.Errorf("static: index name %q must be a plain file name, without a slash", name)
		case name[0] == '.':
			return nil, fmt.Errorf("static: index name %q begins with a dot, and such files are never served", name)
		case len(name) > nameMax:
			return nil, fmt.Errorf("static: index name %q is longer than %d octets", name, nameMax)
		}
		index = append(index, []byte(name))
	}
	return index, nil
}

// checkKind says whether the root is the kind of file the options claim.
func checkKind(o Options, abs string) error {
	var st unix.Stat_t
	if err := unix.Stat(abs, &st); err != nil {
		return describe(o.Root, err)
	}
	kind := st.Mode & unix.S_IFMT
	switch {
	case o.File && kind == unix.S_IFDIR:
		return fmt.Errorf("static: %q is a directory, expected a regular file", o.Root)
	case o.File && kind != unix.S_IFREG:
		return fmt.Errorf("static: %q is neither a directory nor a regular file, and nothing else can be served", o.Root)
	case !o.File && kind == unix.S_IFREG:
		return fmt.Errorf("static: %q is a regular file, expected a directory", o.Root)
	case !o.File && kind != unix.S_IFDIR:
		return fmt.Errorf("static: %q is not a directory", o.Root)
	}
	return nil
}

// probeRoot asks for the first file the way a request would, so that a kernel
// without openat2, an unreadable root and a missing index are found at load.
func (s *Site) probeRoot(o Options) error {
	if s.file != nil {
		name := append(append([]byte(nil), s.file...), 0)
		fd, errno := openat2(s.dir, name, openFlags, s.resolve)
		if errno != 0 {
			return describe(o.Root, errno)
		}
		unix.Close(fd)
		return nil
	}
	for _, name := range s.index {
		fd, errno := openat2(s.dir, append(append([]byte(nil), name...), 0), probeFlags, s.resolve)
		switch errno {
		case 0:
			unix.Close(fd)
			return nil
		case unix.ENOENT, unix.ENOTDIR, unix.EXDEV, unix.ELOOP:
		default:
			return describe(o.Root, errno)
		}
	}
	if o.SPA == SPAOn {
		return fmt.Errorf("static: %q has no %s, which a single-page application needs for its fallback", o.Root, s.index[0])
	}
	return nil
}

// describe turns an error of the file system into one that names the likely
// cause and its cure.
func describe(root string, err error) error {
	switch {
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("static: %q does not exist", root)
	case errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("static: a part of %q before the last is not a directory", root)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("static: %q is not accessible to the user this process runs as: it needs read permission on files and search permission (x) on each directory of the path", root)
	case errors.Is(err, unix.ELOOP):
		return fmt.Errorf("static: %q runs in a circle of symbolic links", root)
	case errors.Is(err, unix.ENAMETOOLONG):
		return fmt.Errorf("static: %q is longer than the file system allows", root)
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return fmt.Errorf("static: the system call openat2 is refused for %q (%w): it needs Linux 5.6, and a container's seccomp profile must allow it", root, err)
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return fmt.Errorf("static: no descriptor is left to open %q: raise the limit of open files (ulimit -n, LimitNOFILE)", root)
	}
	return fmt.Errorf("static: %q: %w", root, err)
}
