package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/route"
)

// readGroups reads NAME: {host, prefix, use, proxy, static, routes}.
func (l *loader) readGroups(_, value *node) {
	if value.shape != mapping {
		l.errorAt(value, Diagnostic{Msg: "groups is " + value.describe(), Want: "a mapping of names to groups"})
		return
	}
	for _, e := range value.entries {
		if first, ok := l.groups[e.key.text]; ok {
			l.errorAt(e.key, Diagnostic{
				Kind: KindConflict, Msg: "the group " + strconv.Quote(e.key.text) + " is there twice", Want: "each name once",
				Related: []Related{related(first, "the first one")},
			})
			continue
		}
		l.groups[e.key.text] = e.key
		l.group(e.key, e.value)
	}
}

func (l *loader) group(key, value *node) {
	sc := &scope{group: key.text, defaults: l.defaults}
	sc.defaults.static.Index = slices.Clone(l.defaults.static.Index)
	var routes *node
	ok := l.fields(
		value, "the group",
		field{"host", func(_, v *node) { l.groupHost(v, sc) }},
		field{"prefix", func(_, v *node) { l.groupPrefix(v, sc) }},
		field{"use", func(_, v *node) { sc.use = l.policyList(v, sc.use) }},
		field{"proxy", func(_, v *node) { l.proxyDefaults(v, "the group's proxy", &sc.defaults) }},
		field{"static", func(_, v *node) { l.staticDefaults(v, "the group's static", &sc.defaults) }},
		field{"routes", func(_, v *node) { routes = v }},
	)
	switch {
	case routes != nil:
		l.routes(routes, "the group's routes", sc)
	case ok && !value.broken:
		l.errorAt(key, Diagnostic{Msg: "the group " + strconv.Quote(key.text) + " has no routes", Want: `routes: {"/": ACTION}`})
	}
}

// groupHost reads the host that the group's routes are for.
func (l *loader) groupHost(v *node, sc *scope) {
	s, ok := l.text(v, "a host name or *.example.com")
	if !ok {
		return
	}
	if i := strings.IndexAny(s, "/ \t"); i >= 0 {
		l.errorIn(v, i, len(s)-i, Diagnostic{Msg: strconv.Quote(s) + " is not a host", Want: "a host name or *.example.com; a path belongs into prefix"})
		return
	}
	h, err := route.ParseHead(s + "/")
	if err != nil {
		off := min(err.Off, len(s))
		l.errorIn(v, off, min(err.Len, len(s)-off), Diagnostic{Msg: err.Msg, Want: err.Want, Suggest: strings.TrimSuffix(err.Suggest, "/")})
		return
	}
	sc.host = h.Host
}

// groupPrefix reads the path that stands before those of the group's routes.
func (l *loader) groupPrefix(v *node, sc *scope) {
	s, ok := l.text(v, "a path such as /v2")
	if !ok {
		return
	}
	h, err := route.ParseHead(s)
	switch {
	case err != nil:
		l.routeError(v, 0, err)
	case len(h.Methods) > 0 || h.Host != "" || strings.ContainsAny(s, " \t") || strings.HasSuffix(s, "*"):
		l.errorAt(v, Diagnostic{Msg: strconv.Quote(s) + " is not a path", Want: "a path such as /v2, without methods, host and *"})
	default:
		sc.prefix = strings.TrimSuffix(h.Path, "/")
	}
}
