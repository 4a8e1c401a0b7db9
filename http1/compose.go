package http1

// Composer makes a head of fields that come one by one and decoded, as HTTP/2 has them. What it makes is what the parser
// would have made of the same message in HTTP/1.1, so that nothing behind it can tell the difference, and is held to the same
// rules; RFC 9113, section 8, adds some.
//
// A message begins with BeginRequest, BeginResponse or BeginTrailers, takes Pseudo, Field and Fields in the order in which they come,
// and ends with the End of the same kind, which tells whether it can be accepted. After a mistake the rest is ignored, so that
// a caller has to look only once, and can go on decoding as HPACK demands.
//
// The caller owns the buffer that the message is written to, and all that is handed over is copied. A Composer may be used for
// one message after the other, and must not be copied.
type Composer struct {
	// AllowProtocol admits extended CONNECT (RFC 8441). It becomes the request that asks for the same in HTTP/1.1: GET with
	// an Upgrade field.
	AllowProtocol bool

	head     *Head
	request  *Request
	response *Response
	trailers *TrailerSection
	lim      *Limits

	buf    []byte
	n      int // how much of buf is written
	lines  int // where the field lines begin
	joined []byte

	pseudos [numPseudos]Span
	seen    pseudoSet
	// careful is which fields are not simply added: all of them until the first one, and after a mistake.
	careful   fieldSet
	lining    bool // the first field has come, or there is none
	scattered bool // cookies have come with other fields in between
	err       Error
}

// FieldFacts is what is known of a field line, "name: value\r\n" with just these spaces, beside its text.
type FieldFacts struct {
	// LineLen and NameLen are the lengths of the line and of the name in it.
	LineLen, NameLen uint16
	// ID is what the name is. It is FieldOther also for a name that is known but has letters in upper case.
	ID FieldID
	// Pseudo is which pseudo-header field it is, if it is one; PseudoInvalid for a name that can be none of a field.
	Pseudo Pseudo
	// Valid says that the field may occur in HTTP/2 (RFC 9113, section 8.2.1): the name of a field is a token without
	// letters in upper case, the name of a pseudo-header field is a known one, and the value is one that IsFieldValue allows.
	Valid bool
	// NeverIndexed says that the field was sent in a form that keeps it out of all tables, which an intermediary has to use
	// too (RFC 7541, section 6.2.3).
	NeverIndexed bool
}

// Plain says whether the field is a valid one and no pseudo-header field.
func (f *FieldFacts) Plain() bool { return f.Valid && f.Pseudo == NoPseudo }

// Size is the measure of RFC 7541, section 4.1, and of SETTINGS_MAX_HEADER_LIST_SIZE.
func (f *FieldFacts) Size() int { return int(f.LineLen) - len(": \r\n") + 32 }

// pseudoSet is a set of pseudo-header fields.
type pseudoSet uint8

func (s pseudoSet) has(p Pseudo) bool { return s>>p&1 != 0 }

const (
	allFields = ^fieldSet(0)
	// A set of pseudo-header fields is a byte with one bit per Pseudo.
	_ uint = 8 - uint(numPseudos)
)

// connectionSpecific is what makes a message of HTTP/2 malformed (RFC 9113, section 8.2.2).
var connectionSpecific = setOf(Connection, ProxyConnection, KeepAlive, TransferEncoding, Upgrade)

// carefulInRequests are the fields that the composer of a request has to look at.
var carefulInRequests = connectionSpecific | setOf(TE, Host, Cookie)

func (c *Composer) begin(h *Head, buf []byte, lim *Limits) {
	c.request, c.response, c.trailers = nil, nil, nil
	c.head, c.lim = h, lim
	c.buf = buf[:min(cap(buf), MaxHeadBytes)]
	c.n, c.lines = 0, 0
	c.seen, c.careful = 0, allFields
	c.lining, c.scattered = false, false
	c.err = OK
	h.reset(nil)
	if cap(h.Fields) < lim.Fields {
		h.Fields = make([]Field, 0, lim.Fields) // once, unless the limit is raised
	}
}

// Refuse ends the message with a mistake that the caller has found. The first one counts.
func (c *Composer) Refuse(why Error) {
	if c.err == OK {
		c.err = why
	}
	c.careful = allFields
}

// Pseudo adds a pseudo-header field. They precede the fields, and each occurs once (RFC 9113, section 8.3).
func (c *Composer) Pseudo(p Pseudo, value []byte) {
	switch {
	case c.err != OK:
		return
	case c.lining || c.seen.has(p) || p == NoPseudo || p >= PseudoInvalid || (p == PseudoStatus) != (c.response != nil):
		c.Refuse(c.badStart())
		return
	case len(value)+1 > len(c.buf)-c.n:
		c.Refuse(ErrHeadTooLarge)
		return
	}
	c.seen |= 1 << p
	c.pseudos[p] = Span{uint16(c.n), uint16(len(value))}
	c.n += copy(c.buf[c.n:], value)
	// The space is what a target ends with where it is parsed.
	c.buf[c.n] = ' '
	c.n++
}

