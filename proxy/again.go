package proxy

// What becomes of a request when an attempt has failed; decide.go says why.

// next goes on to another member, after one that could not be connected to;
// false if there is none left, or if the request cannot be sent again.
func (c *Call) next(d decision) bool {
	c.v.passOver(c.pl, c.p.s.Now()+int64(failTime))
	if d == giveUp {
		return false
	}
	c.failed()
	c.exclude()
	return c.choose()
}

// trouble handles the end of an attempt of which the client has seen nothing,
// maybe.
func (c *Call) trouble(what cause, f Failure) {
	switch c.decide(what) {
	case sameAgain:
		// A connection that was closed for being idle says nothing against
		// the member.
		c.settled()
		c.detach()
		c.stale = true
		c.try(true)
	case otherNext:
		c.failed()
		c.detach()
		if what == causeRefused {
			c.elsewhere(f)
			return
		}
		c.again()
	default:
		c.fail(f)
	}
}

// again sends the request once more, as the route's retries allow, and to
// another member if there is one.
func (c *Call) again() {
	if c.repeats == 0 {
		c.v.repeats++
	}
	c.v.count.Retries++
	c.repeats++
	c.exclude() // first: a new set may give the member's slot to another
	c.v.refresh()
	if !c.choose() && !c.chooseAnew() {
		c.fail(NoMembers)
		return
	}
	c.try(false)
}

// elsewhere sends a request that its member has refused unseen to another one,
// which is no repetition. It ends where there is none left.
func (c *Call) elsewhere(f Failure) {
	c.exclude()
	c.v.refresh()
	if !c.choose() {
		c.fail(f)
		return
	}
	c.stale = false
	c.try(false)
}

// lost handles the end of the connection before the response began.
func (c *Call) lost(f Failure) {
	if c.reused && c.silent() {
		c.trouble(causeStale, f)
		return
	}
	c.trouble(causeReset, f)
}

// silent reports whether nothing has come on the connection since the request
// went out.
func (c *Call) silent() bool {
	if c.f != nil {
		return c.f.s.received == c.f.base
	}
	return c.received == 0
}

// unsent reports whether no byte of the request has left.
func (c *Call) unsent() bool { return c.u != nil && c.p.s.SentBytes(c.u.conn) == c.base }

// unreachable handles a connection that could not be made. Nothing of the
// request was seen by anyone: the next member gets it, unless content was
// given to the connection and is gone with it.
func (c *Call) unreachable(f Failure) {
	d := c.decide(causeConnect)
	c.detach()
	c.v.refresh()
	if !c.next(d) {
		c.fail(f)
		return
	}
	c.try(false)
}

// detach lets go of a connection that is of no use any more.
func (c *Call) detach() {
	u, f := c.u, c.f
	c.u = nil
	if f != nil {
		c.p.leave(f)
		return
	}
	c.p.disengage(u)
	c.p.drop(u)
}
