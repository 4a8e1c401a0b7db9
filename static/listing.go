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

// Listing is a directory that is to be listed. It refers to nothing of the Cache or the
// request, so that it may be made on a goroutine of its own: opening a directory,
// reading it, and the status of each of its entries, may wait for a disk.
type Listing struct {
	store *Store
	site  *Site
	path  []byte // normalised, below the root
	title string
	most  int // entries
	json  bool

	dir  *os.File
	root *root
	name []byte // of the directory, relative to the root
	look *Loader
}

// Listed is what became of a Listing: the parts of an Answer.
type Listed struct {
	Status  int
	Block   []byte
	Content []byte
}

// serveListing has a directory listed.
func (c *Cache) serveListing(s *Site, r *Request, a *Answer) {
	title := r.RawPath
	if title == nil {
		title = r.Path
	}
	a.Listing = &Listing{
		store: c.store, site: s, path: bytes.Clone(r.Path), title: readable(title), most: maxListing,
		json: named(r.Accept, "application/json") > named(r.Accept, "text/html"),
	}
}

// open opens the directory.
func (l *Listing) open() unix.Errno {
	r, _, errno := l.store.enter(l.site)
	if errno != 0 {
		return errno
	}
	name, _, _ := appendName(nil, l.path)
	l.name = directoryName(name, len(name))
	dir, errno := openat2(r.fd, l.name, listFlags, l.site.resolve)
	if errno != 0 {
		l.store.leave(r)
		return errno
	}
	l.root, l.dir = r, os.NewFile(uintptr(dir), "directory")
	l.name = l.name[:len(l.name)-1]
	l.look = &Loader{}
	return 0
}

// readable is a path as people read it, if it is text.
func readable(path []byte) string {
	decoded, err := url.PathUnescape(string(path))
	if err != nil || !utf8.ValidString(decoded) {
		return string(path)
	}
	return decoded
}

// Make reads the directory. It may block.
func (l *Listing) Make() Listed {
	if errno := l.open(); errno != 0 {
		status := statusOf(errno)
		if status == 503 {
			l.store.lock.Lock()
			l.store.shed()
			l.store.lock.Unlock()
			return Listed{503, unavailableBlock, textOf(503)}
		}
		return Listed{int(status), errorBlock, textOf(status)}
	}
	defer l.store.leave(l.root)
	defer l.dir.Close()
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
	if l.site.caching {
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
	l.look.name = append(append(append(append(l.look.name[:0], l.name...), '/'), name...), 0)
	return l.look.probe(l.root, l.site, st) == 0
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
