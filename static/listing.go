package static

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/http1"
)

// listFlags open a directory for reading its entries.
const listFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC

// Listing is a directory that is to be listed. It owns two descriptors, and refers
// to nothing of the Cache or the request, so that it may be made on a goroutine
// of its own: reading a directory, and the status of each of its entries, may
// wait for a disk.
type Listing struct {
	dir, root *os.File
	name      []byte // of the directory, relative to the root
	title     string
	resolve   uint64
	most      int // entries
	json      bool
	noCache   bool
}

// Listed is what became of a Listing: the parts of an Answer.
type Listed struct {
	Status  int
	Block   []byte
	Content []byte
}

// serveListing opens a directory for listing.
func (c *Cache) serveListing(s *Site, r *Request, a *Answer) {
	dir, root, errno := c.openListing(s, r)
	if (errno == unix.EMFILE || errno == unix.ENFILE) && c.evictDescriptors() {
		dir, root, errno = c.openListing(s, r)
	}
	if errno != 0 {
		block := errorBlock
		status := statusOf(errno)
		if status == 503 {
			block = unavailableBlock
		}
		a.refuse(r, status, block)
		return
	}
	title := r.RawPath
	if title == nil {
		title = r.Path
	}
	a.Listing = &Listing{
		dir: os.NewFile(uintptr(dir), "directory"), root: os.NewFile(uintptr(root), "root"),
		name: bytes.Clone(c.name[:len(c.name)-1]), title: readable(title), resolve: s.resolve, most: maxListing,
		json:    named(r.Accept, "application/json") > named(r.Accept, "text/html"),
		noCache: s.caching,
	}
}

// openListing opens a directory, whose name it leaves in c.name, and the root, for
// links in the directory are resolved from there.
func (c *Cache) openListing(s *Site, r *Request) (dir, root int, errno unix.Errno) {
	from, errno := c.rootOf(s, r.Now)
	if errno != 0 {
		return -1, -1, errno
	}
	name, _, _ := appendName(c.name[:0], r.Path)
	c.name = directoryName(name, len(name))
	if dir, errno = openat2(from.fd, c.name, listFlags, s.resolve); errno != 0 {
		return -1, -1, errno
	}
	root, err := unix.FcntlInt(uintptr(from.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		unix.Close(dir)
		return -1, -1, errnoOf(err)
	}
	return dir, root, 0
}

// readable is a path as people read it, if it is text.
func readable(path []byte) string {
	decoded, err := url.PathUnescape(string(path))
	if err != nil || !utf8.ValidString(decoded) {
		return string(path)
	}
	return decoded
}

// Close gives up a Listing that is not made.
func (l *Listing) Close() {
	_ = l.dir.Close()
	_ = l.root.Close()
}

// Make reads the directory and gives the Listing up. It may block.
func (l *Listing) Make() Listed {
	defer l.Close()
	entries, truncated, err := l.read()
	if err != nil {
		errno := unix.EIO
		errors.As(err, &errno)
		status := statusOf(errno)
		return Listed{int(status), errorBlock, textOf(status)}
	}
	block := []byte(lineContentType)
	var content []byte
	if l.json {
		block = append(block, "application/json\r\n"+lineNoSniff...)
		content = appendListingJSON(nil, entries)
	} else {
		block = append(block, htmlType+"\r\n"+lineNoSniff+"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"...)
		content = appendListingHTML(nil, l.title, l.top(), entries)
		if truncated {
			content = appendMore(content, l.most)
		}
	}
	block = append(block, "Vary: Accept\r\n"...)
	if l.noCache {
		block = append(block, lineNoCache...)
	}
	if truncated {
		block = append(block, "Listing-Truncated: "...)
		block = strconv.AppendInt(block, int64(l.most), 10)
		block = append(block, "\r\n"...)
	}
	return Listed{200, block, content}
}

// top reports whether the directory is the root.
func (l *Listing) top() bool { return string(l.name) == "." }

// listed is one entry of a directory.
type listed struct {
	name      string
	directory bool
	size      int64
	modified  int64
}

// read reads the entries that a client may see: directories first, each sorted by
// name.
func (l *Listing) read() (entries []listed, truncated bool, err error) {
	names, err := l.dir.Readdirnames(l.most + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if truncated = len(names) > l.most; truncated {
		names = names[:l.most]
	}
	for _, name := range names {
		if hiddenSegment([]byte(name)) {
			continue
		}
		var st fileStat
		if l.stat(name, &st) && (st.mode == unix.S_IFREG || st.mode == unix.S_IFDIR) {
			entries = append(entries, listed{name, st.mode == unix.S_IFDIR, st.size, max(0, st.modified)})
		}
	}
	slices.SortFunc(entries, func(a, b listed) int {
		switch {
		case a.directory != b.directory && a.directory:
			return -1
		case a.directory != b.directory:
			return 1
		}
		return bytes.Compare([]byte(a.name), []byte(b.name))
	})
	return entries, truncated, nil
}

// stat reads the status of an entry, of a link that of what a request would get.
func (l *Listing) stat(name string, st *fileStat) bool {
	var raw unix.Stat_t
	if unix.Fstatat(int(l.dir.Fd()), name, &raw, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return false
	}
	if raw.Mode&unix.S_IFMT != unix.S_IFLNK {
		st.set(&raw)
		return true
	}
	path := append(append(append(bytes.Clone(l.name), '/'), name...), 0)
	r := root{fd: int(l.root.Fd())}
	return probe(&r, path, l.resolve, st) == 0
}

// appendListingJSON writes a listing in the form that nginx gives it.
func appendListingJSON(b []byte, entries []listed) []byte {
	b = append(b, '[')
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n{ \"name\":"...)
		name, _ := json.Marshal(e.name) // a string never fails
		b = append(b, name...)
		if e.directory {
			b = append(b, `, "type":"directory"`...)
		} else {
			b = append(b, `, "type":"file"`...)
		}
		b = append(b, `, "mtime":"`...)
		b = http1.AppendDate(b, e.modified)
		b = append(b, '"')
		if !e.directory {
			b = append(b, `, "size":`...)
			b = strconv.AppendInt(b, e.size, 10)
		}
		b = append(b, " }"...)
	}
	return append(b, "\n]\n"...)
}
