package http1

import "bytes"

// TargetForm is one of the four forms of a request-target (RFC 9112, section 3.2).
type TargetForm uint8

// The forms.
const (
	OriginForm    TargetForm = iota // /path?query
	AbsoluteForm                    // http://authority/path?query
	AuthorityForm                   // host:port, with CONNECT only
	AsteriskForm                    // *, with OPTIONS only
)

// Request is a parsed request head. It is reused from request to request; it must not be copied.
type Request struct {
	Head

	Method   Span // the method as sent
	Target   Span // the request-target as sent
	Path     Span // the raw path of an origin or absolute form; empty if an absolute form has none
	Query    Span // the raw query without its "?"
	Host     Span // the effective host with its port; the target's authority wins over the Host field
	HostName Span // Host without its port; an IPv6 address keeps its brackets

	// ContentLength is the value of Content-Length, or -1.
	ContentLength int64

	MethodID MethodID
	Form     TargetForm
	Minor    uint8 // HTTP/1.Minor
	// PathIsPlain says that the path is made of unreserved characters, sub-delims and slashes (RFC 3986, section 2) and
	// no segment begins with a dot: there is no other way to spell it. A path that has one may not be plain either.
	PathIsPlain bool
	HasQuery    bool // the target has a "?", perhaps with nothing after it
	HTTPS       bool // the target is an absolute form with the scheme https

	Chunked   bool // the content is chunked
	Close     bool // the connection ends after the response (RFC 9112, section 9.3)
	Expect100 bool // the client waits for 100 (Continue) before it sends the content
	Upgrade   bool // the client offers to switch to a protocol of the Upgrade field (RFC 9110, section 7.8)
}

var slash = []byte("/")

// PathBytes returns the raw path. An absolute form with an empty path means "/" (RFC 9110, section 4.2.3); with OPTIONS
// and no query it means the server as a whole, as "*" does (RFC 9112, section 3.2.4).
func (r *Request) PathBytes() []byte {
	if r.Path.Len == 0 && r.Form == AbsoluteForm {
		return slash
	}
	return r.Bytes(r.Path)
}

// Content returns how the content is framed (RFC 9112, section 6.3).
func (r *Request) Content() (kind BodyKind, length int64) {
	switch {
	case r.Chunked:
		return BodyChunked, -1
	case r.ContentLength > 0:
		return BodyLength, r.ContentLength
	}
	return BodyNone, 0
}

// Parse parses b, which is exactly one head as HeadEnd delimits it. One empty line before it is tolerated.
func (r *Request) Parse(b []byte, lim *Limits) Error {
	n, err := r.Scan(b, lim)
	if err == OK && (n == 0 || n != len(b)) {
		return ErrIncomplete
	}
	return err
}

// Scan parses the head that b starts with and returns its length, an empty line before it included. 0 and OK mean that
// b does not hold all of it; the request's fields are then undefined. Scan finds the end of the head and parses it in one
// pass, but starts from the beginning each time: when it has returned 0, wait for HeadEnd before calling it again.
func (r *Request) Scan(b []byte, lim *Limits) (n int, err Error) {
	r.reset(b)
	head := b[:min(len(b), lim.headBytes())]
	i, err := r.parseRequestLine(head, lim)
	if err == OK && i != 0 {
		i, err = r.parseFields(head, i, lim)
	}
	if err != OK {
		return 0, err
	}
	if i == 0 {
		return 0, Incomplete(head, lim)
	}
	return i, r.finish()
}

// parseRequestLine reads the request line (RFC 9112, section 3) and returns the index after it; 0 if b ends before.
func (r *Request) parseRequestLine(b []byte, lim *Limits) (next int, err Error) {
	i := 0
	if len(b) > 0 && b[0] == '\r' {
		if len(b) == 1 {
			return 0, OK
		}
		if b[1] != '\n' {
			return 0, ErrBareCR
		}
		i = 2
	}
	// The line, the CRLF included, has to end within the limit; what is beyond is not looked at.
	cutOff := i+lim.RequestLine+2 < len(b)
	if cutOff {
		b = b[:i+lim.RequestLine+2]
	}
	if i, err = r.parseMethod(b, i); i != 0 {
		if i, err = r.parseTarget(b, i); i != 0 {
			i, err = r.parseVersion(b, i)
		}
	}
	if cutOff && i == 0 && err == OK {
		err = ErrRequestLineTooLong
	}
	return i, err
}

// Methods with the space after them, as the loads of parseMethod see them.
const (
	wordGET  = 'G' | 'E'<<8 | 'T'<<16 | ' '<<24
	wordPOST = 'P' | 'O'<<8 | 'S'<<16 | 'T'<<24
)

// parseMethod reads the method and the space behind it.
func (r *Request) parseMethod(b []byte, i int) (next int, err Error) {
	if len(b)-i >= 5 {
		switch w := le32(b, i); {
		case w == wordGET:
			r.MethodID, r.Method = GET, Span{uint16(i), 3}
			return i + 4, OK
		case w == wordPOST && b[i+4] == ' ':
			r.MethodID, r.Method = POST, Span{uint16(i), 4}
			return i + 5, OK
		}
	}
	end := span(b, i, classToken)
	if end == len(b) {
		return 0, OK
	}
	if end == i || b[end] != ' ' {
		return 0, lineError(b, end, ErrBadRequestLine)
	}
	r.MethodID = LookupMethod(b[i:end])
	r.Method = Span{uint16(i), uint16(end - i)}
	return end + 1, OK
}

