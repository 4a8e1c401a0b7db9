package hpack

import (
	"bytes"
	"strconv"

	"github.com/anygate/anygate/http1"
)

// Encoder encodes the blocks that this end of a connection sends. Every block begins with Begin, and all that is appended has
// to be sent, in this order.
//
// A nil *Encoder has no dynamic table and remembers nothing. What it appends means the same in any block of any connection,
// behind what Begin of the connection's own Encoder has appended, and can be kept.
type Encoder struct {
	lender *Memory
	known  *memory // nil until there is something to remember

	// size is the size of the peer's table, as the peer knows it; want is what it is to be, and low what it has been allowed
	// to be at the least since the last block.
	size, want, low uint16

	// seen holds what is left of the hashes of fields that have come once.
	seen [16]uint16
}

// NewEncoder returns an Encoder that borrows what it needs of memory, which may be nil.
func NewEncoder(memory *Memory) *Encoder {
	e := &Encoder{lender: memory}
	e.Reset()
	return e
}

// Reset makes the encoder ready for another connection.
func (e *Encoder) Reset() {
	e.Forget()
	e.size, e.want, e.low = DefaultTableSize, DefaultTableSize, DefaultTableSize
	e.seen = [16]uint16{}
}

// Lend sets what the encoder borrows memory of from now on.
func (e *Encoder) Lend(memory *Memory) { e.lender = memory }

// Forget gives the memory back. It can be called between any two blocks: for a connection that is idle, or has ended.
func (e *Encoder) Forget() {
	if e.known != nil {
		e.lender.give(e.known)
		e.known = nil
	}
}

// SetMaxTableSize takes the peer's SETTINGS_HEADER_TABLE_SIZE.
func (e *Encoder) SetMaxTableSize(n int) {
	e.want = uint16(min(n, DefaultTableSize))
	e.low = min(e.low, e.want)
}

// Begin appends what a block has to begin with: size updates, if the peer has changed its setting (RFC 7541, section 4.2).
func (e *Encoder) Begin(dst []byte) []byte {
	if e.low < e.size {
		dst = e.resize(dst, e.low)
	}
	if e.want != e.size {
		dst = e.resize(dst, e.want)
	}
	e.low = e.size
	return dst
}

func (e *Encoder) resize(dst []byte, size uint16) []byte {
	e.size = size
	if e.known != nil {
		e.known.evict(e.limit())
	}
	return appendInteger(dst, formSizeUpdate, maskSizeUpdate, uint32(size))
}

// limit is how much of the peer's table is used.
func (e *Encoder) limit() int { return min(int(e.size), encoderTableSize) }

// AppendField appends a field or pseudo-header field. The name may have letters in upper case. Neither is checked: they come
// from a parsed message or from validated configuration.
func (e *Encoder) AppendField(dst, name, value []byte) []byte {
	if id := http1.LookupField(name); id != http1.FieldOther {
		return e.AppendKnown(dst, id, value)
	}
	if len(name) > 0 && name[0] == ':' {
		return e.AppendPseudo(dst, http1.LookupPseudo(name), value)
	}
	return e.append(dst, otherPolicy(name), http1.FieldOther, otherStaticName(name), name, value)
}

// AppendKnown appends a field whose name has an ID.
func (e *Encoder) AppendKnown(dst []byte, id http1.FieldID, value []byte) []byte {
	if id == http1.AcceptEncoding && string(value) == staticFields[staticAcceptEncoding].value {
		return append(dst, formIndexed|staticAcceptEncoding)
	}
	return e.append(dst, policies[id&63], id, staticNames[id&63], nil, value)
}

// AppendNeverIndexed appends a field in the form that keeps it out of all tables, which a field has to keep that has come in
// it (RFC 7541, section 6.2.3).
func (e *Encoder) AppendNeverIndexed(dst, name, value []byte) []byte {
	id := http1.LookupField(name)
	index := staticNames[id&63]
	if id == http1.FieldOther {
		index = otherStaticName(name)
	}
	return e.append(dst, secret, id, index, name, value)
}

// AppendPseudo appends a pseudo-header field. It must be a known one.
func (e *Encoder) AppendPseudo(dst []byte, p http1.Pseudo, value []byte) []byte {
	index, how := uint8(0), common
	switch p {
	case http1.PseudoMethod:
		index = staticMethodGET
		switch string(value) {
		case "GET":
			return append(dst, formIndexed|staticMethodGET)
		case "POST":
			return append(dst, formIndexed|staticMethodPOST)
		}
	case http1.PseudoScheme:
		index = staticSchemeHTTP
		switch string(value) {
		case "http":
			return append(dst, formIndexed|staticSchemeHTTP)
		case "https":
			return append(dst, formIndexed|staticSchemeHTTPS)
		}
	case http1.PseudoPath:
		index, how = staticPathSlash, unique
		switch string(value) {
		case "/":
			return append(dst, formIndexed|staticPathSlash)
		case "/index.html":
			return append(dst, formIndexed|staticPathIndex)
		}
	case http1.PseudoAuthority:
		index = staticAuthority
	case http1.PseudoStatus:
		index = staticStatus200
		if i := staticStatus(value); i != 0 {
			return append(dst, formIndexed|i)
		}
	}
	return e.append(dst, how, http1.FieldOther, index, pseudoNames[p], value)
}

