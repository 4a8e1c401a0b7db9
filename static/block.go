package static

import (
	"github.com/anygate/anygate/http1"
)

// The field lines of a file are laid out so that every response is one piece of
// the same block:
//
//	Content-Type
//	X-Content-Type-Options
//	Accept-Ranges
//	ETag, Last-Modified, Cache-Control
//	Vary
//	Link, for Early Hints
//
// A 200 is all up to Vary, a 304 begins with the validators (RFC 9110 15.4.5), a
// 404 with the file as its page ends before Accept-Ranges, and when the file
// stands in for another path the Vary follows.
type blockMarks struct {
	typeEnd    uint16 // where the line of Content-Type ends
	ranges     uint16 // where Accept-Ranges begins
	validation uint16 // where the lines of a 304 begin
	fallback   uint16 // where Vary begins
	hints      uint16 // where the lines of a 103 begin
	tag        uint16 // where the opaque tag begins, at its opening quote
	tagEnd     uint16
	date       uint16 // where the date of Last-Modified begins
	dateEnd    uint16
}

const (
	lineNoSniff      = "X-Content-Type-Options: nosniff\r\n"
	lineAcceptRanges = "Accept-Ranges: bytes\r\n"
	lineVary         = "Vary: Accept, Sec-Fetch-Mode\r\n"
	lineVaryCoding   = "Vary: Accept-Encoding\r\n"
	lineContentType  = "Content-Type: "
	lineETag         = "ETag: "
	lineLastModified = "Last-Modified: "
)

// buildBlock writes the field lines of an opened file.
//
// The entity tag is the modification time in nanoseconds and the size, so it is
// the same on every host that holds a faithful copy. It is weak while the file
// is young (RFC 9110 8.8.1): timestamps advance in steps of some milliseconds, and
// two writes within a step would give two contents one tag.
func (e *Entry) buildBlock(s *Site, name []byte) {
	media := contentType(name)
	b := append(e.block[:0], lineContentType...)
	b = append(b, media...)
	b = append(b, "\r\n"...)
	e.marks.typeEnd = uint16(len(b))
	b = append(b, lineNoSniff...)
	e.marks.ranges = uint16(len(b))
	b = append(b, lineAcceptRanges...)
	e.marks.validation = uint16(len(b))
	b = append(b, lineETag...)
	if e.young {
		b = append(b, "W/"...)
	}
	e.marks.tag = uint16(len(b))
	b = appendFileTag(b, &e.file)
	e.marks.tagEnd = uint16(len(b))
	b = append(b, "\r\n"+lineLastModified...)
	e.marks.date = uint16(len(b))
	b = http1.AppendDate(b, e.modified)
	e.marks.dateEnd = uint16(len(b))
	b = append(b, "\r\n"...)
	b = append(b, s.cacheControl(name, media, e.shell)...)
	if e.negotiate(s, media); e.negotiates {
		b = append(b, lineVaryCoding...)
	}
	e.marks.fallback = uint16(len(b))
	if e.shell {
		b = append(b, lineVary...)
	}
	e.marks.hints = uint16(len(b))
	if s.hints && media == htmlType {
		b = appendHints(b, e.memory)
	}
	e.block = b
}

// validators are what a request's preconditions are compared with.
func (e *Entry) validators() validators {
	return validators{
		tag:      e.block[e.marks.tag:e.marks.tagEnd],
		weak:     e.young,
		date:     e.block[e.marks.date:e.marks.dateEnd],
		modified: e.modified,
	}
}

// lines are the field lines of a 200 or, with only, of a 304.
func (e *Entry) lines(onlyValidation, fallback bool) []byte {
	from, to := uint16(0), e.marks.fallback
	if onlyValidation {
		from = e.marks.validation
	}
	if fallback {
		to = e.marks.hints
	}
	return e.block[from:to]
}

// mediaType is the value of Content-Type.
func (e *Entry) mediaType() []byte {
	return e.block[len(lineContentType) : e.marks.typeEnd-2]
}

// pageLines are the field lines of the file as the page of an error: it has a
// type, but neither validators nor parts.
func (e *Entry) pageLines() []byte { return e.block[:e.marks.ranges] }

// hintLines are the field lines of a 103 that announces the file, if any.
func (e *Entry) hintLines() []byte { return e.block[e.marks.hints:] }
