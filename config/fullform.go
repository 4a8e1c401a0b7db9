package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/route"
)

// actionKeys say what a route in its full form does; it has exactly one of them.
var actionKeys = []string{"to", "dir", "file", "answer", "redirect", "echo"}

// fullForm reads the mapping form of a route.
func (l *loader) fullForm(d *draft, value *node) bool {
	var action *node
	ok := true
	read := func(parse func(d *draft, v *node) bool) func(key, v *node) {
		return func(key, v *node) {
			if action != nil && v.probe == nil {
				l.errorAt(key, Diagnostic{
					Kind: KindConflict, Msg: "the route has a second action", Want: "one of " + oneOf(actionKeys),
					Related: []Related{related(action, "the first one")},
				})
				ok = false
				return
			}
			action = key
			ok = parse(d, v) && ok
		}
	}
	// What belongs to one kind of action is judged when the action is known.
	var proxyKeys, staticKeys []*node
	proxy := func(r func(key, v *node)) func(key, v *node) {
		return func(key, v *node) { proxyKeys = append(proxyKeys, key); r(key, v) }
	}
	known := []field{
		{"to", read(l.toAction)},
		{"dir", read(l.dirAction)},
		{"file", read(l.fileAction)},
		{"answer", read(l.answerAction)},
		{"redirect", read(l.redirectAction)},
		{"echo", read(l.echoAction)},
		{"balance", proxy(func(_, v *node) { l.balanceKey(d, v) })},
		{"timeouts", proxy(func(_, v *node) { l.readTimeouts(v, &d.Timeouts) })},
		{"health", proxy(func(_, v *node) { d.OwnHealth, d.Health = true, l.readHealth(v) })},
		{"breaker", proxy(func(_, v *node) { d.OwnBreaker, d.Breaker = true, l.readBreaker(v) })},
		{"retry", proxy(func(_, v *node) { d.attempts = l.readRetry(v, &d.Retry) })},
		{"upgrade", proxy(func(_, v *node) { l.readSwitch(v, &d.Upgrade) })},
		{"errors", func(_, v *node) { l.readErrors(v, &d.errors) }},
	}
	for _, f := range l.staticFields(&d.Static) {
		known = append(known, field{f.key, func(key, v *node) { staticKeys = append(staticKeys, key); f.read(key, v) }})
	}
	known = append(known, field{"use", func(_, v *node) { d.own = l.policyList(v, d.own) }})
	before := len(l.diagnostics)
	l.fields(value, "the route", known...)
	l.explainPolicyKeys(value, before)
	l.explainPoolKeys(value, before)
	switch {
	case action == nil:
		// An unknown key may well be the misspelled action; one message is enough then.
		if len(l.diagnostics) == before && !value.broken {
			l.errorAt(value, Diagnostic{Msg: "the route has no action", Want: oneOf(actionKeys)})
		}
		return false
	case !ok:
		return false
	}
	if d.Action.Kind != route.Proxy {
		l.foreignKeys(d, proxyKeys, `a proxy action ("to")`)
	}
	if d.Action.Kind != route.Static || d.Static.File {
		if d.Static.File {
			staticKeys = slices.DeleteFunc(staticKeys, func(k *node) bool { return slices.Contains(fileSettings, k.text) })
		}
		l.foreignKeys(d, staticKeys, `a directory ("dir")`)
	}
	return true
}

// actionNoun is a kind of action in the words of a message.
func actionNoun(k route.Kind) string {
	if k == route.Echo {
		return "an echo action"
	}
	return "a " + k.String() + " action"
}

func (l *loader) foreignKeys(d *draft, keys []*node, want string) {
	kind := actionNoun(d.Action.Kind)
	if d.Static.File {
		kind = "a single file"
	}
	for _, k := range keys {
		l.errorAt(k, Diagnostic{Msg: strconv.Quote(k.text) + " has no meaning for " + kind, Want: want})
	}
}

