package hpack

import "math/bits"

// Decoder decodes the blocks that one end of a connection sends. The zero value offers no table; Reset makes one ready.
type Decoder struct {
	table table
	// limit is what size updates must not exceed.
	limit int
	// updates is how many size updates may still stand where the next byte is; 0 behind the first field of a block.
	updates uint8
	// due says that the next block has to begin with a size update.
	due bool
}

// NewDecoder returns a Decoder for a table of at most maxTableSize bytes, as announced in SETTINGS_HEADER_TABLE_SIZE, which
// may be up to MaxTableSize. A peer that has not seen the announcement uses DefaultTableSize: what is smaller has to be set by
// SetMaxTableSize, when the peer has acknowledged it.
func NewDecoder(maxTableSize int) *Decoder {
	d := new(Decoder)
	d.Reset(maxTableSize)
	return d
}

// Reset makes the decoder ready for another connection; see NewDecoder. It keeps its memory.
func (d *Decoder) Reset(maxTableSize int) {
	d.table.clear()
	d.limit = min(maxTableSize, MaxTableSize)
	// The table has its default size until a size update says otherwise, also if it may be larger.
	d.table.max = min(d.limit, DefaultTableSize)
	d.due = false
	d.Begin()
}

// SetMaxTableSize sets what size updates must not exceed. It is to be called when the peer acknowledges the announcement. If
// the table is larger, the next block has to begin with a size update (RFC 9113, section 4.3.1).
func (d *Decoder) SetMaxTableSize(n int) {
	d.limit = min(n, MaxTableSize)
	d.due = d.table.max > d.limit
}

// Begin says that the next bytes are the beginning of a block.
func (d *Decoder) Begin() { d.updates = maxSizeUpdates }

// Next decodes the field that b, a part of a block, begins with, and size updates in front of it. It returns how many bytes
// of b they take. f.Line is nil if these are size updates only, because all of the field behind them is not there.
//
// 0 and OK mean that b ends within a field or size update. That is an error of the peer if it is the end of the block;
// otherwise Next can be called again with the same bytes and more behind them. A length that cannot be allowed is refused
// before its bytes have come.
func (d *Decoder) Next(b []byte, f *Field) (n int, err Error) {
	if len(b) > 0 && b[0] > 0x80 && b[0] < 0xff && !d.due {
		// An index in one byte (RFC 7541, section 6.1), which is what most fields are.
		i := uint32(b[0]&0x7f) - staticLen - 1
		if i < d.table.count {
			d.updates = 0
			place := d.table.place(i)
			f.Line, f.Facts = d.table.line(place), d.table.facts[place]
			return 1, OK
		}
		if b[0] <= formIndexed|staticLen {
			d.updates = 0
			i := b[0] &^ formIndexed
			f.Line, f.Facts = staticLines[i], staticFacts[i]
			return 1, OK
		}
	}
	return d.next(b, f)
}

// lookup finds a field by its index in both tables (RFC 7541, section 2.3.3); nil if there is none.
func (d *Decoder) lookup(i uint32) (line []byte, facts *Facts) {
	if i <= staticLen {
		if i == 0 {
			return nil, nil
		}
		return staticLines[i], &staticFacts[i]
	}
	if i -= staticLen + 1; i >= d.table.count {
		return nil, nil
	}
	place := d.table.place(i)
	return d.table.line(place), &d.table.facts[place]
}

// The forms of a field by their first byte (RFC 7541, section 6), and the bits of an integer in it.
const (
	formIndexed      = 0x80
	formRemembered   = 0x40 // with incremental indexing
	formSizeUpdate   = 0x20
	formNeverIndexed = 0x10
	formPlain        = 0x00 // without indexing

	maskIndexed    = 0x7f
	maskRemembered = 0x3f
	maskSizeUpdate = 0x1f
	maskLiteral    = 0x0f
)

