package hpack

// table is the dynamic table of a decoder (RFC 7541, section 2.3.2). Its lines lie one behind the other in the order in which
// they came, so that each is in one piece; when they reach the end of their memory those that are left are moved to its
// beginning. The four bytes that a line has beyond name and value are less than what an entry counts for, so that lines
// never take more than the size of the table.
//
// Memory grows with what is used of the table, up to half more than its size, so that lines are moved no more than twice for
// each time that they are written.
type table struct {
	text []byte // its length is all that can be used
	end  int    // where the next line goes
	base uint32 // what an entry's offset is beyond the place of its line in text

	// facts and offsets are of each entry. Both are rings of the same length, which is a power of two.
	facts   []Facts
	offsets []uint32
	next    uint32 // the number of entries that were ever inserted; the place of the next one
	count   uint32

	size, max int // in the measure of RFC 7541, section 4.1
}

// The least that is allocated.
const (
	leastText    = 512
	leastEntries = 16
)

// clear empties the table and keeps its memory.
func (t *table) clear() {
	t.end, t.base, t.count, t.size = 0, 0, 0, 0
}

// place returns where an entry is in the rings, by its index in the dynamic table, which begins with 0 for the newest and has
// to be less than count.
func (t *table) place(i uint32) uint32 { return (t.next - 1 - i) & uint32(len(t.facts)-1) }

// line returns the line of the entry at a place.
func (t *table) line(place uint32) []byte {
	n := t.facts[place].LineLen
	return t.text[t.offsets[place]-t.base:][:n:n]
}

// resize sets the size of the table, which evicts what is beyond it (RFC 7541, section 4.3).
func (t *table) resize(limit int) {
	t.max = limit
	t.evict(limit)
}

// evict removes the oldest entries until the table is no larger than limit.
func (t *table) evict(limit int) {
	for t.size > limit {
		t.size -= t.facts[t.place(t.count-1)].Size()
		t.count--
	}
}

// insert adds a field, whose line must not be of the table itself. One that is larger than the table empties it
// (RFC 7541, section 4.4).
func (t *table) insert(line []byte, w Facts) {
	w.NeverIndexed = false
	t.evict(max(t.max-w.Size(), 0))
	if w.Size() > t.max {
		return
	}
	if len(t.text)-t.end < len(line) {
		t.makeRoom(len(line))
	}
	if int(t.count) == len(t.facts) {
		t.growRings()
	}
	place := t.next & uint32(len(t.facts)-1)
	t.facts[place], t.offsets[place] = w, t.base+uint32(t.end)
	t.end += copy(t.text[t.end:], line)
	t.next++
	t.count++
	t.size += w.Size()
}

// makeRoom makes room for a line of n bytes, by moving the lines or by more memory.
func (t *table) makeRoom(n int) {
	start := t.end
	if t.count > 0 {
		start = int(t.offsets[t.place(t.count-1)] - t.base)
	}
	live := t.text[start:t.end]
	if most := t.max + t.max/2; len(t.text) < most && (len(live)+n)*3/2 > len(t.text) {
		t.text = make([]byte, min(most, max(2*len(t.text), (len(live)+n)*3/2, leastText)))
	}
	copy(t.text, live)
	t.base += uint32(start)
	t.end = len(live)
}

// growRings doubles the rings, which are full.
func (t *table) growRings() {
	n := max(2*len(t.facts), leastEntries)
	facts, offsets := make([]Facts, n), make([]uint32, n)
	for i := range t.count {
		from, to := t.place(i), (t.next-1-i)&uint32(n-1)
		facts[to], offsets[to] = t.facts[from], t.offsets[from]
	}
	t.facts, t.offsets = facts, offsets
}
