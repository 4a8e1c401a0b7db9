package hpack

import "github.com/anygate/anygate/http1"

// Facts is what is known of a field beside its text.
type Facts = http1.FieldFacts

// Field is a place for what Decoder.Next finds. One place serves all decoders of a thread; it holds the memory that literal
// fields are decoded into, which grows to what the longest field needed. It must not be copied.
type Field struct {
	// Line is the field as the line that HTTP/1.1 has for it, with one space and CRLF: "name: value\r\n". It is borrowed,
	// from the place or from the decoder's table, until the next call of Next with either of them. It is nil if Next found
	// none.
	Line []byte
	Facts

	room []byte
}

// Name is the field's name, borrowed as Line is.
func (f *Field) Name() []byte { return f.Line[:f.NameLen:f.NameLen] }

// Value is the field's value, borrowed as Line is.
func (f *Field) Value() []byte {
	start, end := int(f.NameLen)+len(": "), len(f.Line)-len("\r\n")
	return f.Line[start:end:end]
}

// Compose adds the field to a message that is being composed. One that is not valid ends it.
func (f *Field) Compose(c *http1.Composer) {
	switch {
	case f.Pseudo == http1.PseudoInvalid:
		c.Refuse(http1.ErrBadFieldName)
	case !f.Valid:
		c.Refuse(http1.ErrBadFieldValue)
	case f.Pseudo != http1.NoPseudo:
		c.Pseudo(f.Pseudo, f.Value())
	default:
		c.Field(f.Line, int(f.NameLen), f.ID)
	}
}

// examine finds out the facts about a name and a value.
func examine(name, value []byte) Facts {
	w := Facts{LineLen: uint16(len(name) + len(": \r\n") + len(value)), NameLen: uint16(len(name))}
	w.ID, w.Pseudo = examineName(name)
	w.Valid = w.Pseudo != http1.PseudoInvalid && http1.IsFieldValue(value)
	return w
}

// examineValue is examine for a name of which the facts are known.
func examineValue(known *Facts, value []byte) Facts {
	w := *known
	w.LineLen = w.NameLen + uint16(len(": \r\n")+len(value))
	w.Valid = w.Pseudo != http1.PseudoInvalid && http1.IsFieldValue(value)
	return w
}

// examineName finds out what a name is.
func examineName(name []byte) (http1.FieldID, http1.Pseudo) {
	if len(name) > 0 && name[0] == ':' {
		return http1.FieldOther, http1.LookupPseudo(name)
	}
	if !isLowerToken(name) {
		return http1.FieldOther, http1.PseudoInvalid
	}
	return http1.LookupField(name), http1.NoPseudo
}

// isLowerToken says whether b is a token without letters in upper case.
func isLowerToken(b []byte) bool {
	for _, c := range b {
		if !lowerToken[c] {
			return false
		}
	}
	return len(b) > 0
}

var lowerToken = buildLowerToken()

func buildLowerToken() (t [256]bool) {
	for c := range 256 {
		t[c] = http1.IsToken([]byte{byte(c)}) && (c < 'A' || c > 'Z')
	}
	return t
}
