package config

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/anygate/anygate/route"
)

// shape is the kind of a node.
type shape uint8

const (
	scalar shape = iota
	list
	mapping
)

// String names the shape for messages.
func (s shape) String() string {
	switch s {
	case list:
		return "a list"
	case mapping:
		return "a mapping"
	}
	return "a value"
}

// node is a value of the file, with aliases resolved and variables expanded. A value that aliases name stands in the
// tree more than once; nodes are never changed after the tree was built.
type node struct {
	src   *source
	shape shape
	// off is where the value begins, behind its anchor and tag.
	off int

	// text is the value of a scalar.
	text string
	// null says that the scalar is empty, null or ~.
	null bool
	// style is how the scalar is written.
	style yaml.Style
	// raw is the value before variables were replaced, and pieces says where; raw is empty when there were none.
	raw    string
	pieces []piece
	// bad says that a variable in the scalar could not be replaced. What the rest of it would mean is not judged.
	bad bool

	// items are the values of a list.
	items []*node
	// entries are the keys and values of a mapping, in the order of the file.
	entries []entry
	// index finds entries by the text of their key.
	index map[string]int
	// broken says that a part of the mapping could not be read, so that nothing must be concluded from what is absent.
	broken bool
	// probe is what a node that stands for no value records for the schema; it is nil in the tree of a file.
	probe *probe
}

type entry struct {
	key, value *node
}

// get returns the value of a key of a mapping, or nil.
func (n *node) get(key string) *node {
	if i, ok := n.index[key]; ok {
		return n.entries[i].value
	}
	return nil
}

// add appends an entry whose key the mapping does not have yet.
func (n *node) add(key, value *node) {
	n.index[key.text] = len(n.entries)
	n.entries = append(n.entries, entry{key, value})
}

// lost says that the value is absent because it stood on lines that could not be read.
func (n *node) lost() bool { return n.null && n.broken }

// span returns the bytes that a diagnostic about the whole node marks: a scalar with its quotes, the first key or
// value of a collection.
func (n *node) span() (off, end int) {
	switch n.shape {
	case list:
		if n.src.at(n.off) != '[' && len(n.items) > 0 {
			return n.items[0].span()
		}
		return n.off, n.off + 1
	case mapping:
		if n.src.at(n.off) != '{' && len(n.entries) > 0 {
			return n.entries[0].key.span()
		}
		return n.off, n.off + 1
	}
	if n.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return n.off, n.off + 1
	}
	at := n.sourceMap()
	switch {
	case at == nil:
		return n.off, n.src.lineEnd(n.src.lineIndex(n.off))
	case n.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return n.off, at[len(at)-1] + 1
	}
	return n.off, at[len(at)-1]
}

// at returns the byte at an offset, 0 at the end.
func (s *source) at(off int) byte {
	if off < len(s.text) {
		return s.text[off]
	}
	return 0
}

func (n *node) sourceMap() []int {
	value := n.text
	if n.pieces != nil {
		value = n.raw
	}
	return scalarMap(n.src.text, n.off, n.style, value)
}

// part returns the bytes of the file that hold the bytes of a scalar's value from off to off+count.
func (n *node) part(off, count int) (start, end int) {
	if n.pieces == nil {
		return n.rawPart(off, count)
	}
	start = n.unexpanded(off, false)
	end = max(start, n.unexpanded(off+count, count > 0))
	return n.rawPart(start, end-start)
}

// rawPart is part for offsets of the value before variables were replaced.
func (n *node) rawPart(off, count int) (start, end int) {
	at := n.sourceMap()
	if at == nil || off < 0 || count < 0 || off+count >= len(at) {
		return n.span()
	}
	return at[off], at[off+count]
}

// errorAt reports a diagnostic about the whole node.
func (l *loader) errorAt(n *node, d Diagnostic) {
	if n.bad {
		return
	}
	off, end := n.span()
	l.report(n.src, off, end, d)
}

// errorIn reports a diagnostic about a part of a scalar's value.
func (l *loader) errorIn(n *node, off, count int, d Diagnostic) {
	if n.bad {
		return
	}
	start, end := n.part(off, count)
	l.report(n.src, start, end, d)
}

// rawError reports a diagnostic about a variable in a scalar that is being expanded.
func (l *loader) rawError(n *node, off, count int, d Diagnostic) {
	n.bad = true
	start, end := scalarPart(n, off, count)
	l.report(n.src, start, end, d)
}

// scalarPart maps a range of the value in the file while n is being expanded: n.text is still that value.
func scalarPart(n *node, off, count int) (start, end int) {
	at := scalarMap(n.src.text, n.off, n.style, n.text)
	if at == nil {
		return n.off, n.src.lineEnd(n.src.lineIndex(n.off))
	}
	return at[off], at[off+count]
}

// routeError reports an error of package route about the scalar n, whose text from base on was parsed.
func (l *loader) routeError(n *node, base int, err *route.SyntaxError) {
	l.errorIn(n, base+err.Off, err.Len, Diagnostic{Msg: err.Msg, Want: err.Want, Suggest: err.Suggest})
}

// related describes a node as the further place of a diagnostic.
func related(n *node, msg string) Related {
	off, end := n.span()
	var r Related
	r.File, r.Line, r.Col, r.Len, r.Source = n.src.place(off, end)
	r.Msg = msg
	return r
}

// pos is the place of the node.
func (n *node) pos() Pos {
	off, _ := n.span()
	return n.src.pos(off)
}

// unknownKey reports a key that the mapping does not have.
func (l *loader) unknownKey(key *node, where string, known []string) {
	d := Diagnostic{Msg: "unknown key " + strconv.Quote(key.text) + " in " + where, Want: oneOf(known)}
	d.Suggest = route.Suggest(key.text, known)
	l.errorAt(key, d)
}

// oneOf joins words for a message: a, b or c.
func oneOf(words []string) string {
	s := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			s += " or "
		default:
			s += ", "
		}
		s += w
	}
	return s
}