const (
	wordHTTP10 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '0'<<56
	wordHTTP11 = wordHTTP10 | 1<<56
)

// parseVersion reads the HTTP-version (RFC 9112, section 2.3) and the end of the request line.
func (r *Request) parseVersion(b []byte, i int) (next int, err Error) {
	if len(b)-i >= 10 && le64(b, i)|1<<56 == wordHTTP11 && b[i+8] == '\r' && b[i+9] == '\n' {
		r.Minor = b[i+7] - '0'
		return i + 10, OK
	}
	minor, i, err := scanVersion(b, i, ErrBadRequestLine)
	if i == 0 {
		return 0, err
	}
	r.Minor = minor
	return scanLineEnd(b, i, ErrBadRequestLine)
}

// scanVersion reads an HTTP-version at i slowly. A version that is well formed and not 1.x is unsupported; HTTP/1.2 and
// up are to be treated as the highest version understood (RFC 9110, section 2.5).
func scanVersion(b []byte, i int, bad Error) (minor uint8, next int, err Error) {
	const name = "HTTP/"
	have := b[i:min(len(b), i+len(name))]
	if !bytes.HasPrefix([]byte(name), have) {
		return 0, 0, lineError(b, i, bad)
	}
	i += len(name)
	for k := i; k < min(len(b), i+3); k++ {
		if (k == i+1 && b[k] != '.') || (k != i+1 && class[b[k]]&classDigit == 0) {
			return 0, 0, lineError(b, k, bad)
		}
	}
	if len(b) < i+3 {
		return 0, 0, OK
	}
	if b[i] != '1' {
		return 0, 0, ErrUnsupportedVersion
	}
	return b[i+2] - '0', i + 3, OK
}

// scanLineEnd reads the CRLF at i; bad is returned for any other byte.
func scanLineEnd(b []byte, i int, bad Error) (next int, err Error) {
	if i < len(b) && b[i] != '\r' {
		return 0, lineError(b, i, bad)
	}
	if i+1 >= len(b) {
		return 0, OK
	}
	if b[i+1] != '\n' {
		return 0, ErrBareCR
	}
	return i + 2, OK
}

// lineError tells why the byte at i ends a start line early: with an error of its own for a CR or LF that stands alone,
// with bad otherwise. It returns OK, for "incomplete", if that depends on the next byte.
func lineError(b []byte, i int, bad Error) Error {
	switch b[i] {
	case '\n':
		return ErrBareLF
	case '\r':
		if i+1 == len(b) {
			return OK
		}
		if b[i+1] != '\n' {
			return ErrBareCR
		}
	}
	return bad
}

// finish decides what the fields mean for the message as a whole, once all of them are known.
func (r *Request) finish() Error {
	if err := r.checkHost(); err != OK {
		return err
	}
	f, err := r.framing(r.Minor)
	if err != OK {
		return err
	}
	r.ContentLength, r.Chunked = f.length, f.chunked
	if r.MethodID == CONNECT && (f.chunked || f.length >= 0) {
		// What follows a CONNECT is the tunnel's (RFC 9110, section 9.3.6), so framing can only mislead.
		return ErrFramingConflict
	}
	opts, err := r.connection()
	if err != OK {
		return err
	}
	r.Close = opts.close || (r.Minor == 0 && !opts.keepAlive)
	r.Upgrade = opts.upgrade && r.Minor > 0 && r.Has(Upgrade)
	r.Expect100 = false
	if r.Has(Expect) {
		return r.checkExpect()
	}
	return OK
}

// checkHost settles the effective host (RFC 9112, section 3.2.2; RFC 9110, section 7.2).
func (r *Request) checkHost() Error {
	if !r.Has(Host) {
		if r.Minor > 0 {
			return ErrMissingHost
		}
		if r.Form == OriginForm || r.Form == AsteriskForm {
			r.Host, r.HostName = Span{}, Span{}
		}
		return OK
	}
	if r.Repeated(Host) {
		return ErrRepeatedHost
	}
	value := r.Fields[r.first[Host]].Value
	hostLen, ok := splitAuthority(r.Bytes(value))
	if !ok {
		return ErrBadHost
	}
	if r.Form == OriginForm || r.Form == AsteriskForm {
		r.Host = value
		r.HostName = Span{value.Off, uint16(hostLen)}
	}
	return OK
}

// checkExpect handles the Expect field (RFC 9110, section 10.1.1).
func (r *Request) checkExpect() Error {
	for i := r.First(Expect); i >= 0; i = r.Next(i) {
		rest := r.Value(&r.Fields[i])
		for len(rest) > 0 {
			var item []byte
			if item, rest = NextItem(rest); len(item) > 0 && !EqualFold(item, "100-continue") {
				return ErrExpectation
			}
		}
	}
	// HTTP/1.0 clients do not know 100 (Continue), and one without content is not waiting for anything.
	r.Expect100 = r.Minor > 0 && (r.Chunked || r.ContentLength > 0)
	return OK
}
