package config

import (
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/policy/quantity"
)

// switched reads a setting that is off, on with its defaults, a bare value, or a mapping. It returns nil for off.
func switched[T any](l *loader, v *node, defaults T, bare, full func(v *node, into *T)) *T {
	v.probed(wordForms("true", "false")...)
	switch {
	case v.shape == mapping:
		full(v, &defaults)
		return &defaults
	case v.text == "off" || v.text == "false":
		return nil
	case v.text != "on" && v.text != "true":
		before := len(l.diagnostics)
		bare(v, &defaults)
		l.orWord("on, off", v, before)
	}
	return &defaults
}

// readHealth reads the active checks of a pool or a route; a bare value is the path.
func (l *loader) readHealth(v *node) *Health {
	defaults := Health{
		Path: "/", Every: defaultHealthEvery, Timeout: defaultHealthTimeout, Jitter: defaultJitter,
		Rise: defaultHealthRise, Fall: defaultHealthFall, Status: []StatusRange{{200, 399}},
	}
	return switched(l, v, defaults, l.healthPath, func(v *node, h *Health) {
		timeout := v.get("timeout")
		l.fields(
			v, "health",
			field{"path", func(_, v *node) { l.healthPath(v, h) }},
			field{"every", func(_, v *node) { l.duration(v, minHealthEvery, &h.Every) }},
			field{"timeout", l.durationInto(&h.Timeout)},
			field{"rise", func(_, v *node) { l.integer(v, 1, 100, &h.Rise) }},
			field{"fall", func(_, v *node) { l.integer(v, 1, 100, &h.Fall) }},
			field{"jitter", l.shareInto(0, maxJitter, &h.Jitter)},
			field{"status", func(_, v *node) { l.statusRanges(v, &h.Status) }},
			field{"host", func(_, v *node) { l.healthHost(v, h) }},
			field{"grpc", func(_, v *node) { l.healthGRPC(v, h) }},
		)
		if h.GRPC {
			for _, key := range []string{"path", "status"} {
				if at := v.get(key); at != nil {
					l.errorAt(at, Diagnostic{Kind: KindConflict, Msg: "a check by gRPC's health protocol has no " + key, Want: "either grpc or " + key})
				}
			}
		}
		switch {
		case timeout == nil:
			h.Timeout = min(h.Timeout, h.Every)
		case h.Timeout > h.Every:
			l.errorAt(timeout, Diagnostic{
				Msg:  "a check may take " + quantity.FormatDuration(h.Timeout) + ", and the next one follows after " + quantity.FormatDuration(h.Every),
				Want: "a timeout of at most every",
			})
		}
	})
}

// healthPath reads what checks ask for. It goes out as it is, so it holds nothing that could end the request line.
func (l *loader) healthPath(v *node, h *Health) {
	const want = "a path such as /healthz"
	s, ok := l.text(v, want)
	if !ok {
		return
	}
	if s[0] != '/' || len(s) > maxHealthPath {
		l.errorAt(v, Diagnostic{Msg: strconv.Quote(s) + " is not a path", Want: want})
		return
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			l.errorIn(v, i, 1, Diagnostic{Msg: "the path holds a character that a request line cannot have", Want: "its percent-encoded form"})
			return
		}
	}
	h.Path = s
}

// healthGRPC reads the name of a service, or on for the server as a whole.
func (l *loader) healthGRPC(v *node, h *Health) {
	const want = "on, off, or the name of a service such as shop.v1.Cart"
	s, ok := l.text(v, want)
	if !ok {
		return
	}
	switch s {
	case "off", "false":
		h.GRPC = false
		return
	case "on", "true":
		h.GRPC = true
		return
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' || c == '/') {
			l.errorAt(v, Diagnostic{Msg: strconv.Quote(s) + " is not the name of a service", Want: want})
			return
		}
	}
	if len(s) > maxHealthPath {
		l.errorAt(v, Diagnostic{Msg: "the name of the service is too long", Want: want})
		return
	}
	h.GRPC, h.Service = true, s
}

func (l *loader) healthHost(v *node, h *Health) {
	const want = "a host name such as app.example.com"
	s, ok := l.text(v, want)
	if !ok {
		return
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._:[]", c) >= 0) {
			l.errorAt(v, Diagnostic{Msg: strconv.Quote(s) + " is not a host", Want: want})
			return
		}
	}
	h.Host = s
}

const wantHealthStatus = "a status such as 200, a range such as 200-399, or a class such as 2xx"

