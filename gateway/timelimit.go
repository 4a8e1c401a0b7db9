package gateway

import "time"

// The exchanges whose route bounds their time are in a heap by when it is up,
// and know their places in it. One alarm of the shard is set for the first.

// limitTime bounds the time of an exchange, from now on.
func (g *Gateway) limitTime(x *Exchange, d time.Duration) {
	r, b := x.remember(), &g.rules
	r.due, r.at = g.s.Now()+int64(d), len(b.limited)
	b.limited = append(b.limited, x)
	b.up(r.at)
	g.wake(d)
}

// unlimitTime takes the bound away.
func (x *Exchange) unlimitTime() {
	r, b := x.policy.rules, &x.g.rules
	if r == nil || r.due == 0 {
		return
	}
	r.due = 0
	last := len(b.limited) - 1
	moved := b.limited[last]
	b.limited[last] = nil
	b.limited = b.limited[:last]
	if moved != x {
		b.place(moved, r.at)
		b.up(r.at)
		b.down(moved.policy.rules.at)
	}
}

func (b *ruleBook) place(x *Exchange, at int) {
	b.limited[at] = x
	x.policy.rules.at = at
}

func (b *ruleBook) dueAt(i int) int64 { return b.limited[i].policy.rules.due }

// up moves what is at a place to where what is above it is due before it.
func (b *ruleBook) up(i int) {
	for i > 0 {
		above := (i - 1) / 2
		if b.dueAt(above) <= b.dueAt(i) {
			return
		}
		b.swap(i, above)
		i = above
	}
}

func (b *ruleBook) down(i int) {
	for {
		below := 2*i + 1
		if below >= len(b.limited) {
			return
		}
		if below+1 < len(b.limited) && b.dueAt(below+1) < b.dueAt(below) {
			below++
		}
		if b.dueAt(i) <= b.dueAt(below) {
			return
		}
		b.swap(i, below)
		i = below
	}
}

func (b *ruleBook) swap(i, j int) {
	x, y := b.limited[i], b.limited[j]
	b.place(x, j)
	b.place(y, i)
}

// wake has alarm called in a while, if it is not to be called before.
func (g *Gateway) wake(d time.Duration) {
	if at := g.s.Now() + int64(d); g.rules.alarmAt == 0 || at < g.rules.alarmAt {
		g.rules.alarmAt = at
		g.s.SetAlarm(d)
	}
}

// wakeProxy is wake for the proxy.
func (g *Gateway) wakeProxy(d time.Duration) {
	if at := g.s.Now() + int64(d); g.rules.proxyAt == 0 || at < g.rules.proxyAt {
		g.rules.proxyAt = at
	}
	g.wake(d)
}

// alarm is called when the shard's alarm comes.
func (g *Gateway) alarm() {
	b, now := &g.rules, g.s.Now()
	b.alarmAt = 0
	if b.proxyAt != 0 {
		if b.proxyAt <= now {
			b.proxyAt = 0
			g.proxy.Alarm()
		} else {
			g.wake(time.Duration(b.proxyAt - now))
		}
	}
	for len(b.limited) > 0 && b.dueAt(0) <= now {
		b.limited[0].overdue()
	}
	if len(b.limited) > 0 {
		g.wake(time.Duration(b.dueAt(0) - now))
	}
}

// overdue ends an exchange whose time is up.
func (x *Exchange) overdue() {
	x.unlimitTime()
	if x.state&responseOver != 0 {
		return // only the rest of the request is missing
	}
	if x.state&replaced != 0 {
		x.giveUpRest() // the client has a whole response
		return
	}
	x.drop()
	if x.Responding() {
		x.log.reason = "timeout"
		x.state |= responseOver
		x.codec.Reset(x)
		return
	}
	x.refuse(504, "timeout")
}
