package hpack

import (
	"encoding/binary"

	"github.com/anygate/anygate/http1"
)

// Memory lends the encoders of one thread what they remember with. The zero value is ready.
type Memory struct{ free []*memory }

func (m *Memory) take() *memory {
	if m == nil || len(m.free) == 0 {
		return new(memory)
	}
	last := len(m.free) - 1
	t := m.free[last]
	m.free = m.free[:last]
	t.clear()
	return t
}

func (m *Memory) give(t *memory) {
	if m != nil {
		m.free = append(m.free, t)
	}
}

// memory is what an Encoder knows of the peer's dynamic table: its newest entries, which have the lowest indices. Older ones
// may still be there, but are not counted on. So the table can be forgotten, and be smaller than the peer's, without a word.
//
// It has a fixed size and no pointers.
type memory struct {
	text    [encoderTableSize]byte // names, of fields without an ID, and values
	entries [encoderEntries]remembered
	// newest is the number of the newest entry in each chain of entries with equal low bits of their hash.
	newest [encoderEntries]uint16

	next  uint16 // the number of the next entry; its place in entries is that modulo encoderEntries
	count uint16
	size  uint16 // in the measure of RFC 7541, section 4.1
	end   uint16 // of what is used of text
}

// remembered is an entry.
type remembered struct {
	hash              uint32
	off               uint16
	nameLen, valueLen uint16 // in text
	size              uint16
	older             uint16 // the number of the next entry of the chain; it may be long gone
	id                http1.FieldID
}

func (t *memory) clear() { t.count, t.size, t.end = 0, 0, 0 }

// find looks for a field and returns its index in the dynamic table.
func (t *memory) find(hash uint32, id http1.FieldID, name, value []byte) (index uint8, ok bool) {
	last := -1
	at := t.newest[hash%encoderEntries]
	for {
		age := int(t.next - 1 - at)
		// Numbers of entries that have gone are too old, or, when the numbers have come round, belong to another entry: then
		// they lead in no circle as long as entries become older.
		if age >= int(t.count) || age <= last {
			return 0, false
		}
		e := &t.entries[at%encoderEntries]
		if e.hash == hash && e.id == id && t.is(e, name, value) {
			return uint8(age), true
		}
		last, at = age, e.older
	}
}

// is says whether an entry has a value, and a name if that has no ID.
func (t *memory) is(e *remembered, name, value []byte) bool {
	start := int(e.off) + int(e.nameLen)
	if string(t.text[start:start+int(e.valueLen)]) != string(value) {
		return false
	}
	return e.id != http1.FieldOther || equalLower(name, t.text[e.off:start])
}

// insert adds a field of a size to the table, which must not become larger than limit.
func (t *memory) insert(hash uint32, id http1.FieldID, name, value []byte, size, limit int) {
	t.evict(limit - size)
	if id != http1.FieldOther {
		name = nil
	}
	if int(t.end)+len(name)+len(value) > len(t.text) {
		t.compact()
	}
	chain := &t.newest[hash%encoderEntries]
	t.entries[t.next%encoderEntries] = remembered{
		hash: hash, off: t.end, nameLen: uint16(len(name)), valueLen: uint16(len(value)), size: uint16(size),
		older: *chain, id: id,
	}
	text := appendLower(t.text[:t.end], name)
	t.end = uint16(len(append(text, value...)))
	*chain = t.next
	t.next++
	t.count++
	t.size += uint16(size)
}

// evict removes the oldest entries until the table is no larger than limit, as the peer does.
func (t *memory) evict(limit int) {
	for int(t.size) > limit {
		t.size -= t.entries[(t.next-t.count)%encoderEntries].size
		t.count--
	}
}

// compact moves the text of the entries to the beginning. Overhead is counted and not stored, so there is room for what the
// table has room for.
func (t *memory) compact() {
	start := t.end
	if t.count > 0 {
		start = t.entries[(t.next-t.count)%encoderEntries].off
	}
	for i := t.next - t.count; i != t.next; i++ {
		t.entries[i%encoderEntries].off -= start
	}
	t.end = uint16(copy(t.text[:], t.text[start:t.end]))
}

// hashOf mixes a name and the ends of a value. Entries that are found are compared in full.
func hashOf(id http1.FieldID, name, value []byte) uint32 {
	const odd = 0x9e3779b97f4a7c15
	h := uint64(id) + uint64(len(value))<<8
	if id == http1.FieldOther {
		h += ends(name) | 0x2020202020202020 // without regard to case
	}
	h = (h*odd ^ ends(value)) * odd
	return uint32(h >> 32)
}

// ends mixes the first and the last eight bytes.
func ends(b []byte) uint64 {
	if n := len(b); n >= 8 {
		return binary.LittleEndian.Uint64(b) ^ binary.LittleEndian.Uint64(b[n-8:])*31
	}
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// equalLower says whether b equals a name in lower case, without regard to case.
func equalLower(b, name []byte) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range b {
		if lower(b[i]) != name[i] {
			return false
		}
	}
	return true
}
