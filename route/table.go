package route

import (
	"bytes"
	"strconv"
)

// Table finds routes. It is immutable; Builder.Build makes it.
type Table struct {
	exact   map[string]uint32 // Host to root.
	wild    map[string]uint32 // What follows "*." to root.
	maxWild int               // The length of the longest key of wild.
	anyHost uint32            // The root for requests of any host.

	methods     map[string]uint32 // Name to number.
	methodNames []string          // Number to name; 0 is anyMethod.

	nodes   []node
	firsts  []byte // firsts[i] is the first byte of the label of nodes[i].
	labels  []byte
	leaves  []leaf
	entries []entry
}

// node is a branch, in an array. All references are indices, 0 means none.
type node struct {
	label      uint32 // Where in labels its text begins.
	children   uint32 // The first of its children.
	param      uint32
	exact      uint32
	bare       uint32
	rest       uint32
	labelLen   uint16
	childCount uint16
}

// leaf is a run of entries, sorted by method, anyMethod last.
type leaf struct{ first, count uint32 }

type entry struct{ method, value uint32 }

const (
	anyMethod     = 0          // An entry for it matches every method.
	unknownMethod = ^uint32(0) // No entry lists it.
)

// Outcome says what came of a match.
type Outcome uint8

const (
	Found            Outcome = iota
	NotFound                 // No path matched: 404.
	MethodNotAllowed         // A path matched, but no route has the method: 405, see AppendAllow.
)

// String returns the outcome's name.
func (o Outcome) String() string {
	switch o {
	case Found:
		return "Found"
	case NotFound:
		return "NotFound"
	case MethodNotAllowed:
		return "MethodNotAllowed"
	}
	return "Outcome(" + strconv.Itoa(int(o)) + ")"
}

// Span is a range of the normalised path.
type Span struct{ Start, End uint32 }

// Match is the result of a match. It is written to a place of the caller's, who
// may use it again without clearing it; its fields are valid after Found only.
type Match struct {
	Value   uint32
	Params  [MaxParams]Span // The first NParams are valid, in the order of Head.Params.
	NParams int
	HasRest bool
	Rest    int // Where in the path what "*" or the prefix matched begins; len(path) if that is nothing.
}

// Match finds the route for a request. host may carry a port and be in any case;
// path is normalised (see Normalise).
func (t *Table) Match(method, host, path []byte, m *Match) Outcome {
	id := unknownMethod
	if len(t.methods) > 0 {
		if n, ok := t.methods[string(method)]; ok {
			id = n
		}
	}
	// Field by field: a literal would be made elsewhere and copied.
	var w walk
	w.t, w.path, w.m, w.method = t, path, m, id
	switch {
	case w.hosts(host):
		return Found
	case w.matched:
		return MethodNotAllowed
	}
	return NotFound
}

// MatchListed is Match without the routes for every method. It is for CONNECT,
// which asks for something else than what such routes are written for.
func (t *Table) MatchListed(method, host, path []byte, m *Match) Outcome {
	id, ok := t.methods[string(method)]
	if !ok {
		return NotFound
	}
	w := walk{t: t, path: path, m: m, method: id, listed: true}
	switch {
	case w.hosts(host):
		return Found
	case w.matched:
		return MethodNotAllowed
	}
	return NotFound
}

// walk is one match under way.
type walk struct {
	t       *Table
	path    []byte
	m       *Match
	method  uint32
	matched bool       // A path matched, whatever the method.
	listed  bool       // Only a route that lists the method will do.
	allow   *allowList // If set, collect the methods of all matching paths, and find no route.
}

// hosts tries the trees of host from the most to the least specific.
func (w *walk) hosts(host []byte) bool {
	t := w.t
	if len(t.exact)+len(t.wild) > 0 && w.named(host) {
		return true
	}
	return t.anyHost != 0 && w.visit(t.anyHost, 0, 0)
}

