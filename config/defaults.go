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
	retry    Retry
	upgrade  bool
	errors   Errors

	// balance and attempts are where this level, and none above it, gives a way to balance and a number of retries.
	balance  *setting
	attempts *node

	// What a group says of health and the breaker stands for what the pools of its routes say.
	ownHealth, ownBreaker bool
	health                *Health
	breaker               *Breaker
}

// below returns the defaults for the level below, which sets nothing itself yet.
func (d routeDefaults) below() routeDefaults {
	d.index = slices.Clone(d.index)
	d.balance, d.attempts = nil, nil
	return d
}

func defaultRoute() routeDefaults {
	return routeDefaults{
		timeouts: Timeouts{Connect: 5 * time.Second, FirstByte: 60 * time.Second, Idle: 60 * time.Second, Tunnel: time.Hour},
		index:    []string{"index.html"},
		spa:      "auto",
		retry:    defaultRetry(),
		upgrade:  true,
	}
}

// readProxy reads the section of the file. What it says of health and the breaker is for the pools that say nothing
// themselves.
func (l *loader) readProxy(_, value *node) {
	l.proxyDefaults(value, "proxy", &l.defaults)
	d := &l.defaults
	if d.ownHealth {
		l.cfg.Pool.Health = d.health
	}
	if d.ownBreaker {
		l.cfg.Pool.Breaker = d.breaker
	}
	d.ownHealth, d.ownBreaker = false, false
}

func (l *loader) readStatic(_, value *node) { l.staticDefaults(value, "static", &l.defaults) }

// proxyDefaults reads the section `proxy` of the file or of a group.
func (l *loader) proxyDefaults(value *node, where string, d *routeDefaults) {
	before := len(l.diagnostics)
	l.fields(
		value, where,
		field{"timeouts", func(_, v *node) { l.readTimeouts(v, &d.timeouts) }},
		field{"balance", func(_, v *node) {
			if b := l.readBalance(v); b != nil {
				d.balance = &setting{policy: *b, at: v, n: len(v.text)}
			}
		}},
		field{"health", func(_, v *node) { d.ownHealth, d.health = true, l.readHealth(v) }},
		field{"breaker", func(_, v *node) { d.ownBreaker, d.breaker = true, l.readBreaker(v) }},
		field{"retry", func(_, v *node) {
			if at := l.readRetry(v, &d.retry); at != nil {
				d.attempts = at
			}
		}},
		field{"upgrade", func(_, v *node) { l.readSwitch(v, &d.upgrade) }},
	)
	l.explainPoolKeys(value, before)
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
		field{"tunnel", l.durationInto(&t.Tunnel)},
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
