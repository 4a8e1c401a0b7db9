package static

import (
	"fmt"
	"testing"
)

// TestPreconditionMatrix goes through every combination of the four
// preconditions, each absent, true and false, and compares with RFC 9110 13.2.2
// written down literally.
func TestPreconditionMatrix(t *testing.T) {
	const (
		absent = iota
		holds
		fails
	)
	v := validators{tag: []byte(`"now"`), modified: 1_000_000_000} // Sun, 09 Sep 2001 01:46:40 GMT
	value := func(state int, whenTrue, whenFalse string) []byte {
		switch state {
		case holds:
			return []byte(whenTrue)
		case fails:
			return []byte(whenFalse)
		}
		return nil
	}
	const (
		at     = "Sun, 09 Sep 2001 01:46:40 GMT"
		before = "Sun, 09 Sep 2001 01:46:39 GMT"
	)
	for i := range 81 {
		match, unmodified, noneMatch, modified := i%3, i/3%3, i/9%3, i/27
		r := Request{
			IfMatch:           value(match, `"now"`, `"then"`),
			IfUnmodifiedSince: value(unmodified, at, before),
			IfNoneMatch:       value(noneMatch, `"then"`, `"now"`),
			IfModifiedSince:   value(modified, before, at),
		}
		want := uint16(0)
		switch {
		case match == fails:
			want = 412
		case match == absent && unmodified == fails:
			want = 412
		case noneMatch == fails:
			want = 304
		case noneMatch == absent && modified == fails:
			want = 304
		}
		t.Run(fmt.Sprintf("match=%d unmodified=%d nonematch=%d modified=%d", match, unmodified, noneMatch, modified), func(t *testing.T) {
			if got := v.evaluate(&r); got != want {
				t.Errorf("got %d, want %d", got, want)
			}
		})
	}
}

func TestMatchesList(t *testing.T) {
	tests := []struct {
		list         string
		strong, weak bool // the result when the current tag is strong, by comparison
	}{
		{`"a"`, true, true},
		{`W/"a"`, false, true},
		{`"b"`, false, false},
		{`*`, true, true},
		{` * `, true, true},
		{`"b", "a"`, true, true},
		{`"b","a"`, true, true},
		{`"b" , W/"a"`, false, true},
		{`, ,"a",,`, true, true},
		{"\t\"b\",\t\"a\"", true, true},
		{`"b, \"a"`, false, false},
		{`"x,\"a\""`, false, false},
		{`"b" "a"`, false, false},
		{`*, "b"`, false, false},
		{`"b", *`, false, false},
		{`a`, false, false},
		{`"a`, false, false},
		{`w/"a"`, false, false},
		{`W/ "a"`, false, false},
		{`W/`, false, false},
		{`"b", a, "a"`, false, false},
		{`""`, false, false},
		{``, false, false},
		{`"A"`, false, false},
	}
	for _, test := range tests {
		t.Run(test.list, func(t *testing.T) {
			v := validators{tag: []byte(`"a"`)}
			if got := v.matchesList([]byte(test.list), true); got != test.strong {
				t.Errorf("strong: %v, want %v", got, test.strong)
			}
			if got := v.matchesList([]byte(test.list), false); got != test.weak {
				t.Errorf("weak: %v, want %v", got, test.weak)
			}
		})
	}
}

func TestMatchesListWeakCurrent(t *testing.T) {
	v := validators{tag: []byte(`"a"`), weak: true}
	if v.matchesList([]byte(`"a"`), true) {
		t.Error("a weak tag passed the strong comparison")
	}
	if !v.matchesList([]byte(`"a"`), false) {
		t.Error("a weak tag failed the weak comparison")
	}
	if !v.matchesList([]byte(`*`), true) {
		t.Error("the file exists, whatever its tag")
	}
}

func TestRangeApplies(t *testing.T) {
	const at = "Sun, 09 Sep 2001 01:46:40 GMT"
	tests := []struct {
		title   string
		ifRange []byte
		young   bool
		want    bool
	}{
		{"absent", nil, false, true},
		{"absent, young", nil, true, true},
		{"the tag", []byte(`"a"`), false, true},
		{"another tag", []byte(`"b"`), false, false},
		{"a weak tag", []byte(`W/"a"`), false, false},
		{"a list", []byte(`"a", "b"`), false, false},
		{"the tag, young", []byte(`"a"`), true, false},
		{"the date", []byte(at), false, true},
		{"the date, young", []byte(at), true, false},
		{"an earlier date", []byte("Sun, 09 Sep 2001 01:46:39 GMT"), false, false},
		{"a later date", []byte("Sun, 09 Sep 2001 01:46:41 GMT"), false, false},
		{"nonsense", []byte("x"), false, false},
		{"empty", []byte{}, false, false},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			v := validators{tag: []byte(`"a"`), weak: test.young, modified: 1_000_000_000}
			if got := v.rangeApplies(&Request{IfRange: test.ifRange}); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
