package variable

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDocs holds docs/policies.md to the variables that there are, in their order, and to the names that nginx has for them.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| variable | stands for | of nginx |\n| --- | --- | --- |\n")
	var got []string
	for line := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			break
		}
		name := strings.Trim(cells[1], " `{}")
		got = append(got, name)
		theirs := strings.Trim(cells[3], " `$")
		if theirs == "" {
			continue
		}
		if v, ok := elsewhere[theirs]; theirs != name && (theirs != strings.ReplaceAll(name, "-", "_")) && (!ok || v.String() != name) {
			t.Errorf("$%s does not suggest {%s}", theirs, name)
		}
	}
	if !slices.Equal(got, OfResponses.names()) {
		t.Errorf("the page has %q, want %q", got, OfResponses.names())
	}
}
