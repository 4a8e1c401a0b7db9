package http1

import (
	"strings"
	"testing"
)

func TestNextItem(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "",
		"a":                           "a",
		"a,b":                         "a|b",
		" a\t, b c ,":                 "a|b c",
		",,a":                         "||a",
		`"a,b", c`:                    `"a,b"|c`,
		`a="x\",y";q=1, b`:            `a="x\",y";q=1|b`,
		`"open, c`:                    `"open, c`,
		`"open\`:                      `"open\`,
		`a\,b`:                        `a\|b`,
		"gzip;q=0.5, br , *;q=0":      "gzip;q=0.5|br|*;q=0",
		`W/"a", "b,c" ,"d"`:           `W/"a"|"b,c"|"d"`,
		"Sun, 06 Nov 1994 08:49:37 G": "Sun|06 Nov 1994 08:49:37 G",
	} {
		var items []string
		for rest := []byte(in); len(rest) > 0; {
			var item []byte
			item, rest = NextItem(rest)
			items = append(items, string(item))
		}
		if got := strings.Join(items, "|"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestWeight(t *testing.T) {
	for in, want := range map[string]int{
		"gzip": 1000, "gzip;q=1": 1000, "gzip; Q=0.5": 500, "gzip;q=0": 0, "gzip;q=0.001": 1, "gzip;q=1.000": 1000, "gzip;q=0.": 0,
		"text/html;level=1;q=0.7": 700, `a;x="q=0;";q=0.25`: 250, "a;q": 1000,
		"gzip;q=": -1, "gzip;q=1.001": -1, "gzip;q=2": -1, "gzip;q=0.1234": -1, "gzip;q=.5": -1, "gzip;q=-1": -1, "gzip;q=0,5": -1, "gzip;q=0.x": -1,
	} {
		if got := Weight([]byte(in)); got != want {
			t.Errorf("Weight(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestParameters(t *testing.T) {
	part, rest := NextParam([]byte(`text/html ; charset="a;b" ;x`))
	if string(part) != "text/html" {
		t.Errorf("the first part is %q", part)
	}
	part, rest = NextParam(rest)
	if name, value, ok := CutParam(part); string(name) != "charset" || string(value) != `"a;b"` || !ok {
		t.Errorf("parameter %q = %q, %v", name, value, ok)
	}
	part, rest = NextParam(rest)
	if name, value, ok := CutParam(part); string(name) != "x" || value != nil || ok || rest != nil {
		t.Errorf("parameter %q = %q, %v, rest %q", name, value, ok, rest)
	}
}
