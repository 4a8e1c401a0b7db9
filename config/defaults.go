package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// routeDefaults is what a route has where it says nothing itself. A group's are those of the file with its own on top.
type routeDefaults struct {
	timeouts Timeouts
	index    []string
	spa      string
}

func defaultRoute() routeDefaults {
	return routeDefaults{
		timeouts: Timeouts{Connect: 5 * time.Second, FirstByte: 60 * time.Second, Idle: 60 * time.Second},
		index:    []string{"index.html"},
		spa:      "auto",
	}
}

func (l *loader) readProxy(_, value *node) { l.proxyDefaults(value, "proxy", &l.defaults) }

func (l *loader) readStatic(_, value *node) { l.staticDefaults(value, "static", &l.defaults) }

// proxyDefaults reads the section `proxy` of the file or of a group.
func (l *loader) proxyDefaults(value *node, where string, d *routeDefaults) {
	l.fields(
		value, where,
		field{"timeouts", func(_, v *node) { l.readTimeouts(v, &d.timeouts) }},
		field{"balance", func(_, v *node) { l.readBalance(v) }},
		field{"health", l.refuse(healthShape)},
		field{"breaker", l.refuse(breakerShape)},
		field{"retry", l.refuse(retryShape)},
	)
}

// staticDefaults reads the section `static` of the file or of a group.
func (l *loader) staticDefaults(value *node, where string, d *routeDefaults) {
	l.fields(
		value, where,
		field{"index", func(_, v *node) { l.readIndex(v, &d.index) }},
		field{"spa", func(_, v *node) { l.readSPA(v, &d.spa) }},
	)
}

func (l *loader) readTimeouts(value *node, t *Timeouts) {
	l.fields(
		value, "timeouts",
		field{"connect", l.durationInto(&t.Connect)},
		field{"first-byte", l.durationInto(&t.FirstByte)},
		field{"idle", l.durationInto(&t.Idle)},
	)
}

// readIndex reads the names that are tried in a directory. They are names, not paths, so that an index can never lead
// out of its directory.
func (l *loader) readIndex(value *node, into *[]string) {
	var indices []string
	for _, item := range l.items(value) {
		s, ok := l.text(item, "the name of a file such as index.html")
		if !ok {
			continue
		}
		if strings.ContainsAny(s, "/\x00") || s == "." || s == ".." || len(s) > 255 {
			l.errorAt(item, Diagnostic{Msg: strconv.Quote(s) + " is not the name of a file in a directory", Want: "a name without slashes such as index.html"})
			continue
		}
		if !slices.Contains(indices, s) {
			indices = append(indices, s)
		}
		if len(indices) > maxIndex {
			l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxIndex) + " index files", Want: "fewer names"})
			return
		}
	}
	if len(indices) > 0 {
		*into = indices
	} else if value.shape == list && len(value.items) == 0 {
		l.errorAt(value, Diagnostic{Msg: "the list is empty", Want: "the name of a file such as index.html"})
	}
}

// readSPA reads whether paths that name no file get the index of the root. YAML's booleans are understood too.
func (l *loader) readSPA(value *node, into *string) {
	word := ""
	if !l.enum(value, "value", &word, "auto", "on", "off", "true", "false") {
		return
	}
	switch word {
	case "true":
		word = "on"
	case "false":
		word = "off"
	}
	*into = word
}