// statusRanges reads 200, 200-399 or 2xx, or a list of them.
func (l *loader) statusRanges(v *node, into *[]StatusRange) {
	const want = wantHealthStatus
	var ranges []StatusRange
	for _, item := range l.items(v) {
		s, ok := l.text(item, want)
		if !ok {
			continue
		}
		r, ok := parseStatusRange(s)
		if !ok || len(ranges) == maxStatusRanges {
			l.errorAt(item, Diagnostic{Msg: strconv.Quote(s) + " is not a range of statuses", Want: want})
			continue
		}
		ranges = append(ranges, r)
	}
	if len(ranges) > 0 {
		*into = ranges
	} else if v.shape == list && len(v.items) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the list is empty", Want: want})
	}
}

func parseStatusRange(s string) (StatusRange, bool) {
	if len(s) == 3 && s[1:] == "xx" && s[0] >= '1' && s[0] <= '5' {
		class := int(s[0]-'0') * 100
		return StatusRange{class, class + 99}, true
	}
	low, high, ranged := strings.Cut(s, "-")
	if !ranged {
		high = low
	}
	a, err := quantity.Int(low, 100, 599)
	b, err2 := quantity.Int(high, 100, 599)
	return StatusRange{a, b}, err == nil && err2 == nil && a <= b
}

// String writes the range as `health` has it.
func (r StatusRange) String() string {
	if r.Low == r.High {
		return strconv.Itoa(r.Low)
	}
	return strconv.Itoa(r.Low) + "-" + strconv.Itoa(r.High)
}

// readPassive reads the ejection of members; a bare value is the number of errors.
func (l *loader) readPassive(v *node) *Passive {
	defaults := Passive{Errors: defaultPassiveErrors, Eject: defaultEject, Max: defaultMaxEjected}
	bare := func(v *node, p *Passive) { l.integer(v, 1, maxErrorsInRow, &p.Errors) }
	return switched(l, v, defaults, bare, func(v *node, p *Passive) {
		l.fields(
			v, "passive",
			field{"errors", func(_, v *node) { l.integerOr("off", v, 1, maxErrorsInRow, &p.Errors) }},
			field{"latency", func(_, v *node) { l.durationOr("off", v, minTimeout, &p.Latency) }},
			field{"eject", func(_, v *node) { l.duration(v, minEject, &p.Eject) }},
			field{"max", l.shareInto(1000, 100_000, &p.Max)},
		)
		if p.Errors == 0 && p.Latency == 0 {
			l.errorAt(v.get("errors"), Diagnostic{Msg: "nothing ejects a member: errors is off, and there is no latency", Want: "a number of errors, a latency, or passive: off"})
		}
	})
}

// readBreaker reads the breaker of a pool or a route; a bare value is the share of errors.
func (l *loader) readBreaker(v *node) *Breaker {
	defaults := Breaker{Errors: defaultBreakerErrors, Window: defaultBreakerWindow, Min: defaultBreakerMin, Open: defaultBreakerOpen}
	bare := func(v *node, b *Breaker) { l.share(v, 1000, 100_000, &b.Errors) }
	return switched(l, v, defaults, bare, func(v *node, b *Breaker) {
		l.fields(
			v, "breaker",
			field{"errors", l.shareInto(1000, 100_000, &b.Errors)},
			field{"window", func(_, v *node) { l.duration(v, minWindow, &b.Window) }},
			field{"min", func(_, v *node) { l.integer(v, 1, maxPoolLimit, &b.Min) }},
			field{"open", func(_, v *node) { l.duration(v, minWindow, &b.Open) }},
		)
	})
}

// shareInto reads a percentage from lo to hi.
func (l *loader) shareInto(lo, hi quantity.Percent, into *quantity.Percent) func(_, v *node) {
	return func(_, v *node) { l.share(v, lo, hi, into) }
}

func (l *loader) share(v *node, lo, hi quantity.Percent, into *quantity.Percent) bool {
	if v.probed(percentForm) {
		return false
	}
	want := "a percentage from " + lo.String() + " to " + hi.String()
	s, ok := l.text(v, want)
	if !ok {
		return false
	}
	p, err := quantity.ParsePercent(s)
	if !l.quantity(v, err) {
		return false
	}
	if p < lo || p > hi {
		l.errorAt(v, Diagnostic{Msg: s + " is out of range", Want: want})
		return false
	}
	*into = p
	return true
}

// durationOr is duration with a word that stands for 0.
func (l *loader) durationOr(word string, v *node, lo time.Duration, into *time.Duration) {
	if v.shape == scalar && v.text == word {
		*into = 0
		return
	}
	before := len(l.diagnostics)
	l.duration(v, lo, into)
	l.orWord(word, v, before)
}
