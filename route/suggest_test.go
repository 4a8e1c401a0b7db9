package route

import (
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	known := []string{"GONE", "FOUND", "FORBIDDEN", "limit", "least-conn", "round-robin"}
	for _, tt := range []struct{ name, word, want string }{
		{"missing letter", "FORBIDEN", "FORBIDDEN"},
		{"swapped letters", "FORBDIDEN", "FORBIDDEN"},
		{"swapped neighbours in a short word", "GOEN", "GONE"},
		{"case does not count", "forbidden", "FORBIDDEN"},
		{"wrong letter", "lirit", "limit"},
		{"extra letter", "roundd-robin", "round-robin"},
		{"two edits in a short word are too many", "GXYE", ""},
		{"nothing near", "cache", ""},
		{"too short to be guessed", "l", ""},
		{"empty", "", ""},
		{"far too long", strings.Repeat("x", 1000), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Suggest(tt.word, known); got != tt.want {
				t.Errorf("Suggest(%q) = %q, want %q", tt.word, got, tt.want)
			}
		})
	}
}

func TestSuggestPrefersTheNearest(t *testing.T) {
	if got := Suggest("compres", []string{"comprise", "compress"}); got != "compress" {
		t.Errorf("got %q", got)
	}
	if got := Suggest("COMPRESS", []string{"compresss", "compress"}); got != "compress" {
		t.Errorf("got %q", got)
	}
}

func TestEditDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b        string
		bound, want int
	}{
		{"", "", 3, 0},
		{"abc", "abc", 0, 0},
		{"abc", "abd", 3, 1},
		{"abc", "acb", 3, 1},
		{"abc", "ab", 3, 1},
		{"ab", "abc", 3, 1},
		{"kitten", "sitting", 3, 3},
		{"kitten", "sitting", 2, 3},
		{"abcd", "wxyz", 2, 3},
		{"a", "abcdef", 2, 3},
	} {
		if got := editDistance(tt.a, tt.b, tt.bound); got != tt.want {
			t.Errorf("editDistance(%q, %q, %d) = %d, want %d", tt.a, tt.b, tt.bound, got, tt.want)
		}
	}
}