// next is Next for every form.
func (d *Decoder) next(b []byte, f *Field) (n int, err Error) {
	f.Line = nil
	for n < len(b) && b[n]&0xe0 == formSizeUpdate {
		k, err := d.sizeUpdate(b[n:])
		if k == 0 {
			return n, err
		}
		n += k
	}
	if n == len(b) {
		return n, OK
	}
	if d.due {
		return n, ErrTableSize
	}
	first := b[n]
	if first >= formIndexed {
		i, k, err := integer(b[n:], maskIndexed)
		if k == 0 {
			return n, err
		}
		line, facts := d.lookup(i)
		if facts == nil {
			return n, ErrIndex
		}
		d.updates = 0
		f.Line, f.Facts = line, *facts
		return n + k, OK
	}
	mask := uint8(maskLiteral)
	if first >= formRemembered {
		mask = maskRemembered
	}
	k, err := d.literal(b[n:], mask, f)
	if k == 0 {
		return n, err
	}
	d.updates = 0
	if first >= formRemembered {
		d.table.insert(f.Line, f.Facts)
	} else {
		f.NeverIndexed = first&formNeverIndexed != 0
	}
	return n + k, OK
}

// sizeUpdate applies a size update (RFC 7541, section 6.3) and returns its length, 0 if b ends before it.
func (d *Decoder) sizeUpdate(b []byte) (n int, err Error) {
	size, n, err := integer(b, maskSizeUpdate)
	if n == 0 {
		return 0, err
	}
	if d.updates == 0 {
		return 0, ErrLateUpdate
	}
	if int(size) > d.limit {
		return 0, ErrTableSize
	}
	d.updates--
	d.due = false
	d.table.resize(int(size))
	return n, OK
}

// literal decodes a field that is not indexed (RFC 7541, section 6.2) into the memory of f, and returns its length in b, 0
// if b ends before it. Nothing is decoded before all of it is there.
func (d *Decoder) literal(b []byte, mask uint8, f *Field) (n int, err Error) {
	index, n, err := integer(b, mask)
	if n == 0 {
		return 0, err
	}
	var known *Facts
	var name, value text
	if index != 0 {
		var line []byte
		if line, known = d.lookup(index); known == nil {
			return 0, ErrIndex
		}
		name.raw = line[:known.NameLen]
	} else {
		var k int
		if name, k, err = readText(b[n:]); k == 0 {
			return 0, err
		}
		n += k
	}
	value, k, err := readText(b[n:])
	if k == 0 {
		return 0, err
	}

	room := f.reserve(name.most() + value.most() + len(": \r\n"))
	nameLen, ok := name.decode(room)
	if !ok {
		return 0, ErrHuffman
	}
	start := nameLen + copy(room[nameLen:], ": ")
	valueLen, ok := value.decode(room[start:])
	if !ok {
		return 0, ErrHuffman
	}
	end := start + valueLen
	end += copy(room[end:], "\r\n")
	if end > MaxFieldLine {
		return 0, ErrFieldTooLong
	}
	f.Line = room[:end:end]
	if known != nil {
		// What is known of the name need not be found out again.
		f.Facts = examineValue(known, room[start:start+valueLen])
	} else {
		f.Facts = examine(room[:nameLen], room[start:start+valueLen])
	}
	return n + k, OK
}

// text is a string literal (RFC 7541, section 5.2) that is not decoded yet.
type text struct {
	raw     []byte
	huffman bool
}

// readText reads a string literal and returns its length with all that belongs to it, 0 if b ends before it.
func readText(b []byte) (s text, n int, err Error) {
	size, n, err := integer(b, 0x7f)
	if n == 0 {
		return s, 0, err
	}
	if size > MaxFieldLine {
		return s, 0, ErrFieldTooLong
	}
	end := n + int(size)
	if end > len(b) {
		return s, 0, OK
	}
	return text{b[n:end], b[0]&0x80 != 0}, end, OK
}

// most is how much room decode asks for.
func (s *text) most() int {
	if s.huffman {
		return decodedRoom(len(s.raw))
	}
	return len(s.raw)
}

// decode decodes the string to the beginning of dst.
func (s *text) decode(dst []byte) (n int, ok bool) {
	if s.huffman {
		return huffmanDecode(dst, s.raw)
	}
	return copy(dst, s.raw), true
}

// reserve returns at least n bytes of the place's memory.
func (f *Field) reserve(n int) []byte {
	if n > len(f.room) {
		f.room = make([]byte, 1<<max(bits.Len(uint(n-1)), 10))
	}
	return f.room
}