// explainPolicyKeys turns "unknown key" into a better message where the key is the name of a policy.
func (l *loader) explainPolicyKeys(value *node, before int) {
	if value.shape != mapping {
		return
	}
	for _, e := range value.entries {
		if !slices.Contains(policy.Names(), e.key.text) {
			continue
		}
		for i := before; i < len(l.diagnostics); i++ {
			d := &l.diagnostics[i]
			if p := e.key.pos(); d.Line == p.Line && d.Col == p.Col && strings.HasPrefix(d.Msg, "unknown key") {
				d.Msg = "the policy " + strconv.Quote(e.key.text) + " is a key of the route"
				d.Want = "policies in the list use"
				d.Suggest = "use: [" + strconv.Quote(strings.TrimSpace(e.key.text+" "+e.value.text)) + "]"
			}
		}
	}
}

// toAction reads one or more URIs, in a list or separated by blanks.
func (l *loader) toAction(d *draft, v *node) bool {
	d.Action.Kind = route.Proxy
	ok := true
	for _, item := range l.items(v) {
		s, isText := l.text(item, "http://HOST[:PORT][/PATH] or unix:/PATH")
		if !isText {
			ok = false
			continue
		}
		targets, err := route.ParseTargets(s)
		if err != nil {
			l.routeError(item, 0, err)
			ok = false
			continue
		}
		for _, t := range targets {
			d.Action.Targets = append(d.Action.Targets, t)
			d.targets = append(d.targets, item)
		}
	}
	if ok && len(d.Action.Targets) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the list is empty", Want: "http://HOST[:PORT][/PATH] or unix:/PATH"})
		ok = false
	}
	if ok && len(d.Action.Targets) > route.MaxTargets {
		l.errorAt(d.targets[route.MaxTargets], Diagnostic{
			Msg: "too many upstreams in one action", Want: "at most " + strconv.Itoa(route.MaxTargets) + "; name more of them in upstreams",
		})
		ok = false
	}
	return ok
}

func (l *loader) dirAction(d *draft, v *node) bool  { return l.staticAction(d, v, "dir") }
func (l *loader) fileAction(d *draft, v *node) bool { return l.staticAction(d, v, "file") }

func (l *loader) staticAction(d *draft, v *node, key string) bool {
	s, ok := l.text(v, "a path that starts with /, ./ or ../")
	if !ok {
		return false
	}
	path, err := route.ParseStatic(s)
	if err != nil {
		l.routeError(v, 0, err)
		return false
	}
	d.Action = route.Action{Kind: route.Static, Path: path, Len: len(s)}
	d.text = v
	l.staticRoot(d, key)
	return true
}

func (l *loader) answerAction(d *draft, v *node) bool {
	return l.parsed(d, v, "STATUS [BODY]", route.ParseFixed)
}

func (l *loader) redirectAction(d *draft, v *node) bool {
	return l.parsed(d, v, "[STATUS] LOCATION", route.ParseRedirect)
}

// echoAction reads *, STATUS or STATUS *; true is understood as *.
func (l *loader) echoAction(d *draft, v *node) bool {
	if v.shape == scalar && v.text == "true" {
		d.Action = route.Action{Kind: route.Echo, Status: 200}
		return true
	}
	return l.parsed(d, v, `"*" or STATUS`, route.ParseEcho)
}

func (l *loader) parsed(d *draft, v *node, want string, parse func(string) (route.Action, *route.SyntaxError)) bool {
	s, ok := l.text(v, want)
	if !ok {
		return false
	}
	a, err := parse(s)
	if err != nil {
		l.routeError(v, 0, err)
		return false
	}
	d.Action, d.text = a, v
	return true
}

// balanceKey reads `balance: least-conn`.
func (l *loader) balanceKey(d *draft, v *node) {
	if b := l.readBalance(v); b != nil {
		d.own = l.withBalance(d.own, &setting{policy: *b, at: v, n: len(v.text)})
	}
}
