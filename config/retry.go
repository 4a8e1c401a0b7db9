package config

import (
	"slices"
	"strconv"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

const wantCause = "connect, reset, timeout or a status from 400 to 599"

// readRetry reads what is sent again, on top of what r has already; a bare value is the number of attempts. It returns
// the number's place where there is one.
func (l *loader) readRetry(v *node, r *Retry) (attempts *node) {
	if v.shape != mapping {
		if v.text == "off" || v.text == "false" {
			r.Attempts = 0
			return v
		}
		before := len(l.diagnostics)
		l.integer(v, 0, policy.MaxRetries, &r.Attempts)
		l.orWord("off", v, before)
		return v
	}
	l.fields(
		v, "retry",
		field{"attempts", func(_, v *node) { attempts = v; l.integer(v, 0, policy.MaxRetries, &r.Attempts) }},
		field{"on", func(_, v *node) { l.retryCauses(v, r) }},
		field{"budget", l.shareInto(0, 100_000, &r.Budget)},
		field{"per-try", func(_, v *node) { l.durationOr("off", v, minTimeout, &r.PerTry) }},
	)
	if per := v.get("per-try"); per != nil && r.PerTry > 0 && !r.Timeout {
		l.errorAt(per, Diagnostic{Msg: "an attempt that takes too long ends, and is not tried again, because on has no timeout", Want: "timeout in on"})
	}
	return attempts
}

// retryCauses reads the occasions of a retry: words, and statuses of responses.
func (l *loader) retryCauses(v *node, r *Retry) {
	r.Connect, r.Reset, r.Timeout, r.Statuses = false, false, false, nil
	if v.shape == list && len(v.items) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the list is empty", Want: wantCause})
	}
	for _, item := range l.items(v) {
		s, ok := l.text(item, wantCause)
		if !ok {
			continue
		}
		switch s {
		case "connect":
			r.Connect = true
		case "reset":
			r.Reset = true
		case "timeout":
			r.Timeout = true
		default:
			status, err := quantity.Int(s, 400, 599)
			if err != nil {
				l.errorAt(item, Diagnostic{Msg: "unknown cause " + strconv.Quote(s), Want: wantCause, Suggest: route.Suggest(s, []string{"connect", "reset", "timeout"})})
				continue
			}
			if !slices.Contains(r.Statuses, status) {
				r.Statuses = append(r.Statuses, status)
			}
		}
	}
	slices.Sort(r.Statuses)
}

// foldRetry applies a policy `retry N` of the list to what `retry` of the same level says. attempts is where that gives
// a number itself.
func (l *loader) foldRetry(r *Retry, attempts *node, list []setting) {
	for _, s := range list {
		p, ok := s.policy.(policy.Retry)
		if !ok {
			continue
		}
		if attempts != nil {
			l.errorIn(s.at, s.off, s.n, Diagnostic{
				Kind: KindConflict, Msg: `the policy "retry" is set twice`, Want: "the key retry, or a policy in use",
				Related: []Related{related(attempts, "the first one")},
			})
			return
		}
		r.Attempts = p.Attempts
	}
}

// causes are the words and statuses of `on`.
func (r *Retry) causes() []string {
	out := []string{}
	for _, c := range []struct {
		word string
		on   bool
	}{{"connect", r.Connect}, {"reset", r.Reset}, {"timeout", r.Timeout}} {
		if c.on {
			out = append(out, c.word)
		}
	}
	for _, s := range r.Statuses {
		out = append(out, strconv.Itoa(s))
	}
	return out
}
