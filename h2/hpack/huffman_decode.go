package hpack

import (
	"encoding/binary"
	"math/bits"
)

// shortestCode is the length of the shortest codes, which bounds what a string can expand to.
const shortestCode = 5

// decodedRoom is how many bytes of room huffmanDecode asks for, for a code of n bytes: what it may be decoded to, and what
// it may write behind that.
func decodedRoom(n int) int { return n*8/shortestCode + decodeSlack }

// decodeSlack is how far behind the last byte huffmanDecode may write.
const decodeSlack = 16

// huffmanDecode decodes src (RFC 7541, section 5.2) to the beginning of dst, which has decodedRoom, and returns the length.
func huffmanDecode(dst, src []byte) (n int, ok bool) {
	at := 0 // the next bit
	for {
		n, at = decodeShort(dst, src, n, at)
		if at>>3+8 > len(src) {
			return decodeEnd(dst, src, n, at)
		}
		b, l := longCode(binary.BigEndian.Uint64(src[at>>3:]) << (at & 7))
		if l == 0 {
			return 0, false
		}
		dst[n] = b
		n++
		at += l
	}
}

// decodeShort decodes src from the bit at on, and appends to the first n bytes of dst. It stops where less than eight bytes are
// left or a long code begins.
func decodeShort(dst, src []byte, n, at int) (int, int) {
	for at>>3+8 <= len(src) {
		// Of eight bytes at least 57 bits are left, which is enough for four steps without a look at their number.
		bits := binary.BigEndian.Uint64(src[at>>3:]) << (at & 7)
		for range 4 {
			d := decodeTable[bits>>(64-tableBits)]
			if d == 0 {
				return n, at
			}
			bits <<= d & 63
			at += int(d & 63)
			dst[n], dst[n+1] = d.first(), d.second()
			n += d.count()
		}
	}
	return n, at
}

// decodeEnd decodes the rest of src from the bit at on, which is less than eight bytes.
func decodeEnd(dst, src []byte, n, at int) (int, bool) {
	var acc uint64
	for i, b := range src[at>>3:] {
		acc |= uint64(b) << (56 - 8*i)
	}
	acc <<= at & 7
	left := 8*len(src) - at
	for left >= tableBits {
		d := decodeTable[acc>>(64-tableBits)]
		if d == 0 {
			b, l := longCode(acc)
			if l == 0 || l > left {
				return 0, false
			}
			dst[n] = b
			n++
			acc <<= l & 63
			left -= l
			continue
		}
		dst[n], dst[n+1] = d.first(), d.second()
		n += d.count()
		acc <<= d & 63
		left -= d.len()
	}
	for {
		// Padding is the beginning of EOS, which is all ones, and shorter than a byte. No code is all ones and that short.
		if left < 8 && bits.LeadingZeros64(^acc) >= left {
			return n, true
		}
		// A code that is cut off is no padding either.
		d := decodeTable[acc>>(64-tableBits)]
		if d == 0 || d.firstLen() > left {
			return 0, false
		}
		dst[n] = d.first()
		n++
		acc <<= d.firstLen() & 63
		left -= d.firstLen()
	}
}

// longCode returns the byte that a code longer than tableBits stands for, and the length of the code: 0 for EOS.
func longCode(acc uint64) (b byte, l int) {
	top := acc >> 32
	for l = tableBits + 1; l <= maxCodeLength; l++ {
		if c := &longCodes[l]; top < c.end {
			return longBytes[int32(top>>(32-l))+c.bytes], l
		}
	}
	return 0, 0
}
