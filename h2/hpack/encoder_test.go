package hpack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
)

// TestWithoutTable is the form of each kind of field when there is no table to refer to.
func TestWithoutTable(t *testing.T) {
	var none *Encoder
	for _, tt := range []struct{ name, value, want string }{
		{":method", "GET", "82"},
		{":method", "POST", "83"},
		{":method", "PUT", "02 03 505554"},
		{":scheme", "http", "86"},
		{":scheme", "https", "87"},
		{":scheme", "ws", "06 02 7773"},
		{":path", "/", "84"},
		{":path", "/index.html", "85"},
		{":path", "/sample/path", "04 89 6103 a6ba 0ac5 634c ff"},
		{":authority", "www.example.com", "01 8c f1e3 c2e5 f23a 6ba0 ab90 f4ff"},
		{":status", "200", "88"},
		{":status", "204", "89"},
		{":status", "206", "8a"},
		{":status", "304", "8b"},
		{":status", "400", "8c"},
		{":status", "404", "8d"},
		{":status", "500", "8e"},
		{":status", "302", "08 82 6402"},
		{":protocol", "websocket", "00 87 b95d 8749 c87a 3f 87 f058 d072 752a 7f"},
		{"Accept-Encoding", "gzip, deflate", "90"},
		{"Accept-Encoding", "br", "0f 01 02 6272"},
		{"Cache-Control", "no-cache", "0f 09 86 a8eb 1064 9cbf"},
		{"Custom-Key", "custom-value", "00 88 25a8 49e9 5ba9 7d7f 89 25a8 49e9 5bb8 e8b4 bf"},
		{"Strict-Transport-Security", "1", "0f 29 01 31"},
		{"LINK", "1", "0f 1e 01 31"},
		{"From", "1", "0f 16 01 31"},
		{"Pragma", "1", "00 85 aec1 cd48 ff 01 31"},
		{"Set-Cookie", "a", "1f 28 01 61"},
		{"Authorization", "a", "1f 08 01 61"},
		{"X-Api-Key", "a", "10 87 f2b0 eb32 dd4b eb 01 61"},
		{"A", "", "00 01 61 00"},
	} {
		t.Run(tt.name+": "+tt.value, func(t *testing.T) {
			got := none.AppendField(nil, []byte(tt.name), []byte(tt.value))
			want := []pair{{strings.ToLower(tt.name), tt.value}}
			if fields := mustDecode(t, NewDecoder(0), got); !slices.Equal(fields, want) {
				t.Fatalf("%x means %q", got, fields)
			}
			if !bytes.Equal(got, unhex(t, tt.want)) {
				t.Errorf("%x", got)
			}
		})
	}
}

func TestAppendNumbers(t *testing.T) {
	var none *Encoder
	for code := 100; code < 1000; code++ {
		want := []pair{{":status", fmt.Sprint(code)}}
		if got := mustDecode(t, NewDecoder(0), none.AppendStatus(nil, code)); !slices.Equal(got, want) {
			t.Fatalf("%d is %q", code, got)
		}
	}
	for _, n := range []int64{0, 9, 10, 12345, 1<<63 - 1} {
		want := []pair{{"content-length", fmt.Sprint(n)}}
		if got := mustDecode(t, NewDecoder(0), none.AppendContentLength(nil, n)); !slices.Equal(got, want) {
			t.Fatalf("%d is %q", n, got)
		}
	}
}

