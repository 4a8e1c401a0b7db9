package config

import (
	"bytes"
	"encoding/json"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseJSON returns the tree of a file that is a JSON object, or nil when it is not one. YAML 1.2 contains JSON, but
// the YAML parser follows 1.1 where the two differ: in the escape \/, in surrogate pairs and in tabs between values.
func parseJSON(src *source, text []byte) *yaml.Node {
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(text) {
		return nil
	}
	j := &jsonReader{src: src, text: text, decoder: json.NewDecoder(bytes.NewReader(text))}
	j.decoder.UseNumber()
	return &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{j.value()}}
}

// jsonReader turns the tokens of a valid JSON text into YAML nodes.
type jsonReader struct {
	src     *source
	text    []byte
	decoder *json.Decoder
}

// node returns a node at the place of the next token, and that token.
func (j *jsonReader) node() (*yaml.Node, json.Token) {
	off := int(j.decoder.InputOffset())
	for off < len(j.text) && strings.IndexByte(" \t\r\n,:", j.text[off]) >= 0 {
		off++
	}
	token, err := j.decoder.Token()
	if err != nil {
		// The text is valid and the reader counts brackets, so there is a token wherever one is asked for.
		panic("config: " + err.Error())
	}
	n := new(yaml.Node)
	n.Line, n.Column = j.src.mark(off)
	return n, token
}

// mark names the place of an offset as the YAML parser does.
func (s *source) mark(off int) (line, column int) {
	line = sort.SearchInts(s.marks, off+1)
	return line, s.charactersBefore(off) - s.charactersBefore(s.marks[line-1]) + 1
}

func (j *jsonReader) value() *yaml.Node {
	n, token := j.node()
	switch t := token.(type) {
	case json.Delim:
		n.Style = yaml.FlowStyle
		n.Kind = yaml.SequenceNode
		if t == '{' {
			n.Kind = yaml.MappingNode
		}
		for j.decoder.More() {
			// In a mapping keys and values alternate, as they do in the tokens.
			n.Content = append(n.Content, j.value())
		}
		j.node()
	case string:
		n.Kind, n.Tag, n.Style, n.Value = yaml.ScalarNode, "!!str", yaml.DoubleQuotedStyle, t
	case json.Number:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!float", t.String()
	case bool:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!bool", "false"
		if t {
			n.Value = "true"
		}
	default:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!null", "null"
	}
	return n
}
