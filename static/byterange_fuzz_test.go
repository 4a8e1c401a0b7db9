package static

import (
	"math/big"
	"regexp"
	"testing"
)

// oneRange is the grammar of RFC 9110 14.1.1 for a single range-spec in a list
// that may have empty members, without regard to sizes.
var oneRange = regexp.MustCompile(`^(?i:bytes)=[ \t,]*(?:([0-9]+)-([0-9]*)|-([0-9]+))[ \t,]*$`)

// FuzzRange compares the parser with the grammar as a regular expression and the
// arithmetic of big integers.
func FuzzRange(f *testing.F) {
	for _, seed := range []string{
		"bytes=0-0", "bytes=5-", "bytes=-5", "bytes=-0", "bytes=4-2", "BYTES=,1-2 ,", "bytes=0-1,2-3",
		"bytes=9223372036854775807-9223372036854775808", "bytes=18446744073709551616-", "lines=1-2", "bytes= \t1-",
	} {
		f.Add([]byte(seed), int64(10))
	}
	f.Add([]byte("bytes=0-"), int64(0))
	f.Fuzz(func(t *testing.T, value []byte, size int64) {
		if size < 0 {
			size = -(size + 1)
		}
		first, length, kind := parseRange(value, size)
		wantFirst, wantLength, wantKind := referenceRange(value, size)
		if kind != wantKind || first != wantFirst || length != wantLength {
			t.Fatalf("%q of %d: %d+%d kind %d, want %d+%d kind %d", value, size, first, length, kind, wantFirst, wantLength, wantKind)
		}
		if kind == rangePart && (first < 0 || length < 1 || first > size-length) {
			t.Fatalf("%q of %d: %d+%d lies outside", value, size, first, length)
		}
	})
}

func referenceRange(value []byte, size int64) (first, length int64, kind ranging) {
	m := oneRange.FindSubmatch(value)
	if m == nil || size == 0 {
		return 0, 0, rangeIgnored
	}
	number := func(b []byte) *big.Int {
		n, _ := new(big.Int).SetString(string(b), 10)
		return n
	}
	total := big.NewInt(size)
	if len(m[3]) > 0 {
		suffix := number(m[3])
		if suffix.Sign() == 0 {
			return 0, 0, rangeUnsatisfiable
		}
		if suffix.Cmp(total) > 0 {
			suffix = total
		}
		return size - suffix.Int64(), suffix.Int64(), rangePart
	}
	from := number(m[1])
	to := new(big.Int).Sub(total, big.NewInt(1))
	if len(m[2]) > 0 {
		last := number(m[2])
		if last.Cmp(from) < 0 {
			return 0, 0, rangeIgnored
		}
		if last.Cmp(to) < 0 {
			to = last
		}
	}
	if from.Cmp(total) >= 0 {
		return 0, 0, rangeUnsatisfiable
	}
	return from.Int64(), to.Int64() - from.Int64() + 1, rangePart
}