func TestAppendBlock(t *testing.T) {
	for _, tt := range []struct {
		name, lines string
		want        []pair
	}{
		{"nothing", "", nil},
		{
			"names in lower case, values as they are", "Content-Type: Text/HTML\r\nX-Other-NAME:  a b \t\r\nx-empty:\r\n",
			[]pair{{"content-type", "Text/HTML"}, {"x-other-name", "a b"}, {"x-empty", ""}},
		},
		{
			"what concerns the connection",
			"A: 1\r\nConnection: close, b\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nTransfer-Encoding: chunked\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nTE: gzip\r\nB: 2\r\n",
			[]pair{{"a", "1"}, {"b", "2"}},
		},
		{"TE may say trailers", "TE: Trailers\r\n", []pair{{"te", "Trailers"}}},
		{"TE may say nothing more", "TE: trailers, gzip\r\n", nil},
		{"the authority says the host", "Host: a\r\nA: 1\r\n", []pair{{"a", "1"}}},
		{"a colon in a value", "A: b: c\r\n", []pair{{"a", "b: c"}}},
		{"repeated fields", "Set-Cookie: a\r\nSet-Cookie: b\r\n", []pair{{"set-cookie", "a"}, {"set-cookie", "b"}}},
		{"without the last line's end", "A: 1\r\nB: 2", []pair{{"a", "1"}, {"b", "2"}}},
		{"no field line", "A\r\n: b\r\n\r\nC: d\r\n", []pair{{"c", "d"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, e := range []*Encoder{nil, NewEncoder(nil)} {
				if got := mustDecode(t, NewDecoder(DefaultTableSize), e.AppendBlock(nil, []byte(tt.lines))); !slices.Equal(got, tt.want) {
					t.Errorf("%q", got)
				}
			}
		})
	}
}

// TestPolicies says in which block a field that all blocks have is literal, is put into the table, and is taken from there.
func TestPolicies(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"server", "anygate", "new index index"},
		{"content-type", "text/html; charset=utf-8", "new index index"},
		{"cache-control", "no-store", "new index index"},
		{":authority", "www.example.com", "new index index"},
		{":status", "301", "new index index"},
		{":status", "200", "index index index"},
		{"etag", `"5f3c2a1b"`, "literal new index"},
		{"date", "Mon, 21 Oct 2013 20:13:21 GMT", "literal new index"},
		{"x-powered-by", "PHP", "literal new index"},
		{"X-Powered-By", "PHP", "literal new index"},
		{"content-length", "1234", "literal literal literal"},
		{":path", "/a", "literal literal literal"},
		{"x-request-id", "0123456789abcdef", "literal literal literal"},
		{"set-cookie", "a=b", "never never never"},
		{"cookie", "a=b", "never never never"},
		{"authorization", "Basic eDp5", "never never never"},
		{"X-CSRF-Token", "0123456789abcdef", "never never never"},
		{"server", strings.Repeat("a", maxRemembered-len("server")), "new index index"},
		{"server", strings.Repeat("a", maxRemembered-len("server")+1), "literal literal literal"},
		{"x-long", strings.Repeat("a", maxRemembered), "literal literal literal"},
	} {
		t.Run(tt.name+": "+tt.value, func(t *testing.T) {
			e, d := NewEncoder(nil), NewDecoder(DefaultTableSize)
			var got []string
			for range 3 {
				block := e.AppendField(e.Begin(nil), []byte(tt.name), []byte(tt.value))
				want := []pair{{strings.ToLower(tt.name), tt.value}}
				if fields := mustDecode(t, d, block); !slices.Equal(fields, want) {
					t.Fatalf("%x means %q", block, fields)
				}
				got = append(got, formName(block[0]))
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func formName(first byte) string {
	switch {
	case first >= formIndexed:
		return "index"
	case first >= formRemembered:
		return "new"
	case first >= formSizeUpdate:
		return "update"
	case first >= formNeverIndexed:
		return "never"
	}
	return "literal"
}

func TestAppendNeverIndexed(t *testing.T) {
	e := NewEncoder(nil)
	for _, name := range []string{"server", "X-Other", "link"} {
		for range 2 {
			block := e.AppendNeverIndexed(nil, []byte(name), []byte("a"))
			var f Field
			if _, err := NewDecoder(0).Next(block, &f); err != OK || !f.NeverIndexed || string(f.Name()) != strings.ToLower(name) || string(f.Value()) != "a" {
				t.Errorf("%x: %q, %+v, %v", block, f.Line, f.Facts, err)
			}
		}
	}
}

// TestEncoderSizeUpdates changes the size that the peer allows, and looks at what the next block begins with.
func TestEncoderSizeUpdates(t *testing.T) {
	e, d := NewEncoder(nil), NewDecoder(DefaultTableSize)
	step := func(want string) {
		t.Helper()
		begin := e.Begin(nil)
		if !bytes.Equal(begin, unhex(t, want)) {
			t.Fatalf("the block begins with %x, want %s", begin, want)
		}
		block := e.AppendField(begin, []byte("server"), []byte("anygate"))
		block = e.AppendField(block, []byte("vary"), []byte("accept-encoding"))
		if got := mustDecode(t, d, block); !slices.Equal(got, []pair{{"server", "anygate"}, {"vary", "accept-encoding"}}) {
			t.Fatalf("%x means %q", block, got)
		}
	}
	set := func(n int) {
		e.SetMaxTableSize(n)
		d.SetMaxTableSize(n)
	}
	step("")
	set(65536) // more than the default is not used, and need not be said
	step("")
	set(4096)
	step("")
	set(100)
	step("3f 45")
	step("")
	set(0)
	step("20")
	step("")
	set(60)
	step("3f 1d")
	set(0)
	set(4096) // down and up again: the table was emptied in between
	step("20 3f e1 1f")
	step("")
	set(10)
	set(70)
	set(50)
	step("2a 3f 13")
	e.Reset()
	d.Reset(DefaultTableSize)
	step("")

	var zero Encoder // knows no table, and need not say so
	if b := zero.AppendField(zero.Begin(nil), []byte("server"), []byte("anygate")); formName(b[0]) != "literal" {
		t.Errorf("without a table a field is %x", b)
	}
}

// TestForget forgets at any time, and lends what was given back to others.
func TestForget(t *testing.T) {
	var m Memory
	one, two := NewEncoder(&m), NewEncoder(&m)
	d1, d2 := NewDecoder(DefaultTableSize), NewDecoder(DefaultTableSize)
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		e, d := one, d1
		if r.IntN(2) == 0 {
			e, d = two, d2
		}
		if r.IntN(8) == 0 {
			e.Forget()
		}
		var block []byte
		var want []pair
		for range r.IntN(8) {
			f := pair{[]string{"server", "vary", "x-a", "x-b", "etag"}[r.IntN(5)], strings.Repeat("v", 1+r.IntN(4))}
			want = append(want, f)
			block = e.AppendField(block, []byte(f.name), []byte(f.value))
		}
		if got := mustDecode(t, d, block); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	one.Forget()
	two.Forget()
	if len(m.free) != 2 {
		t.Errorf("%d pieces of memory were given back", len(m.free))
	}
}

// TestEncoderTable keeps the table of an encoder busy, for as long as the numbers of its entries take to come round.
func TestEncoderTable(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	e, d := NewEncoder(nil), NewDecoder(DefaultTableSize)
	var buf []byte
	indexed, literal := 0, 0
	for range 12000 {
		if r.IntN(100) == 0 {
			n := r.IntN(3000)
			e.SetMaxTableSize(n)
			d.SetMaxTableSize(n)
		}
		buf = e.Begin(buf[:0])
		var want []pair
		for range 1 + r.IntN(12) {
			f := pair{"vary", fmt.Sprint(r.IntN(40))}
			switch r.IntN(4) {
			case 0:
				f.name = fmt.Sprint("x-", r.IntN(3))
			case 1:
				f.value = strings.Repeat("w", r.IntN(170))
			case 2:
				f = pair{"server", "anygate"}
			}
			want = append(want, f)
			before := len(buf)
			if buf = e.AppendField(buf, []byte(f.name), []byte(f.value)); buf[before] >= formIndexed {
				indexed++
			} else {
				literal++
			}
		}
		if got := mustDecode(t, d, buf); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
		if k := e.known; k != nil && (int(k.size) > e.limit() || int(k.count) > encoderEntries) {
			t.Fatalf("%d entries, size %d of %d", k.count, k.size, e.limit())
		}
	}
	if indexed < literal/10 || literal < indexed/10 {
		t.Errorf("%d fields were found, %d were not", indexed, literal)
	}
}

// TestKnownNames takes each name that has an ID, with the table and without.
func TestKnownNames(t *testing.T) {
	e, d := NewEncoder(nil), NewDecoder(DefaultTableSize)
	for id := http1.FieldID(1); id.String() != ""; id++ {
		want := []pair{{strings.ToLower(id.String()), "value"}}
		for range 3 {
			if got := mustDecode(t, d, e.AppendKnown(nil, id, []byte("value"))); !slices.Equal(got, want) {
				t.Errorf("%v: %q", id, got)
			}
		}
		var none *Encoder
		if got := mustDecode(t, NewDecoder(0), none.AppendKnown(nil, id, []byte("value"))); !slices.Equal(got, want) {
			t.Errorf("%v: %q", id, got)
		}
	}
}
