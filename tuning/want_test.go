package tuning

import (
	"testing"
)

func TestWant(t *testing.T) {
	tests := []struct {
		name, want, value string
		met               bool
		target            string
	}{
		{"at least, below", ">=16384", "4096", false, "16384"},
		{"at least, above: what was raised stays", ">=16384", "65535", true, "65535"},
		{"at least, the same", ">=16384", "16384", true, "16384"},
		{"at least, as large as the kernel counts", ">=1048576", "9223372036854775807", true, "9223372036854775807"},
		{"at most, above", "<=10", "60", false, "10"},
		{"at most, below: what was lowered stays", "<=10", "1", true, "1"},
		{"exactly", "0", "1", false, "0"},
		{"exactly, met", "0", "0", true, "0"},
		{"exactly, by number", "1", "01", true, "1"},
		{"between, above", "15..30", "60", false, "30"},
		{"between, below", "15..30", "5", false, "15"},
		{"between, met", "15..30", "20", true, "20"},
		{"several numbers, one of them too small", ">=4096 >=131072 >=16777216", "4096\t131072\t6291456", false, "4096 131072 16777216"},
		{"several numbers, by number and not by blanks", ">=4096 >=131072 >=16777216", "4096\t262144\t33554432", true, "4096 262144 33554432"},
		{"several numbers, each its own way", "<=10240 >=65535", "1024 60999", false, "1024 65535"},
		{"several numbers, of another count", ">=1 >=2", "5", false, "1 2"},
		{"a word", "bbr", "cubic", false, "bbr"},
		{"one of words", "madvise|never", "never", true, "madvise"},
		{"one of words, none", "madvise|never", "always", false, "madvise"},
		{"words with blanks", "gro gso tso", "gro  gso tso", true, "gro gso tso"},
		{"a list without it", "includes 9000", "", false, "9000"},
		{"a list of others", "includes 9000,9001", "8080,9000", false, "8080,9000-9001"},
		{"a list in a range", "includes 9000,9001", "8000-9999", true, "8000-9999"},
		{"a list of nothing", "includes ", "", true, ""},
		{"a report", "report", "anything", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := parseWant(tt.want)
			must(t, err)
			if w.met(tt.value) != tt.met {
				t.Errorf("%q is met by %q: %v", tt.want, tt.value, !tt.met)
			}
			if got := w.target(tt.value); got != tt.target {
				t.Errorf("%q makes %q of %q, want %q", tt.want, got, tt.value, tt.target)
			}
			if tt.target != "" && !w.met(w.target(tt.value)) {
				t.Errorf("%q is not met by its own target", tt.want)
			}
		})
	}
}

func TestBadWant(t *testing.T) {
	for _, text := range []string{"", ">=", ">=x", "30..15", "1..", "<=${nofile}", "includes x", "includes 9-1"} {
		if w, err := parseWant(text); err == nil {
			t.Errorf("%q is understood as %+v", text, w)
		}
	}
}

func TestMerge(t *testing.T) {
	for _, tt := range []struct{ have, add, want string }{
		{"", "", ""},
		{"1-3,7", "4,5", "1-5,7"},
		{"80", "80", "80"},
		{"100-200", "150-300", "100-300"},
	} {
		a, err := parseSpans(tt.have)
		must(t, err)
		b, err := parseSpans(tt.add)
		must(t, err)
		if got := formatSpans(merge(a, b)); got != tt.want {
			t.Errorf("%q and %q make %q, want %q", tt.have, tt.add, got, tt.want)
		}
	}
}
