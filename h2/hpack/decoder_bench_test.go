package hpack

import (
	"testing"

	"github.com/anygate/anygate/http1"
	xhpack "golang.org/x/net/http2/hpack"
)

// BenchmarkDecoderFirst decodes the first block of a connection: all of it is literal, and fills the table.
func BenchmarkDecoderFirst(b *testing.B) {
	first, _ := browserBlocks()
	d := NewDecoder(DefaultTableSize)
	var f Field
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(DefaultTableSize)
		for rest := first; len(rest) > 0; {
			n, err := d.Next(rest, &f)
			if n == 0 || err != OK {
				b.Fatal(n, err)
			}
			rest = rest[n:]
		}
	}
}

func BenchmarkXNetDecoderFirst(b *testing.B) {
	first, _ := browserBlocks()
	n := 0
	d := xhpack.NewDecoder(DefaultTableSize, func(xhpack.HeaderField) { n++ })
	b.ReportAllocs()
	for b.Loop() {
		d.SetMaxDynamicTableSize(0)
		d.SetMaxDynamicTableSize(DefaultTableSize)
		if _, err := d.Write(first); err != nil {
			b.Fatal(err)
		}
		d.Close()
	}
}

// BenchmarkDecoderLater decodes a later block, of which all but the path is in the table.
func BenchmarkDecoderLater(b *testing.B) {
	first, later := browserBlocks()
	d := NewDecoder(DefaultTableSize)
	mustDecode(b, d, first)
	var f Field
	b.ReportAllocs()
	for b.Loop() {
		d.Begin()
		for rest := later; len(rest) > 0; {
			n, err := d.Next(rest, &f)
			if n == 0 || err != OK {
				b.Fatal(n, err)
			}
			rest = rest[n:]
		}
	}
}

func BenchmarkXNetDecoderLater(b *testing.B) {
	first, later := browserBlocks()
	n := 0
	d := xhpack.NewDecoder(DefaultTableSize, func(xhpack.HeaderField) { n++ })
	if _, err := d.Write(first); err != nil {
		b.Fatal(err)
	}
	d.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Write(later); err != nil {
			b.Fatal(err)
		}
		d.Close()
	}
}

// BenchmarkComposeLater is all that makes a request of a later block.
func BenchmarkComposeLater(b *testing.B) {
	first, later := browserBlocks()
	d := NewDecoder(DefaultTableSize)
	mustDecode(b, d, first)
	var (
		f   Field
		c   http1.Composer
		r   http1.Request
		buf = make([]byte, 0, http1.MaxHeadBytes)
	)
	b.ReportAllocs()
	for b.Loop() {
		d.Begin()
		c.BeginRequest(&r, buf, &http1.DefaultLimits)
		if n, _, err := d.Compose(later, &f, &c); n != len(later) || err != OK {
			b.Fatal(n, err)
		}
		if err := c.EndRequest(true); err != http1.OK {
			b.Fatal(err)
		}
	}
}

// BenchmarkComposeLaterByField is the same, field by field.
func BenchmarkComposeLaterByField(b *testing.B) {
	first, later := browserBlocks()
	d := NewDecoder(DefaultTableSize)
	mustDecode(b, d, first)
	var (
		f   Field
		c   http1.Composer
		r   http1.Request
		buf = make([]byte, 0, http1.MaxHeadBytes)
	)
	b.ReportAllocs()
	for b.Loop() {
		d.Begin()
		c.BeginRequest(&r, buf, &http1.DefaultLimits)
		for rest := later; len(rest) > 0; {
			n, err := d.Next(rest, &f)
			if n == 0 || err != OK {
				b.Fatal(n, err)
			}
			f.Compose(&c)
			rest = rest[n:]
		}
		if err := c.EndRequest(true); err != http1.OK {
			b.Fatal(err)
		}
	}
}

// BenchmarkComposeFirst is all that makes a request of a first block.
func BenchmarkComposeFirst(b *testing.B) {
	first, _ := browserBlocks()
	d := NewDecoder(DefaultTableSize)
	var (
		f   Field
		c   http1.Composer
		r   http1.Request
		buf = make([]byte, 0, http1.MaxHeadBytes)
	)
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(DefaultTableSize)
		c.BeginRequest(&r, buf, &http1.DefaultLimits)
		if n, _, err := d.Compose(first, &f, &c); n != len(first) || err != OK {
			b.Fatal(n, err)
		}
		if err := c.EndRequest(true); err != http1.OK {
			b.Fatal(err)
		}
	}
}

func BenchmarkHuffmanDecode(b *testing.B) {
	src := xhpack.AppendHuffmanString(nil, browserFields[7].value)
	dst := make([]byte, decodedRoom(len(src)))
	b.SetBytes(int64(len(browserFields[7].value)))
	for b.Loop() {
		if _, ok := huffmanDecode(dst, src); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkHuffmanEncode(b *testing.B) {
	src := []byte(browserFields[7].value)
	dst := make([]byte, 0, 256)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		dst = appendString(dst[:0], src, &codes)
	}
}

func BenchmarkXNetHuffmanEncode(b *testing.B) {
	src := browserFields[7].value
	dst := make([]byte, 0, 256)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		_ = xhpack.HuffmanEncodeLength(src)
		dst = xhpack.AppendHuffmanString(dst[:0], src)
	}
}
