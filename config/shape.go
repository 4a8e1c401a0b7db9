package config

import (
	"math"
	"strconv"
	"time"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/quantity"
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

func enumShape(what string, words ...string) check {
	return func(l *loader, v *node) { l.enum(v, what, new(string), words...) }
}

func durationShape(l *loader, v *node) { l.duration(v, minTimeout, new(time.Duration)) }

func integerShape(lo, hi int) check {
	return func(l *loader, v *node) { l.integer(v, lo, hi, new(int)) }
}

func percentShape(l *loader, v *node) {
	if s, ok := l.text(v, "a percentage from 0% to 100%"); ok {
		_, err := quantity.ParsePercent(s)
		l.quantity(v, err)
	}
}

func boolShape(l *loader, v *node) { l.enum(v, "value", new(string), "on", "off", "true", "false") }

func prefixShape(l *loader, v *node) {
	s, ok := l.text(v, "an address or prefix such as 10.0.0.0/8")
	if !ok {
		return
	}
	if _, want, suggest := policy.ParsePrefix(s); want != "" {
		l.errorAt(v, Diagnostic{Msg: strconv.Quote(s) + " is not an address or prefix", Want: want, Suggest: suggest})
	}
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
	fileShape = textShape("the name of a file")

	tlsShape = object(
		"tls",
		key{"certificates", listOf(object("the certificate", key{"cert", fileShape}, key{"key", fileShape}))},
		key{"min-version", enumShape("version", "1.2", "1.3")},
		key{"client-ca", fileShape},
		key{"ocsp", boolShape},
		key{"ticket-keys", listOf(fileShape)},
		key{"acme", object(
			"tls.acme",
			key{"email", textShape("a mail address")},
			key{"domains", listOf(textShape("a domain"))},
			key{"directory", uriShape},
			key{"storage", textShape("a directory")},
		)},
	)

	upstreamTLSShape = object("the upstream's tls", key{"ca", fileShape}, key{"cert", fileShape}, key{"key", fileShape}, key{"server-name", textShape("a host name")})

	healthShape = bareOr(textShape("a path such as /healthz"), object(
		"health",
		key{"path", textShape("a path such as /healthz")},
		key{"every", durationShape},
		key{"timeout", durationShape},
		key{"rise", integerShape(1, 100)},
		key{"fall", integerShape(1, 100)},
	))

	breakerShape = object(
		"breaker",
		key{"errors", percentShape},
		key{"window", durationShape},
		key{"min", integerShape(1, math.MaxInt32)},
		key{"open", durationShape},
	)

	retryShape = bareOr(integerShape(0, 10), object(
		"retry",
		key{"attempts", integerShape(0, 10)},
		key{"on", listOf(retryCauseShape)},
		key{"budget", percentShape},
	))

	adminShape = bareOr(addressShape, object("admin", key{"listen", addressShape}))

	traceShape = bareOr(uriShape, object("trace", key{"endpoint", uriShape}, key{"sample", percentShape}))
)

// retryCauseShape checks one cause of a retry: a word, or a status of the server's.
func retryCauseShape(l *loader, v *node) {
	s, ok := l.text(v, "connect, timeout or a status from 500 to 599")
	if !ok || s == "connect" || s == "timeout" {
		return
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 500 && n <= 599 {
		return
	}
	l.errorAt(v, Diagnostic{Msg: "unknown cause " + strconv.Quote(s), Want: "connect, timeout or a status from 500 to 599"})
}
