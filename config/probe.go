package config

import "slices"

// form is a JSON Schema of one form that a value may have.
type form = map[string]any

// probe records what readers would take for a value. It goes with a node that has no text: whatever asks for the text
// of such a node says first what it expects, and then gets none.
type probe struct {
	// forms are those of a scalar, and references to mappings.
	forms []form
	// items are the values of a list.
	items *probe
	// refused says that this version does not carry out what the key says.
	refused bool
}

// probeSource is the file that such nodes stand in.
var probeSource = newSource("schema", "", []byte(" "))

// node makes a node of some shape. It is bad, so that no diagnostic is made of it.
func (p *probe) node(s shape) *node {
	return &node{src: probeSource, shape: s, bad: true, probe: p}
}

// read runs a reader for every shape that a value may have. The scalar comes last, because readers that look at a value
// after those of its neighbours want a scalar.
func (p *probe) read(reader func(key, v *node)) {
	for _, s := range []shape{list, mapping, scalar} {
		reader(p.node(scalar), p.node(s))
	}
}

// elements are the values of a list: mappings or scalars.
func (p *probe) elements() []*node {
	if p.items == nil {
		p.items = &probe{}
	}
	return []*node{p.items.node(mapping), p.items.node(scalar)}
}

// probed records forms of a scalar. It reports whether the node stands for no value.
func (n *node) probed(forms ...form) bool {
	if n == nil || n.probe == nil {
		return false
	}
	if n.shape == scalar {
		n.probe.forms = append(n.probe.forms, forms...)
	}
	return true
}

// refers records that a value is what a definition says. It reports whether the node stands for no value, and there is
// such a definition.
func (n *node) refers(definition string) bool {
	if n.probe == nil || definition == "" {
		return false
	}
	ref := form{"$ref": "#/definitions/" + definition}
	if !slices.ContainsFunc(n.probe.forms, func(f form) bool { return f["$ref"] == ref["$ref"] }) {
		n.probe.forms = append(n.probe.forms, ref)
	}
	return true
}

// probeFields records a mapping with fixed keys, and what each of them reads. A mapping that goes by the same name in
// messages is the same one.
func (l *loader) probeFields(n *node, where string, list []field) bool {
	if n.shape != mapping {
		return false
	}
	name := definitionName(where)
	n.refers(name)
	if l.objects[name] != nil {
		return true
	}
	o := &probedMapping{where: where, fields: map[string]*probe{}}
	l.objects[name] = o
	for _, f := range list {
		p := &probe{}
		o.fields[f.key] = p
		p.read(func(key, v *node) {
			if name == "group" && f.key == "routes" {
				v.refers("routes")
				return
			}
			f.read(key, v)
		})
		p.forms = append(p.forms, alsoTaken[name+"."+f.key]...)
	}
	return true
}
