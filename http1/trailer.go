package http1

// trailerSection consumes the trailer section behind the last-chunk (RFC 9112, section 7.1.2), checking its syntax and
// its size.
func (d *Body) trailerSection(b []byte, i int) (int, Error) {
	c := &d.chunk
	for ; i < len(b); i++ {
		if c.trailer == c.trailerLimit {
			return i, ErrTrailerTooLarge
		}
		c.trailer++
		c.lastTrailer++
		ch := b[i]
		switch c.step {
		case stepLineFirst:
			if ch == '\r' {
				c.step = stepEndLF
				continue
			}
			if isBlank(ch) {
				return i, ErrObsFold
			}
			if class[ch]&classToken == 0 {
				return i, trailerError(ch, ErrBadFieldName)
			}
			c.hasTrailer = true
			c.step = stepName
		case stepName:
			switch {
			case class[ch]&classToken != 0:
			case ch == ':':
				c.step = stepValue
			case isBlank(ch):
				return i, ErrSpaceBeforeColon
			default:
				return i, trailerError(ch, ErrBadFieldName)
			}
		case stepValue:
			switch {
			case class[ch]&classValue != 0:
			case ch == '\r':
				c.step = stepFieldLF
			default:
				return i, trailerError(ch, ErrBadFieldValue)
			}
		case stepFieldLF:
			if ch != '\n' {
				return i, ErrBareCR
			}
			c.step = stepLineFirst
		case stepEndLF:
			if ch != '\n' {
				return i, ErrBareCR
			}
			d.done = true
			return i + 1, OK
		}
	}
	return i, OK
}

// trailerError returns bad unless ch is an LF, which stands alone wherever it is not expected.
func trailerError(ch byte, bad Error) Error {
	if ch == '\n' {
		return ErrBareLF
	}
	return bad
}

// TrailerSection is a parsed trailer section. Fields that must not be in one (RFC 9110, section 6.5.1) are left out, so
// that what remains may be forwarded. A merge of trailer fields into the header section never takes place.
type TrailerSection struct {
	Head

	// Dropped is how many field lines were left out.
	Dropped int
}

// Parse parses b, which is a whole trailer section with its closing empty line, as Body.TrailerPart yields it.
func (t *TrailerSection) Parse(b []byte, lim *Limits) Error {
	t.reset(b)
	t.Dropped = 0
	if len(b) > min(lim.TrailerBytes, MaxHeadBytes) {
		return ErrTrailerTooLarge
	}
	end, err := t.parseFields(b, 0, lim)
	switch {
	case err == ErrTooManyFields:
		return ErrTrailerTooLarge
	case err != OK:
		return err
	case end != len(b):
		return ErrIncomplete
	}
	t.dropForbidden()
	return OK
}

// dropForbidden closes the gaps that the forbidden fields leave.
func (t *TrailerSection) dropForbidden() {
	if t.present&trailerForbidden == 0 {
		return
	}
	kept := t.Fields[:0]
	t.present &^= trailerForbidden
	t.repeated &^= trailerForbidden
	var seen fieldSet
	for _, f := range t.Fields {
		if f.ID != FieldOther && trailerForbidden.has(f.ID) {
			t.Dropped++
			continue
		}
		if !seen.has(f.ID) {
			seen |= 1 << f.ID
			t.first[f.ID] = uint16(len(kept))
		}
		kept = append(kept, f)
	}
	t.Fields = kept
}
