package config

import (
	"path/filepath"
	"slices"
	"strconv"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/route"
)

// scope is what the routes of one mapping have in common.
type scope struct {
	group    string
	host     string
	prefix   string
	defaults routeDefaults
	// file are the policies of the file, use those of the group.
	file, use []setting
}

func (l *loader) readRoutes(_, value *node) {
	l.routes(value, "routes", l.fileScope())
}

// fileScope is what the file says for all routes. It is asked for when `proxy` and `use` were read.
func (l *loader) fileScope() *scope {
	sc := &scope{file: l.withBalance(l.use, l.defaults.balance), defaults: l.defaults.below()}
	l.foldRetry(&sc.defaults.retry, l.defaults.attempts, l.use)
	sc.defaults.errors = l.errors
	return sc
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
			Head: head, Group: sc.group, Timeouts: sc.defaults.timeouts, Retry: sc.defaults.retry, Upgrade: sc.defaults.upgrade,
			OwnHealth: sc.defaults.ownHealth, OwnBreaker: sc.defaults.ownBreaker, Health: sc.defaults.health, Breaker: sc.defaults.breaker,
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
	// own are the policies that the route sets itself, errors its pages.
	own    []setting
	errors Errors
	// attempts is where the key retry has a number.
	attempts *node
}

// head parses a route's head within the host and prefix of its group.
func (l *loader) head(key *node, sc *scope) (route.Head, bool) {
	h, err := route.ParseHead(key.text)
	if err != nil {
		l.routeError(key, 0, err)
		return h, false
	}
	l.warnHead(key, h)
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
	if a.Kind == route.Fixed {
		l.warnPolicyText(n)
	}
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

// warnPolicyText warns of a text that looks as if a policy stood behind it: texts run to the end of the line, and a route
// whose author believes it to be protected is not.
func (l *loader) warnPolicyText(n *node) {
	for i := 1; i < len(n.text); i++ {
		if n.text[i] != '|' || !isSpace(n.text[i-1]) {
			continue
		}
		name, _, _ := policy.Split(n.text[i+1:])
		_, _, parsed := route.ParseAction(n.text[:i])
		a, list, err := route.ParseAction(n.text)
		if parsed != nil || err != nil || len(list) > 0 || a.Body == "" || !slices.Contains(policy.Names(), name) {
			continue
		}
		l.warnIn(n, i, len(n.text)-i, Diagnostic{
			Msg: "the text of the answer goes to the end of the line, and this is part of it: it is no policy", Want: "the full form {answer: ..., use: ...} for a text with policies",
		})
		return
	}
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
	d.Policies = effective(d.Action.Kind, sc.file, sc.use, d.own)
	l.settleTokens(d)
	l.checkCredentials(d)
	d.Errors = d.errors.over(sc.defaults.errors)
	ok := true
	switch d.Action.Kind {
	case route.Proxy:
		l.foldRetry(&d.Retry, d.attempts, d.own)
		if ok = l.resolveTargets(d); ok {
			d.Balance = l.balance(d, sc)
		}
	case route.Redirect:
		location, err := route.CompileLocation(d.Head, d.Action.Location)
		if err != nil {
			l.routeError(d.text, d.Action.Off, err)
			ok = false
		}
		d.Location = location
	}
	if d.Action.Kind != route.Proxy {
		d.Timeouts, d.Retry, d.Upgrade = Timeouts{}, Retry{}, false
		d.OwnHealth, d.OwnBreaker, d.Health, d.Breaker = false, false, nil, nil
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

// balance returns the way in which a proxy route balances: what the route or its group says, then the pool that it
// names, then the file.
func (l *loader) balance(d *draft, sc *scope) policy.Balance {
	b := balanceOf(d.own, sc.use)
	if b == nil && len(d.Targets) == 1 {
		b = l.cfg.Upstreams[d.Targets[0].Upstream].Balance
	}
	if b == nil {
		b = balanceOf(sc.file)
	}
	if b == nil {
		return policy.Balance{}
	}
	return *b
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
