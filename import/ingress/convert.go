package ingress

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anygate/anygate/import/document"
	"github.com/anygate/anygate/import/layout"
	"github.com/anygate/anygate/import/report"
)

// Result is a converted configuration.
type Result struct {
	YAML   string
	Report *report.Report
}

// converter holds one conversion.
type converter struct {
	*objects
	report *report.Report
	hosts  []*host
	pools  document.Map
	// certificates are those that were named, in their order.
	certificates document.List
	named        map[string]bool
	// plain and secure are hosts that are served without TLS, and those that redirect there.
	plain, redirect []string
	told            map[string]bool
	// roots are what app-root asks for, which is done when all paths are there.
	roots []func()
}

// host is what becomes of the rules for one host.
type host struct {
	name   string // "" for any
	routes []*layout.Route
	title  []string
	moved  string // a redirect in place of routes
	place  string
	// guarded is a path that restricts, is not carried over, and may be about any other; "" is none.
	guarded string
}

// Convert reads the objects of some files.
func Convert(files []string) (*Result, error) {
	o, err := read(files)
	if err != nil {
		return nil, err
	}
	c := &converter{objects: o, report: &report.Report{}, named: map[string]bool{}, told: map[string]bool{}}
	for _, other := range o.other {
		c.report.Add(report.Item{Level: report.Lost, File: other.file, Line: other.line, What: other.what, Why: "Only Ingress objects are converted, and Services are asked for their ports."})
	}
	var canaries []*ingress
	for _, i := range o.ingresses {
		switch {
		case i.class != "" && !strings.Contains(i.class, "nginx"):
			c.report.Add(report.Item{Level: report.Lost, File: i.file, Line: i.classLine, What: "class " + i.class, Why: "The Ingress " + i.name + " is for another controller.", Do: ""})
		case i.annotations[prefix+"canary"].value == "true":
			canaries = append(canaries, i)
		default:
			c.ingress(i)
		}
	}
	for _, i := range canaries {
		c.canary(i)
	}
	for _, f := range c.roots {
		f()
	}
	for _, h := range c.hosts {
		c.shut(h)
		c.spellings(h)
	}
	return &Result{YAML: c.write(strings.Join(files, ", ")), Report: c.report}, nil
}

// ingress converts one object.
func (c *converter) ingress(i *ingress) {
	s := c.settings(i)
	c.once("fields", report.Item{
		Level: report.Differs, File: i.file, Line: i.line, What: "Ingress " + i.name,
		Why: "Upstreams get Forwarded and Via as well, and not X-Original-Forwarded-For; X-Request-ID is AnyGate's, and never the client's own.",
		Do:  "",
	})
	secured := c.secrets(i)
	for _, r := range i.rules {
		names := []string{r.host}
		if a, ok := i.annotations[prefix+"server-alias"]; ok {
			for _, alias := range strings.Split(a.value, ",") {
				if alias = strings.ToLower(strings.TrimSpace(alias)); alias != "" && !label.MatchString(strings.TrimPrefix(alias, "*.")) {
					c.lost(i, prefix+"server-alias", "A host is a name or *.NAME.", "List the names that are meant.")
				} else if alias != "" {
					names = append(names, alias)
				}
			}
		}
		c.sides(i, s, names, secured)
		for _, name := range names {
			if strings.HasPrefix(name, "*.") {
				c.once("host "+name, report.Item{Level: report.Differs, File: i.file, Line: i.line, What: "host " + name, Why: "*.NAME stands for any number of labels, and for the controller for one."})
			}
			h := c.host(name)
			if t := fmt.Sprintf("ingress %s/%s, %s:%d", i.namespace, i.name, i.file, i.line); !slices.Contains(h.title, t) {
				h.title = append(h.title, t)
			}
			for _, p := range r.paths {
				c.path(i, s, h, p)
			}
			c.roots = append(c.roots, func() { c.root(i, s, h) })
			c.www(i, name)
		}
	}
	if i.fallback != nil {
		r := &layout.Route{Path: "/", Place: fmt.Sprintf("%s:%d", i.file, i.fallback.line)}
		if s.closed {
			r.Kind, r.Text, r.Neutral, r.Beside = layout.Answer, "NOT_IMPLEMENTED", true, "not carried over"
		} else {
			r.Kind, r.Text, r.Use, r.Settings = layout.Proxy, c.target(i, s, *i.fallback), s.policies(), s.route
		}
		c.add(i, c.host(""), r)
	}
	if len(i.rules) == 0 {
		c.sides(i, s, []string{""}, secured)
	}
}

// host is the list of routes of a host, which is made when it is first asked for.
func (c *converter) host(name string) *host {
	name = strings.ToLower(name)
	for _, h := range c.hosts {
		if h.name == name {
			return h
		}
	}
	h := &host{name: name}
	c.hosts = append(c.hosts, h)
	return h
}

// add puts a route into a host, unless an older one has its head.
func (c *converter) add(i *ingress, h *host, r *layout.Route) {
	for _, other := range h.routes {
		if strings.TrimSuffix(other.Path, "*") == strings.TrimSuffix(r.Path, "*") {
			c.report.Add(report.Item{Level: report.Lost, File: i.file, Line: i.line, What: "path " + r.Path, Why: "The host has it already, by " + other.Place + ".", Do: "Decide for one of them."})
			return
		}
	}
	h.routes = append(h.routes, r)
}

