package proxy

import "time"

// Plans says which plans the present configuration has. Connections are opened
// beforehand to the upstreams of these.
func (p *Proxy) Plans(each func(yield func(*Plan) bool)) {
	for _, v := range p.views {
		if v != nil {
			v.warm = false
		}
	}
	for plan := range each {
		if plan.Upstream.Settings.Load().KeepAlive.Warm > 0 {
			p.view(plan.Upstream).warm = true
			p.alarm(0)
		}
	}
}

// warmUp opens connections to members of which fewer are idle than there
// should be, and sees to it that it is called again.
func (p *Proxy) warmUp(now int64) {
	if now < p.warmAt {
		p.alarm(time.Duration(p.warmAt - now))
		return
	}
	p.warmAt = 0
	for _, v := range p.views {
		if v == nil || !v.warm {
			continue
		}
		v.refresh()
		for _, pl := range v.pools {
			v.warmPool(pl)
		}
		p.warmAt = now + int64(warmTime)
	}
	if p.warmAt != 0 {
		p.alarm(warmTime)
	}
}

// warmPool opens the connections that a pool lacks, some at a time. A member
// that is not available gets none, and nor does anybody while calls wait for
// one.
func (v *view) warmPool(pl *pool) {
	k, l := &v.settings.KeepAlive, &v.settings.Limits
	for range warmBatch {
		if len(pl.idle)+pl.warming >= min(k.Warm, k.Connections) || pl.state != 0 || pl.passed || v.first != nil || v.settings.ProxyProtocol != 0 {
			return
		}
		unit := l.Connections > 0
		if unit && (v.u.Conns.anyStarving() || !v.u.Conns.take(l.Connections)) {
			return
		}
		if unit {
			v.units[connections]++
		}
		u, e := v.p.connect(pl, unit)
		if e != 0 {
			v.passOver(pl, v.p.s.Now()+int64(failTime))
			return
		}
		pl.warming++
		v.p.s.SetDeadline(u.conn, warmConnect)
	}
}

// warmed ends the opening of a connection beforehand.
func (p *Proxy) warmed(u *link, ok bool) {
	pl := u.pool
	pl.warming--
	if ok {
		p.park(u)
		return
	}
	pl.v.passOver(pl, p.s.Now()+int64(failTime))
	p.drop(u)
}
