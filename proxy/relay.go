package proxy

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// The events of the shard's connections to upstreams, as the owner of its
// Handler passes them on.

// Connected says that a connection stands.
func (p *Proxy) Connected(conn engine.Conn) {
	u := p.conns[conn.Index()]
	if u.h2 != nil && u.tls != nil && u.tls.Protocol() != protocolH2 {
		p.unfit(u)
		return
	}
	if u.pool.passed {
		u.pool.v.passOver(u.pool, 0)
	}
	if u.h2 != nil {
		u.h2.connected()
		return
	}
	if u.call == nil {
		p.warmed(u, true)
		return
	}
	u.call.begin()
}

// Drained says that an upstream has taken content.
func (p *Proxy) Drained(conn engine.Conn) {
	u := p.conns[conn.Index()]
	switch {
	case u.h2 != nil:
		u.h2.drained()
	case u.call != nil:
		u.call.drained()
	}
}

// EOF says that an upstream has closed its side.
func (p *Proxy) EOF(conn engine.Conn) {
	u := p.conns[conn.Index()]
	c := u.call
	switch {
	case p.unprepared(u, noReason):
	case u.h2 != nil:
		u.h2.lost(UpstreamClosed)
	case c == nil:
		p.forget(u)
	case c.phase == tunnelling:
		c.tunnelEOF()
	case c.phase != relaying:
		c.lost(UpstreamClosed)
	case c.body.EOF() != http1.OK || !u.whole():
		c.fail(Truncated)
	default:
		c.complete(false)
	}
}

// Closed says that a connection has failed.
func (p *Proxy) Closed(conn engine.Conn, why engine.Reason, e engine.Errno) {
	u := p.conns[conn.Index()]
	c := u.call
	switch {
	case p.unprepared(u, why):
	case u.h2 != nil:
		u.h2.closed(why, e)
	case c == nil && u.at < 0:
		p.warmed(u, false)
	case c == nil:
		p.forget(u)
	case c.phase == connecting && why == engine.ReasonMemory:
		c.fail(NoBuffers)
	case c.phase == connecting:
		c.unreachable(connectFailure(e))
	case c.phase == tunnelling:
		c.tunnelClosed(why)
	case why == engine.ReasonMemory:
		c.fail(NoBuffers)
	case c.phase == relaying:
		c.fail(Truncated)
	default:
		c.lost(UpstreamReset)
	}
}

// Timer says that a connection's deadline has passed.
func (p *Proxy) Timer(conn engine.Conn) {
	u := p.conns[conn.Index()]
	c := u.call
	switch {
	case u.h2 != nil:
		u.h2.timer()
		return
	case c == nil && u.at < 0:
		p.warmed(u, false)
		return
	case c == nil:
		p.forget(u)
		return
	}
	c.expired()
}

// expired handles the end of the time that the call had for what it does.
func (c *Call) expired() {
	p, queued := c.p, c.queued()
	switch {
	case c.overdue(0):
		c.fail(GRPCDeadline)
		return
	case c.phase == connecting:
		c.unreachable(ConnectTimeout)
		return
	case c.phase == tunnelling:
		c.tunnelTimer()
		return
	case c.phase == awaiting && c.tryUntil != 0 && p.s.Now() >= c.tryUntil:
		c.trouble(causeTimeout, PerTryTimeout)
		return
	case c.phase == awaiting && c.sentAll && !(queued && c.state != contentUnread):
		c.trouble(causeTimeout, FirstByteTimeout)
		return
	case c.phase == relaying && c.paused:
		// It is the client that holds things up, and its timers watch it.
		c.deadline(c.plan.Timeouts.Idle)
		return
	}
	// Content of the request is on its way: the upstream must take some, or
	// the client, which has timers of its own, must send some.
	if now := c.moved(); queued && now != c.progress || !queued && !c.sentAll {
		c.progress = now
		c.deadline(c.plan.Timeouts.Idle)
		return
	}
	if c.phase == awaiting {
		c.trouble(causeTimeout, IdleTimeout)
		return
	}
	c.fail(IdleTimeout)
}

