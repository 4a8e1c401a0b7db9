package http1

// isHost says whether b begins with the name of the Host field and its colon. Every request has that field, and a user agent
// should send it first (RFC 9110, section 7.2), so that the first field is not looked up when this says yes.
func isHost(b []byte) bool {
	const host = 'h' | 'o'<<8 | 's'<<16 | 't'<<24
	return len(b) >= 5 && le32(b, 0)|0x20202020 == host && b[4] == ':'
}

// parseFields reads the field lines of b from i to the empty line that ends them (RFC 9112, section 5), and returns the
// index after it. 0 means that b ends before.
//
// It decides on each byte in order and never looks past a byte that decides, so that a prefix of a message is refused
// only if the whole would be, for the same reason.
func (h *Head) parseFields(b []byte, i int, lim *Limits) (end int, err Error) {
	if cap(h.Fields) < lim.Fields {
		h.Fields = make([]Field, 0, lim.Fields) // once, unless the limit is raised
	}
	fields := h.Fields[:lim.Fields]
	count := 0
	var present, repeated fieldSet
	for {
		if i >= len(b) {
			return 0, OK
		}
		if b[i] == '\r' {
			if i+1 == len(b) {
				return 0, OK
			}
			if b[i+1] != '\n' {
				return 0, ErrBareCR
			}
			break
		}

		colon, id := i+len("host"), Host
		if count > 0 || !isHost(b[i:]) {
			colon = indexColon(b, i)
			id = LookupField(b[i:colon])
		}
		if id == FieldOther || colon == len(b) {
			if colon == len(b) || colon-i < 8 || !allWordBytes(b[i:colon]) {
				if bad := span(b[:colon], i, classToken); bad < colon || bad == i {
					return 0, nameError(b, i, bad)
				}
				if colon == len(b) {
					return 0, OK
				}
			}
		}

		start := colon + 1
		for start < len(b) && isBlank(b[start]) {
			start++
		}
		stop := indexControl(b, start)
		if stop == len(b) {
			return 0, OK
		}
		if b[stop] != '\r' {
			return 0, valueError(b[stop])
		}
		if stop+1 == len(b) {
			return 0, OK
		}
		if b[stop+1] != '\n' {
			return 0, ErrBareCR
		}
		next := stop + 2
		for stop > start && isBlank(b[stop-1]) {
			stop--
		}

		if count == len(fields) {
			return 0, ErrTooManyFields
		}
		fields[count] = Field{
			Name:  Span{uint16(i), uint16(colon - i)},
			Value: Span{uint16(start), uint16(stop - start)},
			ID:    id,
		}
		bit := fieldSet(1) << (id & 63)
		if present&bit == 0 {
			present |= bit
			h.first[id&63] = uint16(count)
		} else {
			repeated |= bit
		}
		count++
		i = next
	}
	h.Fields = fields[:count]
	h.present, h.repeated = present, repeated
	return i + 2, OK
}

// nameError tells why the byte at bad cannot be in the field name that starts at start.
func nameError(b []byte, start, bad int) Error {
	switch b[bad] {
	case ' ', '\t':
		if bad == start {
			return ErrObsFold
		}
		return ErrSpaceBeforeColon
	case '\n':
		return ErrBareLF
	case '\r':
		if bad+1 == len(b) {
			return OK // Whether the CR is bare is not known yet.
		}
		if b[bad+1] != '\n' {
			return ErrBareCR
		}
	}
	return ErrBadFieldName
}

// valueError tells why c cannot be in a field value.
func valueError(c byte) Error {
	if c == '\n' {
		return ErrBareLF
	}
	return ErrBadFieldValue
}
