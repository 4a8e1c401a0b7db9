package http1

import (
	"bytes"
	"testing"
)

// TestWordsOfEveryByte puts each byte into each place of a word, among bytes that carries and borrows could come from.
func TestWordsOfEveryByte(t *testing.T) {
	for _, around := range []byte{'a', 'Z', '-', '~', 0x80, 0xfe, 0xff} {
		for place := range 8 {
			for c := range 256 {
				b := bytes.Repeat([]byte{around}, 8)
				b[place] = byte(c)
				v := le64(b, 0)
				word, control := true, false
				for _, c := range b {
					word = word && (c == '-' || c-'0' < 10 || lowerASCII(c)-'a' < 26)
					control = control || c < ' ' || c == 0x7f
				}
				if wordBytes(v) != word {
					t.Fatalf("wordBytes(%q) = %v", b, !word)
				}
				if exact := controls(v) != 0; exact != control {
					t.Fatalf("controls(%q) = %x", b, controls(v))
				}
				if control && mayControl(v)&swarHighs == 0 {
					t.Fatalf("mayControl(%q) overlooks a control byte", b)
				}
			}
		}
	}
}

func TestAllWordBytesSeesEveryByte(t *testing.T) {
	for n := 8; n <= 40; n++ {
		b := bytes.Repeat([]byte{'x'}, n)
		if !allWordBytes(b) {
			t.Errorf("allWordBytes(%q) = false", b)
		}
		for i := range b {
			b[i] = '_'
			if allWordBytes(b) {
				t.Errorf("allWordBytes(%q) = true", b)
			}
			b[i] = 'x'
		}
	}
}

func TestIndexControlBesideObsText(t *testing.T) {
	for n := range 70 {
		for _, fill := range []byte{'a', 0xff} {
			b := bytes.Repeat([]byte{fill}, n)
			b = append(b, 0x7e, '\t', 0x7e, '\r')
			if i := indexControl(b, 0); i != n+3 {
				t.Errorf("indexControl(%q) = %d, want %d", b, i, n+3)
			}
		}
	}
}

func TestPathIsPlain(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		plain        bool
	}{
		{"root", "/", true},
		{"segments", "/api/v1/items-42_a~b", true},
		{"sub-delims", "/a;v=1,2/b!$&'()*+", true},
		{"empty segments", "//a///", true},
		{"a dot inside", "/a.b/c..d/e.", true},
		{"a query does not count", "/a?%zz/..", true},
		{"absolute", "http://h/a", true},
		{"absolute without a path", "http://h", false},
		{"absolute with a query alone", "http://h?q", false},
		{"a dot segment", "/a/../b", false},
		{"a dot segment at the end", "/a/.", false},
		{"a hidden file", "/a/.git", false},
		{"an escape", "/%41", false},
		{"an escape at the end", "/a%2F", false},
		{"at and colon", "/@a:b", false},
		{"unsafe bytes", "/a|b", false},
		{"obs-text", "/caf\xc3\xa9", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r Request
			for range 2 { // nothing is left over from a request before
				in := []byte("GET " + tt.target + " HTTP/1.1\r\nHost: h\r\n\r\n")
				if n, err := r.Scan(in, &DefaultLimits); n != len(in) || err != OK {
					t.Fatal(n, err)
				}
				if r.PathIsPlain != tt.plain {
					t.Errorf("PathIsPlain = %v", r.PathIsPlain)
				}
				if _, err := r.Scan([]byte("GET /%20 HTTP/1.1\r\nHost: h\r\n\r\n"), &DefaultLimits); err != OK || r.PathIsPlain {
					t.Fatal(err, r.PathIsPlain)
				}
			}
		})
	}
}
