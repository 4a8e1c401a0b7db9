package nginx

import "strings"

// finder chooses locations as nginx does (ngx_http_core_find_location). It is told of a server as it was written, and knows
// nothing of what became of it.
type finder struct {
	plain, regexes map[*location][]*location // those right within each location; within nil those of the server
}

// newFinder reads the locations of a server. An expression that Go does not know is left out: no path can say such a one, and
// so it is in the report as not carried over.
func newFinder(locs []*location) *finder {
	f := &finder{plain: map[*location][]*location{}, regexes: map[*location][]*location{}}
	for _, l := range locs {
		switch l.kind {
		case namedLocation:
		case regexLocation:
			if l.expression() != nil {
				f.regexes[l.around] = append(f.regexes[l.around], l)
			}
		default:
			f.plain[l.around] = append(f.plain[l.around], l)
		}
	}
	return f
}

// find is the location that a path gets, of those within another one, which is what it is if none of them has the path. final
// says that nginx looks no further; with no location at all, it redirects.
func (f *finder) find(around *location, path string) (l *location, final bool) {
	var best *location
	slash := false
	for _, o := range f.plain[around] {
		switch {
		case o.kind == exactLocation:
			if o.text == path {
				return o, true
			}
		case strings.HasPrefix(path, o.text):
			if best == nil || len(o.text) > len(best.text) {
				best = o
			}
		case len(o.text) == len(path)+1 && o.text == path+"/" && o.addsSlash():
			slash = true
		}
	}
	if slash && (best == nil || best.text != path) {
		return nil, true
	}
	l = around
	if best != nil {
		if l, final = f.find(best, path); final {
			return l, true
		}
	}
	// What counts is ^~ of the location that was found here, and not of one within it.
	if best != nil && best.kind == firmLocation {
		return l, false
	}
	for _, o := range f.regexes[around] {
		if o.expression().MatchString(path) {
			l, _ = f.find(o, path)
			return l, true
		}
	}
	return l, false
}

// addsSlash reports whether nginx redirects /x to a location /x/: one that passes requests on.
func (l *location) addsSlash() bool {
	for _, c := range l.n.children {
		switch c.name {
		case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass", "grpc_pass":
			return strings.HasSuffix(l.text, "/")
		}
	}
	return false
}
