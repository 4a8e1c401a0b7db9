package static

import (
	"math"
	"testing"
)

func TestParseRange(t *testing.T) {
	const size = 1000
	tests := []struct {
		value         string
		first, length int64
		kind          ranging
	}{
		{"bytes=0-0", 0, 1, rangePart},
		{"bytes=0-499", 0, 500, rangePart},
		{"bytes=500-999", 500, 500, rangePart},
		{"bytes=999-999", 999, 1, rangePart},
		{"bytes=0-", 0, 1000, rangePart},
		{"bytes=999-", 999, 1, rangePart},
		{"bytes=500-5000", 500, 500, rangePart},
		{"bytes=500-99999999999999999999999", 500, 500, rangePart},
		{"bytes=-1", 999, 1, rangePart},
		{"bytes=-1000", 0, 1000, rangePart},
		{"bytes=-1001", 0, 1000, rangePart},
		{"bytes=-99999999999999999999999", 0, 1000, rangePart},
		{"bytes=007-008", 7, 2, rangePart},
		{"BYTES=0-1", 0, 2, rangePart},
		{"bytes= 0-1", 0, 2, rangePart},
		{"bytes=0-1 ", 0, 2, rangePart},
		{"bytes=,0-1,", 0, 2, rangePart},

		{"bytes=1000-", 0, 0, rangeUnsatisfiable},
		{"bytes=1000-2000", 0, 0, rangeUnsatisfiable},
		{"bytes=99999999999999999999999-", 0, 0, rangeUnsatisfiable},
		{"bytes=-0", 0, 0, rangeUnsatisfiable},

		{"", 0, 0, rangeIgnored},
		{"bytes", 0, 0, rangeIgnored},
		{"bytes=", 0, 0, rangeIgnored},
		{"bytes=-", 0, 0, rangeIgnored},
		{"bytes=1", 0, 0, rangeIgnored},
		{"bytes=2-1", 0, 0, rangeIgnored},
		{"bytes=a-b", 0, 0, rangeIgnored},
		{"bytes=1-a", 0, 0, rangeIgnored},
		{"bytes=+1-2", 0, 0, rangeIgnored},
		{"bytes=1--2", 0, 0, rangeIgnored},
		{"bytes=1 - 2", 0, 0, rangeIgnored},
		{"bytes =0-1", 0, 0, rangeIgnored},
		{"bytes:0-1", 0, 0, rangeIgnored},
		{"octets=0-1", 0, 0, rangeIgnored},
		{"bytes=0-1,2-3", 0, 0, rangeIgnored},
		{"bytes=0-0,-1", 0, 0, rangeIgnored},
		{"bytes=0x1-2", 0, 0, rangeIgnored},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			first, length, kind := parseRange([]byte(test.value), size)
			if first != test.first || length != test.length || kind != test.kind {
				t.Errorf("got %d+%d kind %d, want %d+%d kind %d", first, length, kind, test.first, test.length, test.kind)
			}
		})
	}
}

func TestParseRangeEmptyContent(t *testing.T) {
	for _, value := range []string{"bytes=0-", "bytes=0-0", "bytes=-1", "bytes=5-"} {
		if _, _, kind := parseRange([]byte(value), 0); kind != rangeIgnored {
			t.Errorf("%s of nothing: kind %d, want ignored", value, kind)
		}
	}
}

func TestParseRangeLargest(t *testing.T) {
	first, length, kind := parseRange([]byte("bytes=9223372036854775806-9223372036854775807"), math.MaxInt64)
	if first != math.MaxInt64-1 || length != 1 || kind != rangePart {
		t.Errorf("got %d+%d kind %d", first, length, kind)
	}
}
