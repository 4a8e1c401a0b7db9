package proxy

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// phase is how far a call has come.
type phase uint8

const (
	connecting phase = iota
	awaiting         // the request is on its way, no response yet
	relaying         // the response's head has been passed on
	over             // nothing more happens
)

// Call is one request on its way to an upstream and back.
type Call struct {
	p      *Proxy
	d      Downstream
	plan   *Plan
	choice *Choice
	u      *upstream

	head    engine.Buf // the request's head, held while it may be repeated
	headLen int
	body    http1.Body // of the response
	trailer []byte

	method   http1.MethodID
	content  http1.BodyKind // of the request
	phase    phase
	sentAll  bool // the request is complete
	seen     bool // content of the request has been handed to the upstream
	reused   bool // the connection has served before
	retried  bool // and was found stale once
	paused   bool
	close    bool // the connection ends with the response
	interim  uint8
	attempts int
	owed     int    // content taken from the client and not yet granted again
	base     uint64 // bytes the connection had sent before
	received int64
	progress uint64
}

// Start sends a request to a member of the plan. The outcome reaches d, maybe
// before Start returns; the Call is valid until d.Finish or d.Fail is called,
// or Cancel.
func (p *Proxy) Start(d Downstream, plan *Plan, r *Request) *Call {
	c := p.newCall()
	c.d, c.plan = d, plan
	c.method, c.content = r.Head.MethodID, r.Content
	c.sentAll = r.Content == http1.BodyNone
	c.choice = p.choose(c)
	if c.head = p.s.Buffer(RequestRoom(r, c.choice)); c.head == 0 {
		c.fail(NoBuffers)
		return nil
	}
	c.headLen = len(AppendRequest(p.s.Bytes(c.head)[:0], r, c.choice))
	if c.try(c.choice, false); c.phase == over {
		return nil
	}
	return c
}

func (p *Proxy) newCall() *Call {
	if n := len(p.calls); n > 0 {
		c := p.calls[n-1]
		p.calls = p.calls[:n-1]
		trailer := c.trailer[:0]
		*c = Call{p: p, trailer: trailer}
		return c
	}
	return &Call{p: p}
}

// try sends the head over a connection to the choice's member, or goes on to
// the next one.
func (c *Call) try(ch *Choice, fresh bool) {
	p := c.p
	for {
		c.choice = ch
		c.attempts++
		pl := p.pool(ch.Member)
		e := p.take(pl, c, fresh)
		if e == 0 {
			break
		}
		if e == unix.EMFILE || e == unix.ENFILE || e == unix.ENOBUFS || e == unix.ENOMEM {
			c.fail(NoConnections)
			return
		}
		pl.failedUntil = p.s.Now() + int64(failTime)
		if c.attempts >= len(c.plan.Choices) {
			c.fail(ConnectRefused)
			return
		}
		ch = p.choose(c)
	}
	conn := c.u.conn
	c.base = p.s.SentBytes(conn)
	p.s.AppendBuffer(conn, c.head, 0, c.headLen)
	if c.reused {
		c.begin()
		return
	}
	c.deadline(c.plan.Timeouts.Connect)
}

// begin starts the exchange on an established connection.
func (c *Call) begin() {
	c.phase = awaiting
	if c.sentAll {
		c.deadline(c.plan.Timeouts.FirstByte)
		return
	}
	c.deadline(c.plan.Timeouts.Idle)
	c.d.Want(contentWindow)
}

func (c *Call) deadline(d time.Duration) {
	c.p.s.SetDeadline(c.u.conn, d)
}

// Content passes on content of the request, borrowed from the receive in
// progress.
func (c *Call) Content(b []byte) {
	if c.phase == over || len(b) == 0 {
		return
	}
	c.seen = true
	s, conn := c.p.s, c.u.conn
	ok := true
	if c.content == http1.BodyChunked {
		h := s.Reserve(conn, 32)
		if ok = h != nil; ok {
			s.Commit(conn, len(http1.AppendChunkHeader(h[:0], len(b))))
			ok = s.Relay(conn, b) && s.Append(conn, crlf)
		}
	} else {
		ok = s.Relay(conn, b)
	}
	if !ok {
		c.fail(NoBuffers)
		return
	}
	c.deadline(c.plan.Timeouts.Idle)
	c.owed += len(b)
	if s.Queued(conn) <= contentLow {
		c.grant()
		return
	}
	s.NotifyDrained(conn, contentLow)
}

