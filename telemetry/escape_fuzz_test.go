package telemetry

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzQuoted takes encoding/json as the oracle: what we write must be read back as what encoding/json's own writing of
// the same string is read back as. Beyond that no character may be left that a terminal or a pager acts on, and a cut
// value is a valid string within its limit and a beginning of the whole.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "GET /", "a\r\nb", "\"\\", "\xff\xc0\x80", "\u202e\u2028\u0085", "🙂", strings.Repeat("ü\x01", 50)} {
		f.Add([]byte(s), uint8(20))
	}
	f.Fuzz(func(t *testing.T, in []byte, limit uint8) {
		whole := appendQuoted(nil, in, 6*len(in))
		if other := appendQuoted(nil, string(in), 6*len(in)); string(other) != string(whole) {
			t.Fatalf("as bytes %s, as a string %s", whole, other)
		}
		oracle, err := json.Marshal(string(in))
		if err != nil {
			t.Fatal(err)
		}
		got, want := unquote(t, whole), unquote(t, oracle)
		if got != want {
			t.Fatalf("%q is written as %s, which reads %q, want %q", in, whole, got, want)
		}
		if !utf8.Valid(whole) {
			t.Fatalf("%s is not UTF-8", whole)
		}
		for _, r := range string(whole) {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
				t.Fatalf("%s holds %U", whole, r)
			}
		}

		// Less than the mark cannot be kept to.
		bound := max(int(limit), len(cutMark))
		cut := appendQuoted(nil, in, bound)
		if len(cut) > bound+2 {
			t.Fatalf("%s has %d bytes, more than %d", cut, len(cut)-2, bound)
		}
		if short := unquote(t, cut); short != got {
			if !strings.HasPrefix(got, strings.TrimSuffix(short, cutMark)) || !strings.HasSuffix(short, cutMark) {
				t.Fatalf("%q is cut to %q", got, short)
			}
		}
		if strings.ContainsAny(string(appendText(nil, in, bound)), "\r\n") {
			t.Fatal("a text value has more than one line")
		}
	})
}

func unquote(t *testing.T, quoted []byte) (s string) {
	t.Helper()
	if err := json.Unmarshal(quoted, &s); err != nil {
		t.Fatalf("%s: %v", quoted, err)
	}
	return s
}
