package nginx

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	crossplane "github.com/nginxinc/nginx-go-crossplane"

	"github.com/anygate/anygate/import/document"
	"github.com/anygate/anygate/import/layout"
	"github.com/anygate/anygate/import/report"
)

// Options are what the file does not say.
type Options struct {
	// Prefix is the directory that relative paths of root and alias start from, as nginx was built with.
	Prefix string
}

// Result is a converted configuration.
type Result struct {
	YAML   string
	Report *report.Report
}

// converter holds one conversion.
type converter struct {
	opt    Options
	dir    string // of the main file: certificates and password files are relative to it
	http   *node
	report *report.Report

	upstreams []*upstream
	pools     document.Map
	poolNames map[string]string // of settings to the pool that has them
	maps      map[string]*variable
	zones     map[string]*zone
	ports     map[string]bool // on which clients come
	told      map[string]bool // what is told once
	asking    map[*node]bool  // servers whose routes ask for a certificate
	// lostOf are the reasons why directives are not carried over.
	lostOf map[*node][]string
}

// Convert reads a configuration with all that it includes. An error is one of reading or syntax.
func Convert(file string, o Options) (*Result, error) {
	payload, err := crossplane.Parse(file, &crossplane.ParseOptions{
		CombineConfigs: true,
		ParseComments:  true,
		// Directives of modules that crossplane does not know are reported in the end, with all else that is not carried over.
		ErrorOnUnknownDirectives: false,
		// A file of sites-available holds servers without the http around them.
		SkipDirectiveContextCheck: true,
		// The braces of Lua are not those of nginx.
		LexOptions: crossplane.LexOptions{Lexers: []crossplane.RegisterLexer{(&crossplane.Lua{}).RegisterLexer()}},
	})
	if err != nil {
		return nil, err
	}
	c := &converter{
		opt: o, dir: filepath.Dir(file), report: &report.Report{},
		poolNames: map[string]string{}, maps: map[string]*variable{}, zones: map[string]*zone{}, ports: map[string]bool{}, told: map[string]bool{}, asking: map[*node]bool{}, lostOf: map[*node][]string{},
	}
	if err := c.problems(payload); err != nil {
		return nil, err
	}
	root := &node{name: "main", file: file}
	for _, config := range payload.Config {
		grow(root, config.Parsed)
	}
	c.http = &node{name: "http", file: file, line: 1, parent: root}
	for _, n := range root.children {
		if n.name == "http" {
			c.http = n
		}
	}
	if !c.http.block {
		c.http.children = root.children
		for _, n := range c.http.children {
			n.parent = c.http
		}
		root.children = []*node{c.http}
	}
	c.http.seen = true
	if !slices.ContainsFunc(c.http.children, func(n *node) bool { return n.name == "server" }) {
		return nil, fmt.Errorf("%s: there is no server in it, nor in what it includes", file)
	}
	yaml := c.convert()
	c.rest(root)
	return &Result{YAML: yaml, Report: c.report}, nil
}

// problems tells errors of syntax from files that are only not here. The latter are reported.
func (c *converter) problems(payload *crossplane.Payload) error {
	var errs []error
	for _, e := range payload.Errors {
		line := 0
		if e.Line != nil {
			line = *e.Line
		}
		var parse *crossplane.ParseError
		what := e.Error.Error()
		if errors.As(e.Error, &parse) {
			what = parse.What
			if parse.File != nil {
				e.File = *parse.File
			}
		}
		if parse != nil && strings.HasPrefix(parse.Statement, "include ") {
			if !strings.Contains(parse.Statement, "mime.types") {
				c.report.Add(report.Item{
					Level: report.Lost, File: e.File, Line: line, What: strings.TrimSuffix(parse.Statement, ";"), Why: "The file cannot be read: " + what + ".",
					Do: "Run the import where it is, or copy it; relative names start from the directory of the main file.",
				})
			}
			continue
		}
		errs = append(errs, fmt.Errorf("%s:%d: %s", e.File, line, what))
	}
	return errors.Join(errs...)
}

// convert does all that can be done, in the order in which the file is written.
func (c *converter) convert() string {
	c.readMaps()
	c.readZones()
	c.readUpstreams()
	p := c.choose()
	for _, a := range p.addresses {
		c.ports[a.port()] = true
	}
	var doc document.Map
	if l := p.listen(); l != nil {
		doc.Add("listen", l)
	}
	if len(p.secured) == 0 {
		// Distributions have settings of TLS in http, whether or not a server uses them.
		for _, n := range c.http.children {
			n.seen = n.seen || strings.HasPrefix(n.name, "ssl_")
		}
	}
	if tls := c.secure(p); len(tls) > 0 {
		doc.Add("tls", tls)
	}
	sites := make([]*layout.Site, 0, len(p.hostings))
	several := len(p.hostings)+len(p.redirects) > 1
	for _, h := range p.hostings {
		var routes []*route
		if h.redirect == "" {
			routes = c.serverRoutes(h.server, h.values)
		}
		sites = append(sites, h.site(routes, several))
	}
	for _, h := range p.redirects {
		h.hostless = true
		sites = append(sites, h.site(c.challengeRoutes(h.server), several))
	}
	routes := layout.Lay(sites)
	if len(c.pools) > 0 {
		doc.Add("upstreams", c.pools)
	}
	doc = append(doc, routes...)
	doc = append(doc, c.process()...)
	return document.Write([]string{
		"Converted from " + c.http.root().file + " by anygate import nginx; behind each line is the place that it comes from.",
		"The report of the import says what was not carried over.",
	}, doc)
}

// root is the node above all others.
func (n *node) root() *node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

func (c *converter) lost(n *node, why, do string) { c.tell(report.Lost, n, why, do) }

func (c *converter) differs(n *node, why, do string) { c.tell(report.Differs, n, why, do) }

func (c *converter) tell(l report.Level, n *node, why, do string) {
	n.seen = true
	if l == report.Lost {
		c.lostOf[n] = append(c.lostOf[n], why)
	}
	c.report.Add(report.Item{Level: l, File: n.file, Line: n.line, What: n.text(), Why: why, Do: do})
}

// once tells of a difference where it is met first.
func (c *converter) once(key string, n *node, why, do string) {
	n.seen = true
	if !c.told[key] {
		c.told[key] = true
		c.differs(n, why, do)
	}
}

// rest reports every directive that nothing has dealt with.
func (c *converter) rest(n *node) {
	for _, d := range n.children {
		known, ok := catalogue[d.name]
		switch {
		case d.seen:
			c.rest(d)
		case strings.HasPrefix(d.name, "fastcgi_") && !ok, strings.HasPrefix(d.name, "uwsgi_") && !ok, strings.HasPrefix(d.name, "scgi_") && !ok, d.name == "internal",
			needless[d.name] || d.name == "default_type" && d.arg(0) == "application/octet-stream" || d.name == "internal":
			d.markAll()
		case ok:
			c.tell(known.level, d, known.why, known.do)
		case supported[d.name] || strings.HasPrefix(d.name, "proxy_") || strings.HasPrefix(d.name, "grpc_") || strings.HasPrefix(d.name, "ssl_"):
			c.lost(d, "It has no effect here: what it is for is not carried over, or says something else itself.", "")
		default:
			c.lost(d, "The importer does not know this directive, or not in this place.", "")
		}
	}
}
