package http1

// BodyKind is how the end of a message's content is found (RFC 9112, section 6.3).
type BodyKind uint8

// The kinds.
const (
	BodyNone       BodyKind = iota // there is no content
	BodyLength                     // as many bytes as Content-Length says
	BodyChunked                    // chunks up to the last-chunk, and a trailer section
	BodyUntilClose                 // all that comes until the connection ends; responses only
)

// Body decodes the content of one message. It is a value without pointers, so that it can live in memory that the
// garbage collector does not scan. The zero value decodes no content.
type Body struct {
	// remaining is what is left of the content, or of the current chunk.
	remaining uint64
	chunk     chunkState
	kind      BodyKind
	done      bool
	err       Error
}

// Reset makes d ready for the content of the next message. length matters for BodyLength only. Of lim, ChunkLine and
// TrailerBytes are used; they are copied.
func (d *Body) Reset(kind BodyKind, length int64, lim *Limits) {
	*d = Body{kind: kind}
	switch kind {
	case BodyLength:
		d.remaining = uint64(max(length, 0))
		d.done = d.remaining == 0
	case BodyChunked:
		d.chunk.reset(lim)
	case BodyNone:
		d.done = true
	}
}

// Next consumes bytes from the start of b. data is a piece of the content, which aliases b and may be empty; n is how
// many bytes of b were consumed. done says that the content has ended; what follows b[:n] is not part of the message.
// The caller repeats the call with the rest of b until n is 0 or done is true.
//
// After an error, which every further call repeats, nothing of b was consumed. Pieces returned by earlier calls were
// valid content of a message that turned out to be invalid.
func (d *Body) Next(b []byte) (data []byte, n int, done bool, err Error) {
	if d.done || d.err != OK {
		return nil, 0, d.done, d.err
	}
	switch d.kind {
	case BodyLength:
		n = len(b)
		if uint64(n) >= d.remaining {
			n = int(d.remaining)
			d.done = true
		}
		d.remaining -= uint64(n)
		return b[:n:n], n, d.done, OK
	case BodyChunked:
		data, n, err = d.nextChunk(b)
		if err != OK {
			d.err = err
			return nil, 0, false, err
		}
		return data, n, d.done, OK
	case BodyUntilClose:
		return b[:len(b):len(b)], len(b), false, OK
	}
	return nil, 0, true, OK
}

// Skip is Next for n bytes of content that the caller has not seen, because they were passed on by the kernel. Only
// content with a length can be skipped, and no more than Remaining says.
func (d *Body) Skip(n int64) (done bool) {
	if d.kind != BodyLength || n < 0 || uint64(n) > d.remaining {
		panic("http1: more content skipped than there is")
	}
	d.remaining -= uint64(n)
	d.done = d.remaining == 0
	return d.done
}

// Done says whether the content has ended.
func (d *Body) Done() bool { return d.done || d.kind == BodyNone }

// Kind returns the framing given to Reset.
func (d *Body) Kind() BodyKind { return d.kind }

// Remaining returns how many bytes of content are known to be still to come: the rest of a Content-Length, or of the
// current chunk.
func (d *Body) Remaining() int64 { return int64(d.remaining) }

// EOF is to be called when the connection has ended. It completes content that is delimited by that, and returns
// ErrTruncated for content that was cut off (RFC 9112, section 8).
func (d *Body) EOF() Error {
	switch {
	case d.err != OK:
		return d.err
	case d.kind == BodyUntilClose:
		d.done = true
	case !d.Done():
		d.err = ErrTruncated
	}
	return d.err
}

// TrailerPart returns the part of the trailer section that the last call of Next consumed, given the consumed bytes:
//
//	data, n, done, err := d.Next(b)
//	section = append(section, d.TrailerPart(b[:n])...)
//
// A caller that wants the trailer fields collects these parts, Limits.TrailerBytes at most, and gives the whole to
// TrailerSection.Parse when the content is done. One that does not call it discards them, as RFC 9112, section 7.1.2,
// allows. Either way the section has been checked for its syntax.
func (d *Body) TrailerPart(consumed []byte) []byte {
	return consumed[len(consumed)-min(int(d.chunk.lastTrailer), len(consumed)):]
}

// HasTrailer says that the trailer section holds, or will hold, at least one field.
func (d *Body) HasTrailer() bool { return d.kind == BodyChunked && d.chunk.hasTrailer }
