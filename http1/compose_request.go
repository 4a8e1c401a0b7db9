package http1

// BeginRequest begins a request. It is written to buf as far as its capacity goes, of which Limits.HeadBytes and some more for
// the pseudo-header fields can be used.
func (c *Composer) BeginRequest(r *Request, buf []byte, lim *Limits) {
	c.begin(&r.Head, buf, lim)
	c.request = r
}

// EndRequest ends the request; ended says that no content follows. Of content whose length is not known the request says
// that it is chunked, which is what it would be in HTTP/1.1.
//
// With a status other than 400 the error asks for an answer; with 400 the request is malformed (RFC 9113, section 8.1.1).
func (c *Composer) EndRequest(ended bool) Error {
	if !c.lining {
		c.startLines()
	}
	r := c.request
	if err := c.finish(int(r.Method.Len) + int(r.Target.Len) + len("  HTTP/1.1\r\n")); err != OK {
		return err
	}
	if err := r.checkHost(); err != OK {
		return err
	}
	f, err := r.framing(r.Minor)
	if err != OK {
		return err
	}
	r.ContentLength = f.length
	switch {
	case r.MethodID == CONNECT || c.Extended():
		if f.length >= 0 {
			return ErrFramingConflict // see Request.finish
		}
	case ended && f.length > 0:
		return ErrTruncated
	default:
		r.Chunked = !ended && f.length < 0
	}
	if r.Has(Expect) {
		return r.checkExpect()
	}
	return OK
}

// Extended says whether the request was an extended CONNECT, for the protocol that its Upgrade field names.
func (c *Composer) Extended() bool { return c.seen.has(PseudoProtocol) }

// startRequest makes of the pseudo-header fields what the parser makes of a request line (RFC 9113, section 8.3.1), and of the
// authority a Host field (section 8.3.1, too: an intermediary has to, where there is none).
func (c *Composer) startRequest() Error {
	const (
		ofConnect  = 1<<PseudoMethod | 1<<PseudoAuthority
		ofOrdinary = 1<<PseudoMethod | 1<<PseudoScheme | 1<<PseudoPath
		ofExtended = ofOrdinary | 1<<PseudoAuthority | 1<<PseudoProtocol
	)
	r := c.request
	r.Method = c.pseudos[PseudoMethod]
	r.MethodID = MethodOther
	if c.seen.has(PseudoMethod) {
		r.MethodID = LookupMethod(c.bytes(r.Method))
	}
	target := PseudoPath
	switch {
	case c.seen.has(PseudoProtocol):
		if c.seen != ofExtended || r.MethodID != CONNECT || !c.AllowProtocol || !IsToken(c.bytes(c.pseudos[PseudoProtocol])) {
			return ErrBadRequestLine
		}
		r.MethodID = GET
		r.Method.Len = uint16(copy(c.bytes(r.Method), "GET"))
	case r.MethodID == CONNECT:
		if c.seen != ofConnect {
			return ErrBadRequestLine
		}
		target = PseudoAuthority
	case c.seen|1<<PseudoAuthority != ofOrdinary|1<<PseudoAuthority,
		r.MethodID == MethodOther && !IsToken(c.bytes(r.Method)):
		return ErrBadRequestLine
	}
	if err := c.parseTarget(c.pseudos[target]); err != OK {
		return err
	}
	r.Minor, r.Close, r.Chunked, r.Expect100 = 1, false, false, false
	if r.Upgrade = c.Extended(); r.Upgrade {
		if r.Form != OriginForm {
			return ErrBadTarget
		}
	}
	if c.seen.has(PseudoAuthority) {
		c.addField(Host, "host", c.pseudos[PseudoAuthority])
	}
	if r.Upgrade {
		const option = "connection: upgrade\r\n"
		c.Field([]byte(option), len("connection"), Connection)
		c.addField(Upgrade, "upgrade", c.pseudos[PseudoProtocol])
	}
	return c.err
}

// parseTarget reads the target at s and the scheme.
func (c *Composer) parseTarget(s Span) Error {
	r := c.request
	end := int(s.Off) + int(s.Len)
	if int(r.Method.Len)+int(s.Len)+len("  HTTP/1.1") > c.lim.RequestLine {
		return ErrRequestLineTooLong
	}
	// An absolute form is not for :path, and neither is nothing at all.
	if r.MethodID != CONNECT && c.buf[s.Off] != '/' && c.buf[s.Off] != '*' {
		return ErrBadTarget
	}
	next, err := r.parseTarget(c.buf[:end+1], int(s.Off))
	if err != OK {
		return err
	}
	if next != end+1 {
		return ErrBadTarget
	}
	if r.MethodID == CONNECT {
		return OK
	}
	// Others are for proxies that speak other protocols.
	switch scheme := c.bytes(c.pseudos[PseudoScheme]); {
	case EqualFold(scheme, "https"):
		r.HTTPS = true
	case !EqualFold(scheme, "http"):
		return ErrBadTarget
	}
	return OK
}

// compareHost checks a Host field that stands beside the authority. It must mean the same (RFC 9113, section 8.3.1), and is left
// out.
func (c *Composer) compareHost(value []byte) {
	if !sameAuthority(value, c.bytes(c.pseudos[PseudoAuthority]), c.request.HTTPS) {
		c.Refuse(ErrBadHost)
	}
}

// sameAuthority says whether two authorities are the same for a scheme: their hosts without regard to case, and their ports
// with regard to what is meant by none (RFC 9110, section 4.2.3).
func sameAuthority(a, b []byte, https bool) bool {
	hostA, okA := splitAuthority(a)
	hostB, okB := splitAuthority(b)
	return okA && okB && foldEqual(a[:hostA], b[:hostB]) && portOf(a[hostA:], https) == portOf(b[hostB:], https)
}

// portOf returns the port of what follows a host: nothing, or a colon and a number or nothing.
func portOf(b []byte, https bool) (port int) {
	if len(b) <= len(":") {
		if https {
			return 443
		}
		return 80
	}
	for _, digit := range b[len(":"):] {
		port = port*10 + int(digit-'0')
	}
	return port
}