// named tries the trees of a host's name: its own, then those of the wildcards
// that cover it, the longest first.
func (w *walk) named(host []byte) bool {
	t := w.t
	var buf [MaxHost]byte
	name, ok := hostName(&buf, host)
	if !ok {
		return false
	}
	if root := t.exact[string(name)]; root != 0 && w.visit(root, 0, 0) {
		return true
	}
	if len(t.wild) == 0 {
		return false
	}
	for i := 1; i < len(name); i++ {
		if name[i] != '.' || len(name)-i-1 > t.maxWild {
			continue
		}
		if root := t.wild[string(name[i+1:])]; root != 0 && w.visit(root, 0, 0) {
			return true
		}
	}
	return false
}

// hostName returns the name in a Host field's value: without port and final dot,
// in lower case. It is a part of host where that has no capitals, else of buf.
func hostName(buf *[MaxHost]byte, host []byte) ([]byte, bool) {
	end := len(host)
	if end > 0 && host[0] == '[' {
		end = bytes.IndexByte(host, ']') + 1
	} else {
		if colon := bytes.IndexByte(host, ':'); colon >= 0 {
			end = colon
		}
		if end > 0 && host[end-1] == '.' {
			end--
		}
	}
	name := host[:end]
	if end == 0 || end > MaxHost {
		return nil, false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			return lower(buf, name, i), true
		}
	}
	return name, true
}

// lower copies name to buf, in lower case from its i-th byte on.
func lower(buf *[MaxHost]byte, name []byte, i int) []byte {
	copy(buf[:], name)
	for ; i < len(name); i++ {
		if c := name[i]; c >= 'A' && c <= 'Z' {
			buf[i] = c + 'a' - 'A'
		}
	}
	return buf[:len(name)]
}

// visit looks for a route below node n, whose text ends where the path's offset
// p is. It goes on in a loop while there is one way only; a call marks a place
// to come back to. Such places lie at slashes, so that MaxSegments bounds the
// depth.
func (w *walk) visit(n uint32, p, params int) bool {
	t := w.t
	for {
		nd := &t.nodes[n]
		if p == len(w.path) {
			return nd.exact != 0 && w.take(nd.exact, p, params, false) ||
				nd.bare != 0 && w.take(nd.bare, p, params, true) ||
				nd.rest != 0 && w.take(nd.rest, p, params, true)
		}
		child := t.child(nd, w.path[p:])
		if nd.param|nd.rest == 0 {
			if child == 0 {
				return false
			}
			n, p = child, p+int(t.nodes[child].labelLen)
			continue
		}
		if child != 0 && w.visit(child, p+int(t.nodes[child].labelLen), params) {
			return true
		}
		if nd.param != 0 && w.path[p] != '/' {
			end := bytes.IndexByte(w.path[p:], '/')
			if end < 0 {
				end = len(w.path)
			} else {
				end += p
			}
			w.m.Params[params] = Span{uint32(p), uint32(end)}
			if nd.rest == 0 {
				n, p, params = nd.param, end, params+1
				continue
			}
			if w.visit(nd.param, end, params+1) {
				return true
			}
		}
		return nd.rest != 0 && w.take(nd.rest, p, params, true)
	}
}

// child returns the child of nd whose whole label path begins with, or 0.
func (t *Table) child(nd *node, path []byte) uint32 {
	child := nd.children
	if firsts := t.firsts[child : child+uint32(nd.childCount)]; len(firsts) != 1 {
		i := bytes.IndexByte(firsts, path[0])
		if i < 0 {
			return 0
		}
		child += uint32(i)
	}
	c := &t.nodes[child]
	if int(c.labelLen) > len(path) || string(path[:c.labelLen]) != string(t.labels[c.label:c.label+uint32(c.labelLen)]) {
		return 0
	}
	return child
}

// take ends the match in a leaf, if that has a route for the method.
func (w *walk) take(leaf uint32, p, params int, hasRest bool) bool {
	w.matched = true
	l := &w.t.leaves[leaf]
	entries := w.t.entries[l.first : l.first+l.count]
	if w.allow != nil {
		w.allow.add(w.t, entries)
		return false
	}
	for i := range entries {
		e := &entries[i]
		if e.method == w.method || e.method == anyMethod && !w.listed {
			m := w.m
			m.Value, m.NParams, m.HasRest, m.Rest = e.value, params, hasRest, len(w.path)
			if hasRest {
				m.Rest = p
			}
			return true
		}
	}
	return false
}
