package config

import (
	"strconv"
)

// check reads a value that has no effect in this version, to report what is wrong with it.
type check func(l *loader, v *node)

// refused are the keys whose readers refuse made. No message offers them for one that is unknown.
var refused = []string{"acme", "chroot"}

// refuse returns a reader that checks a value and then says that its key is not available.
func (l *loader) refuse(c check) func(key, value *node) {
	return func(key, value *node) {
		l.unavailable(key, strconv.Quote(key.text))
		c(l, value)
	}
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

func uriShape(l *loader, v *node) {
	s, ok := l.text(v, "a URI such as http://127.0.0.1:4318")
	if !ok {
		return
	}
	l.checkTarget(v, s)
}

var acmeShape = object(
	"tls.acme",
	key{"email", textShape("a mail address")},
	key{"domains", listOf(textShape("a domain"))},
	key{"directory", uriShape},
	key{"storage", textShape("a directory")},
)
