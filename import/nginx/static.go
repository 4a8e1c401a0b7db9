package nginx

import (
	"os"
	"path"
	"slices"
	"strings"

	"github.com/anygate/anygate/import/pattern"

	"github.com/anygate/anygate/import/document"
)

// directory is where a block finds the file of a path.
func (b *builder) directory(n *node, at string) (string, bool) {
	d := n.ownOne("alias")
	if d == nil {
		d = n.base()
	}
	if d == nil {
		return "", false
	}
	d.seen = true
	dir := b.literal(n, d.arg(0))
	ok := dir != "" && !strings.Contains(dir, "$")
	if !ok {
		return "", false
	}
	dir = b.absolute(d, dir)
	switch {
	case d.name == "root":
		return path.Join(dir, at), true
	case d.parent == n:
		return dir, true
	}
	// The alias stands for the path of the location that has it.
	rest, below := strings.CutPrefix(at, d.parent.arg(len(d.parent.args)-1))
	return path.Join(dir, rest), below
}

// base is the root or the alias that a block has by itself or from the blocks around it, or nil.
func (n *node) base() *node {
	for at := n; at != nil; at = at.parent {
		for _, c := range at.children {
			if c.name == "root" || c.name == "alias" {
				return c
			}
		}
	}
	return nil
}

// absolute makes a path of one that starts from nginx's prefix.
func (b *builder) absolute(d *node, dir string) string {
	if strings.HasPrefix(dir, "/") {
		return dir
	}
	b.differs(d, "The directory is relative to where nginx was installed, which is taken for "+b.opt.Prefix+".", "--prefix says otherwise.")
	return path.Join(b.opt.Prefix, dir)
}

// static makes the route of a block that serves files. l is nil for the server itself.
func (b *builder) static(n *node, l *location, h pattern.Head) *route {
	r := &route{path: h.Path, kind: staticRoute, from: n}
	fixed := !strings.ContainsAny(h.Path, "*") && !strings.Contains(h.Path, "/:")
	exact := l != nil && l.kind != prefixLocation && l.kind != firmLocation && fixed && !strings.HasSuffix(h.Path, "/")
	if l != nil && l.kind == regexLocation && !exact && strings.Contains(h.Path, "/:") {
		b.lost(n, "Files below a segment that is chosen by the request cannot be served.", "")
		n.markAll()
		return b.missing(n, h)
	}
	at := strings.TrimSuffix(h.Path, "*")
	dir, ok := b.directory(n, at)
	if !ok {
		if n.base() == nil {
			r.kind, r.text, r.neutral = answerRoute, "NOT_FOUND", true
			if l != nil && len(unseen(n)) == 0 {
				return r
			}
			b.differs(n, "There is no root: nginx would look into the directory that it was built with.", "")
			return r
		}
		b.lost(n, "The directory depends on the request.", "Write a route for each directory.")
		n.markAll()
		return b.missing(n, h)
	}
	index := b.index(n)
	if exact {
		return b.file(n, r, dir)
	}
	r.text = dir
	if next := b.tries(n, r, h, index); next != nil {
		return next
	}
	if r.kind == staticRoute {
		b.absent(n, r, index)
		if !slices.Equal(index, []string{"index.html"}) && len(index) > 0 {
			r.set("index", document.OneOrMore(index))
		}
		if n.on("autoindex") {
			r.set("listing", document.Word("on"))
			for _, name := range []string{"autoindex_exact_size", "autoindex_localtime", "autoindex_format"} {
				n.inherited(name)
			}
		}
	}
	if r.kind == staticRoute && b.indexKept(n, at, index) {
		return b.missing(n, h)
	}
	r.set("compress", document.Word(b.compression(n)))
	return r
}

// indexKept reports an index that has a location of its own which keeps clients out: nginx asks that one, too.
func (b *builder) indexKept(n *node, at string, index []string) bool {
	for _, l := range b.locs {
		dir, name := path.Split(l.text)
		if l.n != n && l.kind == exactLocation && strings.HasPrefix(dir, at) && slices.Contains(index, name) && b.keeps(l.n) {
			b.lost(n, "The files are not served: the location at "+l.n.place()+" keeps clients from the index of a directory, which is sent for the directory too.", "Guard the directory as a whole, or give the page another name.")
			return true
		}
	}
	return false
}

func unseen(n *node) (list []*node) {
	for _, c := range n.children {
		if !c.seen && !needless[c.name] {
			list = append(list, c)
		}
	}
	return list
}

// compression is what gzip and gzip_static come to for files.
func (b *builder) compression(n *node) string {
	static := n.settingOr("gzip_static", "off")
	switch {
	case n.on("gzip"):
		return "on"
	case static == "on" || static == "always":
		return "precompressed"
	}
	return "off"
}

