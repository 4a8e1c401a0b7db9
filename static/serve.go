package static

import (
	"strconv"

	"github.com/anygate/anygate/static/coding"
)

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

	Now int64 // milliseconds on the Store's clock
}

// Answer is what to send. Everything it refers to is valid until the next call
// of Serve, Resume, Finish or Pass of the Cache; the content is valid for longer while
// Entry is retained, Block, Hints, Text and the heads of Parts are not.
type Answer struct {
	// Wanted says that the Store has to be asked first, with Submit and a Wait, and that
	// Resume will answer. There is nothing else in the Answer then.
	Wanted bool

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

	// Whole is the response of HTTP/1.1 in one piece, if it is a 200 whose content is in
	// memory: a head of Head octets, in which the value of Date is to be written at
	// Date, and the content. It is nil otherwise, and says the same as the rest.
	Whole []byte
	Head  int
	Date  int

	// Hints is the field lines of a 103 (Early Hints) to send before; nil if none
	// is due.
	Hints []byte

	// Listing, if there is one, is all of the answer: the rest has to be made by
	// reading a directory, which may take longer than a shard has. The caller owns
	// it, and calls its Make.
	Listing *Listing
}

// Serve answers a request. It makes no system call and allocates nothing.
func (c *Cache) Serve(s *Site, r *Request, a *Answer) {
	c.wait = nil
	c.serve(s, r, a)
}

// Resume answers the request of a Wait, with what has come for it.
func (c *Cache) Resume(s *Site, w *Wait, now int64, a *Answer) {
	if w.refused {
		*a = Answer{FD: -1}
		a.refuse(&w.request, 503, unavailableBlock)
		return
	}
	w.request.Now = now
	c.wait = w
	c.serve(s, &w.request, a)
	c.wait = nil
}

func (c *Cache) serve(s *Site, r *Request, a *Answer) {
	*a = Answer{FD: -1}
	if !r.GET && !r.HEAD {
		if r.OPTIONS {
			a.Status, a.Block, a.Length = 204, optionsBlock, -1
			return
		}
		a.refuse(r, 405, methodBlock)
		return
	}
	c.now = r.Now
	e := c.find(s, r.Path)
	switch {
	case e == nil:
		a.Wanted = true
	case e.status == 200:
		if s.file == nil && wantsSlash(r) {
			c.redirect(r, a)
			return
		}
		c.serveForm(s, e, r, a, false)
	case e.status == 301:
		c.redirect(r, a)
	case e.status == statusListing:
		if wantsSlash(r) {
			c.redirect(r, a)
			return
		}
		c.serveListing(s, r, a)
	case e.status == 404:
		c.serveMissing(s, r, a, e.is(flagDeep))
	case e.status == 503:
		a.refuse(r, 503, unavailableBlock)
	default:
		a.refuse(r, e.status, errorBlock)
	}
}

// serveForm answers with a file, in the form that suits the client.
func (c *Cache) serveForm(s *Site, e *Entry, r *Request, a *Answer, fallback bool) {
	chosen, pending := c.represent(s, e, r)
	switch {
	case chosen == nil:
		a.Wanted = true
	case pending != coding.Identity:
		c.servePending(e, a, fallback)
	default:
		c.serveFile(chosen, r, a, fallback)
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
//
// With a page of its own a site is answered 404 in any form that the client accepts; which
// one it is, is not said in a 404.
func (c *Cache) serveMissing(s *Site, r *Request, a *Answer, deep bool) {
	if s.file != nil {
		a.refuse(r, 404, errorBlock)
		return
	}
	page := c.findFixed(s, missingPath)
	if page == nil {
		a.Wanted = true
		return
	}
	found := page.status == 200
	fallback := deep && (s.spa == SPAOn || s.spa == SPAAuto && !found)
	if fallback {
		shell := c.findFixed(s, rootPath)
		if shell == nil {
			a.Wanted = true
			return
		}
		fallback = shell.status == 200
		if fallback && navigates(r) {
			c.serveForm(s, shell, r, a, true)
			return
		}
	}
	switch {
	case found:
		c.servePage(s, page, r, a, fallback)
	case fallback:
		// The same path is a page to others, so caches must tell them apart.
		a.refuse(r, 404, notFoundBlock)
	default:
		a.refuse(r, 404, errorBlock)
	}
}

// servePage answers 404 with a file of the site, in the form that suits the client.
// Preconditions and ranges are for what was asked for, which is not there (RFC 9110 13.2.1).
func (c *Cache) servePage(s *Site, e *Entry, r *Request, a *Answer, vary bool) {
	plain := *r
	plain.Range, plain.IfNoneMatch, plain.IfMatch = nil, nil, nil
	v, _ := c.represent(s, e, &plain)
	if v == nil {
		a.Wanted = true
		return
	}
	b := append(c.scratch[:0], v.pageLines()...)
	if v != e {
		b = append(b, v.octets(v.marks.ranges, v.marks.validation)...)
	}
	if e.is(flagNegotiates) {
		b = append(b, lineVaryCoding...)
	}
	if vary {
		b = append(b, lineVary...)
	}
	c.scratch = b
	a.Status, a.Block, a.Length = 404, b, v.file.size
	a.content(v, r)
}

// serveFile answers with a file, as far as preconditions and ranges allow.
func (c *Cache) serveFile(e *Entry, r *Request, a *Answer, fallback bool) {
	v := e.validators()
	switch v.evaluate(r) {
	case 304:
		a.Status, a.Block, a.Length = 304, c.varying(e.validation(), fallback), -1
		return
	case 412:
		a.refuse(r, 412, errorBlock)
		return
	}
	a.Status, a.Block, a.Length = 200, c.varying(e.lines(), fallback), e.file.size
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
	if a.Status == 200 && e.is(flagMemory) && !fallback {
		a.Whole = e.whole()
		a.Head, a.Date = int(e.marks.content-e.marks.head), int(e.marks.now-e.marks.head)
	}
}

// varying adds to the field lines of a file that stands in for another path what that
// depends on.
func (c *Cache) varying(lines []byte, fallback bool) []byte {
	if !fallback {
		return lines
	}
	c.lines = append(append(c.lines[:0], lines...), lineVary...)
	return c.lines
}

// content makes Length octets from Off of a file the content of an answer.
func (a *Answer) content(e *Entry, r *Request) {
	if r.HEAD || a.Length == 0 {
		a.Off = 0
		return
	}
	a.Entry = e
	if memory := e.content(); memory != nil {
		a.Mem = memory[a.Off : a.Off+a.Length]
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
