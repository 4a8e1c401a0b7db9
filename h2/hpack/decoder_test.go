package hpack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
	xhpack "golang.org/x/net/http2/hpack"
)

func TestStaticTable(t *testing.T) {
	for i := 1; i <= staticLen; i++ {
		block := []byte{0x80 | byte(i)}
		want, err := xhpack.NewDecoder(0, nil).DecodeFull(block)
		if err != nil {
			t.Fatal(err)
		}
		fields := mustDecode(t, NewDecoder(0), block)
		if len(fields) != 1 || fields[0] != (pair{want[0].Name, want[0].Value}) {
			t.Errorf("%d is %q, want %v", i, fields, want)
		}
		if e := &staticFacts[i]; !e.Valid || e.ID != http1.LookupField([]byte(want[0].Name)) {
			t.Errorf("%d: %+v", i, *e)
		}
		if n := otherStaticName([]byte(strings.ToUpper(want[0].Name))); n != 0 && int(n) != i {
			t.Errorf("the name of %d is found as %d", i, n)
		} else if e := &staticFacts[i]; e.ID == http1.FieldOther && e.Pseudo == http1.NoPseudo && n == 0 {
			t.Errorf("the name of %d is not found", i)
		}
	}
}

func TestRefusedBlocks(t *testing.T) {
	for _, tt := range []struct {
		name, wire string
		err        Error
	}{
		{"index 0", "80", ErrIndex},
		{"an index behind the static table", "be", ErrIndex},
		{"an index far behind", "ffff ff7f", ErrIndex},
		{"an index that is no number", "ffff ffff ffff 01", ErrInteger},
		{"a literal with a name behind the table", "7e 0161", ErrIndex},
		{"a name of EOS", "40 84 ffff fffc 00", ErrHuffman},
		{"a value that is padded with zeros", "04 81 00", ErrHuffman},
		{"a name as long as 2^28", "40 7f ffff ff7f", ErrInteger},
		{"a name that is too long, before its bytes have come", "40 7f 81ff 03", ErrFieldTooLong},
		{"a value that is too long, before its bytes have come", "04 7f 81ff 03", ErrFieldTooLong},
		{"a size update behind a field", "82 20", ErrLateUpdate},
		{"a third size update", "20 20 20", ErrLateUpdate},
		{"a size update beyond what was offered", "3f e2 1f", ErrTableSize},
		{"a truncated index", "ff", errTruncated},
		{"a truncated size update", "3f", errTruncated},
		{"a truncated literal", "40 0161 02 62", errTruncated},
		{"a literal without a value", "04", errTruncated},
		{"a truncated field behind a size update", "20 04", errTruncated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if fields, err := decodeAll(NewDecoder(DefaultTableSize), unhex(t, tt.wire)); err != tt.err {
				t.Errorf("%q, %v", fields, err)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		id          http1.FieldID
		pseudo      http1.Pseudo
		valid       bool
	}{
		{"accept", "*/*", http1.Accept, http1.NoPseudo, true},
		{"accept", "", http1.Accept, http1.NoPseudo, true},
		{"x-a", "a\tb\xff", http1.FieldOther, http1.NoPseudo, true},
		{"Accept", "*/*", http1.FieldOther, http1.PseudoInvalid, false},
		{"", "a", http1.FieldOther, http1.PseudoInvalid, false},
		{"a b", "a", http1.FieldOther, http1.PseudoInvalid, false},
		{"a:", "a", http1.FieldOther, http1.PseudoInvalid, false},
		{"a\r\nb", "a", http1.FieldOther, http1.PseudoInvalid, false},
		{"\xc3\xa4", "a", http1.FieldOther, http1.PseudoInvalid, false},
		{"accept", " */*", http1.Accept, http1.NoPseudo, false},
		{"accept", "*/*\t", http1.Accept, http1.NoPseudo, false},
		{"accept", "a\r\nb: c", http1.Accept, http1.NoPseudo, false},
		{"accept", "a\nb", http1.Accept, http1.NoPseudo, false},
		{"accept", "a\x00b", http1.Accept, http1.NoPseudo, false},
		{":path", "/", http1.FieldOther, http1.PseudoPath, true},
		{":method", "GET", http1.FieldOther, http1.PseudoMethod, true},
		{":scheme", "http", http1.FieldOther, http1.PseudoScheme, true},
		{":authority", "a", http1.FieldOther, http1.PseudoAuthority, true},
		{":status", "200", http1.FieldOther, http1.PseudoStatus, true},
		{":protocol", "websocket", http1.FieldOther, http1.PseudoProtocol, true},
		{":path", "/\r\n", http1.FieldOther, http1.PseudoPath, false},
		{":Path", "/", http1.FieldOther, http1.PseudoInvalid, false},
		{":other", "/", http1.FieldOther, http1.PseudoInvalid, false},
		{":", "/", http1.FieldOther, http1.PseudoInvalid, false},
	} {
		t.Run(fmt.Sprintf("%q: %q", tt.name, tt.value), func(t *testing.T) {
			// As a literal, from the table, and as a literal with a name of the table.
			block := append([]byte{0x40, byte(len(tt.name))}, tt.name...)
			block = append(append(block, byte(len(tt.value))), tt.value...)
			block = append(block, 0xbe, 0x0f, 0x2f, byte(len(tt.value)))
			block = append(block, tt.value...)
			d := NewDecoder(DefaultTableSize)
			var f Field
			for i := 0; len(block) > 0; i++ {
				n, err := d.Next(block, &f)
				if n == 0 || err != OK {
					t.Fatal(n, err)
				}
				block = block[n:]
				if string(f.Name()) != tt.name || string(f.Value()) != tt.value || f.Size() != len(tt.name)+len(tt.value)+32 {
					t.Errorf("%d: %q: %q, %d", i, f.Name(), f.Value(), f.Size())
				}
				if string(f.Line) != tt.name+": "+tt.value+"\r\n" {
					t.Errorf("%d: the line is %q", i, f.Line)
				}
				if f.ID != tt.id || f.Pseudo != tt.pseudo || f.Valid != tt.valid {
					t.Errorf("%d: %+v", i, f.Facts)
				}
			}
		})
	}
}

// TestLongestField takes a field that fills a line to the last byte, and refuses a byte more.
func TestLongestField(t *testing.T) {
	for _, huffman := range []bool{false, true} {
		for _, over := range []int{0, 1} {
			value := bytes.Repeat([]byte("0"), MaxFieldLine-len("x: \r\n")+over)
			block := []byte{0x40, 1, 'x'}
			if huffman {
				block = appendString(block, value, &codes)
			} else {
				block = append(appendInteger(block, 0, 0x7f, uint32(len(value))), value...)
			}
			d := NewDecoder(DefaultTableSize)
			fields, err := decodeAll(d, block)
			if over == 0 && (err != OK || fields[0] != (pair{"x", string(value)})) {
				t.Errorf("Huffman %v: %v", huffman, err)
			}
			if over == 1 && err != ErrFieldTooLong {
				t.Errorf("Huffman %v, a byte more: %v", huffman, err)
			}
			if d.table.count != 0 {
				t.Errorf("Huffman %v: the table holds %d", huffman, d.table.count)
			}
		}
	}
}

func TestSizeUpdates(t *testing.T) {
	d := NewDecoder(DefaultTableSize)
	block := func(wire string, want Error) {
		t.Helper()
		if _, err := decodeAll(d, unhex(t, wire)); err != want {
			t.Fatalf("%s: %v, want %v", wire, err, want)
		}
	}
	count := func(want uint32) {
		t.Helper()
		if d.table.count != want {
			t.Fatalf("the table holds %d, want %d", d.table.count, want)
		}
	}
	block("40 0161 0162 40 0163 0164", OK)
	count(2)
	block("3f 09", OK) // 40: room for one
	count(1)
	block("be", OK)
	block("3f 03 40 0165 0166", OK) // 34: just one
	count(1)
	block("3f 02 40 0165 0166", OK) // 33: none, and what does not fit empties the table
	count(0)
	block("20 3f e1 1f 40 0165 0166", OK) // both updates that a change and a change back make
	count(1)
	block("", OK)

	d.SetMaxTableSize(100)
	block("82", ErrTableSize)

	d.Reset(DefaultTableSize)
	d.SetMaxTableSize(100)
	block("3f 46", ErrTableSize) // 101
	d.Reset(DefaultTableSize)
	d.SetMaxTableSize(100)
	block("3f 45 82", OK) // 100
	block("82", OK)
	d.SetMaxTableSize(200)
	block("3f a901 82", OK) // 200

	d.SetMaxTableSize(100)
	d.SetMaxTableSize(200) // set back before the peer could say anything: nothing is due
	block("82", OK)

	// What is offered beyond the default is not there before the peer takes it.
	d.Reset(MaxTableSize * 2)
	if d.limit != MaxTableSize || d.table.max != DefaultTableSize {
		t.Errorf("limit %d, size %d", d.limit, d.table.max)
	}
	block("3f e1 ff03", OK)
	if d.table.max != MaxTableSize {
		t.Errorf("size %d", d.table.max)
	}
	d.Reset(1000)
	if d.table.max != 1000 || d.table.count != 0 {
		t.Errorf("after Reset the size is %d, %d entries", d.table.max, d.table.count)
	}
}

// TestNameOfEvictedEntry inserts a field whose name is that of an entry which the insertion evicts (RFC 7541, section 4.4).
func TestNameOfEvictedEntry(t *testing.T) {
	d := NewDecoder(60)
	long := strings.Repeat("v", 20)
	block := unhex(t, "40 0461626364 14")
	block = append(block, long...)
	block = append(block, 0x7e, 20) // the name of index 62
	block = append(block, strings.ToUpper(long)...)
	want := []pair{{"abcd", long}, {"abcd", strings.ToUpper(long)}}
	if got := mustDecode(t, d, block); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := contents(d); !slices.Equal(got, want[1:]) {
		t.Errorf("the table holds %q", got)
	}
}

// TestGrowingBlock gives a block byte by byte: nothing is found before all of a field is there, and then the same.
func TestGrowingBlock(t *testing.T) {
	first, later := browserBlocks()
	whole, parts := NewDecoder(DefaultTableSize), NewDecoder(DefaultTableSize)
	for _, block := range [][]byte{first, later} {
		var got []pair
		var f Field
		parts.Begin()
		start := 0
		for end := 1; end <= len(block); end++ {
			n, err := parts.Next(block[start:end:end], &f)
			if err != OK || n != 0 && n != end-start {
				t.Fatalf("byte %d: %d, %v", end, n, err)
			}
			if start += n; n != 0 {
				got = append(got, pair{string(f.Name()), string(f.Value())})
			}
		}
		if want := mustDecode(t, whole, block); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestTableAgainstXNet keeps tables of many sizes busy, and compares each block with what x/net makes of it.
func TestTableAgainstXNet(t *testing.T) {
	for _, size := range []uint32{0, 32, 33, 100, 500, 4096, 20000, MaxTableSize} {
		r := rand.New(rand.NewPCG(3, uint64(size)))
		var b bytes.Buffer
		e := xhpack.NewEncoder(&b)
		e.SetMaxDynamicTableSizeLimit(MaxTableSize)
		e.SetMaxDynamicTableSize(size)
		d := NewDecoder(MaxTableSize)
		for range 400 {
			b.Reset()
			if r.IntN(20) == 0 {
				e.SetMaxDynamicTableSize(uint32(r.IntN(int(size) + 1)))
			}
			var want []pair
			for range r.IntN(20) {
				f := pair{fmt.Sprint("name-", r.IntN(300)), strings.Repeat("v", r.IntN(50)) + fmt.Sprint(r.IntN(3))}
				switch r.IntN(10) {
				case 0:
					f.value = strings.Repeat("w", r.IntN(2000))
				case 1, 2, 3:
					f = browserFields[r.IntN(len(browserFields))]
				}
				want = append(want, f)
				if err := e.WriteField(xhpack.HeaderField{Name: f.name, Value: f.value, Sensitive: r.IntN(10) == 0}); err != nil {
					t.Fatal(err)
				}
			}
			if got := mustDecode(t, d, b.Bytes()); !slices.Equal(got, want) {
				t.Fatalf("size %d: %q, want %q", size, got, want)
			}
			checkTable(t, d)
		}
	}
}

// checkTable checks what holds for a table at any time.
func checkTable(t testing.TB, d *Decoder) {
	t.Helper()
	size, text := 0, 0
	for i := range d.table.count {
		place := d.table.place(i)
		e := &d.table.facts[place]
		size += e.Size()
		text += int(e.LineLen)
		if line := string(d.table.line(place)); line[e.NameLen:][:2] != ": " || line[e.LineLen-2:] != "\r\n" {
			t.Fatalf("entry %d is %q", i, line)
		}
	}
	if size != d.table.size || size > d.table.max || text > size {
		t.Fatalf("the table has the size %d, counted %d, of %d; its text takes %d", d.table.size, size, d.table.max, text)
	}
	if most := max(d.limit, DefaultTableSize) * 3 / 2; len(d.table.text) > most {
		t.Fatalf("the text takes %d bytes, more than %d", len(d.table.text), most)
	}
}
