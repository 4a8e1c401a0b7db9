package gateway

import (
	"time"

	"github.com/anygate/anygate/policy/access"
	"github.com/anygate/anygate/policy/cors"
)

// Policies are what a route asks of requests and responses beside its action.
// They are compiled when the configuration is loaded; a route without any has
// none, and costs one comparison.
//
// A policy may touch an exchange in three places: admit, when the route is
// found and the action has not begun; decorate, when the head of the final
// response goes to the codec; release, when the exchange ends, however it
// ends.
type Policies struct {
	// Conns bound the requests under way, Limits their rate. Each has at most
	// maxScopes elements.
	Conns  []Concurrency
	Limits []RateLimit

	// Access judges clients by their address; nil lets all in.
	Access *access.List
	// CORS says which origins may use the route; nil says nothing.
	CORS *cors.Policy
	// Auth asks for credentials; nil for none.
	Auth *Auth
	// Body is the largest content of a request, in place of that of the
	// settings; nil leaves that.
	Body *BodyLimit
	// Timeout bounds the whole exchange; 0 is no bound.
	Timeout time.Duration
	// Fields edits the heads of responses; nil leaves them.
	Fields *FieldEdits
	// Compress says that what upstreams answer is coded as clients accept it.
	Compress bool
	// Log is the share of the exchanges that are logged; nil is all of them.
	Log *LogShare
}

// policyState is what an exchange remembers for the policies of its route.
type policyState struct {
	admitted  counted
	quota     quotas
	preflight bool   // the request asks for the policy cors, and nothing else
	proved    bool   // its credentials were found right
	passed    bool   // admitClient is not asked again
	rules     *rules // nil if there is nothing to remember
}

// admit asks the policies whether the request may reach the action. If not, it
// has been answered when admit returns, and the exchange may be another's.
//
// The order is fixed. Who may never come is refused first, and costs the least;
// what has to be counted is counted before anything is computed, so that
// guessing credentials is limited as all else is; the bounds of what the action
// may take come last.
//
//	allow, deny; timeout; conns; limit; cors (preflight); auth; mtls; token; body
//
// Slow credentials are looked at elsewhere, and the request is dispatched once
// more when they were found right: what came before them is not asked again.
func (g *Gateway) admit(x *Exchange, in *Incoming) bool {
	p := x.route.Policies
	if p != nil && !x.policy.passed {
		if !g.admitClient(x, in, p) {
			return false
		}
		x.policy.passed = true
	}
	return x.vouched() && g.admitToken(x, in) && (p == nil || x.admitContent(in, p))
}

// admitClient is about who asks, and how often.
func (g *Gateway) admitClient(x *Exchange, in *Incoming, p *Policies) bool {
	if p.Access != nil && !p.Access.Allows(x.Client()) {
		x.refuse(403, "address_denied")
		return false
	}
	if p.Timeout > 0 {
		// Now, and not with the other bounds, because looking at credentials
		// may take its time too.
		g.limitTime(x, p.Timeout)
	}
	if len(p.Conns) > 0 && !x.admitConns(in.Head, p.Conns) {
		return false
	}
	if len(p.Limits) > 0 && !x.admitRate(in.Head, p.Limits) {
		return false
	}
	if p.CORS != nil && !x.admitOrigin(in.Head, p.CORS) {
		return false
	}
	return p.Auth == nil || x.authenticate(in, p.Auth)
}

// admitContent is about what the request brings.
func (x *Exchange) admitContent(in *Incoming, p *Policies) bool {
	if p.Body != nil && in.Length > p.Body.Bytes && p.Body.Bytes >= 0 {
		x.refuse(413, "content_too_large")
		return false
	}
	if p.Compress {
		x.admitCoding(in.Head)
	}
	return true
}

// decorates reports whether decorate has anything to do for the response with a
// status, so that one built beforehand can go out as it is if not.
func (p *Policies) decorates() bool {
	return len(p.Limits) > 0 || p.CORS != nil || p.Fields != nil
}

// static reports whether decorate does the same to every response.
func (p *Policies) static() bool {
	return len(p.Limits) == 0 && p.CORS == nil && (p.Fields == nil || p.Fields.lines == nil)
}

// decorate edits the head of a final response: every action's, and the pages
// for errors of the route. The field lines are copied to a place of the
// gateway's first, because the block is borrowed, from a prebuilt page even.
func (g *Gateway) decorate(x *Exchange, p *Policies, r *Response) {
	if !p.decorates() {
		return
	}
	b := append(g.decorated[:0], r.Block...)
	if len(p.Limits) > 0 {
		b = x.appendQuotas(b, p.Limits)
	}
	if p.CORS != nil && !x.policy.preflight {
		b = p.CORS.Apply(b, 0, x.origin())
	}
	if e := p.Fields; e != nil {
		b = g.responseFields(x, e, b)
		r.HasDate, r.HasServer = r.HasDate || e.date, r.HasServer || e.server
	}
	g.decorated = b
	r.Block, r.Kept = b, false
}

// release gives back what admit has taken.
func (x *Exchange) release() {
	if x.policy.admitted.n > 0 {
		x.releaseConns(x.route.Policies.Conns)
	}
	if x.policy.rules != nil {
		x.forgetRules()
	}
}

// policies are those of the exchange's route, nil if it has none or is not
// known yet.
func (x *Exchange) policies() *Policies {
	if x.route == nil {
		return nil
	}
	return x.route.Policies
}
