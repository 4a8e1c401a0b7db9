package layout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anygate/anygate/import/document"
)

// Lay puts the routes of all sites in order, and what they have in common before them.
func Lay(sites []*Site) document.Map {
	var doc document.Map
	all := make([]*Route, 0, 64)
	for _, s := range sites {
		if s.Redirect == "" {
			all = append(all, s.Routes...)
		}
	}
	if use := hoist(all); len(use) > 0 {
		doc.Add("use", document.OneOrMore(use))
	}
	if errors := hoistErrors(all); len(errors) > 0 {
		doc.Add("errors", errors)
	}
	if proxy := hoistSettings(all, Proxy, "timeouts", "retry"); len(proxy) > 0 {
		doc.Add("proxy", proxy)
	}
	if static := staticDefaults(all); len(static) > 0 {
		doc = append(doc, document.Entry{Key: "static", Value: static, Beside: "as nginx; anygate has better defaults, see docs/static.md"})
	}
	var routes, groups document.Map
	for _, s := range sites {
		list := entries(s, len(sites) > 1)
		if len(list) == 0 {
			continue
		}
		above := s.Above
		if s.Title != "" {
			above = append(slices.Clone(above), s.Title)
		}
		if s.Redirect != "" {
			for _, name := range s.Names {
				routes = append(routes, document.Entry{Key: name + "/*", Quoted: true, Value: document.Text(s.Redirect), Beside: s.Place})
			}
			if s.Hostless {
				routes = append(routes, document.Entry{Key: "/*", Quoted: true, Value: document.Text(s.Redirect), Beside: s.Place})
			}
			continue
		}
		if s.Hostless {
			first := len(routes)
			routes = append(routes, list...)
			routes[first].Above = append(slices.Clone(above), list[0].Above...)
		}
		if len(s.Names) > 0 {
			groups = append(groups, groupsOf(s, list, above, len(groups))...)
		}
	}
	if len(routes) > 0 {
		doc = append(doc, document.Entry{Key: "routes", Value: routes, Open: true})
	}
	if len(groups) > 0 {
		doc = append(doc, document.Entry{Key: "groups", Value: groups, Open: true})
	}
	return doc
}

// groups are those of a server that has names: one for each, with the same routes.
func groupsOf(s *Site, list document.Map, above []string, before int) (groups document.Map) {
	var routes document.Value = list
	anchor := fmt.Sprintf("server%d", before+1)
	for i, name := range s.Names {
		g := document.Map{{Key: "host", Value: document.Text(name)}}
		switch {
		case len(s.Names) == 1:
		case i == 0:
			routes = document.Shared{Name: anchor, Map: list}
		default:
			routes = document.Again(anchor)
		}
		g = append(g, document.Entry{Key: "routes", Value: routes, Open: true})
		e := document.Entry{Key: name, Value: g, Open: true}
		if i == 0 {
			e.Above = above
		}
		groups = append(groups, e)
	}
	return groups
}

// entries writes the routes of a site.
func entries(s *Site, several bool) (list document.Map) {
	if s.Redirect != "" {
		return document.Map{{}}
	}
	for _, r := range s.Routes {
		if r.Implied && (s.Hostless || !several) && len(s.Routes) > 1 {
			continue
		}
		key := r.Path
		if len(r.Methods) > 0 {
			key = strings.Join(r.Methods, " ") + " " + key
		}
		beside := r.Place
		if r.Beside != "" {
			beside = r.Beside + ", " + beside
		}
		list = append(list, document.Entry{Key: key, Quoted: true, Value: r.value(), Beside: beside, Above: r.Above})
	}
	return list
}

