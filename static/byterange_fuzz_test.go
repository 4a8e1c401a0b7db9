package static

import (
	"math/big"
	"regexp"
	"slices"
	"testing"
)

// rangeSet is the grammar of RFC 9110 14.1.1 for a set of byte ranges with empty
// members, and rangeSpec that of a member, without regard to sizes.
var (
	rangeSet  = regexp.MustCompile(`^(?i:bytes)=[ \t,]*((?:[0-9]+-[0-9]*|-[0-9]+)(?:[ \t]*,[ \t,]*(?:[0-9]+-[0-9]*|-[0-9]+))*)[ \t,]*$`)
	rangeSpec = regexp.MustCompile(`([0-9]+)-([0-9]*)|-([0-9]+)`)
)

// FuzzRange compares the parser with the grammar as a regular expression and the
// arithmetic of big integers, and checks what holds for its results.
func FuzzRange(f *testing.F) {
	for _, seed := range []string{
		"bytes=0-0", "bytes=5-", "bytes=-5", "bytes=-0", "bytes=4-2", "BYTES=,1-2 ,", "bytes=0-1,2-3",
		"bytes=9223372036854775807-9223372036854775808", "bytes=18446744073709551616-", "lines=1-2", "bytes= \t1-",
		"bytes=0-0,500-,-0", "bytes=900-,0-,5-6",
	} {
		f.Add([]byte(seed), int64(10))
	}
	f.Add([]byte("bytes=0-"), int64(0))
	f.Add([]byte("bytes=0-9,900-909,500-,171-180"), int64(1000))
	f.Fuzz(func(t *testing.T, value []byte, size int64) {
		if size < 0 {
			size = -(size + 1)
		}
		got, kind := parseRanges(nil, value, size)
		asked, wantKind := referenceRanges(value, size)
		if kind != wantKind {
			t.Fatalf("%q of %d: kind %d, want %d", value, size, kind, wantKind)
		}
		for i, s := range got {
			if s.first < 0 || s.length < 1 || s.first > size-s.length {
				t.Fatalf("%q of %d: %v lies outside", value, size, s)
			}
			if slices.ContainsFunc(got[i+1:], s.near) {
				t.Fatalf("%q of %d: near parts in %v", value, size, got)
			}
			if !slices.ContainsFunc(asked, func(a span) bool { return a.first == s.first }) ||
				!slices.ContainsFunc(asked, func(a span) bool { return a.end() == s.end() }) {
				t.Fatalf("%q of %d: %v begins or ends where nobody asked", value, size, s)
			}
		}
		for _, a := range asked {
			if !slices.ContainsFunc(got, func(s span) bool { return s.first <= a.first && s.end() >= a.end() }) {
				t.Fatalf("%q of %d: %v is not in %v", value, size, a, got)
			}
		}
	})
}

// referenceRanges are the satisfiable parts as they were asked for.
func referenceRanges(value []byte, size int64) (spans []span, kind ranging) {
	set := rangeSet.FindSubmatch(value)
	if set == nil || size == 0 {
		return nil, rangeIgnored
	}
	members := rangeSpec.FindAllSubmatch(set[1], -1)
	if len(members) > maxRanges {
		return nil, rangeIgnored
	}
	for _, m := range members {
		s, kind := referenceRange(m, size)
		switch kind {
		case rangeIgnored:
			return nil, rangeIgnored
		case rangeParts:
			spans = append(spans, s)
		}
	}
	if len(spans) == 0 {
		return nil, rangeUnsatisfiable
	}
	return spans, rangeParts
}

func referenceRange(m [][]byte, size int64) (span, ranging) {
	number := func(b []byte) *big.Int {
		n, _ := new(big.Int).SetString(string(b), 10)
		return n
	}
	total := big.NewInt(size)
	if len(m[3]) > 0 {
		suffix := number(m[3])
		if suffix.Sign() == 0 {
			return span{}, rangeUnsatisfiable
		}
		if suffix.Cmp(total) > 0 {
			suffix = total
		}
		return span{size - suffix.Int64(), suffix.Int64()}, rangeParts
	}
	from := number(m[1])
	to := new(big.Int).Sub(total, big.NewInt(1))
	if len(m[2]) > 0 {
		last := number(m[2])
		if last.Cmp(from) < 0 {
			return span{}, rangeIgnored
		}
		if last.Cmp(to) < 0 {
			to = last
		}
	}
	if from.Cmp(total) >= 0 {
		return span{}, rangeUnsatisfiable
	}
	return span{from.Int64(), to.Int64() - from.Int64() + 1}, rangeParts
}
