package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseDamaged parses a text as YAML. At a syntax error it reports where the error is, blanks the lines that cannot be
// read, and parses again, so that one run reports all errors of a file, of YAML and of the language. broken says that
// lines were left out.
func (l *loader) parseDamaged(src *source, text []byte) (doc *yaml.Node, broken bool) {
	r := &repair{budget: maxRepairBytes}
	for range maxRepairs {
		doc, err := r.parse(text)
		if err == nil {
			return doc, broken
		}
		var second *secondDocumentError
		if errors.As(err, &second) {
			// The node of a document stands at its "---", or at its first value where there is none.
			off := src.offset(second.line, second.column)
			l.report(src, off, src.lineEnd(src.lineIndex(off)), Diagnostic{
				Kind: KindSyntax, Msg: "the file holds a second YAML document", Want: "one document; further files are named by include",
			})
			return doc, broken
		}
		if !broken {
			text = bytes.Clone(text)
		}
		f := r.findFault(src, text, err)
		if !(broken && f.consequence) {
			l.report(src, f.off, f.end, f.d)
		}
		broken = true
		if r.budget < 0 || !f.blank(src, text) {
			return nil, true
		}
	}
	return nil, true
}

// repair counts what parsing a damaged file again and again costs.
type repair struct {
	budget int
}

func (r *repair) parse(text []byte) (*yaml.Node, error) {
	r.budget -= len(text)
	return parseYAML(text)
}

// fault is a YAML syntax error with its place.
type fault struct {
	off, end int
	d        Diagnostic
	// first and last are the lines, as YAML counts them from 0, that are left out to read the rest; last is at least
	// first, or the file is beyond repair.
	first, last int
	// consequence says that the error may come from lines that were left out before.
	consequence bool
}

// blank overwrites the lines of the fault with blanks. It returns false when that changes nothing.
func (f *fault) blank(src *source, text []byte) bool {
	changed := false
	for line := f.first; line <= f.last && line < len(src.marks); line++ {
		for i := src.marks[line]; i < src.markEnd(line); i++ {
			changed = changed || !isSpace(text[i])
			text[i] = ' '
		}
	}
	return changed
}

// markEnd returns the offset at which a line, as YAML counts them from 0, ends before its break.
func (s *source) markEnd(line int) int {
	if line+1 >= len(s.marks) {
		return len(s.text)
	}
	end := s.marks[line+1]
	if end > s.marks[line] && s.text[end-1] == '\n' {
		end--
	}
	if end > s.marks[line] && s.text[end-1] == '\r' {
		end--
	}
	return end
}

// findFault finds the place of a syntax error. The parser names a line at best, which may be that of the beginning of
// the mapping around it. So the place is narrowed from both sides: reading stopped no later than where the parser had
// consumed its input, and it starts behind the longest run of lines that is YAML by itself.
func (r *repair) findFault(src *source, text []byte, err error) *fault {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if _, after, ok := strings.Cut(rest, ": "); ok {
			message = after
		}
	}
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		return jsonFault(src, text, message)
	}
	first := src.markLine(consumed(text))
	for ; first > 0 && r.budget > 0; first-- {
		if blankLine(src, text, first) {
			continue
		}
		if _, err := r.parse(text[:src.marks[first]]); err == nil {
			break
		}
	}
	f := &fault{first: first, last: lastOfBlock(src, text, first)}
	f.explain(src, text, message)
	f.d.Kind = KindSyntax
	return f
}

// markLine returns the line, as YAML counts them from 0, that holds the offset.
func (s *source) markLine(off int) int {
	line := 0
	for line+1 < len(s.marks) && s.marks[line+1] <= off {
		line++
	}
	return line
}

func blankLine(src *source, text []byte, line int) bool {
	return len(bytes.TrimSpace(text[src.marks[line]:src.markEnd(line)])) == 0
}

// consumed returns how far the parser read before it gave up.
func consumed(text []byte) int {
	r := &countingReader{text: text}
	func() {
		defer func() { _ = recover() }()
		decoder := yaml.NewDecoder(r)
		for decoder.Decode(new(yaml.Node)) == nil {
			continue
		}
	}()
	return max(0, min(r.n, len(text))-1)
}

// countingReader hands out one byte at a time, so that its count is where the parser is.
type countingReader struct {
	text []byte
	n    int
}

func (r *countingReader) Read(p []byte) (int, error) {
	if r.n == len(r.text) {
		return 0, io.EOF
	}
	n := copy(p[:1], r.text[r.n:])
	r.n += n
	return n, nil
}

// lastOfBlock returns the last line of what belongs to the given one: the lines below that are indented further, and
// one that closes a bracket.
func lastOfBlock(src *source, text []byte, line int) int {
	indent := indentation(src, text, line)
	last := line
	for i := line + 1; i < len(src.marks); i++ {
		if blankLine(src, text, i) {
			continue
		}
		deeper := indentation(src, text, i) > indent
		closing := !deeper && indentation(src, text, i) == indent && strings.IndexByte("]}", text[src.marks[i]+indent]) >= 0
		if !deeper && !closing {
			break
		}
		last = i
	}
	return last
}

func indentation(src *source, text []byte, line int) int {
	start := src.marks[line]
	i := start
	for i < src.markEnd(line) && text[i] == ' ' {
		i++
	}
	return i - start
}

// jsonFault finds the place of a syntax error in a file that is one flow mapping, as JSON is. Nothing of such a file
// can be left out.
func jsonFault(src *source, text []byte, message string) *fault {
	off := consumed(text)
	decoder := json.NewDecoder(bytes.NewReader(text))
	var syntax *json.SyntaxError
	var err error
	for err == nil {
		_, err = decoder.Token()
	}
	if errors.As(err, &syntax) && strings.Contains(message, "did not find expected") {
		off = min(off, int(syntax.Offset)-1)
	}
	off = max(0, off)
	for off > 0 && (off >= len(text) || isSpace(text[off])) {
		off--
	}
	return &fault{off: off, end: off + 1, last: -1, d: Diagnostic{
		Kind: KindSyntax, Msg: "not valid YAML or JSON: " + message, Want: "a comma between two values, a colon after each key, and every bracket closed",
	}}
}
