package static

import (
	"strconv"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/static/coding"
)

const (
	lineNoSniff      = "X-Content-Type-Options: nosniff\r\n"
	lineAcceptRanges = "Accept-Ranges: bytes\r\n"
	lineVary         = "Vary: Accept, Sec-Fetch-Mode\r\n"
	lineVaryCoding   = "Vary: Accept-Encoding\r\n"
	lineContentType  = "Content-Type: "
	lineETag         = "ETag: "
	lineLastModified = "Last-Modified: "
)

// finding is what a Loader has found, before it becomes an Entry.
type finding struct {
	outcome
	variant  coding.Coding
	of       uint64 // of a form: the stamp of its file
	made     bool   // a form that was made while serving
	young    bool
	modified int64
	fd       int    // -1 if there is none
	content  []byte // all of it, if it is short; borrowed
	inMemory bool   // content is all there is to send

	negotiates, codable bool

	image []byte // but for the content
	marks marks
}

// mark is where the next octet of the image goes.
func (f *finding) mark() uint16 { return uint16(len(f.image)) }

func (f *finding) add(s string) { f.image = append(f.image, s...) }

// begin starts an image with the path.
func (f *finding) begin(path []byte) {
	f.image = append(f.image[:0], path...)
	f.marks = marks{path: f.mark(), head: f.mark(), content: f.mark()}
}

// buildImage writes the image of an opened file. start is what the head begins with.
//
// The entity tag is the modification time in nanoseconds and the size, so it is
// the same on every host that holds a faithful copy. It is weak while the file
// is young (RFC 9110 8.8.1): timestamps advance in steps of some milliseconds, and
// two writes within a step would give two contents one tag.
func (f *finding) buildImage(start string, s *Site, path, name []byte) {
	media := contentType(name)
	f.begin(path)
	if s.hints && media == htmlType {
		f.image = appendHints(f.image, f.content)
	}
	f.buildType(start, media)
	f.marks.ranges = f.mark()
	f.add(lineAcceptRanges)
	f.buildValidators(fileTag(&f.file))
	f.add(s.cacheControl(name, media, f.shell))
	if f.negotiate(s, media); f.negotiates {
		f.add(lineVaryCoding)
	}
	f.end()
}

// buildForm writes the image of a form of a file whose Entry is e: the file's field
// lines with the coding and its own validators, and without Accept-Ranges.
//
// The tag of a form beside the file is told by its own time and length; that of one
// that is made follows from the file's, so that it is known before the form is.
func (f *finding) buildForm(start string, e *Entry) {
	f.begin(e.path())
	f.buildType(start, string(e.mediaType()))
	f.marks.ranges = f.mark()
	f.add("Content-Encoding: ")
	f.add(f.variant.String())
	f.add("\r\n")
	tag := e.octets(e.marks.tag, e.marks.tagEnd)
	if !f.made {
		tag = fileTag(&f.file)
	}
	f.buildValidators(coding.AppendTag(nil, tag, f.variant))
	f.image = append(f.image, e.octets(e.marks.dateEnd+2, e.marks.linesEnd)...)
	f.end()
}

// buildType writes what all heads begin with.
func (f *finding) buildType(start, media string) {
	f.marks.head = f.mark()
	f.add(start)
	f.marks.now = f.mark()
	f.image = http1.AppendDate(f.image, 0)
	f.add("\r\n")
	f.marks.lines = f.mark()
	f.add(lineContentType)
	f.add(media)
	f.add("\r\n")
	f.marks.typeEnd = f.mark()
	f.add(lineNoSniff)
}

func (f *finding) buildValidators(tag []byte) {
	f.marks.validation = f.mark()
	f.add(lineETag)
	if f.young {
		f.add("W/")
	}
	f.marks.tag = f.mark()
	f.image = append(f.image, tag...)
	f.marks.tagEnd = f.mark()
	f.add("\r\n" + lineLastModified)
	f.marks.date = f.mark()
	f.image = http1.AppendDate(f.image, f.modified)
	f.marks.dateEnd = f.mark()
	f.add("\r\n")
}

// end writes how the content is framed, and ends the head.
func (f *finding) end() {
	f.marks.linesEnd = f.mark()
	f.image = http1.AppendContentLength(f.image, f.file.size)
	f.add("\r\n")
	f.marks.content = f.mark()
}

// fileTag is the opaque tag of a file.
func fileTag(f *identity) []byte {
	b := append(make([]byte, 0, 2*16+3), '"')
	b = strconv.AppendUint(b, uint64(f.mtime), 16)
	b = append(b, '-')
	b = strconv.AppendInt(b, f.size, 16)
	return append(b, '"')
}
