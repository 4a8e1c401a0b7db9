package static

import (
	"strconv"

	"github.com/anygate/anygate/http1"
)

// The field lines of a file are laid out so that every response is one piece of
// the same block:
//
//	Content-Type, X-Content-Type-Options, Accept-Ranges    description
//	ETag, Last-Modified, Cache-Control                     validation
//	Vary                                                   fallback
//
// A 200 is description and validation, a 304 is validation alone (RFC 9110
// 15.4.5), and when the file stands in for another path the Vary follows.
type blockMarks struct {
	validation uint16 // where the lines of a 304 begin
	fallback   uint16 // where Vary begins
	tag        uint16 // where the opaque tag begins, at its opening quote
	tagEnd     uint16
	date       uint16 // where the date of Last-Modified begins
	dateEnd    uint16
}

const (
	lineDescription  = "\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: bytes\r\n"
	lineNoCache      = "Cache-Control: no-cache\r\n"
	lineVary         = "Vary: Accept, Sec-Fetch-Mode\r\n"
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
func (e *Entry) buildBlock(name []byte) {
	b := append(e.block[:0], lineContentType...)
	b = append(b, contentType(name)...)
	b = append(b, lineDescription...)
	e.marks.validation = uint16(len(b))
	b = append(b, lineETag...)
	if e.young {
		b = append(b, "W/"...)
	}
	e.marks.tag = uint16(len(b))
	b = append(b, '"')
	b = strconv.AppendUint(b, uint64(e.file.mtime), 16)
	b = append(b, '-')
	b = strconv.AppendInt(b, e.file.size, 16)
	b = append(b, '"')
	e.marks.tagEnd = uint16(len(b))
	b = append(b, "\r\n"+lineLastModified...)
	e.marks.date = uint16(len(b))
	b = http1.AppendDate(b, e.modified)
	e.marks.dateEnd = uint16(len(b))
	b = append(b, "\r\n"...)
	if e.shell {
		b = append(b, lineNoCache...)
	}
	e.marks.fallback = uint16(len(b))
	if e.shell {
		b = append(b, lineVary...)
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
	from, to := 0, int(e.marks.fallback)
	if onlyValidation {
		from = int(e.marks.validation)
	}
	if fallback {
		to = len(e.block)
	}
	return e.block[from:to]
}
