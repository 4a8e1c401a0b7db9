package route

import (
	"cmp"
	"slices"
	"strings"
)

// branch is a node of a tree under construction. Its label is the text between
// its parent and itself; siblings differ in their labels' first byte.
//
// The routes /api/items, /api/:res and /api/* make
//
//	"/api"          bare: 3rd
//	  "/"           rest: 3rd
//	    "items"     exact: 1st
//	    :           exact: 2nd
//
// where ":" is the child that takes any one non-empty segment.
type branch struct {
	label    string
	children []*branch
	param    *branch // The child for ":name". The node's text ends in "/".
	exact    uint32  // The leaf for a path that ends here.
	bare     uint32  // The leaf of a prefix whose final slash would come next, for a path that ends here.
	rest     uint32  // The leaf for whatever follows. The node's text ends in "/".
}

// insertPath adds a path below the root.
func (root *branch) insertPath(segments []Segment, leaf uint32) {
	n := root
	var text strings.Builder
	for _, s := range segments {
		switch s.Kind {
		case Literal:
			text.WriteByte('/')
			text.WriteString(s.Text)
		case Param:
			text.WriteByte('/')
			n = n.insertText(text.String())
			text.Reset()
			if n.param == nil {
				n.param = &branch{}
			}
			n = n.param
		case Rest:
			n = n.insertText(text.String())
			if n != root {
				// "/" without its slash is no path.
				n.bare = leaf
			}
			n.insertText("/").rest = leaf
			return
		}
	}
	n.insertText(text.String()).exact = leaf
}

// insertText returns the node that text leads to from root, and makes it if there
// is none.
func (root *branch) insertText(text string) *branch {
	n := root
	for text != "" {
		i := slices.IndexFunc(n.children, func(c *branch) bool { return c.label[0] == text[0] })
		if i < 0 {
			child := &branch{label: text}
			n.children = append(n.children, child)
			return child
		}
		child := n.children[i]
		common := commonPrefix(child.label, text)
		if common < len(child.label) {
			upper := &branch{label: child.label[:common], children: []*branch{child}}
			child.label = child.label[common:]
			n.children[i] = upper
			child = upper
		}
		n, text = child, text[common:]
	}
	return n
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// flatten writes the tree below root into the table's arrays and returns the
// root's index. Children come to lie next to each other, so that their first
// bytes can be searched as one string.
func (t *Table) flatten(root *branch) uint32 {
	index := t.reserve(root)
	type pending struct {
		from *branch
		at   uint32
	}
	for queue := []pending{{root, index}}; len(queue) > 0; queue = queue[1:] {
		b, at := queue[0].from, queue[0].at
		slices.SortFunc(b.children, func(x, y *branch) int { return cmp.Compare(x.label[0], y.label[0]) })
		first := uint32(len(t.nodes))
		for _, child := range b.children {
			queue = append(queue, pending{child, t.reserve(child)})
		}
		n := &t.nodes[at]
		n.children, n.childCount = first, uint16(len(b.children))
		if b.param != nil {
			param := t.reserve(b.param)
			t.nodes[at].param = param
			queue = append(queue, pending{b.param, param})
		}
	}
	return index
}

// reserve appends a node with all that is known of b before its children are.
func (t *Table) reserve(b *branch) uint32 {
	n := node{
		label: uint32(len(t.labels)), labelLen: uint16(len(b.label)),
		exact: b.exact, bare: b.bare, rest: b.rest,
	}
	t.labels = append(t.labels, b.label...)
	first := byte(0)
	if b.label != "" {
		first = b.label[0]
	}
	t.nodes = append(t.nodes, n)
	t.firsts = append(t.firsts, first)
	return uint32(len(t.nodes) - 1)
}
