package hpack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/anygate/anygate/http1"
	xhpack "golang.org/x/net/http2/hpack"
)

// composing is a decoder and what it composes requests with.
type composing struct {
	d   *Decoder
	f   Field
	c   http1.Composer
	r   http1.Request
	buf []byte
}

func newComposing(size int) *composing {
	return &composing{d: NewDecoder(size), buf: make([]byte, 0, http1.MaxHeadBytes)}
}

// outcome is what there is to compare of a composed block.
type outcome struct {
	n, size     int
	err         Error
	composed    http1.Error
	buf, fields string
}

// block decodes a block, in one call of Compose or field by field.
func (x *composing) block(b []byte, byField bool) (o outcome) {
	x.d.Begin()
	x.c.BeginRequest(&x.r, x.buf, &http1.DefaultLimits)
	if !byField {
		o.n, o.size, o.err = x.d.Compose(b, &x.f, &x.c)
	}
	for byField && o.n < len(b) {
		n, err := x.d.Next(b[o.n:], &x.f)
		if o.err = err; n == 0 || err != OK {
			break
		}
		o.n += n
		o.size += len(x.f.Line)
		if x.f.Line != nil {
			x.f.Compose(&x.c)
		}
	}
	o.composed = x.c.EndRequest(true)
	if o.composed == http1.OK {
		o.buf, o.fields = string(x.r.Buf), fmt.Sprint(x.r.Fields)
	}
	return o
}

// TestComposeRuns composes the requests of connections on which some fields come again and again, in one order or another.
func TestComposeRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	accepted := 0
	for range 60 {
		var b bytes.Buffer
		e := xhpack.NewEncoder(&b)
		size := []int{300, 1000, 4096}[r.IntN(3)]
		e.SetMaxDynamicTableSize(uint32(size))
		whole, byField := newComposing(DefaultTableSize), newComposing(DefaultTableSize)
		fields := slices.Clone(browserFields[4:])
		for range 10 {
			fields = append(fields, pair{fmt.Sprint("x-", r.IntN(10)), fmt.Sprint(r.IntN(5))})
		}
		for range 40 {
			b.Reset()
			request := slices.Clone(browserFields[:4])
			switch start := r.IntN(len(fields)); r.IntN(4) {
			case 0, 1:
				request = append(request, fields[start:]...)
			case 2:
				request = append(request, fields[:start]...)
			case 3:
				r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
			}
			if r.IntN(20) == 0 {
				bad := []pair{{"Upper", "a"}, {"a", " b"}, {":path", "/"}, {"connection", "close"}, {"host", "other"}}
				request = append(request, bad[r.IntN(len(bad))])
			}
			for _, f := range request {
				if err := e.WriteField(xhpack.HeaderField{Name: f.name, Value: f.value}); err != nil {
					t.Fatal(err)
				}
			}
			got, want := whole.block(b.Bytes(), false), byField.block(b.Bytes(), true)
			if got != want || got.n != b.Len() || got.err != OK {
				t.Fatalf("%x: %+v, field by field %+v", b.Bytes(), got, want)
			}
			if got.composed == http1.OK {
				accepted++
			}
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d requests were accepted", accepted)
	}
}

// TestComposeIsARequest compares with the request that the same fields are in HTTP/1.1.
func TestComposeIsARequest(t *testing.T) {
	first, _ := browserBlocks()
	text := []byte("GET /assets/js/app.4f3a9c1d.js?v=20260101 HTTP/1.1\r\nhost: www.example.com\r\n")
	for _, f := range browserFields[4:] {
		text = http1.AppendField(text, f.name, f.value)
	}
	text = append(text, "\r\n"...)
	var want http1.Request
	if err := want.Parse(text, &http1.DefaultLimits); err != http1.OK {
		t.Fatal(err)
	}
	x := newComposing(DefaultTableSize)
	if o := x.block(first, false); o.composed != http1.OK {
		t.Fatalf("%+v", o)
	}
	if len(x.r.Fields) != len(want.Fields) || x.r.PathIsPlain != want.PathIsPlain || !x.r.HTTPS {
		t.Errorf("%+v", x.r)
	}
	for i := range want.Fields {
		f, g := &x.r.Fields[i], &want.Fields[i]
		if !bytes.Equal(x.r.Name(f), want.Name(g)) || !bytes.Equal(x.r.Value(f), want.Value(g)) || f.ID != g.ID {
			t.Errorf("%q: %q, want %q: %q", x.r.Name(f), x.r.Value(f), want.Name(g), want.Value(g))
		}
	}
}

// TestComposeStops says what is taken of a block that cannot be decoded to its end.
func TestComposeStops(t *testing.T) {
	for _, tt := range []struct {
		name, wire string
		n, size    int
		err        Error
	}{
		{"nothing", "", 0, 0, OK},
		{"all of it", "82 84", 2, len(":method: GET\r\n:path: /\r\n"), OK},
		{"up to a field that is not all there", "82 04 01", 1, len(":method: GET\r\n"), OK},
		{"up to a size update that is not all there", "20 3f", 1, 0, OK},
		{"up to a mistake", "82 be", 1, len(":method: GET\r\n"), ErrIndex},
		{"a run that goes on into the static table", "40 0161 00 40 0162 00 bf be bd", 11, len("a: \r\nb: \r\n")*2 + len("www-authenticate: \r\n"), OK},
		{"a size update behind a run", "40 0161 00 40 0162 00 bf be 20", 10, len("a: \r\nb: \r\n") * 2, ErrLateUpdate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newComposing(DefaultTableSize)
			if o := x.block(unhex(t, tt.wire), false); o.n != tt.n || o.size != tt.size || o.err != tt.err {
				t.Errorf("%+v", o)
			}
		})
	}
	x := newComposing(DefaultTableSize)
	x.block(unhex(t, "40 0161 00 40 0162 00"), false)
	x.d.SetMaxTableSize(100)
	if o := x.block(unhex(t, "bf be"), false); o.n != 0 || o.err != ErrTableSize {
		t.Errorf("a run in place of the size update that is due: %+v", o)
	}
}