// Field adds a field. line is the field line with one space and CRLF, "name: value\r\n", whose name has nameLen bytes, is a
// token in lower case and has the ID; the value is one that IsFieldValue allows.
func (c *Composer) Field(line []byte, nameLen int, id FieldID) {
	if c.careful.has(id&63) && !c.admit(line, nameLen, id) {
		return
	}
	facts := [1]FieldFacts{{LineLen: uint16(len(line)), NameLen: uint16(nameLen), ID: id}}
	c.add(line, facts[:])
}

// Fields adds fields whose lines lie one behind the other in text, and which are Plain.
func (c *Composer) Fields(text []byte, facts []FieldFacts) {
	for len(facts) > 0 {
		k, n := 0, 0
		for k < len(facts) && !c.careful.has(facts[k].ID&63) {
			n += int(facts[k].LineLen)
			k++
		}
		if k > 0 {
			c.add(text[:n], facts[:k])
		} else {
			f := &facts[0]
			k, n = 1, int(f.LineLen)
			c.Field(text[:n], int(f.NameLen), f.ID)
		}
		text, facts = text[n:], facts[k:]
	}
}

// add adds fields that need no care.
func (c *Composer) add(text []byte, facts []FieldFacts) {
	h := c.head
	at, k := c.n, len(h.Fields)
	switch {
	case len(text) > len(c.buf)-at:
		c.Refuse(ErrHeadTooLarge)
		return
	case len(facts) > c.lim.Fields-k:
		c.Refuse(ErrTooManyFields)
		return
	}
	c.n += copy(c.buf[at:], text)
	h.Fields = h.Fields[:k+len(facts)]
	added := h.Fields[k:][:len(facts)]
	present, repeated := h.present, h.repeated
	for i := range facts {
		f := &facts[i]
		value := at + int(f.NameLen) + len(": ")
		end := at + int(f.LineLen)
		added[i] = Field{
			Name:  Span{uint16(at), f.NameLen},
			Value: Span{uint16(value), uint16(end - value - len(CRLF))},
			ID:    f.ID,
		}
		at = end
		bit := fieldSet(1) << (f.ID & 63)
		if present&bit == 0 {
			present |= bit
			h.first[f.ID&63] = uint16(k + i)
		} else {
			repeated |= bit
		}
	}
	h.present, h.repeated = present, repeated
}

// addField adds a field that is not there as a line.
func (c *Composer) addField(id FieldID, name string, value Span) {
	n := len(name) + len(": \r\n") + int(value.Len)
	if n > len(c.buf)-c.n {
		c.Refuse(ErrHeadTooLarge)
		return
	}
	line := AppendField(c.buf[c.n:c.n], name, c.bytes(value))
	c.Field(line, len(name), id)
}

func (c *Composer) bytes(s Span) []byte { return c.buf[s.Off : int(s.Off)+int(s.Len)] }

// admit decides about a field that needs care. It reports false if there is nothing left to do.
func (c *Composer) admit(line []byte, nameLen int, id FieldID) bool {
	if !c.lining {
		c.startLines()
	}
	value := line[nameLen+len(": ") : len(line)-len(CRLF)]
	switch {
	case c.err != OK:
		return false
	case connectionSpecific.has(id):
		c.Refuse(ErrBadConnection)
		return false
	case c.request == nil:
		return true
	case id == TE && !EqualFold(value, "trailers"):
		c.Refuse(ErrBadConnection)
		return false
	case id == Host && c.seen.has(PseudoAuthority):
		c.compareHost(value)
		return false
	case id == Cookie && c.head.present.has(Cookie):
		return c.crumb(value)
	}
	return true
}

// startLines ends the pseudo-header fields.
func (c *Composer) startLines() {
	c.lining = true
	c.lines = c.n
	if c.err != OK {
		return
	}
	c.careful = 0 // for the fields that come of the start
	err, careful := OK, connectionSpecific
	switch {
	case c.request != nil:
		err, careful = c.startRequest(), carefulInRequests
	case c.response != nil:
		err = c.startResponse()
	case c.seen != 0:
		err = ErrBadFieldName // RFC 9113, section 8.1
	}
	if err != OK {
		c.Refuse(err)
		return
	}
	c.careful = careful
}

// badStart is what a mistake in the pseudo-header fields is called.
func (c *Composer) badStart() Error {
	switch {
	case c.response != nil:
		return ErrBadStatusLine
	case c.trailers != nil:
		return ErrBadFieldName
	}
	return ErrBadRequestLine
}

// finish ends the fields, with as many bytes of a start line in front of them as there would be in HTTP/1.1.
func (c *Composer) finish(startLine int) Error {
	if c.err == OK && c.scattered {
		c.joinCookies()
	}
	if c.err == OK && startLine+c.n-c.lines+len(CRLF) > c.lim.headBytes() {
		c.err = ErrHeadTooLarge
	}
	c.head.Buf = c.buf[:c.n]
	return c.err
}