// Received passes on bytes from an upstream.
func (p *Proxy) Received(conn engine.Conn, b []byte) {
	u := p.conns[conn.Index()]
	if u.tls != nil && !u.heard {
		p.hear(u)
	}
	if u.h2 != nil {
		u.h2.take(b)
		return
	}
	c := u.call
	if c == nil {
		// Bytes that answer nothing: whatever comes next on this connection
		// could be taken for an answer to somebody else's request.
		p.forget(u)
		return
	}
	if c.reused && c.received == 0 && c.unsent() {
		// Nor do bytes that come before the request has gone out.
		c.lost(BadResponse)
		return
	}
	c.received += int64(len(b))
	// The call's record, and the connection, may serve the next request before
	// this returns; the number of the attempt tells.
	sending := c.sending
	for c.phase == awaiting && u.call == c && c.sending == sending {
		if b = c.receiveHead(u, b); len(b) == 0 {
			break
		}
	}
	switch {
	case u.call != c || c.sending != sending:
	case c.phase == relaying:
		c.receiveContent(u, b)
	case c.phase == tunnelling:
		c.tunnelReceived(u, b)
	}
}

// receiveHead reads a response head from b, of which a part may have come
// before. It returns what follows the head.
func (c *Call) receiveHead(u *link, b []byte) (rest []byte) {
	p := c.p
	head, had := b, u.stashed
	if u.stash != 0 {
		if head = c.extend(u, b); head == nil {
			return nil
		}
	}
	n, err := p.resp.Scan(head, &c.plan.Limits)
	switch {
	case err != http1.OK:
		c.fail(responseFailure(err))
		return nil
	case n == 0:
		if u.stash == 0 {
			c.stash(u, head)
		}
		return nil
	}
	// What follows the head came with this call, so it lies in b and can be
	// relayed from there.
	rest = b[n-had:]
	c.respond(&p.resp, len(rest))
	if u.call == c {
		p.unstash(u)
	}
	return rest
}

// stash keeps the beginning of a head until the rest comes.
func (c *Call) stash(u *link, head []byte) {
	if u.stash = c.p.s.Buffer(len(head)); u.stash == 0 {
		c.fail(NoBuffers)
		return
	}
	u.stashed = copy(c.p.s.Bytes(u.stash), head)
	u.scanned = u.stashed
}

// extend adds b to the beginning of a head that is kept already. It returns
// the whole if it holds the end of the head, nil otherwise.
func (c *Call) extend(u *link, b []byte) []byte {
	s := c.p.s
	if u.stashed+len(b) > len(s.Bytes(u.stash)) && len(s.Bytes(u.stash)) < engine.LargeBuffer {
		large := s.Buffer(engine.LargeBuffer)
		if large == 0 {
			c.fail(NoBuffers)
			return nil
		}
		copy(s.Bytes(large), s.Bytes(u.stash)[:u.stashed])
		s.ReleaseBuffer(u.stash)
		u.stash = large
	}
	// A head that does not fit a large buffer is over any limit.
	mem := s.Bytes(u.stash)
	head := mem[:u.stashed+copy(mem[u.stashed:], b)]
	if http1.HeadEnd(head, u.scanned) > 0 {
		return head
	}
	if len(head) >= min(c.plan.Limits.HeadBytes, len(mem)) {
		c.fail(ResponseTooLarge)
		return nil
	}
	u.stashed, u.scanned = len(head), len(head)
	return nil
}

// respond passes a response head on. here is how many bytes of what follows
// are at hand already.
func (c *Call) respond(r *http1.Response, here int) {
	p := c.p
	if r.Interim() {
		c.passInterim(r)
		return
	}
	if c.refuses(r, here) {
		return
	}
	p.block = appendResponseFields(p.block[:0], r)
	if c.switches(r) {
		c.beginTunnel(r)
		return
	}
	kind, length := r.Content(c.method)
	c.body.Reset(kind, length, &c.plan.Limits)
	c.close = r.Close || kind == http1.BodyUntilClose
	u := c.u
	c.passHead(r, kind, length)
	if c.phase != relaying || u.call != c {
		return
	}
	if c.body.Done() {
		c.complete(here == 0 && !p.s.More())
		return
	}
	c.deadline(c.plan.Timeouts.Idle)
	if length-int64(here) >= bulkSize {
		p.s.Bulk(u.conn, true)
	}
}