// secrets notes the certificates of an object, and returns the hosts that they are for.
func (c *converter) secrets(i *ingress) (hosts []string) {
	for _, s := range i.tls {
		hosts = append(hosts, s.hosts...)
		if len(s.hosts) == 0 {
			for _, r := range i.rules {
				hosts = append(hosts, r.host)
			}
		}
		at := report.Item{File: i.file, Line: s.line, What: "tls of " + i.name}
		if s.secret == "" {
			at.Level, at.Why, at.Do = report.Lost, "The certificate is the controller's default, which is not known here.", "tls: {certificates: [{cert: FILE, key: FILE}]}"
			c.report.Add(at)
			continue
		}
		dir := secretDir("tls", i.namespace, s.secret)
		if c.named[dir] {
			continue
		}
		c.named[dir] = true
		c.certificates = append(c.certificates, document.Map{
			{Key: "cert", Value: document.Text(dir + "/tls.crt")}, {Key: "key", Value: document.Text(dir + "/tls.key")},
		})
		at.Level, at.Why, at.Do = report.Differs, "The secret "+s.secret+" is expected as files in "+dir+".", "Mount it there; files that change are read again."
		c.report.Add(at)
	}
	return hosts
}

// secretDir is where a secret is expected.
func secretDir(kind, namespace, secret string) string {
	if ns, name, ok := strings.Cut(secret, "/"); ok {
		namespace, secret = ns, name
	}
	for _, s := range []*string{&namespace, &secret} {
		if !label.MatchString(*s) {
			*s = "unknown" // No secret has such a name, and it must not lead to another directory.
		}
	}
	return "/etc/anygate/" + kind + "/" + namespace + "/" + secret
}

// sides notes how the hosts of a rule are reached.
func (c *converter) sides(i *ingress, s *settings, names, secured []string) {
	for _, name := range names {
		tls := slices.Contains(secured, name) || len(i.tls) > 0 && name == ""
		if s.forceSSL || s.redirectSSL && tls {
			c.redirect = append(c.redirect, name)
		} else {
			c.plain = append(c.plain, name)
		}
	}
}

// once adds an item that is told for the first object only.
func (c *converter) once(key string, item report.Item) {
	if !c.told[key] {
		c.told[key] = true
		c.report.Add(item)
	}
}

func (c *converter) lost(i *ingress, key, why, do string) {
	c.report.Add(i.item(report.Lost, key, why, do))
}

func (c *converter) differs(i *ingress, key, why, do string) {
	c.report.Add(i.item(report.Differs, key, why, do))
}

// write puts everything together.
func (c *converter) write(from string) string {
	var doc document.Map
	doc.Add("listen", c.listen())
	if len(c.certificates) > 0 {
		doc.Add("tls", document.Map{{Key: "certificates", Value: c.certificates, Open: len(c.certificates) > 1}})
	}
	if len(c.pools) > 0 {
		doc = append(doc, document.Entry{Key: "upstreams", Value: c.pools})
	}
	hostless := slices.ContainsFunc(c.hosts, func(h *host) bool { return h.name == "" })
	var sites []*layout.Site
	for _, h := range c.hosts {
		if h.moved == "" && len(h.routes) == 0 {
			continue
		}
		s := &layout.Site{Hostless: h.name == "", Title: strings.Join(h.title, "; "), Routes: h.routes, Redirect: h.moved, Place: h.place}
		if h.name != "" {
			s.Names = []string{h.name}
			if hostless && h.moved == "" && !slices.ContainsFunc(h.routes, func(r *layout.Route) bool { return r.Path == "/" || r.Path == "/*" }) {
				s.Routes = append(s.Routes, &layout.Route{Path: "/", Kind: layout.Answer, Text: "NOT_FOUND", Neutral: true, Place: "no other path of the host"})
			}
		}
		sites = append(sites, s)
	}
	doc = append(doc, layout.Lay(sites)...)
	doc.Add("log", document.Map{{Key: "access", Value: document.Word("stdout")}})
	return document.Write([]string{
		"Converted from " + from + " by anygate import ingress; behind each line is the place that it comes from.",
		"The report of the import says what was not carried over.",
	}, doc)
}

// listen is the section listen. Routes are the same on every address, so that either all hosts redirect or none.
func (c *converter) listen() document.Value {
	secure := len(c.certificates) > 0
	switch {
	case !secure:
		if i := c.ingresses[0]; len(c.redirect) > 0 {
			c.report.Add(report.Item{
				Level: report.Lost, File: i.file, Line: i.line, What: "ssl-redirect of " + strings.Join(c.redirect, ", "),
				Why: "There is no certificate to redirect to: these hosts are served without TLS.", Do: "tls: {certificates: [{cert: FILE, key: FILE}]}, and listen: [\":80 redirect\", \":443 tls\"]",
			})
		}
		return document.Text(":80")
	case len(c.plain) == 0:
		return document.Texts(":80 redirect", ":443 tls")
	}
	if len(c.redirect) > 0 {
		i := c.ingresses[0]
		c.report.Add(report.Item{
			Level: report.Lost, File: i.file, Line: i.line, What: "ssl-redirect of " + strings.Join(c.redirect, ", "),
			Why: "A plain address redirects all hosts or none, and " + strings.Join(c.plain, ", ") + " is served without TLS: these hosts are, too.",
			Do:  "Give all hosts a certificate, and write \":80 redirect\".",
		})
	}
	return document.Texts(":80", ":443 tls")
}
