package hpack

// maxInteger is the largest integer that is told from others: no index, length or size that is allowed comes near it.
const maxInteger = 1<<28 - 1

// integer reads an integer whose first byte holds the bits of mask (RFC 7541, section 5.1) and returns the number of bytes
// it takes; 0 if b ends before it. Leading zeros are allowed as far as five bytes go.
func integer(b []byte, mask uint8) (v uint32, n int, err Error) {
	if len(b) == 0 {
		return 0, 0, OK
	}
	v = uint32(b[0] & mask)
	if v < uint32(mask) {
		return v, 1, OK
	}
	var more uint32
	for i, c := range b[1:min(len(b), 5)] {
		more |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			if more += v; more > maxInteger {
				return 0, 0, ErrInteger
			}
			return more, i + 2, OK
		}
	}
	if len(b) >= 5 {
		return 0, 0, ErrInteger
	}
	return 0, 0, OK
}

// appendInteger appends an integer whose first byte has the bits of first above those of mask.
func appendInteger(dst []byte, first, mask uint8, v uint32) []byte {
	if v < uint32(mask) {
		return append(dst, first|uint8(v))
	}
	dst = append(dst, first|mask)
	for v -= uint32(mask); v >= 0x80; v >>= 7 {
		dst = append(dst, uint8(v)|0x80)
	}
	return append(dst, uint8(v))
}
