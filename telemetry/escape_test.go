package telemetry

import (
	"strings"
	"testing"
)

func TestAppendQuoted(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", `""`},
		{"plain", "GET /a?b=c", `"GET /a?b=c"`},
		{"quote and backslash", `a"b\c`, `"a\"b\\c"`},
		{"line ends", "a\r\nb\tc", `"a\r\nb\tc"`},
		{"controls", "\x00\x08\x1b\x7f", `"\u0000\u0008\u001b\u007f"`},
		{"letters beyond ASCII", "größe 日本 🙂", `"größe 日本 🙂"`},
		{"bytes that are not UTF-8", "a\xffb\xc3", `"a\ufffdb\ufffd"`},
		{"overlong and surrogate", "\xc0\x80\xed\xa0\x80", `"\ufffd\ufffd\ufffd\ufffd\ufffd"`},
		{"a real replacement character", "\ufffd", `"` + "\ufffd" + `"`},
		{"C1 controls", "\u0085\u009b31m", `"\u0085\u009b31m"`},
		{"line separators", "a\u2028b\u2029", `"a\u2028b\u2029"`},
		{"reordering", "\u202eexe.\u2066", `"\u202eexe.\u2066"`},
		{"no width", "a\u200bb\ufeff\u00ad", `"a\u200bb\ufeff\u00ad"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(appendQuoted(nil, tt.in, 1000)); got != tt.want {
				t.Errorf("string: got %s, want %s", got, tt.want)
			}
			if got := string(appendQuoted(nil, []byte(tt.in), 1000)); got != tt.want {
				t.Errorf("bytes: got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAppendQuotedCuts(t *testing.T) {
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"fits exactly", "abcdefghij", 10, `"abcdefghij"`},
		{"one too many", "abcdefghijk", 10, `"abcdefg..."`},
		{"an escape is not split", "abcdef\x01ghij", 10, `"abcdef..."`},
		{"a character is not split", "abcdefü日", 10, `"abcdef..."`},
		{"escapes all the way", strings.Repeat("\x01", 9), 16, `"\u0001\u0001..."`},
		{"after an escape", "\nabcdefghijklm", 10, `"\nabcde..."`},
		{"nothing fits", "\x01\x01", 3, `"..."`},
		{"cut right behind what fits", "abcdefgh\x01", 10, `"abcdefg..."`},
		{"an escape is not split by plain text behind it", "\xe2\xe2\x180\"", 20, `"\ufffd\ufffd..."`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(appendQuoted(nil, tt.in, tt.limit)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAppendText(t *testing.T) {
	for in, want := range map[string]string{
		"": "-", "-": `"-"`, "--": "--", "10.0.0.1:80": "10.0.0.1:80", "a b": `"a b"`, "a=b": "a=b", `a"`: `"a\""`, "ü": `"ü"`, "\n": `"\n"`,
	} {
		if got := string(appendText(nil, in, 100)); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
