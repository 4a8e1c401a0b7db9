package static

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestParseRanges(t *testing.T) {
	const size = 1000
	one := func(first, length int64) []span { return []span{{first, length}} }
	tests := []struct {
		value string
		want  []span
		kind  ranging
	}{
		{"bytes=0-0", one(0, 1), rangeParts},
		{"bytes=0-499", one(0, 500), rangeParts},
		{"bytes=500-999", one(500, 500), rangeParts},
		{"bytes=999-999", one(999, 1), rangeParts},
		{"bytes=0-", one(0, 1000), rangeParts},
		{"bytes=999-", one(999, 1), rangeParts},
		{"bytes=500-5000", one(500, 500), rangeParts},
		{"bytes=500-99999999999999999999999", one(500, 500), rangeParts},
		{"bytes=-1", one(999, 1), rangeParts},
		{"bytes=-1000", one(0, 1000), rangeParts},
		{"bytes=-1001", one(0, 1000), rangeParts},
		{"bytes=-99999999999999999999999", one(0, 1000), rangeParts},
		{"bytes=007-008", one(7, 2), rangeParts},
		{"BYTES=0-1", one(0, 2), rangeParts},
		{"bytes= 0-1", one(0, 2), rangeParts},
		{"bytes=0-1 ", one(0, 2), rangeParts},
		{"bytes=,0-1,", one(0, 2), rangeParts},

		{"bytes=0-1,500-501", []span{{0, 2}, {500, 2}}, rangeParts},
		{"bytes=0-1, 500-501\t, 900-901", []span{{0, 2}, {500, 2}, {900, 2}}, rangeParts},
		{"bytes=500-501,0-1", []span{{500, 2}, {0, 2}}, rangeParts},
		{"bytes=0-0,-1", []span{{0, 1}, {999, 1}}, rangeParts},
		{"bytes=0-1,1000-,500-", []span{{0, 2}, {500, 500}}, rangeParts},
		{"bytes=1000-,5-6,-0", one(5, 2), rangeParts},
		{"bytes=0-9,5-14", one(0, 15), rangeParts},
		{"bytes=5-14,0-9", one(0, 15), rangeParts},
		{"bytes=0-9,10-19", one(0, 20), rangeParts},
		{"bytes=0-9,2-4", one(0, 10), rangeParts},
		{"bytes=0-9,0-9,0-9", one(0, 10), rangeParts},
		{"bytes=0-9,170-179", one(0, 180), rangeParts},
		{"bytes=0-9,171-180", []span{{0, 10}, {171, 10}}, rangeParts},
		{"bytes=0-9,300-309,100-250", one(0, 310), rangeParts},
		{"bytes=900-909,0-9,400-409,200-300", []span{{900, 10}, {0, 10}, {200, 210}}, rangeParts},
		{"bytes=400-409,900-909,0-9,200-709", []span{{200, 510}, {900, 10}, {0, 10}}, rangeParts},
		{"bytes=0-,0-,0-", one(0, 1000), rangeParts},

		{"bytes=1000-", nil, rangeUnsatisfiable},
		{"bytes=1000-2000", nil, rangeUnsatisfiable},
		{"bytes=99999999999999999999999-", nil, rangeUnsatisfiable},
		{"bytes=-0", nil, rangeUnsatisfiable},
		{"bytes=-0,1000-,2000-3000", nil, rangeUnsatisfiable},

		{"", nil, rangeIgnored},
		{"bytes", nil, rangeIgnored},
		{"bytes=", nil, rangeIgnored},
		{"bytes=,", nil, rangeIgnored},
		{"bytes=-", nil, rangeIgnored},
		{"bytes=1", nil, rangeIgnored},
		{"bytes=2-1", nil, rangeIgnored},
		{"bytes=a-b", nil, rangeIgnored},
		{"bytes=1-a", nil, rangeIgnored},
		{"bytes=+1-2", nil, rangeIgnored},
		{"bytes=1--2", nil, rangeIgnored},
		{"bytes=1 - 2", nil, rangeIgnored},
		{"bytes =0-1", nil, rangeIgnored},
		{"bytes:0-1", nil, rangeIgnored},
		{"octets=0-1", nil, rangeIgnored},
		{"bytes=0x1-2", nil, rangeIgnored},
		{"bytes=0-1 2-3", nil, rangeIgnored},
		{"bytes=0-1,2", nil, rangeIgnored},
		{"bytes=0-1,5-4", nil, rangeIgnored},
		{"bytes=1000-,x", nil, rangeIgnored},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			got, kind := parseRanges(nil, []byte(test.value), size)
			if !slices.Equal(got, test.want) || kind != test.kind {
				t.Errorf("got %v kind %d, want %v kind %d", got, kind, test.want, test.kind)
			}
		})
	}
}

func TestParseRangesEmptyContent(t *testing.T) {
	for _, value := range []string{"bytes=0-", "bytes=0-0", "bytes=-1", "bytes=5-", "bytes=0-,5-"} {
		if _, kind := parseRanges(nil, []byte(value), 0); kind != rangeIgnored {
			t.Errorf("%s of nothing: kind %d, want ignored", value, kind)
		}
	}
}

func TestParseRangesLargest(t *testing.T) {
	got, kind := parseRanges(nil, []byte("bytes=9223372036854775806-9223372036854775807,0-0"), math.MaxInt64)
	if want := []span{{math.MaxInt64 - 1, 1}, {0, 1}}; !slices.Equal(got, want) || kind != rangeParts {
		t.Errorf("got %v kind %d", got, kind)
	}
}

func TestParseRangesCap(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		b.WriteString("bytes=")
		for i := range n {
			fmt.Fprintf(&b, "%d-%d,", i*1000, i*1000+9)
		}
		return b.String()
	}
	if got, kind := parseRanges(nil, []byte(many(maxRanges)), 1<<30); kind != rangeParts || len(got) != maxRanges {
		t.Errorf("%d parts, kind %d", len(got), kind)
	}
	if got, kind := parseRanges(nil, []byte(many(maxRanges+1)), 1<<30); kind != rangeIgnored || len(got) != 0 {
		t.Errorf("%d parts, kind %d, want all ignored", len(got), kind)
	}
}