// value is the right side of the route: one line where that says it.
func (r *Route) value() document.Value {
	text := r.Kind == Answer && strings.Contains(r.Text, " ")
	piped := !text
	for _, u := range r.Use {
		if strings.ContainsAny(u, `|"`) {
			piped = false
		}
	}
	if len(r.Settings) == 0 && len(r.Errors) == 0 && r.Kind != File && (len(r.Use) == 0 || piped && len(r.Use) <= 2) && !(r.Kind == Static && strings.ContainsAny(r.Text, " |")) {
		line := strings.Join(append([]string{r.Text}, r.Use...), " | ")
		return document.Text(line)
	}
	m := document.Map{{Key: keys[r.Kind], Value: document.Text(r.Text)}}
	if r.Kind == Redirect {
		m[0].Value = document.Text(r.Text)
	}
	m = append(m, r.Settings...)
	if len(r.Errors) > 0 {
		m.Add("errors", r.Errors)
	}
	if len(r.Use) > 0 {
		m.Add("use", document.OneOrMore(r.Use))
	}
	return m
}

// proxyOnly reports whether a policy counts for proxy actions alone.
func proxyOnly(use string) bool { return use == "compress" || strings.HasPrefix(use, "headers req ") }

// hoist takes out the policies that all routes have.
func hoist(all []*Route) (use []string) {
	own := slices.DeleteFunc(slices.Clone(all), func(r *Route) bool { return r.Neutral })
	var candidates []string
	for _, r := range own {
		for _, u := range r.Use {
			if !slices.Contains(candidates, u) {
				candidates = append(candidates, u)
			}
		}
	}
	for _, u := range candidates {
		count, of := 0, 0
		for _, r := range own {
			if !proxyOnly(u) || r.Kind == Proxy {
				of++
				if slices.Contains(r.Use, u) {
					count++
				}
			}
		}
		if count < of || count < 2 && !strings.HasPrefix(u, "body ") {
			continue
		}
		use = append(use, u)
		for _, r := range own {
			r.Use = slices.DeleteFunc(r.Use, func(s string) bool { return s == u })
		}
	}
	return use
}

// hoistErrors takes out the pages that all routes have.
func hoistErrors(all []*Route) document.Map {
	var common document.Map
	first := true
	for _, r := range all {
		if r.Neutral {
			continue
		}
		pages := slices.DeleteFunc(slices.Clone(r.Errors), func(e document.Entry) bool { return e.Key == "intercept" })
		if first {
			common, first = pages, false
		} else if !same(common, pages) {
			return nil
		}
	}
	if len(common) == 0 {
		return nil
	}
	for _, r := range all {
		r.Errors = slices.DeleteFunc(r.Errors, func(e document.Entry) bool { return e.Key != "intercept" })
	}
	return common
}

func same(a, b document.Map) bool { return document.Write(nil, a) == document.Write(nil, b) }

// hoistSettings takes out the settings that all routes of a kind have.
func hoistSettings(all []*Route, kind Kind, names ...string) (common document.Map) {
	for _, name := range names {
		var v document.Value
		count, of := 0, 0
		for _, r := range all {
			if r.Kind != kind {
				continue
			}
			of++
			if s := r.Settings.Get(name); s != nil && (v == nil || same(document.Map{{Key: "x", Value: v}}, document.Map{{Key: "x", Value: s}})) {
				v = s
				count++
			}
		}
		if count < 2 || count < of {
			continue
		}
		common.Add(name, v)
		for _, r := range all {
			if r.Kind == kind {
				r.Settings = slices.DeleteFunc(r.Settings, func(e document.Entry) bool { return e.Key == name })
			}
		}
	}
	return common
}

// staticDefaults are those of nginx for files, and what all routes have in common.
func staticDefaults(all []*Route) (m document.Map) {
	counts := map[document.Word]int{}
	any := false
	for _, r := range all {
		if v, ok := r.Settings.Get("compress").(document.Word); ok && (r.Kind == Static || r.Kind == File) {
			counts[v]++
			any = true
		}
	}
	if !any {
		return nil
	}
	compress := document.Word("off")
	for _, v := range []document.Word{"on", "precompressed"} {
		if counts[v] > counts[compress] {
			compress = v
		}
	}
	m = document.Map{{Key: "spa", Value: document.Word("off")}, {Key: "cache-control", Value: document.Word("off")}}
	if compress != "on" {
		m.Add("compress", compress)
	}
	for _, r := range all {
		r.Settings = slices.DeleteFunc(r.Settings, func(e document.Entry) bool {
			return e.Key == "compress" && e.Value == compress
		})
	}
	return m
}
