package proxy

// contentState is what has become of the content of a request.
type contentState uint8

const (
	// contentUnread: the client has sent none, or there is none. The request
	// can be sent again as it is.
	contentUnread contentState = iota
	// contentHeld: what the client has sent is kept; see replay.go.
	contentHeld
	// contentGone: some of it was given to a connection, and nowhere else.
	contentGone
)

// cause is what an attempt has failed of.
type cause uint8

const (
	// causeConnect: the connection could not be made. Nobody has seen
	// anything of the request.
	causeConnect cause = iota
	// causeRefused: the member has said that it has not handled the request,
	// and will not (RFC 9113, section 8.7).
	causeRefused
	// causeStale: a connection that had served before ended before a byte of
	// the response. The member may have closed it at the moment at which it
	// was used again, which is no failure (RFC 9112, section 9.3.1).
	causeStale
	// causeReset: the connection ended before the response's head was whole.
	causeReset
	// causeTimeout: the head did not come in time.
	causeTimeout
	// causeStatus: it came, with a status that is to be tried again.
	causeStatus
)

// attempt is what the decision about a failed attempt depends on.
type attempt struct {
	cause   cause
	content contentState
	// idempotent says that to do it twice is to do it once (RFC 9110, section
	// 9.2.2).
	idempotent bool
	// unsent says that no byte of the request has left.
	unsent bool
	// begun says that the client has got something of the response, be it
	// interim.
	begun bool
	// stale says that the request met a stale connection before.
	stale bool
	// on says that the route wants requests to be tried again for the cause,
	// left that attempts are left, and budget that there are not too many
	// repetitions under way.
	on, left, budget bool
	// members says that there may be another member to try.
	members bool
}

// decision is what becomes of a request whose attempt has failed.
type decision uint8

const (
	giveUp    decision = iota // the client is told, or gets the response that came
	sameAgain                 // the same member, over a new connection
	otherNext                 // another member; the same one if there is none
)

// decide says what becomes of a request whose attempt has failed. The question
// is always what a member may have acted on, and what can still be sent:
//
//   - Once the client has got something of a response, it is the response.
//   - Content that is gone cannot be sent again.
//   - A request that no member has seen goes to the next one, whatever its
//     method, and without regard to the route's attempts.
//   - So does one that a member has refused unseen, once the same member has
//     refused it twice: the first time that may be for a connection which was
//     about to end, or for a limit of which nothing was known yet.
//   - One that met a stale connection is sent once more, if it does no harm to
//     do it twice, or if none of it had left.
//   - Anything else is up to the route, within its attempts and its budget, and
//     under the same condition.
func decide(a *attempt) decision {
	switch {
	case a.begun, a.content == contentGone:
		return giveUp
	case a.cause == causeConnect:
		if a.members {
			return otherNext
		}
		return giveUp
	case a.cause == causeRefused:
		if !a.stale {
			return sameAgain
		}
		if a.members {
			return otherNext
		}
		return giveUp
	case !a.idempotent && !a.unsent:
		return giveUp
	case a.cause == causeStale && !a.stale:
		return sameAgain
	case a.on && a.left && a.budget:
		return otherNext
	}
	return giveUp
}

// decide looks at the call when an attempt has failed of something.
func (c *Call) decide(what cause) decision {
	r := &c.plan.Retry
	on := false
	switch what {
	case causeStale, causeReset:
		on = r.On&RetryReset != 0
	case causeTimeout:
		on = r.On&RetryTimeout != 0
	case causeStatus:
		on = true // or it would not be one
	}
	return decide(&attempt{
		cause: what, content: c.state, begun: c.begun, stale: c.stale,
		idempotent: c.method.Idempotent(), unsent: what != causeStatus && c.unsent(),
		on: on, left: int(c.repeats) < r.Attempts, budget: c.v.mayRepeat(r.Budget, c.repeats > 0),
		members: int(c.tries) < len(c.tried),
	})
}
