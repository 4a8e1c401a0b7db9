package config

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind says what sort of thing is wrong.
type Kind string

// The kinds of diagnostics.
const (
	// KindSyntax is an error of YAML itself, or of the file as a whole.
	KindSyntax Kind = "syntax"
	// KindInvalid is anything in the file that the language does not have.
	KindInvalid Kind = "invalid"
	// KindConflict is a thing that is there twice; Related names the other one.
	KindConflict Kind = "conflict"
	// KindUnavailable is a part of the language that this version does not carry out.
	KindUnavailable Kind = "unavailable"
	// KindMissing is something outside the file that cannot be found: a directory, an included file, a variable.
	KindMissing Kind = "missing"
	// KindWarning is a thing that is served as it stands, and probably not meant.
	KindWarning Kind = "warning"
)

// Diagnostic is one thing that is wrong with a configuration. Its JSON form is stable: fields may be added, but none
// is renamed or removed.
type Diagnostic struct {
	Kind Kind `json:"kind"`
	// File, Line and Col name the place; Line and Col count from 1, Col in characters. Line is 0 when the error has
	// no place in a file.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"column,omitempty"`
	// Len is the number of characters that are wrong, at least 1, all on the same line.
	Len int `json:"length,omitempty"`
	// Msg says what is wrong.
	Msg string `json:"message"`
	// Want says what was expected, or is empty.
	Want string `json:"expected,omitempty"`
	// Suggest is what was probably meant, or empty.
	Suggest string `json:"suggestion,omitempty"`
	// Source is the text of the line.
	Source string `json:"source,omitempty"`
	// Related are further places that the message is about.
	Related []Related `json:"related,omitempty"`
}

// Related is a further place that a diagnostic is about.
type Related struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Col    int    `json:"column"`
	Len    int    `json:"length"`
	Msg    string `json:"message"`
	Source string `json:"source"`
}

// String formats the diagnostic for a terminal: the place and message, the line with carets under what is wrong, and
// what was expected.
func (d Diagnostic) String() string {
	var b strings.Builder
	writePlace(&b, d.File, d.Line, d.Col)
	b.WriteString(printable(d.Msg))
	writeSource(&b, d.Source, d.Line, d.Col, d.Len)
	if hint := d.hint(); hint != "" {
		b.WriteString("\n     ")
		b.WriteString(printable(hint))
	}
	for _, r := range d.Related {
		b.WriteString("\n  ")
		writePlace(&b, r.File, r.Line, r.Col)
		b.WriteString(printable(r.Msg))
		writeSource(&b, r.Source, r.Line, r.Col, r.Len)
	}
	return b.String()
}

// hint joins the expectation and the suggestion.
func (d Diagnostic) hint() string {
	var s string
	if d.Want != "" {
		s = "expected " + d.Want
	}
	if d.Suggest != "" {
		if s != "" {
			s += "; "
		}
		s += "did you mean " + quoted(d.Suggest) + "?"
	}
	return s
}

func writePlace(b *strings.Builder, file string, line, col int) {
	if file != "" {
		b.WriteString(printable(file))
		b.WriteByte(':')
	}
	if line > 0 {
		fmt.Fprintf(b, "%d:%d:", line, col)
	}
	if file != "" || line > 0 {
		b.WriteByte(' ')
	}
}

// writeSource shows the line with its number and the carets below. Tabs stay tabs in both lines, so that the carets
// stand right at any tab width.
func writeSource(b *strings.Builder, line string, number, col, n int) {
	if number == 0 {
		return
	}
	shown := []rune(printable(line))
	start := min(col-1, len(shown))
	n = max(n, 1)
	shown, start, n = window(shown, start, n)
	fmt.Fprintf(b, "\n%6d | %s\n       | ", number, string(shown))
	for _, r := range shown[:start] {
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat("^", n))
}

// window cuts a long line down to the part around the n characters at start.
func window(line []rune, start, n int) (part []rune, newStart, newN int) {
	if len(line) <= maxSourceColumns {
		return line, start, n
	}
	const before = maxSourceColumns / 4
	lo := max(0, start-before)
	hi := min(len(line), lo+maxSourceColumns)
	part = append(part, line[lo:hi]...)
	if lo > 0 {
		part[0] = '…'
	}
	if hi < len(line) {
		part = append(part, '…')
	}
	return part, start - lo, min(n, max(1, hi-start))
}

