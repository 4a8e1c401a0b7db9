package http1

// parseTarget reads the request-target (RFC 9112, section 3.2) and the space behind it. The method, which is known
// already, decides which forms are possible.
func (r *Request) parseTarget(b []byte, i int) (next int, err Error) {
	if i == len(b) {
		return 0, OK
	}
	r.Path, r.Query, r.HasQuery, r.HTTPS, r.PathIsPlain = Span{}, Span{}, false, false, false
	start := i
	switch {
	case r.MethodID == CONNECT:
		next, err = r.parseAuthorityForm(b, i)
	case b[i] == '/':
		r.Form = OriginForm
		next, err = r.parsePath(b, i)
	case b[i] == '*':
		next, err = r.parseAsteriskForm(b, i)
	default:
		next, err = r.parseAbsoluteForm(b, i)
	}
	if next != 0 {
		r.Target = Span{uint16(start), uint16(next - 1 - start)}
	}
	return next, err
}

// parsePath reads a path, a query if there is one, and the space behind.
//
// A malformed percent-encoding in the path is refused, because recipients differ in what they make of it. A query is
// opaque to an intermediary and is passed on as it is.
func (r *Request) parsePath(b []byte, i int) (next int, err Error) {
	start := i
	if i = plainPath(b, i); i > start && i < len(b) && (b[i] == ' ' || b[i] == '?') {
		r.PathIsPlain = true
	}
	for {
		i = span(b, i, classPath)
		if i == len(b) {
			return 0, OK
		}
		if b[i] != '%' {
			break
		}
		for k := i + 1; k <= i+2; k++ {
			if k == len(b) {
				return 0, OK
			}
			if class[b[k]]&classHex == 0 {
				return 0, lineError(b, k, ErrBadTarget)
			}
		}
		i += 3
	}
	r.Path = Span{uint16(start), uint16(i - start)}
	if b[i] == '?' {
		r.HasQuery = true
		i++
		start = i
		i = span(b, i, classQuery)
		r.Query = Span{uint16(start), uint16(i - start)}
	}
	return targetEnd(b, i)
}

// plainPath returns the index of the first byte at or after i that Request.PathIsPlain rules out.
func plainPath(b []byte, i int) int {
	for ; uint(i) < uint(len(b)); i++ {
		if class[b[i]]&classHost != 0 {
			continue
		}
		if b[i] != '/' || i+1 < len(b) && b[i+1] == '.' {
			return i
		}
	}
	return i
}

// targetEnd expects the space that ends the target at i.
func targetEnd(b []byte, i int) (next int, err Error) {
	if i == len(b) {
		return 0, OK
	}
	if b[i] != ' ' {
		return 0, lineError(b, i, ErrBadTarget)
	}
	return i + 1, OK
}

// parseAsteriskForm reads "*", which is the server as a whole (RFC 9112, section 3.2.4).
func (r *Request) parseAsteriskForm(b []byte, i int) (next int, err Error) {
	if r.MethodID != OPTIONS {
		return 0, ErrBadTarget
	}
	r.Form = AsteriskForm
	return targetEnd(b, i+1)
}

// parseAuthorityForm reads the host and port of a CONNECT (RFC 9112, section 3.2.3). The port is not optional
// (RFC 9110, section 9.3.6).
func (r *Request) parseAuthorityForm(b []byte, i int) (next int, err Error) {
	r.Form = AuthorityForm
	end := span(b, i, classQuery)
	if next, err = targetEnd(b, end); next == 0 {
		return 0, err
	}
	hostLen, ok := splitAuthority(b[i:end])
	if !ok || i+hostLen+1 >= end {
		return 0, ErrBadTarget
	}
	r.Host = Span{uint16(i), uint16(end - i)}
	r.HostName = Span{uint16(i), uint16(hostLen)}
	return next, OK
}

// parseAbsoluteForm reads an http or https URI (RFC 9112, section 3.2.2). Other schemes are refused: this is no
// forward proxy for them.
func (r *Request) parseAbsoluteForm(b []byte, i int) (next int, err Error) {
	r.Form = AbsoluteForm
	if i, err = r.parseScheme(b, i); i == 0 {
		return 0, err
	}
	end := i
	for end < len(b) && class[b[end]]&classPath != 0 && b[end] != '/' {
		end++
	}
	if end == len(b) {
		return 0, OK
	}
	// Only a path, a query or the end of the target may follow an authority. A userinfo, which RFC 9110 wants treated as an error (section 4.2.4), does not pass here either.
	hostLen, ok := splitAuthority(b[i:end])
	if !ok || (b[end] != '/' && b[end] != '?' && b[end] != ' ') {
		return 0, lineError(b, end, ErrBadTarget)
	}
	r.Host = Span{uint16(i), uint16(end - i)}
	r.HostName = Span{uint16(i), uint16(hostLen)}
	return r.parsePath(b, end)
}

// parseScheme reads "http://" or "https://" without regard to case.
func (r *Request) parseScheme(b []byte, i int) (next int, err Error) {
	const long, short = "https://", "http://"
	k := 0
	for ; k < 4; k++ {
		if i+k == len(b) {
			return 0, OK
		}
		if lowerASCII(b[i+k]) != long[k] {
			return 0, lineError(b, i+k, ErrBadTarget)
		}
	}
	if i+k == len(b) {
		return 0, OK
	}
	want := short
	if lowerASCII(b[i+k]) == 's' {
		r.HTTPS = true
		want = long
	}
	for ; k < len(want); k++ {
		if i+k == len(b) {
			return 0, OK
		}
		if lowerASCII(b[i+k]) != want[k] {
			return 0, lineError(b, i+k, ErrBadTarget)
		}
	}
	return i + k, OK
}
