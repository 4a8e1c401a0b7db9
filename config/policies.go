package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/route"
)

// setting is a policy and where it was set.
type setting struct {
	policy policy.Policy
	// at is the scalar it stands in, from off to off+n of its value.
	at     *node
	off, n int
}

// policyError reports an error of package policy about the arguments, or the line, at an offset of a scalar.
func (l *loader) policyError(n *node, base int, text string, err *policy.Error) {
	d := Diagnostic{Msg: err.Msg, Want: err.Want, Suggest: err.Suggest}
	if err.Len == 0 {
		l.errorIn(n, base, len(text), d)
		return
	}
	l.errorIn(n, base+err.Off, err.Len, d)
}

// policyLine parses one policy that stands in a scalar and adds it to a list.
func (l *loader) policyLine(n *node, off int, line string, list []setting) []setting {
	p, err := policy.ParseLine(line)
	if err != nil {
		l.policyError(n, off, line, err)
		return list
	}
	if f, ok := p.(policy.Filed); ok {
		p = l.placeFiles(f, n, off, line)
	}
	if v := variableOf(p); v != "" {
		at, length := wordIn(line, v)
		l.warnVariable(n, off+at, length, v)
	}
	name, _, _ := policy.Split(line)
	start := 0
	for start < len(line) && isSpace(line[start]) {
		start++
	}
	if !p.Available() {
		l.unavailableIn(n, off+start, len(name), "policy "+strconv.Quote(name))
	}
	s := setting{policy: p, at: n, off: off + start, n: len(name)}
	if !l.checkMTLS(&s, line[start:]) {
		return list
	}
	for _, other := range list {
		if other.policy.Slot() == p.Slot() {
			l.errorIn(n, s.off, s.n, Diagnostic{
				Kind: KindConflict, Msg: "the policy " + strconv.Quote(p.Slot()) + " is set twice", Want: "one setting; a route's own replaces those of its group and of the file",
				Related: []Related{other.related("the first one")},
			})
			return list
		}
	}
	if len(list) == maxPolicies {
		l.errorIn(n, s.off, s.n, Diagnostic{Msg: "the list has more than " + strconv.Itoa(maxPolicies) + " policies", Want: "fewer policies"})
		return list
	}
	return append(list, s)
}

func (s setting) related(msg string) Related {
	start, end := s.at.part(s.off, s.n)
	var r Related
	r.File, r.Line, r.Col, r.Len, r.Source = s.at.src.place(start, end)
	r.Msg = msg
	return r
}

// policyList reads the value of a `use`.
func (l *loader) policyList(value *node, list []setting) []setting {
	for _, item := range l.items(value) {
		if item.shape == mapping && len(item.entries) > 0 {
			// "- limit: 100/s" is what the habit of YAML makes of it.
			e := item.entries[0]
			l.errorAt(item, Diagnostic{Msg: "a policy is a mapping", Want: "one line: NAME ARGS", Suggest: e.key.text + " " + e.value.text})
			continue
		}
		if s, ok := l.text(item, wantPolicy); ok {
			list = l.policyLine(item, 0, s, list)
		}
	}
	return list
}

func (l *loader) readUse(_, value *node) { l.use = l.policyList(value, l.use) }

// withBalance adds the way to balance that a key gives to the policies of the same level.
func (l *loader) withBalance(list []setting, balance *setting) []setting {
	if balance == nil {
		return list
	}
	for _, other := range list {
		if other.policy.Slot() == balance.policy.Slot() {
			l.errorAt(balance.at, Diagnostic{
				Kind: KindConflict, Msg: `the policy "balance" is set twice`, Want: "the key balance, or a policy in use",
				Related: []Related{other.related("the first one")},
			})
			return list
		}
	}
	return append(slices.Clip(list), *balance)
}

// balanceOf returns the way to balance that the most specific of some levels sets.
func balanceOf(levels ...[]setting) *policy.Balance {
	for _, level := range levels {
		for _, s := range level {
			if b, ok := s.policy.(policy.Balance); ok {
				return &b
			}
		}
	}
	return nil
}

// effective returns the policies of a route: of every name the most specific setting, from the least specific level to
// the most specific one. Defaults that have no meaning for the route's kind of action do not apply to it; balance and
// retry are members of the route.
func effective(kind route.Kind, levels ...[]setting) []policy.Policy {
	var out []policy.Policy
	for i, level := range levels {
		for _, s := range level {
			name := s.policy.Name()
			if name == "balance" || name == "retry" || kind != route.Proxy && proxyOnly(s.policy) {
				continue
			}
			if !setIn(levels[i+1:], s.policy) {
				out = append(out, s.policy)
			}
		}
	}
	return out
}

// setIn reports whether one of some levels sets what a policy sets. What is done to the fields of requests is another
// thing than what is done to those of responses, though it goes by the same name.
func setIn(levels [][]setting, p policy.Policy) bool {
	_, edits := p.(policy.Headers)
	for _, level := range levels {
		for _, s := range level {
			if s.policy.Name() == p.Name() && (!edits || s.policy.Slot() == p.Slot()) {
				return true
			}
		}
	}
	return false
}

// settleTokens makes the host of a route the origin of the tokens that it asks for, where their policy names none.
func (l *loader) settleTokens(d *draft) {
	for i, p := range d.Policies {
		t, ok := p.(policy.Token)
		if !ok || t.CrossOrigin || len(t.Origins) > 0 {
			continue
		}
		if host := d.Head.Host; host != "" && !strings.HasPrefix(host, "*.") {
			t.Origins = []string{host}
			d.Policies[i] = t
			continue
		}
		l.errorAt(d.key, Diagnostic{
			Msg:  "tokens are for an origin, and neither the route nor its policy \"token\" names one",
			Want: "a route with a host, or origin NAME or cross-origin in the policy",
		})
	}
}

// checkCredentials reports a route that nobody can use: what a user or bearer proves itself with, and a token, stand in one
// field, of which a request has one (RFC 9110, section 11.6.2).
func (l *loader) checkCredentials(d *draft) {
	var auth policy.Auth
	both := 0
	for _, p := range d.Policies {
		switch p := p.(type) {
		case policy.Auth:
			if auth = p; p.Kind != policy.AuthHeader {
				both++
			}
		case policy.Token:
			both++
		}
	}
	if both == 2 {
		kind, _, _ := strings.Cut(strings.TrimPrefix(auth.String(), "auth "), " ")
		l.errorAt(d.key, Diagnostic{
			Kind: KindConflict,
			Msg:  `the route asks for "auth ` + kind + `" and for "token", which both are in Authorization: no request can have both`,
			Want: "one of them, or auth header NAME, whose field is another one",
		})
	}
}

// proxyOnly reports whether a policy has a meaning only where there is an upstream.
func proxyOnly(p policy.Policy) bool {
	switch p := p.(type) {
	case policy.Balance, policy.Retry, policy.Cache, policy.Compress:
		return true
	case policy.Headers:
		return p.Request
	}
	return false
}

// checkPolicies reports policies that a route sets itself and that its action has no use for. Defaults may have them,
// since they are for all routes.
func (l *loader) checkPolicies(kind route.Kind, list []setting) {
	for _, s := range list {
		if kind != route.Proxy && proxyOnly(s.policy) {
			name := s.policy.Name()
			if h, ok := s.policy.(policy.Headers); ok {
				name = h.Slot()
			}
			l.errorIn(s.at, s.off, s.n, Diagnostic{
				Msg: "the policy " + strconv.Quote(name) + " has no meaning for " + actionNoun(kind), Want: "a proxy action",
			})
		}
	}
}