// quoted puts a suggestion in quotes without escaping what is already quoted.
func quoted(s string) string {
	if strings.ContainsAny(s, `"\`) {
		return "`" + s + "`"
	}
	return `"` + s + `"`
}

// OneLine is the diagnostic without the text of the file, for logs.
func (d Diagnostic) OneLine() string {
	var b strings.Builder
	writePlace(&b, d.File, d.Line, d.Col)
	b.WriteString(printable(d.Msg))
	if hint := d.hint(); hint != "" {
		b.WriteString("; ")
		b.WriteString(printable(hint))
	}
	return b.String()
}

// Diagnostics are everything that is wrong with a configuration, in the order of its files and lines. It is empty,
// or nil, exactly when the configuration may be served.
type Diagnostics []Diagnostic

// String formats all diagnostics, separated by empty lines.
func (ds Diagnostics) String() string {
	var b strings.Builder
	for i, d := range ds {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(d.String())
	}
	return b.String()
}

// Error makes Diagnostics an error value; use Err to get one that is nil when there are none.
func (ds Diagnostics) Error() string { return ds.String() }

// Err returns ds as an error, or nil when it is empty.
func (ds Diagnostics) Err() error {
	if len(ds) == 0 {
		return nil
	}
	return ds
}

// Summary is a line that says how many errors there are.
func (ds Diagnostics) Summary() string {
	if len(ds) == 1 {
		return "1 error"
	}
	return strconv.Itoa(len(ds)) + " errors"
}

// JSON returns the diagnostics as a JSON array of objects with the fields of Diagnostic; an empty array when there are
// none.
func (ds Diagnostics) JSON() []byte {
	if ds == nil {
		ds = Diagnostics{}
	}
	return marshal([]Diagnostic(ds))
}

// marshal writes JSON that people may read too. The types of this package cannot fail to be marshalled.
func marshal(v any) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		panic("config: " + err.Error())
	}
	return []byte(b.String())
}

// report adds a diagnostic about the bytes from off to end, of which those on the first line count.
func (l *loader) report(s *source, off, end int, d Diagnostic) {
	if len(l.diagnostics) >= maxDiagnostics {
		l.dropped++
		return
	}
	if d.Kind == "" {
		d.Kind = KindInvalid
	}
	l.diagnostics = append(l.diagnostics, s.placed(off, end, d))
}

// warn adds a warning about the whole node.
func (l *loader) warn(n *node, d Diagnostic) {
	off, end := n.span()
	l.warnAt(n, off, end, d)
}

// warnIn adds a warning about a part of a scalar's value.
func (l *loader) warnIn(n *node, off, count int, d Diagnostic) {
	start, end := n.part(off, count)
	l.warnAt(n, start, end, d)
}

func (l *loader) warnAt(n *node, off, end int, d Diagnostic) {
	if n.bad || len(l.warnings) >= maxDiagnostics {
		return
	}
	d.Kind = KindWarning
	l.warnings = append(l.warnings, n.src.placed(off, end, d))
}

// placed completes a diagnostic about the bytes from off to end.
func (s *source) placed(off, end int, d Diagnostic) Diagnostic {
	d.Msg, d.Want, d.Suggest = clip(d.Msg), clip(d.Want), clip(d.Suggest)
	d.File, d.Line, d.Col, d.Len, d.Source = s.place(off, end)
	return d
}

// clip cuts a text that quotes too much of the file.
func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	end := maxMessage
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// place returns what a diagnostic says about the bytes from off to end.
func (s *source) place(off, end int) (file string, line, col, n int, text string) {
	off = min(max(off, 0), len(s.text))
	index := s.lineIndex(off)
	end = min(end, s.lineEnd(index))
	p := s.pos(off)
	n = 1
	if end > off {
		n = utf8.RuneCount(s.text[off:end])
	}
	return p.File, p.Line, p.Col, n, s.line(index)
}

// finish returns the errors.
func (l *loader) finish() Diagnostics {
	out := l.arranged(l.diagnostics)
	if l.dropped > 0 {
		out = append(out, Diagnostic{Kind: KindInvalid, Msg: strconv.Itoa(l.dropped) + " further errors are not shown"})
	}
	return out
}

// arranged sorts diagnostics by file, in the order in which files were read, and place, and drops repetitions: an alias
// shows the same text in several places.
func (l *loader) arranged(ds []Diagnostic) Diagnostics {
	order := make(map[string]int, len(l.files))
	for i, f := range l.files {
		order[f.src.name] = i + 1
	}
	sort.SliceStable(ds, func(i, j int) bool {
		a, b := &ds[i], &ds[j]
		switch {
		case a.File != b.File:
			return order[a.File] < order[b.File]
		case a.Line != b.Line:
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
	out := ds[:0]
	for _, d := range ds {
		if n := len(out); n > 0 && d.Line > 0 && same(d, out[n-1]) {
			continue
		}
		out = append(out, d)
	}
	if len(out) == 0 {
		return nil
	}
	return Diagnostics(out)
}

func same(a, b Diagnostic) bool {
	return a.File == b.File && a.Line == b.Line && a.Col == b.Col && a.Msg == b.Msg
}
