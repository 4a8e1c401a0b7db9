package gateway

import (
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/limiter"
)

// Concurrency bounds how many requests of a route are under way at a time. One
// of Counter and Tally is set: the first counts the route as a whole, the
// second by Scope.
type Concurrency struct {
	Scope   Scope
	Counter *limiter.Counter
	Tally   *limiter.Tally
}

// counted is where an exchange is counted: in the first n limits of its route.
type counted struct {
	n     uint8
	slots [maxScopes]limiter.Slot
}

// admitConns counts a request, or refuses it.
//
// A client that has too many requests under way is told so (429, RFC 6585,
// section 4). Where the route as a whole has, it is no client's doing (503).
// Either may try again when a request has ended, a second from now.
func (x *Exchange) admitConns(h *http1.Request, conns []Concurrency) bool {
	c := &x.policy.admitted
	for i := range conns {
		if l := &conns[i]; l.Counter != nil {
			if !l.Counter.Enter() {
				x.log.reason = "route_busy"
				x.answerWith(503, retryAfter)
				return false
			}
		} else {
			slot, ok := l.Tally.Enter(l.Scope.key(x, h, l.Tally.Hash()))
			if !ok {
				x.log.reason = "too_many_concurrent"
				x.answerWith(429, retryAfter)
				return false
			}
			c.slots[i] = slot
		}
		c.n++
	}
	return true
}

// releaseConns counts an exchange no longer.
func (x *Exchange) releaseConns(conns []Concurrency) {
	c := &x.policy.admitted
	for i := range conns[:c.n] {
		if l := &conns[i]; l.Counter != nil {
			l.Counter.Leave()
		} else {
			l.Tally.Leave(c.slots[i])
		}
	}
	c.n = 0
}
