package proxy

import (
	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/proxy/balance"
)

// view is an upstream as one shard sees it: what it knows of the members, and
// what it holds of the limits.
type view struct {
	p    *Proxy
	u    *Upstream
	cell *Cell

	set      *Set
	settings *Settings
	config   *h2.Config // of connections, by the settings
	asOf     *Settings  // that config was made of
	members  balance.View
	pools    []*pool // of the set's endpoints, in their order
	readAt   int64   // when the states of members were read

	calls      int   // under way, waiting ones included
	repeats    int   // of them, those that are being tried again
	trial      *Call // the one that a half-open breaker has let through
	trialUntil int64 // when another one may try as well

	open, busy  int // connections, and those that serve a call
	first, last *Call
	waiting     int
	units       [2]int // of the limits that the shard has, by resource
	spare       [2]int // of them, those that nothing uses yet
	lentAt      int64  // when a unit was given to another shard last
	lookAt      int64  // when the waiting calls are looked at in any case
	kicked      bool   // in Proxy.kicked
	warm        bool   // named by a plan of the present generation

	count viewCount
}

// view is the shard's view of an upstream.
func (p *Proxy) view(u *Upstream) *view {
	for len(p.views) <= int(u.ID) {
		p.views = append(p.views, nil)
	}
	v := p.views[u.ID]
	if v == nil {
		v = &view{p: p, u: u, cell: &u.cells[p.id], settings: &DefaultSettings}
		p.views[u.ID] = v
		u.shards[p.id].Store(p.s)
	}
	v.refresh()
	return v
}

// refresh takes up what the control plane has published. Within a turn that is
// one comparison; the states of the members of a large upstream are read less
// often than once a turn.
func (v *view) refresh() {
	now := v.p.s.Now()
	set := v.u.Set()
	if set != v.set {
		v.use(set)
	} else if now == v.readAt || len(v.pools) > fewMembers && now-v.readAt < int64(stateAge) {
		return
	}
	v.readAt = now
	if s := v.u.Settings.Load(); s != v.settings {
		v.settings = s
		v.members.SetPanic(s.Panic)
		for _, pl := range v.pools {
			pl.fresh = true
		}
	}
	for i, pl := range v.pools {
		state, since := pl.member.State(), pl.member.Since()
		if state == pl.state && since == pl.since && !pl.fresh {
			continue
		}
		v.members.SetUp(i, state == 0)
		if state == 0 && pl.passed && pl.state != 0 {
			// It was found to be there again.
			pl.passed = false
			v.members.PassOver(v.members.Slot(i), 0, now)
		}
		if since != 0 {
			v.members.Ramp(v.members.Slot(i), since, int64(v.settings.SlowStart), now)
		}
	}
	for _, pl := range v.pools {
		pl.state, pl.since, pl.fresh = pl.member.State(), pl.member.Since(), false
	}
}

// use replaces the members. Connections to those that are gone end when they
// are idle.
func (v *view) use(set *Set) {
	old := v.pools
	for _, pl := range old {
		pl.listed = false
	}
	v.set = set
	v.members.Use(set.Weights)
	v.pools = make([]*pool, len(set.Endpoints))
	for i := range set.Endpoints {
		pl := v.p.pool(set.Endpoints[i].Member, v)
		pl.listed, pl.fresh = true, true
		v.pools[i] = pl
	}
	for _, pl := range old {
		for !pl.listed && len(pl.idle) > 0 {
			v.p.forget(pl.idle[len(pl.idle)-1])
		}
	}
}

// mayRepeat reports whether the budget allows one repetition more. A request
// that is one already does not count twice.
func (v *view) mayRepeat(budget float64, already bool) bool {
	return already || v.repeats < max(leastRepeats, int(budget*float64(v.calls)))
}

// admit asks the breaker. Half open, it lets one request of each shard through
// at a time.
func (v *view) admit(c *Call) bool {
	switch v.u.Breaker() {
	case BreakerOpen:
		return false
	case BreakerHalfOpen:
		now := v.p.s.Now()
		if v.trial != nil && now < v.trialUntil {
			return false
		}
		v.trial, v.trialUntil = c, now+int64(trialTime)
	}
	return true
}

// proved ends the trial of a half-open breaker: the member has answered. How
// long the client takes for the rest is none of its business, and the others
// do not wait for that.
func (v *view) proved(c *Call) {
	if v.trial == c {
		v.trial = nil
		c.judge()
	}
}

// leave takes back what a call was counted as.
func (v *view) leave(c *Call) {
	v.conclude(c)
	if c.unit {
		c.unit = false
		v.giveBack(requests)
	}
}

// conclude ends a call as far as the budget of retries and the breaker's trial
// are concerned. For a tunnel that is when it begins.
func (v *view) conclude(c *Call) {
	if c.concluded {
		return
	}
	c.concluded = true
	v.calls--
	if c.repeats > 0 {
		v.repeats--
	}
	if v.trial == c {
		v.trial = nil
	}
}

// passOver notes that a member could not be connected to, or could.
func (v *view) passOver(pl *pool, until int64) {
	now := v.p.s.Now()
	pl.passed = until > now
	for i := range v.pools {
		if v.pools[i] == pl {
			v.members.PassOver(v.members.Slot(i), until, now)
		}
	}
}