// passInterim passes a 1xx response on.
func (c *Call) passInterim(r *http1.Response) {
	p := c.p
	if c.interim++; c.interim > interimLimit {
		c.fail(InterimFlood)
	} else if r.Status != 100 {
		// 100 (Continue) was for us: the client has had its own.
		p.block = appendResponseFields(p.block[:0], r)
		c.begun = true
		c.d.Interim(r.Status, p.block)
	}
}

// passHead begins the response to the client, with the fields that are in
// Proxy.block.
func (c *Call) passHead(r *http1.Response, kind http1.BodyKind, length int64) {
	if !c.bad {
		c.v.proved(c)
	}
	c.phase, c.begun = relaying, true
	c.dropHead()
	out := &c.p.out
	*out = Response{
		Status: r.Status, Block: c.p.block, Length: length,
		HasDate: passes(&r.Head, http1.Date), HasServer: passes(&r.Head, http1.Server),
	}
	if kind == http1.BodyNone && r.ContentLength >= 0 {
		out.Length = r.ContentLength // of HEAD and 304: what it would be
	} else if kind == http1.BodyNone && (c.method == http1.HEAD || r.Status == 304) {
		out.Length = -1
	}
	c.d.Respond(out)
}

// refuses looks whether a response is one that the route wants to be tried
// again, and may be; then the client never sees it. The connection is kept if
// all of the response is there.
func (c *Call) refuses(r *http1.Response, here int) bool {
	if !c.rejects(r) {
		return false
	}
	kind, length := r.Content(c.method)
	whole := kind == http1.BodyNone && here == 0 || kind == http1.BodyLength && length == int64(here)
	whole = whole && !c.p.s.More()
	u, received := c.u, c.received
	c.u = nil
	c.p.release(u, received, whole && !r.Close && c.sentAll && c.p.s.Queued(u.conn) == 0)
	c.again()
	return true
}

// rejects counts the head of a response, and reports whether it is one that is
// tried again.
func (c *Call) rejects(r *http1.Response) bool {
	c.bad = r.Status >= 500
	c.answer(!c.bad)
	if !c.plan.Retry.Statuses.Has(r.Status) || c.decide(causeStatus) == giveUp {
		return false
	}
	c.verdict()
	return true
}

// verdict counts what the response says of the member.
func (c *Call) verdict() {
	if c.bad {
		c.failed()
	} else {
		c.succeeded()
	}
}

// receiveContent relays content of the response.
func (c *Call) receiveContent(u *link, b []byte) {
	p := c.p
	for len(b) > 0 {
		data, n, done, err := c.body.Next(b)
		if err != http1.OK {
			c.fail(responseFailure(err))
			return
		}
		if c.body.HasTrailer() {
			c.trailer = append(c.trailer, c.body.TrailerPart(b[:n])...)
		}
		b = b[n:]
		if len(data) > 0 {
			c.d.Content(data)
			if c.phase != relaying || u.call != c {
				return
			}
		}
		if done {
			c.complete(len(b) == 0 && !p.s.More())
			return
		}
	}
	switch left := c.body.Remaining(); {
	case c.body.Kind() != http1.BodyLength:
		if c.received >= 2*bulkSize {
			p.s.Bulk(u.conn, true)
		}
	case left >= pipeSize && c.d.Pipes():
		p.s.ReceivePiped(u.conn, left)
	}
	c.goOn()
}

// goOn goes on with the relay of content, or pauses it.
func (c *Call) goOn() {
	c.deadline(c.plan.Timeouts.Idle)
	if c.d.Room() <= 0 && !c.paused {
		c.paused = true
		c.p.s.Pause(c.u.conn)
	}
}

// complete ends a call whose response has been passed on whole.
func (c *Call) complete(clean bool) {
	p, u, d := c.p, c.u, c.d
	var trailers []byte
	if len(c.trailer) > 0 && p.trail.Parse(c.trailer, &c.plan.Limits) == http1.OK {
		p.block = appendTrailers(p.block[:0], &p.trail)
		trailers = p.block
	}
	reusable := clean && !c.close && c.sentAll && p.s.Queued(u.conn) == 0
	c.verdict()
	received := c.received
	c.end()
	p.release(u, received, reusable)
	d.Finish(trailers)
}
