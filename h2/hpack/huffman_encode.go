package hpack

import "encoding/binary"

// appendString appends a string literal (RFC 7541, section 5.2) in the shorter of its two forms, each byte with the code that
// the table has for it.
//
// It does not compute the length first: nearly all strings are shorter in Huffman code, and take one byte for the length.
func appendString(dst, s []byte, table *[256]code) []byte {
	start := len(dst)
	dst = append(dst, 0)
	dst = appendHuffman(dst, s, table)
	n := len(dst) - start - 1
	switch {
	case n >= len(s):
		dst = appendInteger(dst[:start], 0, 0x7f, uint32(len(s)))
		if table == &nameCodes {
			return appendLower(dst, s)
		}
		return append(dst, s...)
	case n < 0x7f:
		dst[start] = 0x80 | uint8(n)
		return dst
	}
	// The length takes more than the byte that was left for it.
	var prefix [8]byte
	length := appendInteger(prefix[:0], 0x80, 0x7f, uint32(n))
	dst = append(dst, length[1:]...)
	copy(dst[start+len(length):], dst[start+1:start+1+n])
	copy(dst[start:], length)
	return dst
}

// appendHuffman appends the code of s.
func appendHuffman(dst, s []byte, table *[256]code) []byte {
	var acc uint64 // its lowest bits are those that are not appended yet
	var held uint32
	for _, b := range s {
		c := table[b]
		acc = acc<<(c.len&63) | uint64(c.bits)
		if held += c.len; held >= 32 {
			held -= 32
			dst = binary.BigEndian.AppendUint32(dst, uint32(acc>>(held&63)))
		}
	}
	for held >= 8 {
		held -= 8
		dst = append(dst, uint8(acc>>(held&63)))
	}
	if held > 0 {
		// The rest of the byte is the beginning of EOS, which is all ones.
		dst = append(dst, uint8(acc<<(8-held))|0xff>>held)
	}
	return dst
}

// appendLower appends b with its letters in lower case.
func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, lower(c))
	}
	return dst
}

func lower(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}
