package nginx

import (
	"slices"
	"strings"

	"github.com/anygate/anygate/import/document"
)

// pages are the pages for errors of a block.
func (b *builder) pages(r *route) document.Map {
	n := r.scope
	if n == nil {
		n = r.from
	}
	var m document.Map
	for _, d := range n.inherited("error_page") {
		if len(d.args) < 2 {
			continue
		}
		codes, to := d.args[:len(d.args)-1], d.args[len(d.args)-1]
		changed := false
		if status, is := strings.CutPrefix(codes[len(codes)-1], "="); is {
			changed = slices.ContainsFunc(codes[:len(codes)-1], func(c string) bool { return c != status })
		}
		codes = slices.DeleteFunc(slices.Clone(codes), func(c string) bool {
			return strings.HasPrefix(c, "=") || !count(c) || len(c) != 3 || c < "400" || c > "599"
		})
		page, ok := b.page(to)
		switch {
		case changed && b.pageForAll(r, d, codes, to):
			continue
		case changed:
			b.lost(d, "A page does not change the status of an error.", "For single-page applications there is spa: on.")
			continue
		case !ok:
			b.lost(d, "A page for errors is a file or a text, and nothing that is asked for elsewhere.", "errors: {503: ./page.html}")
			continue
		}
		for _, c := range codes {
			if m.Get(c) == nil {
				m.Add(c, document.Text(page))
			}
		}
	}
	if r.intercept {
		m.Add("intercept", document.Word("on"))
	}
	return m
}

// pageForAll deals with error_page 404 =200 /index.html, which is how a page stands for all that is not there.
func (b *builder) pageForAll(r *route, d *node, codes []string, to string) bool {
	status := strings.TrimPrefix(d.args[len(d.args)-2], "=")
	if r.kind != staticRoute || !slices.Equal(codes, []string{"404"}) || status != "200" && status != "" {
		return false
	}
	if r.settings.Get("spa") == nil && !b.standsIn(r, d, to, b.index(d.parent)) {
		return false
	}
	return true
}

// page is the file, or the text, that a path or a named location of the server stands for.
func (b *builder) page(to string) (string, bool) {
	if !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "@") || strings.Contains(to, "$") {
		return "", false
	}
	var at *location
	for _, l := range b.locs {
		if l.text == to && (l.kind == exactLocation || l.kind == namedLocation) {
			at = l
		}
	}
	if at == nil {
		at = b.enclosing(to)
	}
	n := b.server.n
	if at != nil {
		n = at.n
	}
	for _, c := range n.children {
		switch c.name {
		case "return":
			if text := c.arg(1); at != nil && at.kind == namedLocation && text != "" && !strings.ContainsAny(text, "$\n") && !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "http") && text[0] != '{' && text[0] != '[' {
				n.markAll()
				return text, true
			}
			return "", false
		case "proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass":
			return "", false
		case "rewrite", "try_files":
			// A named location that comes to one file.
			file := c.arg(0)
			if _, any := everything[file]; any && c.name == "rewrite" {
				file = c.arg(1)
			}
			if c.name == "try_files" && (at == nil || at.kind != namedLocation) && c.arg(0) == "$uri" {
				continue // The file itself is tried first.
			}
			if at == nil || at.kind != namedLocation || !strings.HasPrefix(file, "/") || strings.Contains(file, "$") {
				return "", false
			}
			to = file
		}
	}
	if strings.HasPrefix(to, "@") {
		return "", false
	}
	if at != nil && at.kind == namedLocation {
		n.markAll()
	}
	path := to
	if a := n.ownOne("alias"); a != nil && at.kind == exactLocation {
		path = ""
	} else if a != nil {
		path = strings.TrimPrefix(to, at.text)
	}
	file, ok := b.directory(n, path)
	if i := n.ownOne("internal"); ok && i != nil && at != nil {
		at.n.seen = true
	}
	return file, ok
}
