package gateway

import (
	"slices"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/privacypass"
)

// redemption is a token that is verified for an exchange, which waits with its
// request: the head is kept, and content is not asked for. The exchange has it
// until its action has begun. Its memory is used again.
type redemption struct {
	job     Job
	token   privacypass.Redemption
	outcome privacypass.Outcome // set before the message is posted

	x     *Exchange // nil once it has ended, or got another answer
	begun int64     // shard clock

	in  Incoming
	req http1.Request // what in.Head is, a copy
}

// admitToken reports whether the exchange may go on with its action now. If not, it
// waits for its token to be verified, or has its answer.
func (g *Gateway) admitToken(x *Exchange, in *Incoming) bool {
	p := x.route.Token
	if p == nil || x.state&admitted != 0 {
		return true
	}
	h := in.Head
	reason := "token_missing"
	for i := h.First(http1.Authorization); i >= 0; i = h.Next(i) {
		present, ok := g.token.ParseCredentials(h.Value(&h.Fields[i]))
		if !present {
			continue
		}
		reason = "token_invalid"
		if ok {
			r := g.newRedemption()
			if p.Accept(&g.token, g.s.Unix(), &r.token) {
				g.redeem(x, in, r)
				return false
			}
			g.freeRedemption(r)
		}
	}
	x.challenge(reason)
	return false
}

// redeem has a token verified.
func (g *Gateway) redeem(x *Exchange, in *Incoming, r *redemption) {
	if g.jobs == nil || len(g.redeeming) >= redemptions || !g.jobs(&r.job) {
		g.freeRedemption(r)
		x.busy()
		return
	}
	// The head is borrowed. The job has begun, maybe, but its end is told by a
	// message.
	in.Head.CopyTo(&r.req)
	r.in = *in
	r.in.Head = &r.req
	r.x, r.begun = x, g.s.Now()
	x.redemption = r
	g.redeeming = append(g.redeeming, r)
}

// redeemed takes the result.
func (g *Gateway) redeemed(r *redemption) {
	g.redeeming = slices.DeleteFunc(g.redeeming, func(other *redemption) bool { return other == r })
	if x := r.x; x != nil {
		g.settle(x, r)
	}
	g.freeRedemption(r)
}

// settle lets an exchange go on whose token was good, and answers another.
func (g *Gateway) settle(x *Exchange, r *redemption) {
	switch r.outcome {
	case privacypass.Redeemed:
		r.x, x.redemption = nil, nil
		x.state |= admitted
		g.resume(x, &r.in)
	case privacypass.Double:
		x.challenge("token_spent")
	case privacypass.Full:
		x.log.reason = "tokens_full"
		x.busy()
	default:
		x.challenge("token_invalid")
	}
}

// challenge asks for a token.
func (x *Exchange) challenge(reason string) {
	x.log.reason = reason
	x.answerWith(401, x.route.Token.Field(x.g.s.Unix()))
}

// hurryRedemptions answers those who have waited too long.
func (g *Gateway) hurryRedemptions() {
	for _, r := range g.redeeming {
		if x := r.x; x != nil && g.s.Now()-r.begun > int64(redemptionPatience) {
			x.drop()
			x.busy()
		}
	}
}

func (g *Gateway) newRedemption() *redemption {
	if n := len(g.spareRedemptions); n > 0 {
		r := g.spareRedemptions[n-1]
		g.spareRedemptions = g.spareRedemptions[:n-1]
		return r
	}
	r := &redemption{}
	s := g.s
	r.job.Run = func() { r.outcome = r.token.Run() }
	r.job.Done = func() bool { return s.Post(engine.Message{Kind: messageRedeemed, Value: r}) }
	return r
}

func (g *Gateway) freeRedemption(r *redemption) {
	r.x = nil
	if cap(r.req.Buf) > keptHead {
		r.req.Reset()
	}
	g.spareRedemptions = append(g.spareRedemptions, r)
}
