package hpack

import (
	"bytes"
	"testing"
)

func TestInteger(t *testing.T) {
	for _, tt := range []struct {
		name  string
		wire  string
		mask  uint8
		value uint32
		n     int
		err   Error
	}{
		{"C.1.1: 10 in 5 bits", "ea", 0x1f, 10, 1, OK},
		{"C.1.2: 1337 in 5 bits", "ff9a0a", 0x1f, 1337, 3, OK},
		{"C.1.3: 42 in 8 bits", "2a", 0xff, 42, 1, OK},
		{"the largest of one byte", "7e", 0x7f, 126, 1, OK},
		{"the smallest of two", "7f00", 0x7f, 127, 2, OK},
		{"zeros in front, as far as they go", "7f80808000", 0x7f, 127, 5, OK},
		{"a zero too many", "7f8080808000", 0x7f, 0, 0, ErrInteger},
		{"the largest of all", "0ff0ffff7f", 0x0f, 1<<28 - 1, 5, OK},
		{"one more", "0ff1ffff7f", 0x0f, 0, 0, ErrInteger},
		{"2^32", "1fe1ffffff0f", 0x1f, 0, 0, ErrInteger},
		{"2^64", "1fe1ffffffffffffffff01", 0x1f, 0, 0, ErrInteger},
		{"nothing", "", 0x7f, 0, 0, OK},
		{"cut behind the first byte", "ff", 0x7f, 0, 0, OK},
		{"cut behind the second", "ff80", 0x7f, 0, 0, OK},
		{"cut behind the fourth", "ff808080", 0x7f, 0, 0, OK},
		{"cut, but too long already", "ff80808080", 0x7f, 0, 0, ErrInteger},
	} {
		t.Run(tt.name, func(t *testing.T) {
			value, n, err := integer(unhex(t, tt.wire), tt.mask)
			if n != tt.n || err != tt.err || n != 0 && value != tt.value {
				t.Errorf("%d in %d bytes, %v", value, n, err)
			}
		})
	}
}

func TestAppendInteger(t *testing.T) {
	for _, mask := range []uint8{0x0f, 0x1f, 0x3f, 0x7f, 0xff} {
		for shift := range 28 {
			for _, v := range []uint32{1<<shift - 1, 1 << shift, 1<<shift + 1, uint32(mask) - 1, uint32(mask)} {
				b := appendInteger(nil, ^mask, mask, v)
				if b[0]&^mask != ^mask {
					t.Fatalf("%d in %x: the first byte is %x", v, mask, b[0])
				}
				if got, n, err := integer(append(b, 0xff), mask); got != v || n != len(b) || err != OK {
					t.Fatalf("%d in %x is %x, read as %d, %d, %v", v, mask, b, got, n, err)
				}
				for cut := range b {
					if _, n, err := integer(b[:cut], mask); n != 0 || err != OK {
						t.Fatalf("%x, cut at %d: %d, %v", b, cut, n, err)
					}
				}
			}
		}
	}
	if b := appendInteger(nil, 0x20, 0x1f, 1337); !bytes.Equal(b, []byte{0x3f, 0x9a, 0x0a}) {
		t.Errorf("1337 is %x", b)
	}
}
