package tuning

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteText prints a plan for people: the settings, and the file as a diff.
func (p *Plan) WriteText(w io.Writer, s Style) error {
	var b strings.Builder
	for _, set := range p.Settings {
		s.change(&b, set)
	}
	if !slices.Equal(p.WereLines, p.FileLines) {
		fmt.Fprintf(&b, "\n%s\n", s.paint(bold, p.File))
		for _, line := range p.WereLines {
			if !slices.Contains(p.FileLines, line) {
				b.WriteString(s.paint(red, "- "+line) + "\n")
			}
		}
		for _, line := range p.FileLines {
			if slices.Contains(p.WereLines, line) {
				b.WriteString("  " + line + "\n")
			} else {
				b.WriteString(s.paint(green, "+ "+line) + "\n")
			}
		}
	}
	for _, f := range p.Manual {
		how := f.Command
		if how == "" {
			how = f.Note
		}
		s.wrap(&b, "by hand: ", "         ", f.sentence()+": "+how)
	}
	writeWarnings(&b, s, p.Warnings)
	_, err := io.WriteString(w, b.String())
	return err
}

// change prints what becomes of a setting, in two lines where one is too narrow.
func (s Style) change(b *strings.Builder, set Setting) {
	key, values := pad(set.Key, keyWidth), orEmpty(set.Before)+" -> "+orEmpty(set.After)
	if keyWidth+1+utf8.RuneCountInString(values) > s.width() {
		key = set.Key + "\n  "
	}
	b.WriteString(key + " " + values + "\n")
}

// orEmpty shows a value that has no characters.
func orEmpty(s string) string {
	if s == "" {
		return "(empty)"
	}
	return s
}

func writeWarnings(b *strings.Builder, s Style, warnings []string) {
	for _, line := range warnings {
		s.wrap(b, s.paint(yellow, "warning: "), "         ", line)
	}
}

// WriteText prints what goes back, for people.
func (r *Reverted) WriteText(w io.Writer, s Style) error {
	var b strings.Builder
	for _, set := range r.Settings {
		s.change(&b, set)
	}
	if r.FileBack {
		fmt.Fprintf(&b, "%s as it was\n", pad(r.File, keyWidth))
	} else {
		fmt.Fprintf(&b, "%s removed\n", pad(r.File, keyWidth))
	}
	writeWarnings(&b, s, r.Warnings)
	_, err := io.WriteString(w, b.String())
	return err
}

// counterWidth and numberWidth are the columns of evidence.
const (
	counterWidth = 32
	numberWidth  = 16
)

// WriteText prints the evidence for people. What counts nothing is shown with All only.
func (e *Evidence) WriteText(w io.Writer, s Style) error {
	var b strings.Builder
	since := "since the host has started"
	if e.Watched != "" {
		since = "in " + e.Watched
	}
	s.wrap(&b, pad("counters", 10), strings.Repeat(" ", 10), since)
	if e.Container != "" {
		s.wrap(&b, pad("container", 10), strings.Repeat(" ", 10), e.Container+"; what interfaces and processors count is the host's, and not seen here or not ours alone")
	}
	quiet, unknown := 0, 0
	for _, t := range e.Witnesses {
		switch {
		case !t.Known:
			unknown++
		case !t.Evidence:
			quiet++
		}
		if t.Evidence || s.All {
			b.WriteByte('\n')
			t.write(&b, s)
		}
	}
	b.WriteByte('\n')
	if e.Found() {
		more := "; anygate tune verify --for 10s tells whether it still grows."
		if e.Watched != "" {
			more = "."
		}
		s.wrap(&b, "", "  ", s.paint(yellow, "The kernel has evidence")+more)
	} else {
		s.wrap(&b, "", "  ", s.paint(green, "The kernel has no evidence that a setting is too small."))
	}
	fmt.Fprintf(&b, "%s quiet", count(quiet, "counter"))
	if unknown > 0 {
		fmt.Fprintf(&b, ", %s not kept by this kernel or in this place", isAre(unknown))
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

func (t Testimony) write(b *strings.Builder, s Style) {
	mark, color := "quiet", green
	if t.Evidence {
		mark, color = "evidence", yellow
	}
	value := strconv.FormatInt(t.Value, 10)
	if !t.Known {
		mark, color, value = "unknown", grey, "-"
	}
	line, lead := pad(t.Counter, counterWidth)+" "+pad(value, numberWidth), strings.Repeat(" ", indent)
	if t.Of != "" && t.Known {
		of := fmt.Sprintf(" of %d %s", t.OfValue, t.Of)
		if t.OfValue > 0 {
			of += fmt.Sprintf(" (%.3g%%)", 100*float64(t.Value)/float64(t.OfValue))
		}
		if indent+len(line)+len(of) > s.width() {
			line, of = strings.TrimRight(line, " "), "\n"+lead+strings.TrimLeft(of, " ")
		}
		line += of
	}
	b.WriteString(s.paint(color, pad(mark, markWidth)) + " " + strings.TrimRight(line, " ") + "\n")
	if t.Says != "" {
		s.wrap(b, lead, lead, t.Says)
	}
	for _, setting := range t.Settings {
		s.wrap(b, lead, lead+"  ", "supports "+setting)
	}
	if len(t.Unseen) > 0 {
		s.wrap(b, lead, lead+"  ", "supports "+strings.Join(t.Unseen, ", ")+", which cannot be seen here")
	}
	if t.Otherwise != "" {
		fine := slices.DeleteFunc(slices.Clone(t.Supports), func(key string) bool {
			return slices.ContainsFunc(t.Unseen, func(name string) bool { return name == key || strings.HasPrefix(name, key+" ") })
		})
		about := ""
		switch {
		case len(t.Supports) == 0:
			about = "No setting is known for it. "
		case len(fine) > 0:
			about = "Nothing to change in " + strings.Join(fine, ", ") + ". "
		}
		s.wrap(b, lead, lead, about+t.Otherwise)
	}
}
