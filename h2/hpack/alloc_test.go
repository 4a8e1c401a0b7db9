package hpack

import (
	"testing"

	"github.com/anygate/anygate/http1"
)

func TestHotPathAllocatesNothing(t *testing.T) {
	first, later := browserBlocks()
	var (
		f        Field
		composer http1.Composer
		request  http1.Request
		memory   Memory
		sink     error

		d     = NewDecoder(DefaultTableSize)
		e     = NewEncoder(&memory)
		heads = make([]byte, http1.MaxHeadBytes)
		out   = make([]byte, 0, 4096)
		date  = []byte("Mon, 23 Nov 2026 02:00:00 GMT")
		lines = []byte(benchLines)
		bad   = []byte{0x80}
		name  = []byte("X-Something")
		value = []byte("else")
	)
	decode := func(block []byte) {
		d.Begin()
		composer.BeginRequest(&request, heads, &http1.DefaultLimits)
		for len(block) > 0 {
			n, err := d.Next(block, &f)
			if err != OK || n == 0 {
				t.Fatal(n, err)
			}
			f.Compose(&composer)
			block = block[n:]
		}
		if err := composer.EndRequest(true); err != http1.OK {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		run  func()
	}{
		{"first block", func() { d.Reset(DefaultTableSize); decode(first) }},
		{"later block", func() { decode(later) }},
		{"later block in one call", func() {
			d.Begin()
			composer.BeginRequest(&request, heads, &http1.DefaultLimits)
			if n, _, err := d.Compose(later, &f, &composer); n != len(later) || err != OK || composer.EndRequest(true) != http1.OK {
				t.Fatal(n, err)
			}
		}},
		{"a table that is full", func() { d.Begin(); d.Reset(DefaultTableSize); decode(first); decode(first); decode(first) }},
		{"refused block", func() { d.Begin(); _, err := d.Next(bad, &f); sink = err }},
		{"response", func() {
			out = e.AppendStatus(e.Begin(out[:0]), 302)
			out = e.AppendKnown(out, http1.Date, date)
			out = e.AppendContentLength(out, 12345)
			out = e.AppendBlock(out, lines)
			out = e.AppendField(out, name, value)
			out = e.AppendNeverIndexed(out, name, value)
		}},
		{"size updates", func() { e.SetMaxTableSize(0); e.SetMaxTableSize(4096); out = e.AppendBlock(e.Begin(out[:0]), lines) }},
		{"forgetting", func() { e.Forget(); out = e.AppendBlock(e.Begin(out[:0]), lines) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if n := testing.AllocsPerRun(100, tt.run); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
	if sink != ErrIndex {
		t.Errorf("the refused block gives %v", sink)
	}
}

// TestSizes keeps what a connection holds while it is idle in view.
func TestSizes(t *testing.T) {
	d := NewDecoder(DefaultTableSize)
	first, later := browserBlocks()
	mustDecode(t, d, first)
	mustDecode(t, d, later)
	if n := len(d.table.text) + 12*len(d.table.facts); n > 2048+512 {
		t.Errorf("the table of a browser takes %d bytes", n)
	}
}
