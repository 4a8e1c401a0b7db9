package hpack

// codeLengths is the length in bits of the Huffman code of each byte (RFC 7541, appendix B). The code is canonical: codes
// count upwards from the shortest to the longest, among those of one length in the order of the bytes. So the lengths say
// everything.
var codeLengths = [256]uint8{
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
}

// maxCodeLength is the length of the longest codes, of which EOS is the last.
const maxCodeLength = 30

// code is a Huffman code, its last bit being the lowest.
type code struct {
	bits uint32
	len  uint32
}

// codes is the code of each byte; nameCodes that of each byte in lower case, for the names of fields.
var codes, nameCodes [256]code

// tableBits is the number of bits that decodeTable decodes at a time. Most bytes that occur have codes of 5 to 7 bits, so
// that it often finds two; what is needed of the table stays in the first-level cache.
const tableBits = 12

// decoded is what a number of tableBits bits begins with. It is 0 if that is the beginning of a longer code. Decoding waits
// for each length before it can go on, so the length stands where a shift takes it from at no cost.
//
//	bits 0-5    the length of the codes of all bytes
//	bits 6-7    the number of bytes, 1 or 2
//	bits 8-11   the length of the code of the first byte
//	bits 16-31  the bytes
type decoded uint32

func (d decoded) len() int      { return int(d & 63) }
func (d decoded) count() int    { return int(d>>6) & 3 }
func (d decoded) firstLen() int { return int(d>>8) & 15 }
func (d decoded) first() byte   { return byte(d >> 16) }
func (d decoded) second() byte  { return byte(d >> 24) }

// single is one byte whose code has n bits.
func single(b byte, n int) decoded { return decoded(n) | 1<<6 | decoded(n)<<8 | decoded(b)<<16 }

// then is d and another byte.
func (d decoded) then(next decoded) decoded {
	return decoded(d.len()+next.len()) | 2<<6 | decoded(d.firstLen())<<8 | decoded(d.first())<<16 | decoded(next.first())<<24
}

var decodeTable [1 << tableBits]decoded

// longCodes describes the codes that are longer than tableBits, of each length: the first 32 bits of the code behind the last one
// of that length, and where in longBytes the byte of the first one would be if codes began with 0.
var (
	longCodes [maxCodeLength + 1]struct {
		end   uint64
		bytes int32
	}
	longBytes []byte
)

func init() {
	var next uint32
	for n := uint32(1); n <= maxCodeLength; n++ {
		next <<= 1
		first := next
		begin := len(longBytes)
		for b := range 256 {
			if uint32(codeLengths[b]) != n {
				continue
			}
			codes[b] = code{next, n}
			if n <= tableBits {
				for i := range uint32(1) << (tableBits - n) {
					decodeTable[next<<(tableBits-n)+i] = single(byte(b), int(n))
				}
			} else {
				longBytes = append(longBytes, byte(b))
			}
			next++
		}
		longCodes[n].end = uint64(next) << (32 - n)
		longCodes[n].bytes = int32(begin) - int32(first)
	}
	singles := decodeTable
	for i, d := range &singles {
		if d == 0 {
			continue
		}
		rest := singles[i<<d.len()&(1<<tableBits-1)]
		if rest != 0 && d.len()+rest.len() <= tableBits {
			decodeTable[i] = d.then(rest)
		}
	}
	for b := range 256 {
		nameCodes[b] = codes[b]
		if b >= 'A' && b <= 'Z' {
			nameCodes[b] = codes[b|0x20]
		}
	}
}
