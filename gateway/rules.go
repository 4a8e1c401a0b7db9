package gateway

import (
	"math/rand/v2"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/cors"
)

// rules is what an exchange remembers for those policies that need more than a
// word. Most exchanges have none; the records are used again.
type rules struct {
	origin []byte     // the request's, if it may use the route
	user   []byte     // who has proved who it is
	check  *authCheck // of credentials, while it is under way
	coder  coder
	due    int64      // shard clock, 0 for never
	at     int        // where the exchange is among those with a time limit
	id     [16]byte   // the request's name, zero if nobody has asked for it
	asked  *keptAsked // what variables of the response stand for; nil if there never were any
}

// remember is the exchange's record, which it gets if it has none.
func (x *Exchange) remember() *rules {
	if x.policy.rules == nil {
		g := x.g
		if n := len(g.rules.spare); n > 0 {
			x.policy.rules = g.rules.spare[n-1]
			g.rules.spare = g.rules.spare[:n-1]
		} else {
			x.policy.rules = new(rules)
		}
	}
	return x.policy.rules
}

// forgetRules gives the record back.
func (x *Exchange) forgetRules() {
	r := x.policy.rules
	x.unlimitTime()
	x.dropCoder()
	if r.check != nil {
		r.check.x = nil
	}
	*r = rules{origin: r.origin[:0], user: r.user[:0], asked: r.asked}
	if r.asked != nil {
		r.asked.forget()
	}
	x.policy.rules = nil
	x.g.rules.spare = append(x.g.rules.spare, r)
}

// ruleBook is what a shard's gateway keeps for the policies of all exchanges.
type ruleBook struct {
	spare    []*rules
	limited  []*Exchange // a heap, those whose time is up next first
	checks   []*authCheck
	checking int // how many are under way

	// The shard has one alarm, for the gateway and the proxy.
	alarmAt, proxyAt int64
}

// origin is the request's, nil if there is none or if it may not use the route.
func (x *Exchange) origin() []byte {
	if r := x.policy.rules; r != nil && len(r.origin) > 0 {
		return r.origin
	}
	return nil
}

// User is who the credentials of the request say that it comes from, as far as
// they were asked for and found right; nil otherwise. It is borrowed.
func (x *Exchange) User() []byte {
	if r := x.policy.rules; r != nil && x.policy.proved {
		return r.user
	}
	return nil
}

// preflight answers what a browser asks before it lets a page of another
// origin send a request that is not one of the simplest. The policy is that of
// the route for the request to come, whose method is named, and not of one for
// OPTIONS. It reports false if there is none: then the request is like any
// other.
func (g *Gateway) preflight(x *Exchange, in *Incoming, norm []byte) bool {
	h := in.Head
	method, ok := h.Get(http1.AccessControlRequestMethod)
	if !ok || !h.Has(http1.Origin) || !x.gen.finds(method, h.Bytes(h.Host), norm, &g.match) {
		return false
	}
	r := &x.gen.Routes[g.match.Value]
	if r.Policies == nil || r.Policies.CORS == nil {
		return false
	}
	x.enter(r, in)
	x.policy.preflight = true
	g.admitClient(x, in, r.Policies) // which answers it, one way or the other
	return true
}

// admitOrigin answers a preflight; of any other request it remembers whether
// its origin may use the route. It does not refuse the others: they may still
// come, but their pages do not see what comes back.
func (x *Exchange) admitOrigin(h *http1.Request, p *cors.Policy) bool {
	origin, ok := h.Get(http1.Origin)
	if !ok || h.Repeated(http1.Origin) {
		origin = nil
	}
	if x.policy.preflight {
		g := x.g
		method, _ := h.Get(http1.AccessControlRequestMethod)
		g.block = p.AppendPreflight(g.block[:0], origin, method, g.joined(h, http1.AccessControlRequestHeaders))
		x.respond(Response{Status: 204, Block: g.block, Length: -1}, nil)
		return false
	}
	if len(origin) > 0 && p.Allows(origin) {
		r := x.remember()
		r.origin = append(r.origin[:0], origin...)
	}
	return true
}

// FieldEdits are changes to the fields of responses, compiled.
type FieldEdits struct {
	http1.Edits
	lines        *FieldLines // what comes in place of that of the edits; nil for that
	date, server bool        // it is for the configuration to say what they are
}

// NewFieldEdits takes over edits. lines come in place of those that the edits
// add; nil if there are no variables in any.
func NewFieldEdits(e http1.Edits, lines *FieldLines) *FieldEdits {
	return &FieldEdits{Edits: e, lines: lines, date: e.Drops([]byte("date")), server: e.Drops([]byte("server"))}
}

// BodyLimit bounds the content of requests.
type BodyLimit struct {
	Bytes int64 // negative for no bound
}

// bodyLimit is the largest content that the request may have; negative if there
// is no bound.
func (x *Exchange) bodyLimit() int64 {
	if p := x.policies(); p != nil && p.Body != nil {
		return p.Body.Bytes
	}
	if limit := x.gen.Settings.Body; limit > 0 {
		return limit
	}
	return -1
}

// tooLong reports whether the request says of itself that it exceeds the limit
// of the settings. Where the route has its own, that is asked later.
func (x *Exchange) tooLong(in *Incoming) bool {
	limit := x.gen.Settings.Body
	return limit > 0 && in.Length > limit && (x.route.Policies == nil || x.route.Policies.Body == nil)
}

// LogShare is the share of a route's exchanges that is logged.
type LogShare struct {
	// Of100000 is how many of as many, on average; 0 is none.
	Of100000 uint32
}

// logged decides whether an exchange that is over is logged. Those that the
// server has failed are, and those that took long, unless the route is not
// logged at all.
func (x *Exchange) logged() bool {
	p := x.policies()
	if p == nil || p.Log == nil {
		return true
	}
	if p.Log.Of100000 == 0 {
		return false
	}
	slow := x.gen.Settings.LogSlow
	return x.log.status >= 500 || slow > 0 && x.g.s.Now()-x.began >= int64(slow) || rand.Uint32N(100_000) < p.Log.Of100000
}
