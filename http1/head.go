package http1

import "bytes"

// Span is a range of the message's buffer.
type Span struct{ Off, Len uint16 }

// Empty says whether the span holds no byte.
func (s Span) Empty() bool { return s.Len == 0 }

// Field is one field line. Spans exclude the colon and the whitespace around the value.
type Field struct {
	Name, Value Span
	ID          FieldID
	// Nominated says that a Connection field of the same head names this field, which makes it hop-by-hop
	// (RFC 9110, section 7.6.1).
	Nominated bool
}

// HopByHop says whether an intermediary must not forward the field: by its own nature or because Connection
// nominates it.
func (f *Field) HopByHop() bool { return f.Nominated || f.ID.HopByHop() }

// Head is what requests, responses and trailer sections have in common: a buffer and the fields found in it. It is
// reused from message to message and must not be copied.
type Head struct {
	// Buf holds the head, and possibly what follows it. It belongs to the caller; all spans refer to it.
	Buf []byte
	// Fields are the field lines in the order received.
	Fields []Field

	first    [64]uint16 // index of the first field with an ID; valid if present has the ID
	present  fieldSet
	repeated fieldSet
}

// Bytes returns the bytes of a span. They alias Buf.
func (h *Head) Bytes(s Span) []byte {
	return h.Buf[s.Off : int(s.Off)+int(s.Len) : int(s.Off)+int(s.Len)]
}

// Name returns the name of a field as it was sent.
func (h *Head) Name(f *Field) []byte { return h.Bytes(f.Name) }

// Value returns the value of a field.
func (h *Head) Value(f *Field) []byte { return h.Bytes(f.Value) }

// Has says whether there is a field with the ID.
func (h *Head) Has(id FieldID) bool { return id != FieldOther && h.present.has(id) }

// Repeated says whether there is more than one field line with the ID, so that Get does not see all of the value.
func (h *Head) Repeated(id FieldID) bool { return id != FieldOther && h.repeated.has(id) }

// Get returns the value of the first field line with the ID.
func (h *Head) Get(id FieldID) (value []byte, ok bool) {
	if !h.Has(id) {
		return nil, false
	}
	return h.Value(&h.Fields[h.first[id]]), true
}

// First returns the index in Fields of the first field line with the ID, or -1. Together with Next it visits the lines
// of a repeated field in order:
//
//	for i := h.First(http1.Cookie); i >= 0; i = h.Next(i) { ... }
func (h *Head) First(id FieldID) int {
	if !h.Has(id) {
		return -1
	}
	return int(h.first[id])
}

// Next returns the index of the next field line that has the same ID as line i, or -1. For FieldOther, which stands
// for many names, that is the next line with the same name.
func (h *Head) Next(i int) int {
	f := &h.Fields[i]
	if f.ID != FieldOther && !h.repeated.has(f.ID) {
		return -1
	}
	for j := i + 1; j < len(h.Fields); j++ {
		g := &h.Fields[j]
		if g.ID == f.ID && (f.ID != FieldOther || h.sameName(f, g)) {
			return j
		}
	}
	return -1
}

// Withhold keeps a field from being forwarded, as if Connection named it.
func (h *Head) Withhold(i int) { h.Fields[i].Nominated = true }

// Find returns the index of the first field line with the name, which is in lower case, or -1. It is for names that
// configuration brings in; a known name is found faster by its ID.
func (h *Head) Find(lowerName string) int {
	for i := range h.Fields {
		if EqualFold(h.Name(&h.Fields[i]), lowerName) {
			return i
		}
	}
	return -1
}

// Reset forgets the message and the buffer. It is optional: parsing does it too.
func (h *Head) Reset() { h.reset(nil) }

func (h *Head) reset(b []byte) {
	h.Buf = b
	h.Fields = h.Fields[:0]
	h.present, h.repeated = 0, 0
}

func (h *Head) sameName(f, g *Field) bool { return foldEqual(h.Name(f), h.Name(g)) }

// foldEqual says whether a and b are equal without regard to the case of ASCII letters.
func foldEqual(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lowerASCII(a[i]) != lowerASCII(b[i]) {
			return false
		}
	}
	return true
}

// HeadEnd returns the length of the head at the start of b, its closing empty line included, or 0 if b does not hold
// all of it. from is how many bytes earlier calls have seen already, so that the work is linear in total however the
// bytes arrive.
//
// It also takes an empty line that a bare LF ends for the end of a head. Such a head is refused by the parser, and that
// is better than waiting for the rest of it.
func HeadEnd(b []byte, from int) int {
	// The LF that the last call could not decide about is at most two bytes back.
	i := max(from-2, 0)
	for i < len(b) {
		lf := bytes.IndexByte(b[i:], '\n')
		if lf < 0 {
			return 0
		}
		i += lf + 1
		if i < len(b) && b[i] == '\n' {
			return i + 1
		}
		if i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n' {
			return i + 2
		}
	}
	return 0
}

// Incomplete says whether a head that has not ended in b, as HeadEnd found, can be given more time: OK, or the limit
// that it exceeds already.
func Incomplete(b []byte, lim *Limits) Error {
	if len(b) > lim.RequestLine+2 && bytes.IndexByte(b[:lim.RequestLine+2], '\n') < 0 {
		return ErrRequestLineTooLong
	}
	if len(b) >= lim.headBytes() {
		return ErrHeadTooLarge
	}
	return OK
}

// EmptyLine returns 2 if b starts with an empty line and 0 if it does not. A server may skip one before a request line,
// because old clients sent one too many after their content (RFC 9112, section 2.2). Scan tolerates it by itself;
// skipping it beforehand lets an idle connection drop it instead of waiting for a request behind it.
func EmptyLine(b []byte) int {
	if len(b) >= 2 && b[0] == '\r' && b[1] == '\n' {
		return 2
	}
	return 0
}
