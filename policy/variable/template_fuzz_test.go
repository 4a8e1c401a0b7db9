package variable

import (
	"strings"
	"testing"
)

// FuzzParse checks that a text is the same when its pieces are put together again, and that an error is about a part of it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a{client}{{b}", `{"a":{"b":1}}`, "{", "{x", "{ $remote_addr}", "$remote_addr", "{{{{{client}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse(text, OfResponses)
		if err != nil {
			if err.Off < 0 || err.Len <= 0 || err.Off+err.Len > len(text) || err.Msg == "" || err.Want == "" {
				t.Fatalf("%q: %+v", text, err)
			}
			return
		}
		var b strings.Builder
		for _, p := range parsed {
			if p.Var != Text {
				b.WriteString("{" + p.Var.String() + "}")
			} else if b.WriteString(strings.ReplaceAll(p.Text, "{", "{{")); p.Text == "" {
				t.Fatalf("%q: an empty piece in %v", text, parsed)
			}
		}
		again, err := Parse(b.String(), OfResponses)
		if err != nil || len(again) != len(parsed) {
			t.Fatalf("%q becomes %q: %v, %v", text, b.String(), again, err)
		}
		for i := range again {
			if again[i] != parsed[i] {
				t.Fatalf("%q becomes %q: %v, not %v", text, b.String(), again, parsed)
			}
		}
	})
}
