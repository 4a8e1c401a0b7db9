package route

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Builder collects routes for a Table. Its zero value is ready to use.
type Builder struct {
	shapes map[shape]*methodSet
	order  []shape // In the order of Add, so that Build is deterministic.
}

// shape is what two HEADs have in common when only the method can tell them
// apart: the host, and the path without the names of its parameters.
type shape struct{ host, path string }

// methodSet holds the values of the routes of one shape.
type methodSet struct {
	segments []Segment
	anyValue *uint32 // Of the route for every method.
	listed   map[string]uint32
}

// Add adds a route; value is what a Match of it will carry. If another route has
// the same host, path shape and method, nothing is added, and conflictWith is
// that route's value. h must come from ParseHead.
func (b *Builder) Add(h Head, value uint32) (conflictWith uint32, ok bool) {
	key := shapeOf(h)
	set := b.shapes[key]
	if set == nil {
		set = &methodSet{segments: h.Segments, listed: map[string]uint32{}}
	}
	if len(h.Methods) == 0 {
		if set.anyValue != nil {
			return *set.anyValue, false
		}
		set.anyValue = &value
	}
	for _, m := range h.Methods {
		if other, taken := set.listed[m]; taken {
			return other, false
		}
	}
	for _, m := range h.Methods {
		set.listed[m] = value
	}
	if b.shapes == nil {
		b.shapes = map[shape]*methodSet{}
	}
	if b.shapes[key] == nil {
		b.shapes[key] = set
		b.order = append(b.order, key)
	}
	return 0, true
}

// shapeOf replaces each parameter by ":" and the rest by "*". No literal looks
// like either, because ParseHead keeps both characters for them.
func shapeOf(h Head) shape {
	var b strings.Builder
	for _, s := range h.Segments {
		b.WriteByte('/')
		switch s.Kind {
		case Literal:
			b.WriteString(s.Text)
		case Param:
			b.WriteByte(':')
		case Rest:
			b.WriteByte('*')
		}
	}
	return shape{h.Host, b.String()}
}

// Build makes the table of all routes added so far. The builder may be used on.
func (b *Builder) Build() *Table {
	t := &Table{
		methods: map[string]uint32{},
		exact:   map[string]uint32{},
		wild:    map[string]uint32{},
		nodes:   make([]node, 1), // Index 0 means none, in every field that holds one.
		firsts:  make([]byte, 1),
		leaves:  make([]leaf, 1),
	}
	b.nameMethods(t)
	trees := map[string]*branch{}
	for _, key := range b.order {
		tree := trees[key.host]
		if tree == nil {
			tree = &branch{}
			trees[key.host] = tree
		}
		set := b.shapes[key]
		tree.insertPath(set.segments, t.addLeaf(set))
	}
	for _, host := range slices.Sorted(maps.Keys(trees)) {
		root := t.flatten(trees[host])
		switch suffix, isWild := strings.CutPrefix(host, "*."); {
		case host == "":
			t.anyHost = root
		case isWild:
			t.wild[suffix] = root
			t.maxWild = max(t.maxWild, len(suffix))
		default:
			t.exact[host] = root
		}
	}
	return t
}

// nameMethods numbers the methods of all routes from 1 on, in the order of their
// names.
func (b *Builder) nameMethods(t *Table) {
	all := map[string]bool{}
	for _, set := range b.shapes {
		for m := range set.listed {
			all[m] = true
			if m == "GET" {
				all["HEAD"] = true
			}
		}
	}
	t.methodNames = append([]string{"*"}, slices.Sorted(maps.Keys(all))...)
	for id, m := range t.methodNames[1:] {
		t.methods[m] = uint32(id) + 1
	}
}

// addLeaf adds the routes of one shape to the table and returns their leaf.
func (t *Table) addLeaf(set *methodSet) uint32 {
	start := len(t.entries)
	for m, value := range set.listed {
		t.entries = append(t.entries, entry{t.methods[m], value})
	}
	get, hasGet := set.listed["GET"]
	if _, hasHead := set.listed["HEAD"]; hasGet && !hasHead {
		// RFC 9110, section 9.3.2: HEAD is GET without the content.
		t.entries = append(t.entries, entry{t.methods["HEAD"], get})
	}
	slices.SortFunc(t.entries[start:], func(a, b entry) int { return cmp.Compare(a.method, b.method) })
	if set.anyValue != nil {
		t.entries = append(t.entries, entry{anyMethod, *set.anyValue})
	}
	t.leaves = append(t.leaves, leaf{uint32(start), uint32(len(t.entries) - start)})
	return uint32(len(t.leaves) - 1)
}
