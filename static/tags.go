package static

import "bytes"

// tags reads the start tags of HTML, well enough for what build tools write: it
// knows comments and the elements whose content is not, or not yet, markup.
type tags struct {
	name       []byte
	attributes []byte // of the tag, without its brackets
	rest       []byte
}

// opaque are the elements whose content is skipped.
var opaque = [...]string{"script", "style", "template", "noscript", "title", "textarea", "svg"}

// next goes to the next start tag, and reports false at the end.
func (t *tags) next() bool {
	for _, name := range opaque {
		if equalFold(t.name, name) {
			t.skip(name)
			break
		}
	}
	for {
		i := bytes.IndexByte(t.rest, '<')
		if i < 0 {
			return false
		}
		t.rest = t.rest[i+1:]
		if bytes.HasPrefix(t.rest, []byte("!--")) {
			end := bytes.Index(t.rest, []byte("-->"))
			if end < 0 {
				return false
			}
			t.rest = t.rest[end:]
			continue
		}
		n := 0
		for n < len(t.rest) && isLetter(t.rest[n]) {
			n++
		}
		if n == 0 {
			continue
		}
		t.name = t.rest[:n]
		end := tagEnd(t.rest[n:])
		if end < 0 {
			return false
		}
		t.attributes = t.rest[n : n+end]
		t.rest = t.rest[n+end+1:]
		return true
	}
}

// skip goes behind the end tag of an element.
func (t *tags) skip(name string) {
	for {
		i := bytes.Index(t.rest, []byte("</"))
		if i < 0 {
			t.rest = nil
			return
		}
		t.rest = t.rest[i+2:]
		if len(t.rest) > len(name) && equalFold(t.rest[:len(name)], name) && !isLetter(t.rest[len(name)]) {
			return
		}
	}
}

// tagEnd is where a tag ends, at a bracket outside of quotes, or -1.
func tagEnd(b []byte) int {
	quote := byte(0)
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

// attribute is the value of an attribute of the tag: nil if it is not there, empty
// if it has none.
func (t *tags) attribute(name string) []byte {
	b := t.attributes
	for {
		for len(b) > 0 && (isBlank(b[0]) || b[0] == '/') {
			b = b[1:]
		}
		if len(b) == 0 {
			return nil
		}
		n := 1
		for n < len(b) && !isBlank(b[n]) && b[n] != '=' && b[n] != '/' {
			n++
		}
		this, value := b[:n], []byte{}
		if b = trimBlank(b[n:]); len(b) > 0 && b[0] == '=' {
			value, b = cutValue(trimBlank(b[1:]))
		}
		if equalFold(this, name) {
			return value
		}
	}
}

// cutValue cuts the value of an attribute off the front.
func cutValue(b []byte) (value, rest []byte) {
	if len(b) > 0 && (b[0] == '"' || b[0] == '\'') {
		value, rest = cutAt(b[1:], b[0])
		return value, rest
	}
	n := 0
	for n < len(b) && !isBlank(b[n]) {
		n++
	}
	return b[:n], b[n:]
}

func trimBlank(b []byte) []byte {
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	return b
}

func isBlank(b byte) bool  { return b == ' ' || '\t' <= b && b <= '\r' }
func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
