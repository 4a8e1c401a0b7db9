package proxy

import "time"

// A call for which an upstream's limits have nothing left waits in a queue of
// its shard, first come, first served. How many calls wait in all shards is
// bounded, and so is how long each does. A call waits before it has a
// connection, so its client has not been asked for content, and costs a record
// and the head that is written already.

// limited reports whether the upstream has limits.
func (v *view) limited() bool {
	l := &v.settings.Limits
	return l.Connections > 0 || l.Requests > 0
}

// request counts a call against the limit of requests, if there is one.
func (v *view) request(c *Call) bool {
	if l := v.settings.Limits.Requests; l > 0 && !c.unit {
		c.unit = v.takeRequest(l)
		return c.unit
	}
	return true
}

// wait makes the call wait for what it lacks.
func (c *Call) wait(again bool) {
	if !c.enqueue(again) {
		c.fail(QueueFull)
		return
	}
	if c.v.first == c && c.v.ready(c) {
		c.v.kick() // it has become free in this moment
	}
}

// enqueue makes the call wait; again says that it has waited before, or is
// being sent again, and is the next one. It reports false if there is no room.
func (c *Call) enqueue(again bool) bool {
	v := c.v
	l := &v.settings.Limits
	if !c.placed {
		if !v.u.Waiting.take(l.Queue) {
			return false
		}
		c.placed = true
		v.count.Queued++
	}
	c.phase = waiting
	switch {
	case v.first == nil:
		v.first, v.last = c, c
		c.before, c.behind = nil, nil
	case again:
		c.before, c.behind = nil, v.first
		v.first.before = c
		v.first = c
	default:
		c.before, c.behind = v.last, nil
		v.last.behind = c
		v.last = c
	}
	v.waiting++
	now := c.p.s.Now()
	if v.waiting == 1 {
		v.lookAt = now + int64(lookTime)
		v.p.alarm(lookTime)
	}
	c.until = 0
	if l.Wait > 0 {
		c.until = now + int64(l.Wait)
		if next := c.behind; next != nil && next.until != 0 {
			c.until = min(c.until, next.until) // the first is the first to expire
		}
		v.p.alarm(l.Wait)
	}
	return true
}

// dequeue takes the call out of the queue.
func (c *Call) dequeue() {
	v := c.v
	if c.before != nil {
		c.before.behind = c.behind
	} else {
		v.first = c.behind
	}
	if c.behind != nil {
		c.behind.before = c.before
	} else {
		v.last = c.before
	}
	c.before, c.behind = nil, nil
	v.waiting--
	c.unplace()
	if v.first == nil {
		// If a bit is gone already, a unit is on its way, and is given back
		// when it comes.
		v.u.Conns.sated(v.p.id)
		v.u.Requests.sated(v.p.id)
	}
}

// unplace gives the call's place among the waiting ones to another.
func (c *Call) unplace() {
	if c.placed {
		c.placed = false
		c.v.u.Waiting.drop()
	}
}

// serve lets the calls that wait go on, as far as there is something for them.
// What is left over then is given back.
func (v *view) serve() {
	for c := v.first; c != nil; c = v.first {
		if !c.placeable() {
			c.dequeue()
			c.fail(NoMembers)
			continue
		}
		if !v.ready(c) {
			break
		}
		c.dequeue()
		c.phase = connecting
		c.try(false)
	}
	for kind := range v.spare {
		for v.spare[kind] > 0 && !v.wants(resource(kind)) {
			v.spare[kind]--
			v.yield(resource(kind))
		}
	}
}

// wants reports whether the first of the waiting calls lacks something.
func (v *view) wants(kind resource) bool {
	c := v.first
	return c != nil && (kind == connections) == (c.unit || v.settings.Limits.Requests == 0)
}

// placeable looks whether the call's member can still be gone to, and chooses
// another one if not. It reports false if none is left: things may have changed
// while the call was waiting.
func (c *Call) placeable() bool {
	return c.set == c.v.set && c.pl.state == 0 || c.choose()
}

// ready reports whether there is all that a waiting call needs, and gets it
// for the call as far as that goes.
func (v *view) ready(c *Call) bool {
	l := &v.settings.Limits
	if !c.placeable() {
		return true
	}
	if !v.request(c) {
		if c.unit = v.starve(requests, l.Requests); !c.unit {
			return false
		}
	}
	if l.Connections == 0 || v.idleFor(c) || v.spare[connections] > 0 {
		return true
	}
	if v.takeConn(l.Connections) || v.starve(connections, l.Connections) {
		v.spare[connections]++
		return true
	}
	return false
}

// idleFor looks for an idle connection that the call can have, be it to
// another member than it was to go to.
func (v *view) idleFor(c *Call) bool {
	if c.told {
		return false
	}
	if c.set == v.set && c.pl.hasRoom() && c.pl.state == 0 {
		return true
	}
	for i, pl := range v.pools {
		if !pl.hasRoom() || pl.state != 0 || c.hasTried(v.members.Slot(i)) {
			continue
		}
		if t := v.set.Endpoints[i].Target; c.plan.Targets[t].Group != c.target().Group {
			continue
		}
		c.set, c.at, c.slot, c.pl = v.set, i, v.members.Slot(i), pl
		return true
	}
	return false
}

// expire fails the calls that have waited too long.
func (v *view) expire(now int64) {
	for c := v.first; c != nil && c.until != 0 && c.until <= now; c = v.first {
		c.dequeue()
		c.fail(QueueTimeout)
	}
}

// look sees to it that no call waits for something that is there, which it
// could if an inbox was full when it was to be sent, or if the limits have
// been changed.
func (v *view) look(now int64) {
	if now < v.lookAt {
		return
	}
	v.lookAt = now + int64(lookTime)
	v.refresh()
	v.serve()
	if v.first != nil {
		v.ask()
	}
}

// kick has the waiting calls looked at when nothing else is on the stack: an
// exchange that ends, or fails, may begin the next one.
func (v *view) kick() {
	if !v.kicked {
		v.kicked = true
		v.p.kicked = append(v.p.kicked, v)
		v.p.alarm(0)
	}
}

// alarm has Alarm called in a while, if it is not to be called before.
func (p *Proxy) alarm(d time.Duration) {
	at := p.s.Now() + int64(d)
	if p.alarmAt == 0 || at < p.alarmAt {
		p.alarmAt = at
		if p.Wake != nil {
			p.Wake(d)
			return
		}
		p.s.SetAlarm(d)
	}
}

// Alarm is to be called when the shard's alarm comes.
func (p *Proxy) Alarm() {
	p.alarmAt = 0
	for len(p.kicked) > 0 {
		v := p.kicked[0]
		p.kicked = p.kicked[:copy(p.kicked, p.kicked[1:])]
		v.kicked = false
		v.serve()
	}
	now := p.s.Now()
	for _, v := range p.views {
		if v == nil || v.first == nil {
			continue
		}
		v.expire(now)
		v.look(now)
		if c := v.first; c != nil {
			p.alarm(time.Duration(v.lookAt - now))
			if c.until != 0 {
				p.alarm(time.Duration(c.until - now))
			}
		}
	}
	p.warmUp(now)
}
