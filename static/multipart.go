package static

import (
	"encoding/binary"
	"hash/maphash"
	"strconv"
)

// Part is one piece of a multipart/byteranges content (RFC 9110 14.6): the head
// of the part, with the delimiter before it, and where its octets lie.
type Part struct {
	Head   []byte // borrowed like Answer.Block
	Mem    []byte // off-heap memory, or nil
	Off    int64  // else where the octets begin in the Answer's FD
	Length int64  // how many there are
}

const lineMultipart = "Content-Type: multipart/byteranges; boundary="

// boundarySize is the length of a boundary: 96 bits in hexadecimal.
const boundarySize = 24

// serveParts answers with several ranges of a file. What is copied are the heads
// of the parts; the octets are sent from where they lie.
func (c *Cache) serveParts(e *Entry, a *Answer, spans []span) {
	boundary := c.newBoundary()
	mediaType, memory := e.mediaType(), e.content()

	// All heads are written one behind the other before any is sliced, because
	// the buffer may move as it grows.
	var ends [maxRanges]int
	heads := c.heads[:0]
	a.Length = 0
	for i, s := range spans {
		if i > 0 {
			heads = append(heads, "\r\n"...)
		}
		heads = append(heads, "--"...)
		heads = append(heads, boundary[:]...)
		heads = append(heads, "\r\n"+lineContentType...)
		heads = append(heads, mediaType...)
		heads = append(heads, "\r\n"...)
		heads = appendContentRange(heads, s, e.file.size)
		heads = append(heads, "\r\n"...)
		ends[i] = len(heads)
		a.Length += s.length
	}
	heads = append(heads, "\r\n--"...)
	heads = append(heads, boundary[:]...)
	heads = append(heads, "--\r\n"...)
	c.heads = heads
	a.Length += int64(len(heads))

	c.parts = c.parts[:0]
	from := 0
	for i, s := range spans {
		p := Part{Head: heads[from:ends[i]], Off: s.first, Length: s.length}
		if memory != nil {
			p.Mem, p.Off = memory[s.first:s.end()], 0
		}
		c.parts = append(c.parts, p)
		from = ends[i]
	}
	a.Status, a.Entry, a.Parts, a.Text = 206, e, c.parts, heads[from:]
	if memory == nil {
		a.FD = e.fd
	}

	// The type of the file stands in the parts, and that of the whole takes its
	// place in the head.
	b := append(c.scratch[:0], lineMultipart...)
	b = append(b, boundary[:]...)
	b = append(b, "\r\n"...)
	b = append(b, a.Block[e.marks.typeEnd-e.marks.lines:]...)
	c.scratch = b
	a.Block = b
}

// newBoundary makes a delimiter that nobody can have put into a file: it depends
// on the cache's secret seed, and is another one each time.
func (c *Cache) newBoundary() (b [boundarySize]byte) {
	const lowerHex = "0123456789abcdef"
	c.boundaries++
	var in [9]byte
	binary.LittleEndian.PutUint64(in[:], c.boundaries)
	var out [16]byte
	binary.LittleEndian.PutUint64(out[:], maphash.Bytes(c.seed, in[:]))
	in[8] = 1
	binary.LittleEndian.PutUint64(out[8:], maphash.Bytes(c.seed, in[:]))
	for i := range b {
		b[i] = lowerHex[out[i/2]>>(4*(i%2))&15]
	}
	return b
}

// appendContentRange writes the field line that says which part of the file it is.
func appendContentRange(b []byte, s span, size int64) []byte {
	b = append(b, "Content-Range: bytes "...)
	b = strconv.AppendInt(b, s.first, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, s.end()-1, 10)
	b = append(b, '/')
	b = strconv.AppendInt(b, size, 10)
	return append(b, "\r\n"...)
}
