package gateway

// resuming is the request that is dispatched once more, after it had to wait.
type resuming struct {
	x      *Exchange // nil if there is none, or it has ended
	wanted int       // content that the action wants as it begins
}

// resume lets a request go on that has waited for a policy. in is a copy of what it
// was then: what the exchange has borrowed from the original has gone.
func (g *Gateway) resume(x *Exchange, in *Incoming) {
	x.who = identity{}
	x.identify(in.Head)
	g.resuming = resuming{x: x}
	g.dispatch(x, in)
	r := g.resuming
	g.resuming = resuming{}
	if r.x == nil || x.Waiting() && !x.codec.Queued(x) {
		return
	}
	if r.wanted > 0 {
		x.codec.Want(x, r.wanted)
	}
}

// want asks for content of the request. An action that begins may be given it
// by the codec at once only when it has begun, which matters where the request
// has waited: Begin is not on the stack then.
func (x *Exchange) want(n int) {
	if r := &x.g.resuming; r.x == x {
		r.wanted += n
		return
	}
	x.codec.Want(x, n)
}
