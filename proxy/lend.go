package proxy

import "github.com/anygate/anygate/engine"

// The limits of an upstream hold for the process, and shards take from them as
// they need. What follows sees to it that no shard waits while another keeps
// what it does not use; quota.go says why no wake-up is lost.
//
//   - A shard that finds nothing registers as starving, and asks the shards
//     that have idle connections to give one up.
//   - A shard that is done with a unit and has nobody waiting hands it to a
//     starving one: a connection is closed for that instead of being kept.
//   - Under overload all shards have calls waiting. Then a unit changes hands
//     only from a shard that holds more to one that holds less, and if they
//     differ by one unit only, now and then: each change of a connection costs
//     a new one, but a shard must not be left with none.

// resource is what a limit is about.
type resource uint8

const (
	connections resource = iota
	requests
)

// The messages that shards send each other. Their Value is the Upstream.
const (
	// messageUnit hands a unit of the resource in Arg over.
	messageUnit = 1<<8 + iota
	// messageAsk asks for an idle connection on behalf of a starving shard.
	messageAsk
)

// quota is the process's count of a resource, and its limit.
func (v *view) quota(kind resource) (*Quota, int) {
	if kind == requests {
		return &v.u.Requests, v.settings.Limits.Requests
	}
	return &v.u.Conns, v.settings.Limits.Connections
}

// takeConn takes a unit for a new connection: one that was handed over, one
// that is left, or that of an idle connection of the same shard.
func (v *view) takeConn(limit int) bool {
	if v.spare[connections] > 0 {
		v.spare[connections]--
		return true
	}
	if v.u.Conns.take(limit) {
		v.units[connections]++
		return true
	}
	if u := v.oldestIdle(); u != nil && v.u.Conns.Used() <= int64(limit) {
		u.unit = false // it stays counted, for another
		v.p.forget(u)
		return true
	}
	return false
}

// takeRequest takes a unit for a request.
func (v *view) takeRequest(limit int) bool {
	if v.spare[requests] > 0 {
		v.spare[requests]--
		return true
	}
	if v.u.Requests.take(limit) {
		v.units[requests]++
		return true
	}
	return false
}

// starve registers the shard as starving, unless there is a unit after all.
func (v *view) starve(kind resource, limit int) bool {
	q, _ := v.quota(kind)
	if q.isStarving(v.p.id) {
		return false
	}
	if q.takeOrStarve(limit, v.p.id) {
		v.units[kind]++
		return true
	}
	if kind == connections {
		v.ask()
	}
	return false
}

// ask asks the shards that have idle connections for one.
//
// None is overlooked: a shard whose connection becomes idle publishes that and
// then looks who is starving; this one has registered and then looks who has
// one.
func (v *view) ask() {
	if !v.u.Conns.isStarving(v.p.id) {
		return
	}
	for k := 1; k < len(v.u.cells); k++ {
		other := (v.p.id + k) % len(v.u.cells)
		// Connections of HTTP/2 may be idle however many requests there are.
		if cell := &v.u.cells[other]; cell.Open.Load() > cell.Active.Load() || v.settings.Protocol != HTTP1 && cell.Open.Load() > 0 {
			if s := v.u.shards[other].Load(); s != nil {
				s.Post(engine.Message{Kind: messageAsk, Value: v.u})
			}
		}
	}
}

// oldestIdle is the idle connection that has not been used for longest, of the
// member that has most of them.
func (v *view) oldestIdle() *link {
	var most *pool
	for _, pl := range v.pools {
		if len(pl.idle) > 0 && pl.idle[0].unit && (most == nil || len(pl.idle) > len(most.idle)) {
			most = pl
		}
	}
	if most == nil {
		return nil
	}
	return most.idle[0]
}

// wanted reports whether a unit that is not needed this moment is to go to
// another shard.
func (v *view) wanted(kind resource) bool {
	q, _ := v.quota(kind)
	return q.anyStarving() && (v.first == nil || v.poorer(kind) >= 0)
}

// poorer is a starving shard that is to have a unit although there are calls
// waiting here, -1 if there is none.
func (v *view) poorer(kind resource) int {
	q, _ := v.quota(kind)
	mine := int64(v.units[kind])
	now := v.p.s.Now()
	from := v.p.id
	for range len(v.u.cells) {
		to := q.after(from)
		if to < 0 || to == v.p.id {
			return -1
		}
		theirs := v.holds(kind, to)
		if mine > theirs+1 || mine > theirs && now-v.lentAt >= int64(lendTime) {
			return to
		}
		from = to
	}
	return -1
}

// holds is how many units a shard has in use.
func (v *view) holds(kind resource, shard int) int64 {
	if kind == requests {
		return v.u.cells[shard].Active.Load()
	}
	return v.u.cells[shard].Open.Load()
}

// giveBack gives up a unit: to a shard that needs it more, to a call that
// waits here, or to anybody.
func (v *view) giveBack(kind resource) {
	q, limit := v.quota(kind)
	if v.first == nil || limit == 0 || q.Used() > int64(limit) {
		v.yield(kind)
		return
	}
	if q.anyStarving() {
		if to := v.poorer(kind); to >= 0 && q.sated(to) {
			v.units[kind]--
			v.send(kind, to)
			return
		}
	}
	v.spare[kind]++
	v.kick()
}

// yield gives up a unit that is of no use here.
func (v *view) yield(kind resource) {
	q, limit := v.quota(kind)
	v.units[kind]--
	if limit == 0 {
		q.drop()
		return
	}
	if !v.wants(kind) {
		// It may have registered for a call that has been served since.
		q.sated(v.p.id)
	}
	if to := q.release(limit, v.p.id); to >= 0 {
		v.send(kind, to)
	}
}

// send hands a unit to a shard whose bit has been taken off the list.
func (v *view) send(kind resource, to int) {
	v.lentAt = v.p.s.Now()
	s := v.u.shards[to].Load()
	if s == nil || !s.Post(engine.Message{Kind: messageUnit, Arg: uint64(kind), Value: v.u}) {
		// Its inbox is full: it looks again by itself.
		q, _ := v.quota(kind)
		q.starve(to)
		q.drop()
	}
}

// Message takes what another shard's Proxy has sent; false if it is none of
// that.
func (p *Proxy) Message(m engine.Message) bool {
	switch m.Kind {
	case messageUnit:
		v := p.view(m.Value.(*Upstream))
		v.spare[m.Arg]++
		v.units[m.Arg]++
		v.serve()
	case messageAsk:
		v := p.view(m.Value.(*Upstream))
		if v.u.Conns.anyStarving() && v.first == nil {
			if u := v.oldestIdle(); u != nil {
				p.forget(u)
			}
		}
	default:
		return false
	}
	return true
}