// grant lets the client send as much again as the upstream has taken.
func (c *Call) grant() {
	n := c.owed
	c.owed = 0
	if n > 0 {
		c.d.Want(n)
	}
}

var (
	crlf      = []byte("\r\n")
	lastChunk = []byte("0\r\n")
)

// ContentEnd ends the content of the request; trailers are field lines or nil.
func (c *Call) ContentEnd(trailers []byte) {
	if c.phase == over {
		return
	}
	c.sentAll = true
	if c.content == http1.BodyChunked {
		s, conn := c.p.s, c.u.conn
		if !s.Append(conn, lastChunk) || !s.Append(conn, trailers) || !s.Append(conn, crlf) {
			c.fail(NoBuffers)
			return
		}
	}
	if c.phase == awaiting {
		c.deadline(c.plan.Timeouts.FirstByte)
	}
}

// Resume says that the client's side takes content again.
func (c *Call) Resume() {
	if c.phase != over && c.paused {
		c.paused = false
		c.p.s.Resume(c.u.conn)
		c.deadline(c.plan.Timeouts.Idle)
	}
}

// Cancel ends the call without a word to d.
func (c *Call) Cancel() {
	if c.phase == over {
		return
	}
	u := c.u
	c.end()
	if u != nil {
		u.call = nil
		c.p.unstash(u)
		c.p.s.Abort(u.conn)
	}
}

// Member is the name of the upstream that the call went to.
func (c *Call) Member() string { return c.choice.Member.Name }

// end makes the call's record free for the next one. It stays readable until
// the caller returns.
func (c *Call) end() {
	c.phase = over
	c.dropHead()
	c.p.calls = append(c.p.calls, c)
}

func (c *Call) dropHead() {
	if c.head != 0 {
		c.p.s.ReleaseBuffer(c.head)
		c.head = 0
	}
}

// fail ends the call and tells d.
func (c *Call) fail(f Failure) {
	u, d := c.u, c.d
	member := ""
	if c.choice != nil {
		member = c.choice.Member.Name
	}
	c.end()
	if u != nil && u.call == c {
		u.call = nil
		c.p.unstash(u)
		c.p.s.Abort(u.conn)
	}
	d.Fail(f, member)
}

// idempotent methods may be repeated (RFC 9110, section 9.2.2).
func (c *Call) idempotent() bool {
	switch c.method {
	case http1.GET, http1.HEAD, http1.PUT, http1.DELETE, http1.OPTIONS, http1.TRACE:
		return true
	}
	return false
}

// lost handles the end of the connection before the response began. On one
// that was kept alive that is no failure of the upstream: it may have closed
// at the moment it was used. The request goes out once more, if that is safe
// (RFC 9112, section 9.3.1).
func (c *Call) lost(f Failure) {
	safe := c.idempotent() || c.p.s.SentBytes(c.u.conn) == c.base
	if c.reused && !c.retried && !c.seen && c.received == 0 && safe {
		c.detach()
		c.retried = true
		c.try(c.choice, true)
		return
	}
	c.fail(f)
}

// unreachable handles a connection that could not be made. Nothing of the
// request was seen by anyone: the next member gets it.
func (c *Call) unreachable(f Failure) {
	p := c.p
	c.u.pool.failedUntil = p.s.Now() + int64(failTime)
	c.detach()
	if c.attempts >= len(c.plan.Choices) {
		c.fail(f)
		return
	}
	c.try(p.choose(c), false)
}

// detach lets go of a connection that is of no use any more.
func (c *Call) detach() {
	u := c.u
	c.u = nil
	u.call = nil
	c.p.unstash(u)
	c.p.s.Drop(u.conn)
}
