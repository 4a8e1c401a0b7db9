package nginx

import (
	"fmt"
	"strings"

	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// node is a directive in its place.
type node struct {
	name     string
	args     []string
	file     string
	line     int
	parent   *node
	children []*node
	block    bool
	// above are the lines of comment before it.
	above []string
	// seen says that the conversion has dealt with it, or has reported it.
	seen bool
	// gone says that what it does has become a redirect of the address or of a host.
	gone bool
}

// grow makes nodes of directives.
func grow(parent *node, list crossplane.Directives) {
	var above []string
	line, last := 0, 0 // of the directive and the comment before
	for _, d := range list {
		if d.IsComment() {
			// What stands behind a directive, apart from it, or out of use, is not about what follows.
			if d.Line != last+1 {
				above = nil
			}
			if text := strings.Trim(*d.Comment, "# \t"); d.Line != line && text != "" && !strings.ContainsAny(text[len(text)-1:], ";{}") {
				above = append(above, text)
			}
			last = d.Line
			continue
		}
		if d.Line != last+1 {
			above = nil
		}
		n := &node{above: above, name: d.Directive, args: unescaped(d), file: d.File, line: d.Line, parent: parent, block: d.Block != nil}
		above, line = nil, d.Line
		parent.children = append(parent.children, n)
		grow(n, d.Block)
	}
}

// escapes are what nginx reads as one character in an argument, with quotes around it or without.
var escapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\'`, `'`, `\n`, "\n", `\r`, "\r", `\t`, "\t")

// unescaped are the arguments of a directive as nginx reads them. Scripts are left as they are.
func unescaped(d *crossplane.Directive) []string {
	if strings.HasSuffix(d.Directive, "_by_lua_block") {
		return d.Args
	}
	args := make([]string, len(d.Args))
	for i, a := range d.Args {
		args[i] = escapes.Replace(a)
	}
	return args
}

// place is where the node stands, as comments tell.
func (n *node) place() string { return fmt.Sprintf("%s:%d", n.file, n.line) }

// text is the directive as a reader of the file would recognise it.
func (n *node) text() string {
	words := []string{n.name}
	for _, a := range n.args {
		if a == "" || strings.ContainsAny(a, " \t\n;{}\"'") {
			a = `"` + a + `"`
		}
		words = append(words, a)
	}
	s := strings.Join(words, " ")
	if n.name == "if" {
		s = "if (" + strings.Join(n.args, " ") + ")"
	}
	if n.block {
		s += " {...}"
	}
	return s
}

// arg is an argument, or nothing.
func (n *node) arg(i int) string {
	if i < len(n.args) {
		return n.args[i]
	}
	return ""
}

// own are the directives of a name in the block itself.
func (n *node) own(name string) (list []*node) {
	for _, c := range n.children {
		if c.name == name {
			c.seen = true
			list = append(list, c)
		}
	}
	return list
}

// ownOne is the only, or last, directive of a name in the block itself, or nil.
func (n *node) ownOne(name string) *node {
	if list := n.own(name); len(list) > 0 {
		return list[len(list)-1]
	}
	return nil
}

// inherited are the directives of a name on the nearest level that has any. That is how nginx inherits all those that may
// be repeated: a level with one of its own has none of those above.
func (n *node) inherited(name string) []*node {
	for at := n; at != nil; at = at.parent {
		if list := at.own(name); len(list) > 0 {
			return list
		}
	}
	return nil
}

// setting is the last directive of a name on the nearest level that has any, or nil.
func (n *node) setting(name string) *node {
	if list := n.inherited(name); len(list) > 0 {
		return list[len(list)-1]
	}
	return nil
}

// settingOr is the first argument of a setting.
func (n *node) settingOr(name, otherwise string) string {
	if d := n.setting(name); d != nil {
		return d.arg(0)
	}
	return otherwise
}

// on reports whether a switch is on.
func (n *node) on(name string) bool { return n.settingOr(name, "off") == "on" }

// markAll marks the node and all below it as seen.
func (n *node) markAll() {
	n.seen = true
	for _, c := range n.children {
		c.markAll()
	}
}
