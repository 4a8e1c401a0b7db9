package static

import "strconv"

// Request is the part of a request that decides what a site answers. Its slices
// are borrowed for the call of Serve. Of the fields, nil means absent; a list
// field that came in several lines is given joined by commas (RFC 9110 5.3).
type Request struct {
	GET, HEAD, OPTIONS bool // none of them is any other method

	// Path is the normalised path below the mount. It begins with a slash, has
	// no dot segments, and is still percent-encoded where that matters.
	Path []byte
	// RawPath is the path of the request-target as the client wrote it, with the
	// mount, and RawQuery what followed the question mark (nil without one).
	// They are used for redirects only.
	RawPath  []byte
	RawQuery []byte

	IfMatch, IfNoneMatch               []byte
	IfModifiedSince, IfUnmodifiedSince []byte
	Range, IfRange                     []byte
	Accept, SecFetchMode               []byte

	Now int64 // Unix seconds
}

// Answer is what to send. Everything it refers to is valid until the next call
// of Serve, Expire or Close of the Cache; the content is valid for longer while
// Entry is retained, Block is not.
type Answer struct {
	Status int
	// Block is complete field lines, each ended by CRLF: everything but
	// Content-Length, Date, Server and Connection.
	Block []byte
	// Length is the value of Content-Length, for HEAD as for GET. It is -1 for the
	// answers that carry neither content nor Content-Length: 204 and 304.
	Length int64

	// The content is in Mem, in FD or in Text; in none of them if there is nothing
	// to send, as for HEAD. Mem and FD belong to Entry, which must be retained for
	// as long as they are used; Text is static.
	Entry *Entry
	Mem   []byte // off-heap memory
	FD    int32  // -1 if none
	Off   int64  // where in FD the content begins
	Text  []byte
}

// Serve answers a request. A hit allocates nothing and makes no system call.
func (c *Cache) Serve(s *Site, r *Request, a *Answer) {
	*a = Answer{FD: -1}
	if !r.GET && !r.HEAD {
		if r.OPTIONS {
			a.Status, a.Block, a.Length = 204, optionsBlock, -1
			return
		}
		a.refuse(r, 405, methodBlock)
		return
	}
	e := c.find(s, r.Path, r.Now)
	switch {
	case e.status == 200:
		if s.file == nil && wantsSlash(r) {
			c.redirect(r, a)
			return
		}
		c.serveFile(e, r, a, false)
	case e.status == 301:
		c.redirect(r, a)
	case e.deep && s.spa:
		c.serveShell(s, r, a)
	case e.status == 503:
		a.refuse(r, 503, unavailableBlock)
	default:
		a.refuse(r, e.status, errorBlock)
	}
}

// rootPath is the path whose file a single-page application falls back to.
var rootPath = []byte("/")

// serveShell answers a path where nothing is, on a site whose root index may be
// an application that knows the path.
func (c *Cache) serveShell(s *Site, r *Request, a *Answer) {
	shell := c.find(s, rootPath, r.Now)
	switch {
	case shell.status != 200:
		a.refuse(r, 404, errorBlock)
	case !navigates(r):
		// The same path is a page to others, so caches must tell them apart.
		a.refuse(r, 404, notFoundBlock)
	default:
		c.serveFile(shell, r, a, true)
	}
}

// serveFile answers with a file, as far as preconditions and ranges allow.
func (c *Cache) serveFile(e *Entry, r *Request, a *Answer, fallback bool) {
	v := e.validators()
	switch v.evaluate(r) {
	case 304:
		a.Status, a.Block, a.Length = 304, e.lines(true, fallback), -1
		return
	case 412:
		a.refuse(r, 412, errorBlock)
		return
	}
	a.Status, a.Block, a.Length = 200, e.lines(false, fallback), e.file.size
	// A range is defined for GET only (RFC 9110 14.2).
	if r.Range != nil && r.GET && v.rangeApplies(r) {
		first, length, kind := parseRange(r.Range, e.file.size)
		switch kind {
		case rangePart:
			a.Status, a.Off, a.Length = 206, first, length
			a.Block = c.composePart(a.Block, first, length, e.file.size)
		case rangeUnsatisfiable:
			c.scratch = append(c.scratch[:0], errorLines+"Content-Range: bytes */"...)
			c.scratch = strconv.AppendInt(c.scratch, e.file.size, 10)
			c.scratch = append(c.scratch, "\r\n"...)
			a.refuse(r, 416, c.scratch)
			return
		}
	}
	if r.HEAD || a.Length == 0 {
		a.Off = 0
		return
	}
	a.Entry = e
	if e.memory != nil {
		a.Mem = e.memory[a.Off : a.Off+a.Length]
		a.Off = 0
		return
	}
	a.FD = e.fd
}

// composePart is the field lines of a 206: those of the 200 and Content-Range.
func (c *Cache) composePart(lines []byte, first, length, size int64) []byte {
	b := append(c.scratch[:0], lines...)
	b = append(b, "Content-Range: bytes "...)
	b = strconv.AppendInt(b, first, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, first+length-1, 10)
	b = append(b, '/')
	b = strconv.AppendInt(b, size, 10)
	b = append(b, "\r\n"...)
	c.scratch = b
	return b
}

// redirect answers 301 to the same path with a slash.
func (c *Cache) redirect(r *Request, a *Answer) {
	c.scratch = appendRedirect(c.scratch[:0], r)
	a.refuse(r, 301, c.scratch)
}
