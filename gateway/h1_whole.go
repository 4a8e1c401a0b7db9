package gateway

import (
	"unsafe"

	"github.com/anygate/anygate/static"
)

// whole sends a file as the Store has prepared it for HTTP/1.1: head and content in one
// piece, of which only the date is written anew. Short content is copied with the head,
// longer content sent from where it lies. It reports false, and has done nothing, if the
// connection has something of its own to say in the head.
func (h *h1Conn) whole(x *Exchange, a *static.Answer) bool {
	if h.x != x || h.flags.has(h1Broken) {
		return false
	}
	h.leaveUnread(a.Status)
	if h.flags.has(h1Close | h1Old) {
		return false
	}
	x.begin(a.Status)
	x.state |= responseOver
	image := a.Whole
	refer := len(image)-a.Head > copyContent
	if refer || x.HEAD() {
		image = image[:a.Head]
	}
	s, line := h.g.s, h.hsts()
	b := s.Grow(h.conn, len(image)+len(line))
	if b == nil {
		h.fail()
		h.done()
		return true
	}
	if line == nil {
		copy(b, image)
	} else {
		// Behind the last field, before the empty line.
		end := a.Head - len(crlf)
		copy(b, image[:end])
		copy(b[end:], line)
		copy(b[end+len(line):], image[end:])
	}
	copy(b[a.Date:], h.g.now())
	if !x.HEAD() {
		x.log.sent += a.Length
		if refer {
			h.g.files.Retain(a.Entry)
			s.AppendMemory(h.conn, uintptr(unsafe.Pointer(unsafe.SliceData(a.Mem))), len(a.Mem), a.Entry.Token())
		}
	}
	h.checkFull()
	h.done()
	return true
}

// FileStart is what the heads in the cache of files begin with.
const FileStart = "HTTP/1.1 200 OK\r\n" + serverLine + "Date: "
