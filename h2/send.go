package h2

import (
	"github.com/anygate/anygate/http1"
)

// ResponseHead is what AppendResponse and AppendInterim write.
type ResponseHead struct {
	Status int
	Length int64  // Content-Length, -1: none
	Server []byte // nil: none
	Date   []byte // nil: none
	// Block is field lines as HTTP/1.1 has them, "Name: value\r\n" each. Fields that concern one connection only
	// (RFC 9113, section 8.2.2) are left out, names become lower case.
	Block []byte
	// More is further lines, behind those of Block.
	More []byte
}

// RequestHead is what AppendRequest writes.
type RequestHead struct {
	Method    []byte
	Scheme    []byte // "http" or "https"; not written for CONNECT
	Authority []byte // nil: none
	Path      []byte // with the query; not written for CONNECT
	Protocol  []byte // extended CONNECT (RFC 8441): Method is CONNECT, scheme and path are written
	Length    int64  // Content-Length, -1: none
	// Block is field lines, as in ResponseHead. A Host is left out, and a TE but for "trailers".
	Block []byte
}

// AppendResponse appends the head of a final response as HEADERS, and CONTINUATION where it is larger than a frame. end
// ends our side. Like all that sends it does nothing for a stream whose sending side is over, and a second head is none.
func (c *Conn) AppendResponse(dst []byte, s *Stream, h *ResponseHead, end bool) []byte {
	if s.flags&(dead|endSent|headSent) != 0 {
		return dst
	}
	start := len(dst)
	dst = c.appendResponseBlock(openHeaders(dst), h)
	s.flags |= headSent
	return c.closeHeaders(dst, start, s, end)
}

// AppendInterim appends a 1xx response.
func (c *Conn) AppendInterim(dst []byte, s *Stream, h *ResponseHead) []byte {
	if s.flags&(dead|endSent|headSent) != 0 {
		return dst
	}
	start := len(dst)
	dst = c.appendResponseBlock(openHeaders(dst), h)
	return c.closeHeaders(dst, start, s, false)
}

// AppendEncoded appends the head of a final response whose header block was made by AppendBlock, once for all
// connections, and goes on with more, which was made by AppendLines. The owner may patch the date in the result, where
// the two are the last bytes unless they are larger than MaxFrame.
func (c *Conn) AppendEncoded(dst []byte, s *Stream, block, more []byte, end bool) []byte {
	if s.flags&(dead|endSent|headSent) != 0 {
		return dst
	}
	start := len(dst)
	dst = c.enc.Begin(openHeaders(dst))
	dst = append(dst, block...)
	dst = append(dst, more...)
	s.flags |= headSent
	return c.closeHeaders(dst, start, s, end)
}

// AppendRequest appends the head of the request of a stream that Open has begun.
func (c *Conn) AppendRequest(dst []byte, s *Stream, h *RequestHead, end bool) []byte {
	if s.flags&(dead|endSent|headSent) != 0 {
		return dst
	}
	start := len(dst)
	dst = c.appendRequestBlock(openHeaders(dst), h)
	s.flags |= headSent
	switch http1.LookupMethod(h.Method) {
	case http1.CONNECT:
		s.flags |= methodConnect
	case http1.HEAD:
		s.flags |= methodHead
	}
	return c.closeHeaders(dst, start, s, end)
}

// AppendTrailers appends trailer fields, given as lines, and ends our side. No lines: an empty DATA frame.
func (c *Conn) AppendTrailers(dst []byte, s *Stream, lines []byte) []byte {
	if s.flags&(dead|endSent) != 0 {
		return dst
	}
	if len(lines) == 0 {
		return c.AppendDataHeader(dst, s, 0, true)
	}
	start := len(dst)
	dst = c.appendTrailerBlock(openHeaders(dst), lines)
	return c.closeHeaders(dst, start, s, true)
}

// AppendDataHeader appends the header of a DATA frame of n bytes and takes them from the windows; n is at most Room and
// MaxFrame, and 0 only with end. The content is to follow in the connection's output, from wherever it comes.
func (c *Conn) AppendDataHeader(dst []byte, s *Stream, n int, end bool) []byte {
	if s.flags&(dead|endSent) != 0 {
		return dst
	}
	if n > 0 {
		if n > c.Room(s) || n > int(c.maxFrame) {
			panic("h2: a DATA frame is larger than the window or than a frame may be")
		}
		s.send -= int32(n)
		c.send -= int32(n)
		switch {
		case c.send == 0:
			c.flags |= starved
			fallthrough
		case s.send == 0:
			if n < tiny && !end {
				c.debt += costCramped
				break
			}
			fallthrough
		default:
			c.pay(paidSent)
		}
	}
	flags := uint8(0)
	if end {
		flags = flagEndStream
		c.sideEnded(s)
	}
	return appendFrame(dst, n, frameData, flags, s.ID)
}

// sideEnded notes that we have ended our side.
func (c *Conn) sideEnded(s *Stream) {
	s.flags |= endSent
	c.unready(s)
}

// openHeaders makes room for the header of a frame.
func openHeaders(dst []byte) []byte {
	return append(dst, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

// closeHeaders writes the header of the frame that begins at start, and divides it if the block behind it is larger than a
// frame may be.
func (c *Conn) closeHeaders(dst []byte, start int, s *Stream, end bool) []byte {
	flags := uint8(flagEndHeaders)
	if end {
		flags |= flagEndStream
		c.sideEnded(s)
	}
	n, most := len(dst)-start-FrameHeader, int(c.maxFrame)
	if n <= most {
		putFrame(dst[start:], n, frameHeaders, flags, s.ID)
		return dst
	}
	putFrame(dst[start:], most, frameHeaders, flags&^flagEndHeaders, s.ID)
	more := (n - 1) / most // CONTINUATION frames
	for range more {
		dst = openHeaders(dst)
	}
	// From the last to the first each piece moves behind the headers of the frames up to its own.
	for i := more; i > 0; i-- {
		from := start + FrameHeader + i*most
		size := min(most, n-i*most)
		at := from + i*FrameHeader
		copy(dst[at:at+size], dst[from:from+size])
		flags := uint8(0)
		if i == more {
			flags = flagEndHeaders
		}
		putFrame(dst[at-FrameHeader:], size, frameContinuation, flags, s.ID)
	}
	return dst
}
