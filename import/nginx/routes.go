package nginx

import (
	"strings"

	"github.com/anygate/anygate/import/document"
	"github.com/anygate/anygate/import/layout"
)

const (
	proxyRoute    = layout.Proxy
	staticRoute   = layout.Static
	fileRoute     = layout.File
	answerRoute   = layout.Answer
	redirectRoute = layout.Redirect
)

// route is a route in the making.
type route struct {
	methods []string
	path    string
	kind    layout.Kind
	text    string
	from    *node // what it is told to come from
	scope   *node // whose policies it has; from if nil

	settings    document.Map
	errors      document.Map
	use         []string
	request     []string // edits of the request's fields
	response    []string
	contentType string
	intercept   bool
	beside      string

	// early says that nginx answers before it looks at policies of access.
	early bool
	// neutral routes were added: they have no policies of their own, and take those around them.
	neutral bool
	// below says that the route is for what is below an exact path with a slash.
	below bool
	// implied routes say what would be so without them, unless other hosts have routes.
	implied bool
}

func (r *route) set(key string, v document.Value) { r.settings.Add(key, v) }

// finish gives all routes of a server their policies and pages, and takes out those whose head is taken.
func (b *builder) finish() {
	taken := map[string]*route{}
	var kept []*route
	for _, r := range b.routes {
		key := strings.Join(r.methods, " ") + " " + shapeOf(r.path)
		if other := taken[key]; other != nil {
			if !r.neutral && other.from != r.from {
				b.lost(r.from, "The route "+r.path+" is there already, by "+other.from.place()+".", "Decide for one of them.")
			}
			continue
		}
		taken[key] = r
		kept = append(kept, r)
		if !r.neutral {
			r.use = b.policies(r)
			r.errors = b.pages(r)
		}
	}
	b.routes = kept
}

// shapeOf is a path as the matcher sees it: the names of parameters do not count, and "/x/" is "/x/*".
func shapeOf(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, ":") {
			segments[i] = ":"
		}
	}
	return strings.TrimSuffix(strings.Join(segments, "/"), "*")
}

// site lays out the routes of a hosting.
func (h hosting) site(routes []*route, titled bool) *layout.Site {
	s := &layout.Site{Above: h.server.n.above, Names: h.names, Hostless: h.hostless, Redirect: h.redirect}
	if h.from != nil {
		s.Place = h.from.place()
	}
	switch {
	case h.redirect != "":
	case len(h.server.names) > 0:
		s.Title = "server " + strings.Join(h.server.names, " ") + ", " + h.server.n.place()
	case titled:
		s.Title = "server, " + h.server.n.place()
	}
	told := map[*node]bool{h.server.n: true}
	for _, r := range routes {
		var above []string
		if !told[r.from] {
			told[r.from] = true
			above = r.from.above
		}
		s.Routes = append(s.Routes, &layout.Route{
			Methods: r.methods, Path: r.path, Kind: r.kind, Text: r.text, Place: r.from.place(), Beside: r.beside,
			Settings: r.settings, Errors: r.errors, Use: r.use, Neutral: r.neutral, Implied: r.implied, Above: above,
		})
	}
	return s
}
