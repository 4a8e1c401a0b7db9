package http1

// BeginResponse begins a response, as BeginRequest does a request.
func (c *Composer) BeginResponse(r *Response, buf []byte, lim *Limits) {
	c.begin(&r.Head, buf, lim)
	c.response = r
}

// EndResponse ends the response. Content whose length is not said is chunked, which is what it would be in HTTP/1.1, also if
// there is none and the stream ends at once.
func (c *Composer) EndResponse() Error {
	if !c.lining {
		c.startLines()
	}
	r := c.response
	if err := c.finish(len("HTTP/1.1 200 \r\n")); err != OK {
		return err
	}
	f, err := r.framing(r.Minor)
	if err != OK {
		return err
	}
	r.ContentLength = f.length
	if r.Status < 200 || r.Status == 204 {
		if f.length > 0 {
			return ErrFramingConflict // see Response.finish
		}
		return OK
	}
	r.Chunked = f.length < 0
	return OK
}

// startResponse makes of :status what the parser makes of a status line (RFC 9113, section 8.3.2). Switching protocols is not
// for HTTP/2 (section 8.6).
func (c *Composer) startResponse() Error {
	r := c.response
	if c.seen != 1<<PseudoStatus {
		return ErrBadStatusLine
	}
	code := c.bytes(c.pseudos[PseudoStatus])
	if len(code) != 3 || code[0] == '0' || span(code, 0, classDigit) != 3 {
		return ErrBadStatusLine
	}
	r.Status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	if r.Status == 101 {
		return ErrBadStatusLine
	}
	r.Reason = Span{}
	r.Minor, r.Close, r.Upgrade, r.Chunked = 1, false, false, false
	return OK
}

// BeginTrailers begins a trailer section.
func (c *Composer) BeginTrailers(t *TrailerSection, buf []byte, lim *Limits) {
	c.begin(&t.Head, buf, lim)
	c.trailers = t
	t.Dropped = 0
}

// EndTrailers ends the trailer section. Fields that must not be in one are left out, as TrailerSection.Parse does.
func (c *Composer) EndTrailers() Error {
	if !c.lining {
		c.startLines()
	}
	err := c.finish(0)
	switch {
	case err == ErrTooManyFields, err == ErrHeadTooLarge, err == OK && c.n+len(CRLF) > c.lim.TrailerBytes:
		return ErrTrailerTooLarge
	case err != OK:
		return err
	}
	c.trailers.dropForbidden()
	return OK
}
