package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads the only document of a text. The YAML parser is known to panic on some malformed texts; here that is
// an error like any other, since a file must never end the process.
func parseYAML(text []byte) (doc *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			doc, err = nil, fmt.Errorf("yaml: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	doc = new(yaml.Node)
	if err := decoder.Decode(doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return doc, nil
	case err != nil:
		return nil, err
	}
	return doc, &secondDocumentError{line: second.Line, column: second.Column}
}

// secondDocumentError says that a file holds more than one YAML document, of which all but one would be ignored.
type secondDocumentError struct{ line, column int }

func (*secondDocumentError) Error() string { return "yaml: the file holds a second document" }

// builder turns YAML nodes into nodes.
type builder struct {
	l   *loader
	src *source
	// size is the number of values so far, with those that aliases repeat counted each time.
	size int
	// built are the nodes that anchors name; nil while one is being built.
	built map[*yaml.Node]*built
	depth int
	// broken marks every mapping of a file of which some lines could not be read.
	broken bool
}

type built struct {
	node *node
	// size is the number of values in node, itself included.
	size int
}

// build returns the node for y, or nil when it cannot be used; that was reported then.
func (b *builder) build(y *yaml.Node) *node {
	off := b.src.offset(y.Line, y.Column)
	if b.size++; b.size > maxNodes {
		b.fail(off, "the file holds more than "+strconv.Itoa(maxNodes)+" values", "a file in which aliases do not multiply")
		return nil
	}
	if b.depth++; b.depth > maxDepth {
		b.fail(off, "values are nested more than "+strconv.Itoa(maxDepth)+" levels deep", "a flatter file")
		b.depth--
		return nil
	}
	defer func() { b.depth-- }()

	if y.Kind == yaml.AliasNode {
		return b.alias(y, off)
	}
	if y.Anchor != "" {
		b.built[y] = nil
	}
	start := b.size
	n := &node{src: b.src, off: skipProperties(b.src.text, off), broken: b.broken}
	b.checkTag(y, off)
	switch y.Kind {
	case yaml.ScalarNode:
		n.text, n.style = y.Value, y.Style
		n.null = y.Tag == "!!null"
		if n.null {
			n.text = ""
			n.placeNull(y)
		} else {
			b.l.expand(n)
		}
	case yaml.SequenceNode:
		n.shape = list
		for _, c := range y.Content {
			if item := b.build(c); item != nil {
				n.items = append(n.items, item)
			}
		}
	case yaml.MappingNode:
		n.shape = mapping
		b.mapping(n, y)
	}
	if y.Anchor != "" {
		b.built[y] = &built{n, b.size - start + 1}
	}
	return n
}

// placeNull puts an absent value behind the colon of its key rather than where the parser noticed its absence, which
// may be lines below.
func (n *node) placeNull(y *yaml.Node) {
	if y.Value == "" {
		for n.off > 0 && (n.off >= len(n.src.text) || n.src.text[n.off-1] != ':' && isSpace(n.src.text[n.off-1])) {
			n.off--
		}
	}
	n.style = 0
}

func (b *builder) fail(off int, msg, want string) {
	// One report is enough: what hits a bound once hits it again and again.
	if b.l.overflow {
		return
	}
	b.l.overflow = true
	b.l.report(b.src, off, off+1, Diagnostic{Kind: KindSyntax, Msg: msg, Want: want})
}

func (b *builder) alias(y *yaml.Node, off int) *node {
	known, seen := b.built[y.Alias]
	switch {
	case !seen:
		// The anchor stands in a part of the file that was refused.
		return nil
	case known == nil:
		b.l.report(b.src, off, off+1+len(y.Value), Diagnostic{
			Kind: KindSyntax, Msg: "the alias *" + y.Value + " stands inside the value that it names", Want: "an alias behind that value",
		})
		return nil
	}
	b.size += known.size - 1
	if b.size > maxNodes {
		b.fail(off, "the file holds more than "+strconv.Itoa(maxNodes)+" values", "a file in which aliases do not multiply")
		return nil
	}
	return known.node
}

// checkTag refuses tags that would ask for another type than the one that the place has.
func (b *builder) checkTag(y *yaml.Node, off int) {
	if y.Style&yaml.TaggedStyle == 0 {
		return
	}
	switch y.Tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!map":
		return
	}
	end := off
	for end < len(b.src.text) && !isSpace(b.src.text[end]) {
		end++
	}
	b.l.report(b.src, off, end, Diagnostic{Kind: KindSyntax, Msg: "unknown tag " + strconv.Quote(y.Tag), Want: "a value without a tag"})
}

// mapping fills in the entries, those of merge keys (<<) last.
func (b *builder) mapping(n *node, y *yaml.Node) {
	var merged []*node
	n.index = make(map[string]int, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		if y.Content[i].Tag == "!!merge" {
			if m := b.build(y.Content[i+1]); m != nil {
				merged = append(merged, m)
			}
			continue
		}
		key := b.build(y.Content[i])
		value := b.build(y.Content[i+1])
		if key == nil || value == nil {
			n.broken = true
			continue
		}
		if key.shape != scalar {
			b.l.errorAt(key, Diagnostic{Msg: "a key is " + key.shape.String(), Want: "a string"})
			continue
		}
		b.addEntry(n, key, value)
	}
	for _, m := range merged {
		b.merge(n, m)
	}
}

func (b *builder) addEntry(n *node, key, value *node) {
	if first, ok := n.index[key.text]; ok {
		b.l.errorAt(key, Diagnostic{
			Kind: KindConflict, Msg: "the key " + strconv.Quote(key.text) + " is there twice", Want: "each key once",
			Related: []Related{related(n.entries[first].key, "the first one")},
		})
		return
	}
	n.add(key, value)
}

// merge adds the entries of m that n does not have itself.
func (b *builder) merge(n, m *node) {
	switch m.shape {
	case list:
		for _, item := range m.items {
			if item.shape != mapping {
				b.l.errorAt(item, Diagnostic{Msg: "<< merges mappings", Want: "an alias of a mapping"})
				continue
			}
			b.merge(n, item)
		}
	case mapping:
		for _, e := range m.entries {
			if _, ok := n.index[e.key.text]; !ok {
				n.add(e.key, e.value)
			}
		}
	default:
		b.l.errorAt(m, Diagnostic{Msg: "<< merges mappings", Want: "an alias of a mapping, or a list of them"})
	}
}

// parseTree reads a file as far as it can be read. It returns nil for an empty one.
func (l *loader) parseTree(src *source) *node {
	text := l.checkText(src)
	doc, broken := parseJSON(src, text), false
	if doc == nil {
		doc, broken = l.parseDamaged(src, text)
	}
	if doc == nil || len(doc.Content) == 0 {
		return nil
	}
	b := &builder{l: l, src: src, built: make(map[*yaml.Node]*built), broken: broken}
	root := b.build(doc.Content[0])
	if root == nil || root.null && strings.TrimSpace(root.text) == "" {
		return nil
	}
	return root
}
