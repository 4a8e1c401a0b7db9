package health

import (
	"errors"
	"fmt"

	"github.com/anygate/anygate/proxy"
)

// watch is an upstream and what is known of it.
type watch struct {
	upstream *proxy.Upstream
	// settings are complete: nothing in them is left to a default.
	settings Upstream

	set     *proxy.Set
	members map[*proxy.Member]*member
	order   []*member // as in the set, each once

	circuit circuit
	changed int64 // when the circuit did so last
}

// member is a member of the current set, and what is known of it.
type member struct {
	*proxy.Member
	watch *watch

	verdict  verdict
	checking bool
	next     int64  // when the next check is due
	passed   uint64 // checks in all
	failed   uint64
	last     error // of the last check
	lastAt   int64 // when that ended, 0 before the first

	ejection ejection
	why      string // of the last ejection
	since    int64  // when its state changed last
}

func newWatch(u Upstream, now int64) *watch {
	w := &watch{upstream: u.Upstream, members: make(map[*proxy.Member]*member)}
	w.circuit = newCircuit(sum(u.Upstream.Cells()), now)
	w.changed = now
	w.configure(u, now)
	return w
}

// configure replaces how the upstream is watched.
func (w *watch) configure(u Upstream, now int64) {
	before := w.settings
	w.settings = u
	if u.Active != nil {
		w.settings.Active = u.Active.withDefaults()
		if before.Active.same(w.settings.Active) {
			w.settings.Active = before.Active
		}
	}
	if u.Passive != nil {
		w.settings.Passive = u.Passive.withDefaults()
	}
	if u.Breaker != nil {
		w.settings.Breaker = u.Breaker.withDefaults()
	}
	w.follow(now)
	for _, c := range w.order {
		if w.settings.Active != before.Active {
			c.verdict.against = 0
			c.next = now
		}
		if u.Active == nil && c.verdict.down {
			c.verdict = verdict{}
			c.mark(proxy.Unhealthy, false, now)
		}
		if before.Passive == nil {
			c.ejection = newEjection(c.Cells(), now)
		}
		if u.Passive == nil && c.ejection.ejected {
			c.ejection = newEjection(c.Cells(), now)
			c.mark(proxy.Ejected, false, now)
		}
	}
	if u.Breaker == nil && before.Breaker != nil {
		w.circuit = newCircuit(sum(w.upstream.Cells()), now)
		w.upstream.SetBreaker(proxy.BreakerClosed)
	}
	if u.Breaker != nil && before.Breaker == nil {
		w.circuit = newCircuit(sum(w.upstream.Cells()), now)
	}
}

// follow takes over a set of members that was published since the last look. Who stays keeps what is known of it. Who
// leaves is available as far as this package is concerned, so that it begins anew should it come back.
func (w *watch) follow(now int64) {
	set := w.upstream.Set()
	if set == w.set {
		return
	}
	w.set = set
	before := w.members
	w.members = make(map[*proxy.Member]*member, len(set.Endpoints))
	w.order = w.order[:0:0]
	for i := range set.Endpoints {
		m := set.Endpoints[i].Member
		if w.members[m] != nil {
			continue
		}
		c := before[m]
		if c == nil {
			c = &member{Member: m, watch: w, next: now, since: now, ejection: newEjection(m.Cells(), now)}
		}
		w.members[m] = c
		w.order = append(w.order, c)
	}
	for m, c := range before {
		if w.members[m] == nil {
			c.mark(proxy.Unhealthy|proxy.Ejected, false, now)
		}
	}
}

// mark publishes a reason why the member is not available, or that there is none of this kind.
func (c *member) mark(reason uint32, set bool, now int64) {
	c.since = now
	c.Mark(reason, set, now)
}

// due appends the members that are to be checked now.
func (w *watch) due(to []*member, now int64) []*member {
	if w.settings.Active == nil {
		return to
	}
	for _, c := range w.order {
		if !c.checking && c.next <= now {
			to = append(to, c)
		}
	}
	return to
}

// judge takes the result of an active check.
func (w *watch) judge(c *member, err error, now int64, say func(Event)) {
	c.last, c.lastAt = err, now
	var own ownFault
	if errors.As(err, &own) {
		return
	}
	if err == nil {
		c.passed++
	} else {
		c.failed++
	}
	check := w.settings.Active
	if !c.verdict.observe(err == nil, check) {
		return
	}
	c.mark(proxy.Unhealthy, c.verdict.down, now)
	e := Event{Kind: Up, Upstream: w.upstream.Name, Member: c.Name, Reason: times(check.Rise, "check") + " passed"}
	if c.verdict.down {
		e.Kind, e.Reason = Down, fmt.Sprintf("%s failed: %v", times(check.Fall, "check"), err)
	} else {
		// What it has failed before it went down is no reason to eject it now.
		c.ejection.afresh(c.Cells(), now)
	}
	say(e)
}

func times(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// count reads what the shards have counted, and draws the conclusions.
func (w *watch) count(now int64, say func(Event)) {
	if p := w.settings.Passive; p != nil {
		w.readmit(p, now, say)
		w.eject(p, now, say)
	}
	s := w.settings.Breaker
	if s == nil {
		return
	}
	why, changed := w.circuit.look(s, sum(w.upstream.Cells()), now)
	if !changed {
		return
	}
	w.changed = now
	w.upstream.SetBreaker(w.circuit.state)
	e := Event{Kind: BreakerClosed, Upstream: w.upstream.Name, Reason: why}
	switch w.circuit.state {
	case proxy.BreakerOpen:
		e.Kind, e.For = BreakerOpened, s.Open
	case proxy.BreakerHalfOpen:
		e.Kind = BreakerHalfOpen
	}
	say(e)
}

func (w *watch) readmit(p *Passive, now int64, say func(Event)) {
	for _, c := range w.order {
		if c.ejection.ejected && now >= c.ejection.until {
			c.ejection.readmit(c.Cells(), now)
			c.mark(proxy.Ejected, false, now)
			say(Event{Kind: Readmitted, Upstream: w.upstream.Name, Member: c.Name, Reason: "after " + c.ejection.length.String()})
		}
		c.ejection.forget(p, now)
	}
}

func (w *watch) eject(p *Passive, now int64, say func(Event)) {
	unavailable := 0
	for _, c := range w.order {
		if c.State() != 0 {
			unavailable++
		}
	}
	for _, c := range w.order {
		if c.State() != 0 {
			continue
		}
		why, found := c.ejection.fault(p, c.Cells(), now)
		if !found || !p.mayEject(len(w.order), unavailable) {
			continue
		}
		unavailable++
		c.ejection.eject(p, now)
		c.why = why
		c.mark(proxy.Ejected, true, now)
		say(Event{Kind: Ejected, Upstream: w.upstream.Name, Member: c.Name, Reason: why, For: c.ejection.length})
	}
}