// file makes the route of a single path. A file that is not there would be an error of AnyGate, and is often only meant to
// be kept out of the logs.
func (b *builder) file(n *node, r *route, name string) *route {
	if d := n.ownOne("try_files"); d != nil {
		first := d.arg(0)
		if len(d.args) == 2 && strings.HasPrefix(first, "/") && !strings.Contains(first, "$") {
			name, _ = b.directory(n, first)
		} else if first != "$uri" || !strings.HasPrefix(d.arg(len(d.args)-1), "=") {
			b.lost(d, "A file is served, or it is 404.", "")
		}
	}
	b.indexSettings(n, name)
	if info, err := os.Stat(name); err != nil || info.IsDir() {
		if b.keeps(n) {
			// Where the configuration will be used, there may be the file.
			b.lost(n, "There is no file "+name+" here: the path is answered with 501, since not everybody gets it.", "Where there is one, write "+r.path+": {file: "+name+"}, with what keeps clients out.")
			n.markAll()
			return b.missing(n, pattern.Head{Path: r.path})
		}
		enclosing := b.enclosing(r.path)
		if enclosing != nil && b.files(n) && err == nil {
			b.settingsOnly(&location{n: n})
			return nil
		}
		if err != nil && b.files(n) {
			b.differs(n, "There is no file "+name+" here: what answers paths around it answers this one.", "Where there is one, add "+r.path+": {file: "+name+"}, if its settings matter.")
			n.markAll()
			return nil
		}
	}
	if path.Ext(name) != path.Ext(r.path) {
		b.differs(n, "The type is that of the file's name, not that of the path.", "")
	}
	r.kind, r.text = fileRoute, name
	r.set("compress", document.Word(b.compression(n)))
	return r
}

// indexSettings reports fields of a page that is the index of its directory: nginx looks for the location of the page once
// it has found it, AnyGate stays with the route of the directory.
func (b *builder) indexSettings(n *node, name string) {
	if path.Base(name) != "index.html" {
		return
	}
	for _, c := range n.children {
		if c.name == "add_header" || c.name == "expires" {
			b.lost(c, "It holds only where the page is asked for by its name, not where it is the index of its directory.", "static: {cache-control: auto} has pages revalidated each time, and names with a hash kept.")
		}
	}
}

// enclosing is the location with the longest prefix of a path.
func (b *builder) enclosing(at string) *location {
	var best *location
	for _, l := range b.locs {
		if (l.kind == prefixLocation || l.kind == firmLocation) && strings.HasPrefix(at, l.text) && (best == nil || len(l.text) > len(best.text)) {
			best = l
		}
	}
	return best
}

// index are the names of a directory's index.
func (b *builder) index(n *node) []string {
	d := n.setting("index")
	if d == nil {
		return []string{"index.html"}
	}
	return slices.DeleteFunc(slices.Clone(d.args), func(s string) bool {
		if strings.Contains(s, ".php") || strings.Contains(s, "$") {
			b.lost(d, s+" is not served as an index.", "")
			return true
		}
		return strings.HasPrefix(s, "/")
	})
}

// absent deals with conditions about files that are not there: they are 404 by themselves, or a page stands for them.
func (b *builder) absent(n *node, r *route, index []string) {
	for _, c := range n.children {
		if c.name != "if" || c.seen || !absence(c) {
			continue
		}
		d := c.children[0]
		_, any := everything[d.arg(0)]
		switch {
		case len(c.children) > 1:
			b.unmet(c)
			continue
		case d.name == "return" && d.arg(0) == "404" && len(d.args) == 1:
		case d.name == "rewrite" && any && !redirecting(d) && b.standsIn(r, d, d.arg(1), index):
		default:
			b.unmet(c)
			continue
		}
		c.markAll()
	}
}

// absence reports whether a condition is if (!-e $request_filename), or one like it.
func absence(n *node) bool {
	c := n.condition()
	return (c.op == "!-e" || c.op == "!-f") && c.value == "$request_filename" && len(n.children) > 0
}

// standsIn has a page answer what is not there, if it is the index of the route's directory.
func (b *builder) standsIn(r *route, d *node, page string, index []string) bool {
	at := strings.TrimSuffix(r.path, "*")
	if !strings.HasPrefix(page, at) || !slices.Contains(index, page[len(at):]) {
		return false
	}
	r.set("spa", document.Word("on"))
	b.differs(d, "The page stands for paths that a browser opens. Scripts, tools, and paths whose last segment has a dot get 404.", "")
	return true
}

