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
	AcceptEncoding                     []byte

	Now int64 // Unix seconds
}

// Answer is what to send. Everything it refers to is valid until the next call
// of Serve, Expire or Close of the Cache; the content is valid for longer while
// Entry is retained, Block, Hints, Text and the heads of Parts are not.
type Answer struct {
	Status int
	// Block is complete field lines, each ended by CRLF: everything but
	// Content-Length, Date, Server and Connection.
	Block []byte
	// Length is the value of Content-Length, for HEAD as for GET. It is -1 for the
	// answers that carry neither content nor Content-Length: 204 and 304.
	Length int64

	// The content is in Mem, in FD, in Text, or in Parts and then Text; in none of
	// them if there is nothing to send, as for HEAD. Mem and FD belong to Entry,
	// which must be retained for as long as they are used, once for each part.
	Entry *Entry
	Mem   []byte // off-heap memory
	FD    int32  // -1 if none
	Off   int64  // where in FD the content begins
	Parts []Part // each is a head and then content, from its Mem or from FD
	Text  []byte

	// Hints is the field lines of a 103 (Early Hints) to send before; nil if none
	// is due.
	Hints []byte

	// Listing, if there is one, is all of the answer: the rest has to be made by
	// reading a directory, which may take longer than a shard has. The caller owns
	// it, and calls its Make or Close.
	Listing *Listing
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
		c.serveFile(c.represent(s, e, r), r, a, false)
	case e.status == 301:
		c.redirect(r, a)
	case e.status == statusListing:
		if wantsSlash(r) {
			c.redirect(r, a)
			return
		}
		c.serveListing(s, r, a)
	case e.status == 404:
		c.serveMissing(s, r, a, e.deep)
	case e.status == 503:
		a.refuse(r, 503, unavailableBlock)
	default:
		a.refuse(r, e.status, errorBlock)
	}
}

// rootPath is the path whose file a single-page application falls back to, and
// missingPath that of the page for what is not found.
var (
	rootPath    = []byte("/")
	missingPath = []byte("/404.html")
)

// serveMissing answers a path where nothing is: with the root's index if a browser
// opens what may be a page of a single-page application, else with the site's
// own page for that, or a line of text.
func (c *Cache) serveMissing(s *Site, r *Request, a *Answer, deep bool) {
	if s.file != nil {
		a.refuse(r, 404, errorBlock)
		return
	}
	page := c.find(s, missingPath, r.Now)
	found := page.status == 200
	fallback := deep && (s.spa == SPAOn || s.spa == SPAAuto && !found)
	if fallback {
		// Of the two entries one may have made way for the other, so nothing of
		// the page is used after this.
		shell := c.find(s, rootPath, r.Now)
		fallback = shell.status == 200
		if fallback && navigates(r) {
			c.serveFile(c.represent(s, shell, r), r, a, true)
			return
		}
		if found {
			page = c.find(s, missingPath, r.Now)
			found = page.status == 200
		}
	}
	switch {
	case found:
		c.servePage(page, r, a, fallback)
	case fallback:
		// The same path is a page to others, so caches must tell them apart.
		a.refuse(r, 404, notFoundBlock)
	default:
		a.refuse(r, 404, errorBlock)
	}
}

// servePage answers 404 with a file of the site. Preconditions and ranges are for
// what was asked for, which is not there (RFC 9110 13.2.1).
func (c *Cache) servePage(e *Entry, r *Request, a *Answer, vary bool) {
	a.Status, a.Block, a.Length = 404, e.pageLines(), e.file.size
	if vary {
		c.scratch = append(append(c.scratch[:0], a.Block...), lineVary...)
		a.Block = c.scratch
	}
	a.content(e, r)
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
		var kind ranging
		c.spans, kind = parseRanges(c.spans[:0], r.Range, e.file.size)
		switch {
		case kind == rangeUnsatisfiable:
			c.scratch = append(c.scratch[:0], errorLines+"Content-Range: bytes */"...)
			c.scratch = strconv.AppendInt(c.scratch, e.file.size, 10)
			c.scratch = append(c.scratch, "\r\n"...)
			a.refuse(r, 416, c.scratch)
			return
		case kind == rangeParts && len(c.spans) > 1:
			c.serveParts(e, a, c.spans)
			return
		case kind == rangeParts:
			part := c.spans[0]
			c.scratch = appendContentRange(append(c.scratch[:0], a.Block...), part, e.file.size)
			a.Status, a.Block, a.Off, a.Length = 206, c.scratch, part.first, part.length
		}
	}
	if a.Status == 200 && r.GET && announces(r) {
		a.Hints = e.hintLines()
	}
	a.content(e, r)
}

// content makes Length octets from Off of a file the content of an answer.
func (a *Answer) content(e *Entry, r *Request) {
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

// redirect answers 301 to the same path with a slash.
func (c *Cache) redirect(r *Request, a *Answer) {
	c.scratch = appendRedirect(c.scratch[:0], r)
	a.refuse(r, 301, c.scratch)
}
