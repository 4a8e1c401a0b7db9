package hpack

import (
	"bytes"
	"slices"
	"testing"

	"github.com/anygate/anygate/http1"
	xhpack "golang.org/x/net/http2/hpack"
)

// split cuts fuzzed bytes into blocks: a byte is the length of the next one.
func split(b []byte) (blocks [][]byte) {
	for len(b) > 0 {
		n := min(int(b[0]), len(b)-1)
		blocks = append(blocks, b[1:1+n])
		b = b[1+n:]
	}
	return blocks
}

// join is the reverse of split, as far as one byte goes.
func join(blocks ...[]byte) (b []byte) {
	for _, block := range blocks {
		for part := range slices.Chunk(block, 255) {
			b = append(append(b, byte(len(part))), part...)
		}
	}
	return b
}

// FuzzDecode decodes the blocks of a connection and compares with x/net, which differs in these points: it reads integers
// that are longer or larger than any that is allowed here, and it knows one size update at the beginning of a block, or
// any number while the table is empty.
func FuzzDecode(f *testing.F) {
	first, later := browserBlocks()
	f.Add(join(first[:200], later))
	f.Add(join([]byte("\x82\x86\x84\x41\x0fwww.example.com"), []byte("\x82\x86\x84\xbe\x58\x08no-cache"), []byte("\x20\x3f\xe1\x1f\xbe")))
	f.Add(join([]byte("\x3f\x21\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b"), []byte("\x48\x83\x64\x0e\xff\xc0\xbf"), []byte("\x3f\x03\x40\x01a\x01b\xbe")))
	f.Add(join([]byte("\x10\x08password\x06secret\x04\x0c/sample/path"), []byte("\x40\x83\xff\xff\xff\x01a")))
	f.Fuzz(func(t *testing.T, b []byte) {
		const size = 256
		d, parts := NewDecoder(size), NewDecoder(size)
		whole, byField := newComposing(size), newComposing(size)
		ref := xhpack.NewDecoder(size, nil)
		for _, block := range split(b) {
			got, err := decodeAll(d, block)
			checkTable(t, d)
			checkParts(t, parts, block, got, err)
			if composed, want := whole.block(block, false), byField.block(block, true); composed != want {
				t.Fatalf("%x is composed to %+v, field by field to %+v", block, composed, want)
			}
			if err == ErrInteger || err == ErrLateUpdate {
				return
			}
			want, refErr := ref.DecodeFull(block)
			if refErr != nil && err == OK && len(block) > 1 && block[0]&0xe0 == formSizeUpdate {
				return
			}
			if (err == OK) != (refErr == nil) {
				t.Fatalf("%x: %v, x/net says %v", block, err, refErr)
			}
			if err != OK {
				return
			}
			if !slices.EqualFunc(got, want, func(f pair, x xhpack.HeaderField) bool { return f.name == x.Name && f.value == x.Value }) {
				t.Fatalf("%x: %q, x/net says %q", block, got, want)
			}
		}
	})
}

// checkParts decodes a block that comes in two parts, with a decoder that has seen the same blocks before, and checks the
// facts about its fields.
func checkParts(t *testing.T, d *Decoder, block []byte, want []pair, wantErr Error) {
	t.Helper()
	var f Field
	var got []pair
	d.Begin()
	start := 0
	for _, end := range []int{len(block) / 2, len(block)} {
		for start < end {
			n, err := d.Next(block[start:end], &f)
			if err != OK {
				if err != wantErr {
					t.Fatalf("%x: in parts %v, else %v", block, err, wantErr)
				}
				return
			}
			if n == 0 {
				break
			}
			start += n
			if f.Line == nil {
				continue
			}
			name, value := f.Name(), f.Value()
			got = append(got, pair{string(name), string(value)})
			pseudo := len(name) > 0 && name[0] == ':' && http1.LookupPseudo(name) != http1.PseudoInvalid
			lowerToken := http1.IsToken(name) && bytes.Equal(name, bytes.ToLower(name))
			if f.Valid != ((pseudo || lowerToken) && http1.IsFieldValue(value)) {
				t.Fatalf("%q: %+v", f.Line, f.Facts)
			}
			if lowerToken && f.ID != http1.LookupField(name) || !lowerToken && f.ID != http1.FieldOther {
				t.Fatalf("%q has the ID %d", f.Line, f.ID)
			}
		}
	}
	if !slices.Equal(got, want) || (start == len(block)) != (wantErr == OK) {
		t.Fatalf("%x: in parts %q up to %d, else %q, %v", block, got, start, want, wantErr)
	}
}

// FuzzRoundTrip encodes blocks of field lines, and decodes them with x/net's decoder and with ours. Between blocks the table
// changes its size, or is forgotten.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte(benchLines), uint8(1))
	f.Add([]byte("Set-Cookie: a=b\r\nX-A: b\r\nCookie: a\r\nAuthorization: c\r\nLocation: /\xff\xfe{}\r\n"), uint8(7))
	f.Add([]byte("Accept-Encoding: gzip, deflate\r\nTE: trailers\r\nConnection: a\r\nno field\r\nEmpty:\r\n"), uint8(130))
	f.Fuzz(func(t *testing.T, lines []byte, what uint8) {
		e, d := NewEncoder(nil), NewDecoder(DefaultTableSize)
		ref := xhpack.NewDecoder(DefaultTableSize, nil)
		var plain *Encoder
		want := mustDecode(t, NewDecoder(0), plain.AppendBlock(nil, lines))
		for i := range 4 {
			switch what >> (2 * i) & 3 {
			case 1:
				n := int(what) * 17
				e.SetMaxTableSize(n)
				d.SetMaxTableSize(n)
			case 2:
				e.Forget()
			case 3:
				e.SetMaxTableSize(int(what))
				d.SetMaxTableSize(int(what))
			}
			block := e.AppendBlock(e.Begin(nil), lines)
			if got := mustDecode(t, d, block); !slices.Equal(got, want) {
				t.Fatalf("%x means %q, want %q", block, got, want)
			}
			fields, err := ref.DecodeFull(block)
			if err != nil || !slices.EqualFunc(want, fields, func(f pair, x xhpack.HeaderField) bool { return f.name == x.Name && f.value == x.Value }) {
				t.Fatalf("%x means %q to x/net, %v, want %q", block, fields, err, want)
			}
		}
		for _, f := range want {
			if f.name != string(appendLower(nil, []byte(f.name))) {
				t.Fatalf("the name %q", f.name)
			}
		}
	})
}
