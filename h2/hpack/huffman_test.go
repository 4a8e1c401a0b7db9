package hpack

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	xhpack "golang.org/x/net/http2/hpack"
)

func TestHuffmanCodes(t *testing.T) {
	for b := range 256 {
		// Eight times the same byte is as many bytes as the code has bits.
		s := bytes.Repeat([]byte{byte(b)}, 8)
		want := xhpack.AppendHuffmanString(nil, string(s))
		if got := appendHuffman(nil, s, &codes); !bytes.Equal(got, want) {
			t.Errorf("eight times %#x is %x, want %x", b, got, want)
		}
		name := appendHuffman(nil, s, &nameCodes)
		if want := appendHuffman(nil, appendLower(nil, s), &codes); !bytes.Equal(name, want) {
			t.Errorf("eight times %#x in a name is %x, want %x", b, name, want)
		}
		if got, ok := huffman(want); !ok || got != string(s) {
			t.Errorf("%x is %q, %v", want, got, ok)
		}
	}
}

func TestHuffmanDecode(t *testing.T) {
	for _, tt := range []struct {
		name, wire, want string
		ok               bool
	}{
		{"nothing", "", "", true},
		{"a host", "f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com", true},
		{"six bits of padding", "fe 3f", "!", true},
		{"padding that is not EOS", "fe 3e", "", false},
		{"padding of a whole byte", "07 ff", "", false},
		{"a byte of padding behind a whole code", "07", "0", true},
		{"only padding", "ff", "", false},
		{"EOS", "ffff fffc", "", false},
		{"EOS and more", "ffff fffc ffff ffff ffff ffff", "", false},
		{"EOS behind a byte", "07ff ffff ff", "", false},
		{"a code of 30 bits", "ffff fff3", "\n", true},
		{"codes of 30 bits, one behind the other", "ffff fff3 ffff ffcf ffff ff3f ffff fc", "\n\n\n\n", true},
		{"a code of 30 bits that is cut off", "ffff ff", "", false},
		{"a code that is cut off", "ffe0", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wire := unhex(t, tt.wire)
			got, ok := huffman(wire)
			var w bytes.Buffer
			_, err := xhpack.HuffmanDecode(&w, wire)
			if ok != (err == nil) || ok && got != w.String() {
				t.Fatalf("%q, %v; x/net says %q, %v", got, ok, w.String(), err)
			}
			if ok != tt.ok || ok && got != tt.want {
				t.Errorf("%q, %v", got, ok)
			}
		})
	}
}

// huffman decodes a string in the room that huffmanDecode asks for.
func huffman(src []byte) (string, bool) {
	dst := make([]byte, decodedRoom(len(src)))
	n, ok := huffmanDecode(dst, src)
	return string(dst[:n]), ok
}

// TestHuffmanAgainstXNet decodes strings of all kinds, and what becomes of them when bits are turned.
func TestHuffmanAgainstXNet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const common = "abcdefghijklmnopqrstuvwxyz0123456789-_/.,;=?\"{}()<>|ABCXYZ "
	refused := 0
	for range 20000 {
		s := make([]byte, r.IntN(40))
		for i := range s {
			if s[i] = common[r.IntN(len(common))]; r.IntN(8) == 0 {
				s[i] = byte(r.Uint32())
			}
		}
		wire := appendHuffman(nil, s, &codes)
		if want := xhpack.AppendHuffmanString(nil, string(s)); !bytes.Equal(wire, want) {
			t.Fatalf("%q is %x, want %x", s, wire, want)
		}
		if len(wire) > 0 && r.IntN(2) == 0 {
			wire[r.IntN(len(wire))] ^= 1 << r.IntN(8)
		}
		got, ok := huffman(wire)
		want, err := xhpack.HuffmanDecodeToString(wire)
		if ok != (err == nil) || ok && got != want {
			t.Fatalf("%x: %q, %v; x/net says %q, %v", wire, got, ok, want, err)
		}
		if !ok {
			refused++
		}
	}
	if refused < 500 {
		t.Errorf("only %d strings were refused", refused)
	}
}

func TestAppendString(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", "00"},
		{"shorter in Huffman code", "no-cache", "86 a8eb 1064 9cbf"},
		{"as long in Huffman code", "X", "01 58"},
		{"longer in Huffman code", "\x00\x01", "02 0001"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := appendString(nil, []byte(tt.in), &codes); !bytes.Equal(got, unhex(t, tt.want)) {
				t.Errorf("%x", got)
			}
		})
	}
	// Every length of the length, in both forms.
	for _, c := range []string{"a", "\xff", "Z"} {
		for _, n := range []int{1, 100, 126, 127, 128, 202, 203, 204, 205, 300, 20000} {
			s := strings.Repeat(c, n)
			wire := appendString([]byte("kept"), []byte(s), &codes)
			text, k, err := readText(wire[4:])
			if err != OK || k != len(wire)-4 || string(wire[:4]) != "kept" || len(wire)-4 > n+4 {
				t.Fatalf("%d times %q: %d of %d bytes, %v", n, c, k, len(wire)-4, err)
			}
			dst := make([]byte, text.most())
			if m, ok := text.decode(dst); !ok || string(dst[:m]) != s {
				t.Fatalf("%d times %q is read as %q", n, c, dst[:m])
			}
		}
	}
	if got := appendString(nil, []byte("X-\xc3\xbf\x01ABC"), &nameCodes); !bytes.Equal(got, append([]byte{8}, "x-\xc3\xbf\x01abc"...)) {
		t.Errorf("a name that is longer in Huffman code is %x", got)
	}
}
