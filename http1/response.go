package http1

// Response is a parsed response head. It is reused from response to response; it must not be copied.
type Response struct {
	Head

	Status int
	Reason Span // the reason-phrase, which may be empty and means nothing

	// ContentLength is the value of Content-Length, or -1. With HEAD or 304 it describes content that is not there.
	ContentLength int64

	Minor   uint8 // HTTP/1.Minor
	Chunked bool  // Transfer-Encoding is chunked
	Close   bool  // the sender closes the connection after the response (RFC 9112, section 9.3)
	Upgrade bool  // Connection: upgrade together with an Upgrade field, as 101 and 426 have them
}

// Interim says whether a further response to the same request follows (RFC 9110, section 15.2). 101 (Switching
// Protocols) is the last thing said in HTTP/1.1, so it does not count.
func (r *Response) Interim() bool { return r.Status < 200 && r.Status != 101 }

// Content returns how the content is framed, which depends on the method of the request (RFC 9112, section 6.3). After
// 101, and after a 2xx to CONNECT, the kind is BodyNone and the connection carries another protocol. BodyUntilClose
// means that the connection cannot be reused, whatever Close says.
func (r *Response) Content(method MethodID) (kind BodyKind, length int64) {
	switch {
	case method == HEAD, r.Status < 200, r.Status == 204, r.Status == 304:
		return BodyNone, 0
	case method == CONNECT && r.Status < 300:
		return BodyNone, 0
	case r.Chunked:
		return BodyChunked, -1
	case r.ContentLength > 0:
		return BodyLength, r.ContentLength
	case r.ContentLength == 0:
		return BodyNone, 0
	}
	return BodyUntilClose, -1
}

// Parse parses b, which is exactly one head as HeadEnd delimits it.
func (r *Response) Parse(b []byte, lim *Limits) Error {
	n, err := r.Scan(b, lim)
	if err == OK && (n == 0 || n != len(b)) {
		return ErrIncomplete
	}
	return err
}

// Scan parses the head that b starts with and returns its length. 0 and OK mean that b does not hold all of it. See
// Request.Scan.
func (r *Response) Scan(b []byte, lim *Limits) (n int, err Error) {
	r.reset(b)
	head := b[:min(len(b), lim.headBytes())]
	i, err := r.parseStatusLine(head, lim)
	if err == OK && i != 0 {
		i, err = r.parseFields(head, i, lim)
	}
	if err != OK {
		return 0, err
	}
	if i == 0 {
		return 0, r.incomplete(head, lim)
	}
	return i, r.finish()
}

// incomplete is Incomplete for a response, where a line that is too long is no 414.
func (r *Response) incomplete(b []byte, lim *Limits) Error {
	err := Incomplete(b, lim)
	if err == ErrRequestLineTooLong {
		err = ErrBadStatusLine
	}
	return err
}

// parseStatusLine reads the status line (RFC 9112, section 4) and returns the index after it; 0 if b ends before.
//
// The space before an empty reason-phrase may be missing: enough origin servers leave it out, and nothing is ambiguous
// about it.
func (r *Response) parseStatusLine(b []byte, lim *Limits) (next int, err Error) {
	cutOff := lim.RequestLine+2 < len(b)
	if cutOff {
		b = b[:lim.RequestLine+2]
	}
	next, err = r.scanStatusLine(b)
	if cutOff && next == 0 && err == OK {
		err = ErrBadStatusLine
	}
	return next, err
}

func (r *Response) scanStatusLine(b []byte) (next int, err Error) {
	var i int
	if len(b) >= 8 && le64(b, 0)|1<<56 == wordHTTP11 {
		r.Minor, i = b[7]-'0', 8
	} else if r.Minor, i, err = scanVersion(b, 0, ErrBadStatusLine); i == 0 {
		return 0, err
	}
	for k := i; k < i+4; k++ {
		if k == len(b) {
			return 0, OK
		}
		if (k == i && b[k] != ' ') || (k > i && class[b[k]]&classDigit == 0) {
			return 0, lineError(b, k, ErrBadStatusLine)
		}
	}
	r.Status = int(b[i+1]-'0')*100 + int(b[i+2]-'0')*10 + int(b[i+3]-'0')
	if r.Status < 100 {
		return 0, ErrBadStatusLine
	}
	i += 4
	if i == len(b) {
		return 0, OK
	}
	start := i
	if b[i] == ' ' {
		start = i + 1
		i = indexControl(b, start)
	}
	r.Reason = Span{uint16(start), uint16(i - start)}
	return scanLineEnd(b, i, ErrBadStatusLine)
}

// finish decides what the fields mean for the message as a whole.
func (r *Response) finish() Error {
	f, err := r.framing(r.Minor)
	if err != OK {
		return err
	}
	r.ContentLength, r.Chunked = f.length, f.chunked
	if r.Status < 200 || r.Status == 204 {
		// Neither has content or may announce any (RFC 9112, section 6.1; RFC 9110, section 8.6). A length of 0 is
		// common and harmless.
		if f.chunked {
			return ErrBadTransferCoding
		}
		if f.length > 0 {
			return ErrFramingConflict
		}
	}
	opts, err := r.connection()
	if err != OK {
		return err
	}
	r.Close = opts.close || (r.Minor == 0 && !opts.keepAlive)
	r.Upgrade = opts.upgrade && r.Minor > 0 && r.Has(Upgrade)
	return OK
}
