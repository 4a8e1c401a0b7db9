package config

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestScalarMap marks one character of the source with every byte of the value: the places of the letters A to Z must
// be where these letters stand in the file.
func TestScalarMap(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"plain", "k: A b C\n"},
		{"plain folded", "k: A  B\n   C\n\n\n   D  E  \n"},
		{"plain over a comment", "k: A B # C\n"},
		{"plain multibyte", "k: Aé日B\n"},
		{"single", "k: 'A''B C'\n"},
		{"single folded", "k: 'A\n  B\n\n  C''D'\n"},
		{"double", `k: "A\tB\"C\\D\x41\u00e9E\U0001F600F\_H\NI\LJ\0K"` + "\n"},
		{"double folded", "k: \"A \n  B\n\n  C \\\n  D\\\n    \\  E\"\n"},
		{"literal", "k: |\n  A\n   B\n\n  C\n"},
		{"literal stripped", "k: |-\n    A\n    B\n"},
		{"literal indented", "k: |2-\n    A\n   B\n"},
		{"literal behind empty lines", "k: |\n\n\n  A\n  B\n"},
		{"folded", "k: >\n  A\n  B\n\n  C\n    D\n  E\n"},
		{"folded stripped", "k: >-\n  A B\n  C\n"},
		{"anchor and tag", "k: &a !!str 'A B'\n"},
		{"anchor on its own line", "k: &a\n  A B\n"},
		{"carriage returns", "k: 'A\r\n  B'\r\n"},
		{"unicode breaks", "k: 'A\u2028  B'\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := newSource("x", "", []byte(c.text))
			doc, err := parseYAML(src.text)
			if err != nil {
				t.Fatal(err)
			}
			y := doc.Content[0].Content[1]
			off := skipProperties(src.text, src.offset(y.Line, y.Column))
			at := scalarMap(src.text, off, y.Style, y.Value)
			if at == nil {
				t.Fatalf("no map for %q", y.Value)
			}
			if len(at) != len(y.Value)+1 {
				t.Fatalf("%d places for %d bytes", len(at), len(y.Value))
			}
			found := 0
			for i, b := range []byte(y.Value) {
				if i > 0 && at[i] < at[i-1] {
					t.Errorf("the place of byte %d is before that of byte %d", i, i-1)
				}
				if b < 'A' || b > 'Z' || src.text[at[i]] == '\\' {
					continue
				}
				found++
				if src.text[at[i]] != b {
					t.Errorf("%q stands at %q", b, src.text[at[i]:])
				}
			}
			if found < 2 {
				t.Fatalf("%q has too few letters", y.Value)
			}
		})
	}
}

// TestScalarMapGivesUp feeds values that do not belong to the text.
func TestScalarMapGivesUp(t *testing.T) {
	for _, c := range []struct {
		style       yaml.Style
		text, value string
	}{
		{0, "abc", "abd"},
		{0, "abc", "abcd"},
		{yaml.SingleQuotedStyle, "abc", "abc"},
		{yaml.SingleQuotedStyle, "'a'b'", "a'b"},
		{yaml.DoubleQuotedStyle, `"a\qb"`, "aqb"},
		{yaml.DoubleQuotedStyle, `"a\u12"`, "a\u1200"},
		{yaml.DoubleQuotedStyle, `"a\`, "ab"},
		{yaml.LiteralStyle, "|\n  abc", "xbc"},
		{yaml.LiteralStyle, "|", "a"},
	} {
		if at := scalarMap([]byte(c.text), 0, c.style, c.value); at != nil {
			t.Errorf("%q and %q: %v", c.text, c.value, at)
		}
	}
}

// TestVariablePlaces checks that carets below expanded text stay in the file's own text.
func TestVariablePlaces(t *testing.T) {
	for _, c := range []struct{ name, text, at string }{
		{"before", `routes: {/a: "FORBIDEN ${SET}"}`, "FORBIDEN"},
		{"behind", `routes: {/a: "http://h ${SET} | limt ${SET}"}`, "${SET}"},
		{"inside", `routes: {/a: "http://10.0.0.1 | limt${SET} 10/s"}`, "limt${SET}"},
		{"whole", `routes: {/a: "${WRONG}"}`, "${WRONG}"},
		{"behind an escape", `routes: {/a: 'OK {"$${it''s": x}'}`, "x"},
		{"behind an empty one", `routes: {/a: "http://10.0.0.1${EMPTY} | limt 10/s"}`, "limt"},
		{"in a key", `routes: {"/${SET}/a b": OK}`, "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, ds := Parse("x.yml", []byte(c.text), world())
			if len(ds) != 1 {
				t.Fatalf("%d diagnostics:\n%s", len(ds), ds)
			}
			d := ds[0]
			if at := c.text[d.Col-1 : d.Col-1+d.Len]; at != c.at {
				t.Errorf("points at %q, want %q:\n%s", at, c.at, d)
			}
		})
	}
}

// TestColumnsInLongLines checks columns around the places that the index of characters begins anew at.
func TestColumnsInLongLines(t *testing.T) {
	for n := 1000; n < 1060; n++ {
		text := "routes: {/a: 'OK " + strings.Repeat("é", n) + "', /b: FORBIDEN}"
		_, ds := Parse("x.yml", []byte(text), world())
		if len(ds) != 1 || ds[0].Col != n+25 || ds[0].Len != len("FORBIDEN") {
			t.Fatalf("n = %d: %+v", n, ds)
		}
	}
}
