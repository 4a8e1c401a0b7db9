package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Level says how much of a directive was carried over.
type Level string

const (
	// Lost is not carried over: the result is not complete.
	Lost Level = "not carried over"
	// Differs is carried over, and behaves differently in a way that somebody may notice.
	Differs Level = "differs"
)

// Item is one directive that the result does not have as it was.
type Item struct {
	Level Level  `json:"level"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	// What is the directive, Why what becomes of it, and Do what to do about it.
	What string `json:"what"`
	Why  string `json:"why"`
	Do   string `json:"do,omitempty"`
}

// Report is all that is to be told of a conversion.
type Report struct{ items []Item }

// Add puts an item into the report, unless it is there.
func (r *Report) Add(i Item) {
	if !slices.Contains(r.items, i) {
		r.items = append(r.items, i)
	}
}

// Items are in the order of their places.
func (r *Report) Items() []Item {
	items := slices.Clone(r.items)
	slices.SortStableFunc(items, func(a, b Item) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return items
}

// Count is how many items have a level.
func (r *Report) Count(l Level) (n int) {
	for _, i := range r.items {
		if i.Level == l {
			n++
		}
	}
	return n
}

// Complete reports whether everything was carried over.
func (r *Report) Complete() bool { return r.Count(Lost) == 0 }

// Text writes the report for people.
func (r *Report) Text() string {
	var b strings.Builder
	for _, i := range r.Items() {
		fmt.Fprintf(&b, "%s:%d: %s: %s\n    %s\n", i.File, i.Line, i.Level, oneLine(i.What), i.Why)
		if i.Do != "" {
			fmt.Fprintf(&b, "    -> %s\n", i.Do)
		}
	}
	lost, differs := r.Count(Lost), r.Count(Differs)
	switch {
	case lost > 0:
		fmt.Fprintf(&b, "not complete: %d not carried over, %d differ\n", lost, differs)
	case differs > 0:
		fmt.Fprintf(&b, "complete: %d differ\n", differs)
	default:
		b.WriteString("complete\n")
	}
	return b.String()
}

// oneLine shortens what was written over several lines, or at great length.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 100 {
		s = string(r[:97]) + "..."
	}
	return s
}

// JSON writes the report for machines.
func (r *Report) JSON() ([]byte, error) {
	items := r.Items()
	if items == nil {
		items = []Item{}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(struct {
		Complete bool   `json:"complete"`
		Items    []Item `json:"items"`
	}{r.Complete(), items})
	return []byte(b.String()), err
}
