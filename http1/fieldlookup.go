package http1

// Recognising a field name costs a few loads and one probe of a perfect hash table. A name is read as up to four
// words that together cover each of its bytes:
//
//	length 1-3    first, middle and last byte in one word
//	length 4-7    first and last four bytes in one word
//	length 8-32   bytes 0-8, 8-16 and 16-24 as far as they exist whole, and the last 8 bytes
//
// Words may overlap, so that nothing beyond the name is read and no tail needs masking. A known name is stored as
// the same words in lower case, with masks that set bit 0x20 where the name has a letter and only there: folding a hyphen
// as well would take CR for it.

// maxKnownName is the length of the longest name the scheme can cover.
const maxKnownName = 32

type nameWords struct{ first, second, third, last uint64 }

// nameKey is one known name in the form it is compared in. 64 bytes are one cache line.
type nameKey struct{ want, fold nameWords }

const (
	// foldAll folds every byte; it is used to find the slot of a name, not to compare it.
	foldAll = 0x20 * swarOnes
	// nameHashSeed was searched for: with it the known names fall into different slots of the table.
	nameHashSeed  = 0x29097f8c05a34591
	nameTableBits = 9
)

var (
	nameTable [1 << nameTableBits]FieldID
	nameKeys  [64]nameKey
	nameSizes [64]uint8
)

func init() {
	for id := FieldID(1); id < numFields; id++ {
		name := []byte(fieldNames[id])
		fold := make([]byte, len(name))
		for i, c := range name {
			if lower := lowerASCII(c); lower >= 'a' && lower <= 'z' {
				name[i], fold[i] = lower, 0x20
			}
		}
		nameKeys[id] = nameKey{want: loadName(name), fold: loadName(fold)}
		nameSizes[id] = uint8(len(name))
		slot := nameSlot(nameKeys[id].want.first, nameKeys[id].want.last, len(name))
		if nameTable[slot] != FieldOther {
			panic("http1: " + fieldNames[id] + " and " + fieldNames[nameTable[slot]] + " share a slot; choose another nameHashSeed")
		}
		nameTable[slot] = id
	}
}

// loadEnds reads the first and the last word of a name.
func loadEnds(name []byte) (first, last uint64) {
	n := len(name)
	switch {
	case n >= 8:
		return le64(name, 0), le64(name, n-8)
	case n >= 4:
		return uint64(le32(name, 0)) | uint64(le32(name, n-4))<<32, 0
	}
	return uint64(name[0]) | uint64(name[n/2])<<8 | uint64(name[n-1])<<16, 0
}

// loadMiddle reads the words of a name of more than 16 bytes that loadEnds leaves out.
func loadMiddle(name []byte) (second, third uint64) {
	second = le64(name, 8)
	if len(name) > 24 {
		third = le64(name, 16)
	}
	return second, third
}

func loadName(name []byte) (w nameWords) {
	w.first, w.last = loadEnds(name)
	if len(name) > 16 {
		w.second, w.third = loadMiddle(name)
	}
	return w
}

// nameSlot returns the slot of the table for a name of n bytes.
func nameSlot(first, last uint64, n int) uint64 {
	h := (first | foldAll) ^ (last|foldAll)*31 ^ uint64(n)<<56
	return h * nameHashSeed >> (64 - nameTableBits)
}

// LookupField returns the ID of a field name, without regard to case; FieldOther if it is not known, also if it is no
// token at all. A known result therefore says that the name is a token.
func LookupField(name []byte) FieldID {
	n := len(name)
	if n < 1 || n > maxKnownName {
		return FieldOther
	}
	var first, last uint64
	if n >= 8 { // as most are; loadEnds is too large to be inlined
		first, last = le64(name, 0), le64(name, n-8)
	} else {
		first, last = loadEnds(name)
	}
	id := nameTable[nameSlot(first, last, n)]
	if int(nameSizes[id&63]) != n { // FieldOther, in the empty slots, has size 0
		return FieldOther
	}
	k := &nameKeys[id&63]
	if first|k.fold.first != k.want.first || last|k.fold.last != k.want.last {
		return FieldOther
	}
	if n > 16 {
		second, third := loadMiddle(name)
		if second|k.fold.second != k.want.second || third|k.fold.third != k.want.third {
			return FieldOther
		}
	}
	return id
}
