package route

import "bytes"

// AppendAllow appends the value of the Allow field for a request whose Match
// came to MethodNotAllowed (RFC 9110, section 10.2.1): the methods of the routes
// of all paths that match, of all hosts that were tried, sorted, as in
// "GET, HEAD, POST". It allocates only if dst is too small.
func (t *Table) AppendAllow(dst, host, path []byte) []byte {
	// The walk notes parameters in a Match that nobody reads.
	var m Match
	list := allowList{text: dst, start: len(dst)}
	w := walk{t: t, path: path, m: &m, method: unknownMethod, allow: &list}
	w.hosts(host)
	return list.text
}

// allowList is a sorted list of methods under construction, at the end of a
// buffer.
type allowList struct {
	text  []byte
	start int // Where in text the list begins.
}

const comma = ", "

// add merges the methods of a leaf into the list.
func (l *allowList) add(t *Table, entries []entry) {
	for _, e := range entries {
		if e.method != anyMethod {
			l.insert(t.methodNames[e.method])
		}
	}
}

// insert puts name where it belongs, once.
func (l *allowList) insert(name string) {
	at := l.start
	for at < len(l.text) {
		end := len(l.text)
		if n := bytes.IndexByte(l.text[at:], comma[0]); n >= 0 {
			end = at + n
		}
		switch present := l.text[at:end]; {
		case string(present) == name:
			return
		case string(present) > name:
			l.insertAt(at, name)
			return
		}
		at = min(end+len(comma), len(l.text))
	}
	if len(l.text) > l.start {
		l.text = append(l.text, comma...)
	}
	l.text = append(l.text, name...)
}

// insertAt puts name and a comma before the method that begins at.
func (l *allowList) insertAt(at int, name string) {
	end := len(l.text)
	l.text = append(l.text, name...)
	l.text = append(l.text, comma...)
	copy(l.text[at+len(name)+len(comma):], l.text[at:end])
	copy(l.text[at:], name)
	copy(l.text[at+len(name):], comma)
}
