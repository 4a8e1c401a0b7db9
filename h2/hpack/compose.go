package hpack

import "github.com/anygate/anygate/http1"

// Compose decodes the fields that b, a part of a block, begins with, and adds them to a message that is being composed. It
// does what a loop of Next and Field.Compose does, until b ends or no more of it can be decoded, and returns how many bytes of
// b it has taken, and what the lines of the fields come to.
//
// A client sends the same fields in the same order with each request. Its first one has put them into the table in this
// order, so in later ones they are indices that count down, and their lines lie one behind the other. Such a run is copied as
// one.
func (d *Decoder) Compose(b []byte, f *Field, c *http1.Composer) (n, size int, err Error) {
	for n < len(b) {
		if b[n] >= firstDynamic {
			if k, bytes := d.composeRun(b[n:], c); k > 1 {
				n += k
				size += bytes
				continue
			}
		}
		k, err := d.Next(b[n:], f)
		if err != OK || k == 0 {
			return n, size, err
		}
		n += k
		size += len(f.Line)
		if f.Line != nil {
			f.Compose(c)
		}
	}
	return n, size, OK
}

// firstDynamic and lastShort are the first and the last index of the dynamic table that a byte holds.
const (
	firstDynamic = formIndexed + staticLen + 1
	lastShort    = 0xfe
)

// composeRun adds the fields of a run at the beginning of b, if there is one, and returns its length and that of its lines. b
// begins with firstDynamic or more.
func (d *Decoder) composeRun(b []byte, c *http1.Composer) (k, size int) {
	if b[0] > lastShort || d.due {
		return 0, 0
	}
	i := uint32(b[0] - firstDynamic)
	if i >= d.table.count {
		return 0, 0
	}
	start := d.table.place(i)
	facts := d.table.facts[start:] // the run ends where the ring does
	for k < min(len(b), len(facts), int(i)+1) && b[k] == b[0]-byte(k) && facts[k].Plain() {
		size += int(facts[k].LineLen)
		k++
	}
	if k > 1 {
		d.updates = 0
		c.Fields(d.table.text[d.table.offsets[start]-d.table.base:][:size], facts[:k])
	}
	return k, size
}
