package document

import (
	"strings"
	"unicode/utf8"
)

const (
	// width is how long a line may be before its value is written over several.
	width = 120
	// column is the farthest that values are moved to stand below each other.
	column = 40
)

// writer collects the text of a document.
type writer struct{ strings.Builder }

func (t Text) flow(b *writer)  { b.WriteString(quoted(string(t))) }
func (w Word) flow(b *writer)  { b.WriteString(string(w)) }
func (a Again) flow(b *writer) { b.WriteString("*" + string(a)) }

func (l List) flow(b *writer) {
	b.WriteByte('[')
	for i, v := range l {
		if i > 0 {
			b.WriteString(", ")
		}
		v.flow(b)
	}
	b.WriteByte(']')
}

func (m Map) flow(b *writer) {
	b.WriteByte('{')
	for i, e := range m {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(e.key() + ": ")
		e.Value.flow(b)
	}
	b.WriteByte('}')
}

func (s Shared) flow(b *writer) {
	b.WriteString("&" + s.Name + " ")
	s.Map.flow(b)
}

// oneLine is the value on one line.
func oneLine(v Value) string {
	var b writer
	v.flow(&b)
	return b.String()
}

// Write returns the document as YAML, with lines of comment before it.
func Write(top []string, m Map) string {
	var b writer
	comments(&b, "", top)
	if len(m) == 0 {
		b.WriteString("{}\n")
	}
	block(&b, "", m)
	return b.String()
}

func comments(b *writer, indent string, lines []string) {
	for _, line := range lines {
		b.WriteString(strings.TrimRight(indent+"# "+oneComment(line), " ") + "\n")
	}
}

// oneComment keeps a comment on its line: what it quotes may have been written over several.
func oneComment(s string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// commented reports whether anything below v has a comment, which flow style has no room for.
func commented(v Value) bool {
	switch v := v.(type) {
	case List:
		for _, item := range v {
			if commented(item) {
				return true
			}
		}
	case Map:
		for _, e := range v {
			if e.Beside != "" || len(e.Above) > 0 || e.Open || commented(e.Value) {
				return true
			}
		}
	case Shared:
		return true
	}
	return false
}

// block writes entries one below the other, values of one line in a column.
func block(b *writer, indent string, m Map) {
	pad := 0
	for _, e := range m {
		if n := utf8.RuneCountInString(e.key()); !opens(indent, e) && n <= column && e.Quoted {
			pad = max(pad, n)
		}
	}
	for _, e := range m {
		comments(b, indent, e.Above)
		key := e.key() + ":"
		if opens(indent, e) {
			b.WriteString(indent + key)
			if s, ok := e.Value.(Shared); ok {
				b.WriteString(" &" + s.Name)
			}
			beside(b, e.Beside)
			nested(b, indent+"  ", e.Value)
			continue
		}
		b.WriteString(indent + key + strings.Repeat(" ", max(1, pad+2-utf8.RuneCountInString(key))))
		e.Value.flow(b)
		beside(b, e.Beside)
	}
}

func beside(b *writer, comment string) {
	if comment != "" {
		b.WriteString("  # " + oneComment(comment))
	}
	b.WriteByte('\n')
}

// opens reports whether the value of e goes onto lines of its own.
func opens(indent string, e Entry) bool {
	switch v := e.Value.(type) {
	case Map:
		return len(v) > 0 && (e.Open || commented(v) || tooLong(indent, e))
	case List:
		return len(v) > 0 && (e.Open || commented(v) || tooLong(indent, e))
	case Shared:
		return true
	}
	return false
}

func tooLong(indent string, e Entry) bool {
	return len(indent)+utf8.RuneCountInString(e.key()+": "+oneLine(e.Value)) > width
}

func nested(b *writer, indent string, v Value) {
	switch v := v.(type) {
	case Map:
		block(b, indent, v)
	case Shared:
		block(b, indent, v.Map)
	case List:
		for _, item := range v {
			b.WriteString(indent + "- ")
			item.flow(b)
			b.WriteByte('\n')
		}
	}
}
