package config

import (
	"path/filepath"
	"strconv"

	"github.com/anygate/anygate/route"
)

// scope is what the routes of one mapping have in common.
type scope struct {
	group    string
	host     string
	prefix   string
	defaults routeDefaults
	use      []setting
}

func (l *loader) readRoutes(_, value *node) {
	l.routes(value, "routes", &scope{defaults: l.defaults})
}

// routes reads HEAD: ACTION entries.
func (l *loader) routes(value *node, where string, sc *scope) {
	if value.shape != mapping {
		l.errorAt(value, Diagnostic{Msg: where + " is " + value.describe(), Want: `a mapping of routes such as "GET /ping": OK`})
		return
	}
	for _, e := range value.entries {
		head, headOK := l.head(e.key, sc)
		d := &draft{key: e.key, Route: Route{
			Head: head, Group: sc.group, Timeouts: sc.defaults.timeouts,
			Static: sc.defaults.static, Pos: e.key.pos(),
		}}
		if l.action(d, e.value) && headOK {
			l.addRoute(d, sc)
		}
	}
}

// draft is a route that is being read, with the places that later errors are about.
type draft struct {
	Route
	key *node
	// text is the scalar that holds a redirect's Location or a static action's path, and targets those that hold the
	// targets.
	text    *node
	targets []*node
	// own are the policies that the route sets itself.
	own []setting
}

// head parses a route's head within the host and prefix of its group.
func (l *loader) head(key *node, sc *scope) (route.Head, bool) {
	h, err := route.ParseHead(key.text)
	if err != nil {
		l.routeError(key, 0, err)
		return h, false
	}
	if sc.host == "" && sc.prefix == "" {
		return h, true
	}
	if h.Host != "" && sc.host != "" && h.Host != sc.host {
		l.errorAt(key, Diagnostic{
			Msg: "the route has the host " + h.Host + " in a group with the host " + sc.host, Want: "routes without a host in a group that has one",
		})
		return h, false
	}
	full := h
	if sc.host != "" {
		full.Host = sc.host
	}
	full.Path = sc.prefix + h.Path
	joined, err := route.ParseHead(full.String())
	if err != nil {
		l.errorAt(key, Diagnostic{Msg: "with the group's prefix " + strconv.Quote(sc.prefix) + ": " + err.Msg, Want: err.Want})
		return h, false
	}
	return joined, true
}

// action reads the value of a route and completes the draft.
func (l *loader) action(d *draft, value *node) bool {
	var ok bool
	switch {
	case value.lost():
		return false
	case value.shape == scalar:
		ok = l.oneLine(d, value)
	case value.shape == mapping:
		ok = l.fullForm(d, value)
	default:
		l.errorAt(value, Diagnostic{Msg: "the action is a list", Want: "one line, or a mapping with to, dir, file, answer, redirect or echo", Suggest: "to: [...]"})
	}
	if !ok {
		return false
	}
	l.checkPolicies(d.Action.Kind, d.own)
	return true
}

// oneLine reads ACTION [| POLICY]...
func (l *loader) oneLine(d *draft, n *node) bool {
	a, policies, err := route.ParseAction(n.text)
	if err != nil {
		l.suggestPath(n, err)
		l.routeError(n, 0, err)
		return false
	}
	d.Action, d.text = a, n
	for _, p := range policies {
		d.own = l.policyLine(n, p.Off, n.text[p.Off:p.Off+p.Len], d.own)
	}
	for range a.Targets {
		d.targets = append(d.targets, n)
	}
	if a.Kind == route.Static {
		l.staticRoot(d, "")
	}
	return true
}

// suggestPath completes the error about a word that is no action, when it is the name of a file or directory.
func (l *loader) suggestPath(n *node, err *route.SyntaxError) {
	if err.Suggest != "" || err.Len == 0 || l.opt.Stat == nil {
		return
	}
	name := n.text[err.Off : err.Off+err.Len]
	if !filepath.IsLocal(name) {
		return
	}
	if _, e := l.opt.Stat(filepath.Join(n.src.dir, name)); e == nil {
		err.Suggest = "./" + name
	}
}

// addRoute finishes a route that was understood and adds it to the configuration.
func (l *loader) addRoute(d *draft, sc *scope) {
	d.Policies = effective(d.Action.Kind, l.use, sc.use, d.own)
	ok := true
	switch d.Action.Kind {
	case route.Proxy:
		ok = l.resolveTargets(d)
	case route.Redirect:
		location, err := route.CompileLocation(d.Head, d.Action.Location)
		if err != nil {
			l.routeError(d.text, d.Action.Off, err)
			ok = false
		}
		d.Location = location
	}
	if d.Action.Kind != route.Proxy {
		d.Timeouts = Timeouts{}
	}
	switch {
	case d.Action.Kind != route.Static:
		d.Static = Static{}
	case d.Static.File:
		d.Static.ofFile()
	}
	if !ok {
		return
	}
	index := len(l.cfg.Routes)
	if other, ok := l.builder.Add(d.Head, uint32(index)); !ok {
		first := l.routeKeys[other]
		l.errorAt(d.key, Diagnostic{
			Kind: KindConflict,
			Msg:  "the route " + strconv.Quote(d.Head.String()) + " matches requests that " + strconv.Quote(l.cfg.Routes[other].Head.String()) + " matches already",
			Want: "another host, path or method", Related: []Related{related(first, "the first one")},
		})
		return
	}
	l.cfg.Routes = append(l.cfg.Routes, d.Route)
	l.routeKeys = append(l.routeKeys, d.key)
}

// finishRoutes builds the matcher, and reports a configuration that would answer nothing.
func (l *loader) finishRoutes() {
	l.cfg.Table = l.builder.Build()
	if len(l.cfg.Routes) > 0 || len(l.diagnostics) > 0 || l.broken {
		return
	}
	d := Diagnostic{Msg: "the configuration has no routes", Want: `routes: {"/": ./dist/}`}
	root := l.files[0].root
	if root == nil {
		l.report(l.files[0].src, 0, 1, d)
		return
	}
	for _, e := range root.entries {
		if e.key.text == "routes" {
			l.errorAt(e.key, d)
			return
		}
	}
	l.errorAt(root, d)
}