// pseudoNames are the names of pseudo-header fields as bytes.
var pseudoNames = func() (names [http1.PseudoInvalid + 1][]byte) {
	for p := range names {
		names[p] = []byte(http1.Pseudo(p).String())
	}
	return names
}()

// staticStatus returns the index of a status code in the static table, or 0.
func staticStatus(code []byte) uint8 {
	for i := uint8(staticStatus200); i < staticStatus200+7; i++ {
		if string(code) == staticFields[i].value {
			return i
		}
	}
	return 0
}

// AppendStatus appends :status.
func (e *Encoder) AppendStatus(dst []byte, code int) []byte {
	if code == 200 {
		return append(dst, formIndexed|staticStatus200)
	}
	var digits [8]byte
	return e.AppendPseudo(dst, http1.PseudoStatus, strconv.AppendInt(digits[:0], int64(code), 10))
}

// AppendContentLength appends a Content-Length field.
func (e *Encoder) AppendContentLength(dst []byte, n int64) []byte {
	var digits [20]byte
	return e.AppendKnown(dst, http1.ContentLength, strconv.AppendInt(digits[:0], n, 10))
}

// AppendBlock appends field lines of HTTP/1.1, "Name: value\r\n" each. It leaves out those that mean nothing or are forbidden in
// HTTP/2 (RFC 9113, section 8.2.2): what concerns one connection, but TE if it says trailers, and Host, which is :authority.
func (e *Encoder) AppendBlock(dst, lines []byte) []byte {
	for len(lines) > 0 {
		line := lines
		if i := bytes.IndexByte(lines, '\n'); i >= 0 {
			line, lines = lines[:i], lines[i+1:]
		} else {
			lines = nil
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 {
			continue
		}
		name, value := line[:colon], trim(line[colon+1:])
		id := http1.LookupField(name)
		switch {
		case id == http1.FieldOther:
			dst = e.append(dst, otherPolicy(name), id, otherStaticName(name), name, value)
		case id == http1.Host, id.HopByHop() && (id != http1.TE || !http1.EqualFold(value, "trailers")):
		default:
			dst = e.AppendKnown(dst, id, value)
		}
	}
	return dst
}

// trim returns b without the whitespace at its ends, a CR included.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}

// append appends a field that is not in the static table: by its index in the dynamic table, or as a literal, with an index of
// the static table for its name or 0. The name may be nil if it has an ID.
func (e *Encoder) append(dst []byte, how policy, id http1.FieldID, index uint8, name, value []byte) []byte {
	form, mask := uint8(formPlain), uint8(maskLiteral)
	switch how {
	case secret:
		form = formNeverIndexed
	case common, repeated:
		if e == nil {
			break
		}
		size := len(value) + entryOverhead
		if id == http1.FieldOther {
			size += len(name)
		} else {
			size += len(id.String())
		}
		if size > min(e.limit(), maxRemembered+entryOverhead) {
			break
		}
		hash := hashOf(id, name, value)
		if e.known != nil {
			if i, ok := e.known.find(hash, id, name, value); ok {
				// No entry is so old that its index does not fit one byte.
				return append(dst, formIndexed|(staticLen+1+i))
			}
		}
		if how == common || e.again(hash) {
			if e.known == nil {
				e.known = e.lender.take()
			}
			e.known.insert(hash, id, name, value, size, e.limit())
			form, mask = formRemembered, maskRemembered
		}
	}
	dst = appendInteger(dst, form, mask, uint32(index))
	switch {
	case index != 0:
	case id != http1.FieldOther:
		dst = append(dst, nameLiterals[id&63]...)
	default:
		dst = appendString(dst, name, &nameCodes)
	}
	return appendString(dst, value, &codes)
}

// again says whether a field has come before, as far as that is still known, and notes that it has come. It may take one
// field for another, which costs a place in the table and nothing else.
func (e *Encoder) again(hash uint32) bool {
	slot := &e.seen[hash%uint32(len(e.seen))]
	mark := uint16(hash>>16) | 1 // 0 is for nothing
	if *slot == mark {
		return true
	}
	*slot = mark
	return false
}
