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
	u.pool.failedUntil = 0
	if u.call != nil {
		u.call.begin()
	}
}

// Drained says that an upstream has taken content.
func (p *Proxy) Drained(conn engine.Conn) {
	if u := p.conns[conn.Index()]; u.call != nil {
		u.call.drained()
	}
}

// EOF says that an upstream has closed its side.
func (p *Proxy) EOF(conn engine.Conn) {
	u := p.conns[conn.Index()]
	c := u.call
	switch {
	case c == nil:
		p.forget(u)
	case c.phase != relaying:
		c.lost(UpstreamClosed)
	case c.body.EOF() != http1.OK:
		c.fail(Truncated)
	default:
		c.complete(false)
	}
}

// Closed says that a connection has failed.
func (p *Proxy) Closed(conn engine.Conn, why engine.Reason) {
	u := p.conns[conn.Index()]
	c := u.call
	switch {
	case c == nil:
		p.forget(u)
	case c.phase == connecting:
		c.unreachable(ConnectRefused)
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
	if c == nil {
		p.forget(u)
		return
	}
	queued := p.s.Queued(conn) > 0
	switch {
	case c.phase == connecting:
		c.unreachable(ConnectTimeout)
		return
	case c.phase == awaiting && c.sentAll && !(queued && c.seen):
		c.fail(FirstByteTimeout)
		return
	case c.phase == relaying && c.paused:
		// It is the client that holds things up, and its timers watch it.
		c.deadline(c.plan.Timeouts.Idle)
		return
	}
	// Content of the request is on its way: the upstream must take some, or
	// the client, which has timers of its own, must send some.
	if now := p.s.Progress(conn); queued && now != c.progress || !queued && !c.sentAll {
		c.progress = now
		c.deadline(c.plan.Timeouts.Idle)
		return
	}
	c.fail(IdleTimeout)
}

// Received passes on bytes from an upstream.
func (p *Proxy) Received(conn engine.Conn, b []byte) {
	u := p.conns[conn.Index()]
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
	for c.phase == awaiting && u.call == c {
		if b = c.receiveHead(u, b); len(b) == 0 {
			break
		}
	}
	if c.phase == relaying && u.call == c {
		c.receiveContent(u, b)
	}
}

// receiveHead reads a response head from b, of which a part may have come
// before. It returns what follows the head.
func (c *Call) receiveHead(u *upstream, b []byte) (rest []byte) {
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
		c.fail(BadResponse)
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
func (c *Call) stash(u *upstream, head []byte) {
	if u.stash = c.p.s.Buffer(len(head)); u.stash == 0 {
		c.fail(NoBuffers)
		return
	}
	u.stashed = copy(c.p.s.Bytes(u.stash), head)
	u.scanned = u.stashed
}

// extend adds b to the beginning of a head that is kept already. It returns
// the whole if it holds the end of the head, nil otherwise.
func (c *Call) extend(u *upstream, b []byte) []byte {
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
		c.fail(BadResponse)
		return nil
	}
	u.stashed, u.scanned = len(head), len(head)
	return nil
}

// respond passes a response head on. here is how many bytes of what follows
// are at hand already.
func (c *Call) respond(r *http1.Response, here int) {
	p := c.p
	p.block = appendResponseFields(p.block[:0], r)
	if r.Interim() {
		if c.interim++; c.interim > interimLimit {
			c.fail(BadResponse)
		} else if r.Status != 100 {
			// 100 (Continue) was for us: the client has had its own.
			c.d.Interim(r.Status, p.block)
		}
		return
	}
	if r.Status == 101 {
		// Nobody has asked for another protocol.
		c.fail(BadResponse)
		return
	}
	kind, length := r.Content(c.method)
	c.body.Reset(kind, length, &c.plan.Limits)
	c.phase = relaying
	c.close = r.Close || kind == http1.BodyUntilClose
	c.dropHead()
	out := &p.out
	*out = Response{
		Status: r.Status, Block: p.block, Length: length,
		HasDate: passes(&r.Head, http1.Date), HasServer: passes(&r.Head, http1.Server),
	}
	if kind == http1.BodyNone && r.ContentLength >= 0 {
		out.Length = r.ContentLength // of HEAD and 304: what it would be
	} else if kind == http1.BodyNone && (c.method == http1.HEAD || r.Status == 304) {
		out.Length = -1
	}
	u := c.u
	c.d.Respond(out)
	if c.phase != relaying || u.call != c {
		return
	}
	if c.body.Done() {
		c.complete(here == 0)
		return
	}
	c.deadline(c.plan.Timeouts.Idle)
	left := length - int64(here)
	if left >= bulkSize {
		p.s.Bulk(u.conn, true)
	}
	if left >= pipeSize && c.d.Pipes() {
		p.s.ReceivePiped(u.conn, left)
	}
}

// receiveContent relays content of the response.
func (c *Call) receiveContent(u *upstream, b []byte) {
	p := c.p
	for len(b) > 0 {
		data, n, done, err := c.body.Next(b)
		if err != http1.OK {
			c.fail(BadResponse)
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
			c.complete(len(b) == 0)
			return
		}
	}
	if c.body.Kind() != http1.BodyLength && c.received >= 2*bulkSize {
		p.s.Bulk(u.conn, true)
	}
	c.flow()
}

// flow goes on with the relay of content, or pauses it.
func (c *Call) flow() {
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
	c.end()
	p.release(u, reusable)
	d.Finish(trailers)
}