// tries deals with try_files. It returns a route where files are not what answers.
func (b *builder) tries(n *node, r *route, h pattern.Head, index []string) *route {
	d := n.ownOne("try_files") // It is not inherited.
	if d == nil || len(d.args) < 2 {
		return nil
	}
	last := d.args[len(d.args)-1]
	tried := d.args[:len(d.args)-1]
	for _, t := range tried {
		switch {
		case t == "$uri" || t == "$uri/" || t == "$document_root$uri" || t == "$uri/index.html" && slices.Contains(index, "index.html"):
		case fixed(t) && strings.HasPrefix(last, "@"):
			say := b.differs
			if info, err := os.Stat(b.rootOf(n) + t); err == nil && !info.IsDir() {
				say = b.lost
			}
			say(d, "Whether there is a "+t+" is not asked: what "+last+" does answers.", "For maintenance, load a configuration that says so: anygate reload.")
		case len(tried) == 1 && strings.HasPrefix(t, "/") && fixed(t):
			r.kind, r.text, r.settings = fileRoute, b.rootOf(n)+t, nil
			return nil
		default:
			b.lost(d, "A path is looked up as it is: "+t+" is not tried.", "Link to the names that the files have.")
		}
	}
	if slices.Contains(tried, "$uri") && !slices.Contains(tried, "$uri/") && !slices.Contains(tried, "$uri/index.html") && !strings.HasPrefix(last, "@") {
		b.differs(d, "A directory is answered with its index, too.", "")
	}
	page, _, _ := strings.Cut(last, "?")
	switch {
	case last == "=404":
	case strings.HasPrefix(last, "="):
		b.lost(d, "What is not there is 404.", "")
	case strings.HasPrefix(last, "@"):
		return b.fallback(d, h, last, slices.ContainsFunc(tried, func(t string) bool { return !fixed(t) }))
	case strings.HasSuffix(page, ".php"):
		b.lost(d, noFastCGI.why, noFastCGI.do)
		b.guards = append(b.guards, guard{n: n, l: b.locationOf(n), below: "/"})
	case b.standsIn(r, d, page, index):
	default:
		b.lost(d, "What stands for missing files can only be the index of the directory.", "Name it index.html, or index: [...] in the route.")
	}
	return nil
}

// rootOf is the directory of the nearest root.
func (b *builder) rootOf(n *node) string {
	dir, _ := b.directory(&node{parent: n}, "/")
	return strings.TrimSuffix(dir, "/")
}

// fixed reports whether try_files looks for the same file whatever was asked for.
func fixed(t string) bool { return !strings.Contains(t, "$") }

// fallback makes the route of files with an upstream for all that is not there: only the upstream is carried over. asked says
// that what is looked for are the files that were asked for.
func (b *builder) fallback(d *node, h pattern.Head, name string, asked bool) *route {
	n := d.parent
	for _, l := range b.locs {
		if l.kind != namedLocation || l.text != name {
			continue
		}
		l.n.seen = true
		pass := l.n.ownOne("proxy_pass")
		if pass == nil {
			break
		}
		if asked {
			b.lost(d, "A file that is not there is not asked of an upstream: here all requests go to the upstream.", "Give the directories with files routes of their own, such as /assets/, before it.")
		}
		if b.fallbackKept(n, l.n) {
			return b.missing(n, h)
		}
		list := b.proxied(&location{n: l.n, kind: prefixLocation, text: "/"}, pass, h, nil)
		list[0].from = n
		list[0].scope = l.n
		return list[0]
	}
	b.lost(d, "A file that is not there is 404; nothing else is asked.", "")
	return b.missing(n, h)
}

// fallbackKept reports whether a location, or the named one that its try_files leads to, keeps clients out in a way that the
// route of the two would not: it has the policies of the named one, and none of its conditions.
func (b *builder) fallbackKept(n, named *node) bool {
	if b.unguarded(n) || b.unguarded(named) {
		return true
	}
	why := "What it keeps clients from is not passed on: it is answered with 501."
	for _, c := range named.children {
		switch {
		case c.name == "if" && (b.keepsOut(c) || c.condition().methods() != nil), c.name == "limit_except", c.name == "return",
			c.name == "rewrite" && c.arg(2) != "break" && (elsewhere(c) || b.keptFrom(c.arg(1))):
			b.lost(c, why, "")
			return true
		}
	}
	for _, name := range []string{"deny", "auth_basic", "auth_basic_user_file"} {
		d := n.nearest(name)
		if d == nil || d.arg(0) == "off" || d == named.nearest(name) {
			continue
		}
		b.lost(d, "It holds before the named location is asked, which has other rules. "+why, "Say the same in the named location.")
		return true
	}
	return false
}
