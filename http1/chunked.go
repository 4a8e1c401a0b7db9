package http1

import "math"

// The decoder of the chunked transfer coding (RFC 9112, section 7.1) is a state machine that can stop at any byte. A
// state is named after what it expects.
type chunkStep uint8

const (
	stepSizeFirst  chunkStep = iota // the first digit of a chunk-size
	stepSize                        // a further digit, ";" or CR
	stepExtFirst                    // the first byte of a chunk-ext-name
	stepExtName                     // a further byte of it, "=", ";" or CR
	stepValueFirst                  // the first byte of a chunk-ext-val
	stepValueToken                  // a further byte of a token, ";" or CR
	stepQuoted                      // qdtext, a backslash, or the closing quote
	stepQuotedPair                  // the byte behind a backslash
	stepValueEnd                    // ";" or CR behind a quoted-string
	stepSizeLF                      // the LF of a chunk-size line
	stepData                        // chunk-data
	stepDataCR                      // the CR behind chunk-data
	stepDataLF                      // the LF behind that
	stepLineFirst                   // the first byte of a trailer field, or the CR of the empty line
	stepName                        // a further byte of a field name, or the colon
	stepValue                       // a byte of a field value, or CR
	stepFieldLF                     // the LF of a field line
	stepEndLF                       // the LF of the empty line
)

// maxChunkDigits is how many digits a chunk-size may have. 16 hold any 64-bit number; leading zeros count.
const maxChunkDigits = 16

type chunkState struct {
	line         uint16 // bytes of the current chunk-size line
	lineLimit    uint16
	trailer      uint16 // bytes of the trailer section
	trailerLimit uint16
	lastTrailer  uint16 // the part of them that the last call consumed
	step         chunkStep
	digits       uint8
	hasTrailer   bool
}

func (c *chunkState) reset(lim *Limits) {
	*c = chunkState{
		lineLimit:    uint16(min(max(lim.ChunkLine, 1), MaxHeadBytes)),
		trailerLimit: uint16(min(max(lim.TrailerBytes, 2), MaxHeadBytes)),
	}
}

// nextChunk consumes what frames the chunks up to the next piece of data, that piece, and what frames it up to the next
// one. Taking in the framing behind the data lets a message that ends in b be done without another call.
func (d *Body) nextChunk(b []byte) (data []byte, n int, err Error) {
	c := &d.chunk
	c.lastTrailer = 0
	i, err := d.chunkFraming(b, 0)
	if err != OK || c.step != stepData || i == len(b) {
		return nil, i, err
	}
	size := len(b) - i
	if uint64(size) >= d.remaining {
		size = int(d.remaining)
		c.step = stepDataCR
	}
	d.remaining -= uint64(size)
	data = b[i : i+size : i+size]
	i, err = d.chunkFraming(b, i+size)
	return data, i, err
}

// chunkFraming consumes b from i until chunk-data begins, the message ends or b does.
func (d *Body) chunkFraming(b []byte, i int) (int, Error) {
	c := &d.chunk
	for i < len(b) && !d.done && c.step != stepData {
		var err Error
		switch {
		case c.step <= stepSizeLF:
			i, err = d.chunkSizeLine(b, i)
		case c.step <= stepDataLF:
			if b[i] != "\r\n"[c.step-stepDataCR] {
				return i, ErrBadChunkEnd
			}
			i++
			if c.step++; c.step > stepDataLF {
				c.startSize()
			}
		default:
			i, err = d.trailerSection(b, i)
		}
		if err != OK {
			return i, err
		}
	}
	return i, OK
}

// startSize makes c expect a chunk-size line.
func (c *chunkState) startSize() { c.step, c.digits, c.line = stepSizeFirst, 0, 0 }

// chunkSizeLine consumes chunk-size [ chunk-ext ] CRLF. There is no whitespace in it: RFC 9112 lets a recipient parse
// "BWS" only for the sake of old senders, and a recipient that does not do so sees another size.
func (d *Body) chunkSizeLine(b []byte, i int) (int, Error) {
	c := &d.chunk
	for ; i < len(b); i++ {
		ch := b[i]
		if c.step == stepSizeLF {
			if ch != '\n' {
				return i, ErrBareCR
			}
			if c.step = stepData; d.remaining == 0 {
				c.step = stepLineFirst
			}
			return i + 1, OK
		}
		if ch == '\r' && c.mayEndLine() {
			c.step = stepSizeLF
			continue
		}
		if c.line == c.lineLimit {
			return i, ErrChunkLineTooLong
		}
		c.line++
		var err Error
		if c.step <= stepSize {
			err = d.chunkSizeByte(ch)
		} else {
			err = c.extensionByte(ch)
		}
		if err != OK {
			return i, err
		}
	}
	return i, OK
}

// mayEndLine says whether a chunk-size line is complete as far as it was read.
func (c *chunkState) mayEndLine() bool {
	switch c.step {
	case stepSize, stepExtName, stepValueToken, stepValueEnd:
		return true
	}
	return false
}

// chunkSizeByte takes the next byte of the size, or the ";" behind it.
func (d *Body) chunkSizeByte(ch byte) Error {
	c := &d.chunk
	switch {
	case class[ch]&classHex != 0:
		if c.digits == maxChunkDigits || d.remaining > math.MaxInt64>>4 {
			return ErrBadChunkSize
		}
		if c.step == stepSizeFirst {
			d.remaining = 0
		}
		c.step = stepSize
		c.digits++
		d.remaining = d.remaining<<4 | uint64(hexValue(ch))
	case ch == ';' && c.step == stepSize:
		c.step = stepExtFirst
	case ch == '\n' && c.step == stepSize:
		return ErrBareLF
	default:
		return ErrBadChunkSize
	}
	return OK
}

// hexValue returns the value of a HEXDIG.
func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// extensionByte takes the next byte of a chunk extension (RFC 9112, section 7.1.1). Extensions mean nothing here, and
// are checked only so that nothing can hide in them.
func (c *chunkState) extensionByte(ch byte) Error {
	token := class[ch]&classToken != 0
	switch c.step {
	case stepExtFirst, stepExtName:
		switch {
		case token:
			c.step = stepExtName
			return OK
		case ch == '=' && c.step == stepExtName:
			c.step = stepValueFirst
			return OK
		}
	case stepValueFirst, stepValueToken:
		switch {
		case token:
			c.step = stepValueToken
			return OK
		case ch == '"' && c.step == stepValueFirst:
			c.step = stepQuoted
			return OK
		}
	case stepQuoted:
		switch {
		case class[ch]&classQuoted != 0:
			return OK
		case ch == '\\':
			c.step = stepQuotedPair
			return OK
		case ch == '"':
			c.step = stepValueEnd
			return OK
		}
	case stepQuotedPair:
		if class[ch]&classValue != 0 {
			c.step = stepQuoted
			return OK
		}
	}
	if ch == ';' && c.mayEndLine() {
		c.step = stepExtFirst
		return OK
	}
	return ErrBadChunkExtension
}
