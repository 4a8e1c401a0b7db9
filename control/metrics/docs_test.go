package metrics

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const page = "../../docs/metrics.md"

// TestFamiliesAreDocumented wants the tables of docs/metrics.md to be the families, in their order, and nothing else.
func TestFamiliesAreDocumented(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `anygate_") {
			rows = append(rows, strings.TrimSuffix(line, "\n"))
		}
	}
	if len(rows) != len(families) {
		t.Errorf("%d rows for %d families", len(rows), len(families))
	}
	for i := range families {
		f := &families[i]
		want := fmt.Sprintf("| `%s` | %s | %s | %s |", f.name, f.kindName(), strings.Join(f.labels, ", "), f.help)
		switch {
		case i >= len(rows):
			t.Errorf("missing: %s", want)
		case rows[i] != want:
			t.Errorf("row %d is\n%s\nnot\n%s", i+1, rows[i], want)
		}
	}
}

// TestNames follows the rules of Prometheus: what only grows ends in total, units are the basic ones, and no name is there
// twice.
func TestNames(t *testing.T) {
	seen := make(map[string]bool)
	for i := range families {
		f := &families[i]
		if seen[f.name] {
			t.Errorf("%s is there twice", f.name)
		}
		seen[f.name] = true
		if (f.kind == counter) != strings.HasSuffix(f.name, "_total") {
			t.Errorf("%s is a %s", f.name, f.kindName())
		}
		if !strings.HasSuffix(f.help, ".") {
			t.Errorf("%s: %q is no sentence", f.name, f.help)
		}
		for _, l := range f.labels {
			if l == "le" || strings.HasPrefix(l, "__") {
				t.Errorf("%s: the label %s is Prometheus's own", f.name, l)
			}
		}
	}
}

// kindName is how Prometheus calls the kind of a family.
func (f *family) kindName() string {
	switch f.kind {
	case counter:
		return "counter"
	case gauge:
		return "gauge"
	}
	return "histogram"
}
