package config

import (
	"strconv"
)

// check reads a value that has no effect in this version, to report what is wrong with it.
type check func(l *loader, v *node)

// refuse returns a reader that checks a value and then says that its key is not available.
func (l *loader) refuse(c check) func(key, value *node) {
	return func(key, value *node) {
		l.unavailable(key, strconv.Quote(key.text))
		c(l, value)
	}
}

// unavailableSection is refuse for a whole section.
func unavailableSection(c check) func(l *loader, key, value *node) {
	return func(l *loader, key, value *node) { l.refuse(c)(key, value) }
}

// key is one key of an object that is only checked.
type key struct {
	name string
	c    check
}

// object checks a mapping.
func object(where string, keys ...key) check {
	return func(l *loader, v *node) {
		list := make([]field, len(keys))
		for i, k := range keys {
			list[i] = field{k.name, func(_, v *node) { k.c(l, v) }}
		}
		l.fields(v, where, list...)
	}
}

// bareOr checks a section that takes its obvious value bare.
func bareOr(bare, full check) check {
	return func(l *loader, v *node) {
		if v.shape == mapping {
			full(l, v)
		} else {
			bare(l, v)
		}
	}
}

// listOf checks the values of a list; a list of one may be written without brackets.
func listOf(c check) check {
	return func(l *loader, v *node) {
		for _, item := range l.items(v) {
			c(l, item)
		}
	}
}

func textShape(want string) check {
	return func(l *loader, v *node) { l.text(v, want) }
}

// addressShape checks an address to listen to.
func addressShape(l *loader, v *node) {
	s, ok := l.text(v, wantListen)
	if !ok {
		return
	}
	var ln Listener
	if w := words(s); len(w) == 1 {
		l.listenAddress(v, w[0], &ln)
	} else {
		l.errorAt(v, Diagnostic{Msg: strconv.Quote(s) + " is not an address", Want: wantListen})
	}
}

func uriShape(l *loader, v *node) {
	s, ok := l.text(v, "a URI such as http://127.0.0.1:4318")
	if !ok {
		return
	}
	l.checkTarget(v, s)
}

var (
	acmeShape = object(
		"tls.acme",
		key{"email", textShape("a mail address")},
		key{"domains", listOf(textShape("a domain"))},
		key{"directory", uriShape},
		key{"storage", textShape("a directory")},
	)

	adminShape = bareOr(addressShape, object("admin", key{"listen", addressShape}))
)
