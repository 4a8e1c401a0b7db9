package http1

import (
	"strings"
	"testing"
)

func TestHeadEnd(t *testing.T) {
	tests := []struct {
		name, in string
		want     int
	}{
		{"empty", "", 0},
		{"request line only", "GET / HTTP/1.1\r\n", 0},
		{"one byte short", "a\r\nb\r\n\r", 0},
		{"whole", "a\r\nb\r\n\r\n", 8},
		{"content behind", "a\r\n\r\n\r\n\r\n", 5},
		{"empty line first", "\r\na\r\n\r\n", 7},
		{"CRs do not count", "a\r\r\r\n\r\n", 7},
		{"LF LF", "a\n\nb", 3},
		{"LF CR LF", "a\n\r\nb", 4},
		{"CRLF LF", "a\r\n\nb", 4},
		{"LF CR CR LF is no end", "a\n\r\r\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := []byte(tt.in)
			for from := 0; from <= len(b) && (tt.want == 0 || from < tt.want); from++ {
				if got := HeadEnd(b, from); got != tt.want {
					t.Errorf("from %d: %d, want %d", from, got, tt.want)
				}
			}
			for seen := range b { // byte by byte, as a slow client sends
				if got := HeadEnd(b[:seen+1], seen); got != 0 {
					if got != tt.want || seen+1 != tt.want {
						t.Errorf("with %d bytes: %d, want %d", seen+1, got, tt.want)
					}
					return
				}
			}
			if tt.want != 0 {
				t.Error("the end is not found byte by byte")
			}
		})
	}
}

func TestEmptyLine(t *testing.T) {
	for in, want := range map[string]int{"": 0, "\r": 0, "\r\n": 2, "\r\nG": 2, "\n": 0, "G\r\n": 0} {
		if got := EmptyLine([]byte(in)); got != want {
			t.Errorf("EmptyLine(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestFieldAccess(t *testing.T) {
	var r Request
	in := "GET / HTTP/1.1\r\nHost: a\r\nCookie: 1\r\nX-A: 1\r\nX-B: 2\r\ncookie: 2\r\nx-a: 3\r\nAccept: */*\r\nCOOKIE: 3\r\n\r\n"
	if err := r.Parse([]byte(in), &DefaultLimits); err != OK {
		t.Fatal(err)
	}
	if v, ok := r.Get(Accept); string(v) != "*/*" || !ok {
		t.Errorf("Accept is %q, %v", v, ok)
	}
	if v, ok := r.Get(Range); v != nil || ok {
		t.Errorf("Range is %q, %v", v, ok)
	}
	if _, ok := r.Get(FieldOther); ok || r.Has(FieldOther) || r.First(FieldOther) != -1 {
		t.Error("FieldOther is taken for a name")
	}
	if !r.Repeated(Cookie) || r.Repeated(Accept) || r.Repeated(FieldOther) {
		t.Error("Repeated is wrong")
	}
	visit := func(i int) (values string) {
		for ; i >= 0; i = r.Next(i) {
			values += string(r.Value(&r.Fields[i]))
		}
		return values
	}
	if got := visit(r.First(Cookie)); got != "123" {
		t.Errorf("the lines of Cookie are %q", got)
	}
	if got := visit(r.Find("x-a")); got != "13" {
		t.Errorf("the lines of X-A are %q", got)
	}
	if got := visit(r.First(Accept)); got != "*/*" {
		t.Errorf("the lines of Accept are %q", got)
	}
	if r.Find("x-c") != -1 {
		t.Error("X-C is found")
	}
	name := r.Name(&r.Fields[4])
	if string(name) != "cookie" || cap(name) != len(name) {
		t.Errorf("name %q with capacity %d", name, cap(name))
	}
	r.Reset()
	if r.Buf != nil || len(r.Fields) != 0 || r.Has(Cookie) {
		t.Error("Reset keeps something")
	}
}

func TestHopByHop(t *testing.T) {
	for _, id := range []FieldID{Connection, KeepAlive, ProxyConnection, TE, TransferEncoding, Upgrade} {
		if !id.HopByHop() {
			t.Errorf("%v is not hop-by-hop", id)
		}
	}
	for _, id := range []FieldID{FieldOther, Host, ContentLength, Authorization, ProxyAuthorization, Cookie, Trailer} {
		if id.HopByHop() {
			t.Errorf("%v is hop-by-hop", id)
		}
	}
	if f := (&Field{ID: Cookie, Nominated: true}); !f.HopByHop() {
		t.Error("a nominated field is not hop-by-hop")
	}
}

func TestIPv6Addresses(t *testing.T) {
	for _, s := range []string{
		"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "fe80::AbCd:1",
		"::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1::1.2.3.4", "64:ff9b::255.255.255.255",
	} {
		if !isIPv6([]byte(s)) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{
		"", ":", ":::", "1", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
		"12345::", "g::", "1.2.3.4", "::1.2.3", "::1.2.3.256", "::01.2.3.4", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4.5",
		"::ffff:1.2.3.", "::1%eth0", "1:2:3:4:5:6:7:", "::a.2.3.4",
	} {
		if isIPv6([]byte(s)) {
			t.Errorf("%q is accepted", s)
		}
	}
}

// Parsing must stay linear where a head is made to be expensive: many options that nominate many fields.
func TestConnectionIsBounded(t *testing.T) {
	var r Request
	in := "GET / HTTP/1.1\r\nHost: a\r\nConnection: " + strings.Repeat("x,", maxConnectionOptions) + "\r\nX: 1\r\n\r\n"
	if err := r.Parse([]byte(in), &DefaultLimits); err != OK {
		t.Fatalf("%d options: %v", maxConnectionOptions, err)
	}
	if !r.Fields[2].Nominated {
		t.Error("X is not nominated")
	}
}
