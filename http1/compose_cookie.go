package http1

// In HTTP/2 a Cookie field may be split into crumbs for the sake of compression, which a recipient joins with "; " before it
// hands them to anything else (RFC 9113, section 8.2.3).

// crumb takes a further part of the cookies, of which an empty one adds nothing. It reports true if it has to be added as a
// field of its own, to be joined at the end: other fields have come since the last one.
func (c *Composer) crumb(value []byte) bool {
	h := c.head
	last := &h.Fields[len(h.Fields)-1]
	switch {
	case len(value) == 0:
		return false
	case last.ID != Cookie:
		c.scattered = true
		return true
	case len("; ")+len(value) > len(c.buf)-c.n:
		c.Refuse(ErrHeadTooLarge)
		return false
	}
	// The CRLF in front makes place for what joins them.
	start := c.n - len(CRLF)
	c.n = start
	if last.Value.Len > 0 {
		c.n += copy(c.buf[c.n:], "; ")
	}
	c.n += copy(c.buf[c.n:], value)
	last.Value.Len += uint16(c.n - start)
	c.n += copy(c.buf[c.n:], CRLF)
	return false
}

// joinCookies makes one field of several with others in between: the last one of all. The lines of the others move together,
// because field lines have no gaps.
func (c *Composer) joinCookies() {
	h := c.head
	c.joined = c.joined[:0]
	kept := h.Fields[:0]
	at := c.lines
	present, repeated := h.present&^(1<<Cookie), h.repeated&^(1<<Cookie)
	var seen fieldSet
	for _, f := range h.Fields {
		if f.ID == Cookie {
			if len(c.joined) > 0 {
				c.joined = append(c.joined, "; "...)
			}
			c.joined = append(c.joined, c.bytes(f.Value)...)
			continue
		}
		start, end := int(f.Name.Off), int(f.Value.Off)+int(f.Value.Len)+len(CRLF)
		copy(c.buf[at:], c.buf[start:end])
		f.Name.Off -= uint16(start - at)
		f.Value.Off -= uint16(start - at)
		at += end - start
		if !seen.has(f.ID) {
			seen |= 1 << f.ID
			h.first[f.ID] = uint16(len(kept))
		}
		kept = append(kept, f)
	}
	h.Fields, h.present, h.repeated = kept, present, repeated
	c.n = at
	// There is room: one line is shorter than several.
	line := AppendField(c.buf[at:at], "cookie", c.joined)
	c.careful = 0
	c.Field(line, len("cookie"), Cookie)
}
