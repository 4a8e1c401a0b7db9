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
	p    *Proxy
	d    Downstream
	plan *Plan
	at   int // the choice of the plan
	u    *upstream

	head    engine.Buf // the request's head, held while it may be repeated
	headLen int
	body    http1.Body // of the response
	trailer []byte

	method   http1.MethodID
	content  http1.BodyKind // of the request
	phase    phase
	sentAll  bool // the request is complete
	asked    bool // the client has been asked for content
	seen     bool // what cannot be repeated has been queued behind the head
	reused   bool // the connection has served before
	retried  bool // and was found stale once
	paused   bool
	close    bool // the connection ends with the response
	interim  uint8
	tries    uint8 // how many members could not be connected to
	tried    [maxTries]uint32
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
	c.at = p.choose(plan)
	if f := c.writeHead(r); f != 0 {
		c.fail(f)
		return nil
	}
	if c.try(false); c.phase == over {
		return nil
	}
	return c
}

// choice is where the call goes.
func (c *Call) choice() *Choice { return &c.plan.Choices[c.at] }

// writeHead writes the head of the request to the upstream.
func (c *Call) writeHead(r *Request) Failure {
	s := c.p.s
	room := RequestRoom(r, c.choice())
	if room > engine.LargeBuffer {
		return HeadTooLarge
	}
	if c.head = s.Buffer(room); c.head == 0 {
		return NoBuffers
	}
	mem := s.Bytes(c.head)
	if c.headLen = len(AppendRequest(mem[:0], r, c.choice())); c.headLen > room {
		panic("proxy: the head of a request is longer than RequestRoom says")
	}
	return 0
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
// the next one. fresh asks for a connection that has not served before.
func (c *Call) try(fresh bool) {
	p := c.p
	for {
		e := p.take(p.pool(c.choice().Member), c, fresh)
		if e == 0 {
			break
		}
		if e == unix.EMFILE || e == unix.ENFILE || e == unix.ENOBUFS || e == unix.ENOMEM {
			c.fail(NoConnections)
			return
		}
		if !c.next() {
			c.fail(ConnectRefused)
			return
		}
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

// next goes on to another member, after one that could not be connected to;
// false if there is none left.
func (c *Call) next() bool {
	c.unreached()
	i := c.p.another(c)
	if i < 0 {
		return false
	}
	c.at = i
	return true
}

// begin starts the exchange on an established connection.
func (c *Call) begin() {
	c.phase = awaiting
	if c.sentAll {
		c.awaitResponse()
		return
	}
	c.deadline(c.plan.Timeouts.Idle)
	if !c.asked {
		c.asked = true
		c.d.Want(contentWindow >> (2 * c.p.s.Pressure()))
	}
}

// awaitResponse starts the time that the upstream has for its answer, as soon
// as the request has left.
func (c *Call) awaitResponse() {
	s, conn := c.p.s, c.u.conn
	if c.seen && s.Queued(conn) > 0 {
		c.deadline(c.plan.Timeouts.Idle)
		s.NotifyDrained(conn, 0)
		return
	}
	c.deadline(c.plan.Timeouts.FirstByte)
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
	c.taken(len(b))
}

// taken follows n bytes of content that were queued for the upstream.
func (c *Call) taken(n int) {
	s, conn := c.p.s, c.u.conn
	if c.phase != connecting {
		c.deadline(c.plan.Timeouts.Idle)
	}
	c.owed += n
	low := contentLow >> (2 * s.Pressure())
	if s.Queued(conn) <= int64(low) {
		c.grant()
		return
	}
	s.NotifyDrained(conn, low)
}

// grant lets the client send as much again as the upstream has taken.
func (c *Call) grant() {
	n := c.owed
	c.owed = 0
	if n > 0 && !c.sentAll {
		c.d.Want(n)
	}
}

// drained is called when the upstream has taken enough of the request.
func (c *Call) drained() {
	if c.sentAll && c.phase == awaiting {
		c.awaitResponse()
		return
	}
	c.grant()
}

var (
	crlf      = []byte(http1.CRLF)
	lastChunk = []byte(http1.LastChunkLine)
)

// ContentEnd ends the content of the request; trailers are field lines or nil.
func (c *Call) ContentEnd(trailers []byte) {
	if c.phase == over {
		return
	}
	c.sentAll = true
	if c.content == http1.BodyChunked {
		c.seen = true
		s, conn := c.p.s, c.u.conn
		if !s.Append(conn, lastChunk) || !s.Append(conn, trailers) || !s.Append(conn, crlf) {
			c.fail(NoBuffers)
			return
		}
	}
	if c.phase == awaiting {
		c.awaitResponse()
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
func (c *Call) Member() string { return c.choice().Member.Name }

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
	member := c.Member()
	c.end()
	if u != nil && u.call == c {
		u.call = nil
		c.p.unstash(u)
		c.p.s.Abort(u.conn)
	}
	d.Fail(f, member)
}

// lost handles the end of the connection before the response began. On one
// that was kept alive that is no failure of the upstream: it may have closed
// at the moment it was used. The request goes out once more, if that is safe
// (RFC 9112, section 9.3.1).
func (c *Call) lost(f Failure) {
	safe := c.method.Idempotent() || c.unsent()
	if c.reused && !c.retried && !c.seen && c.received == 0 && safe {
		c.detach()
		c.retried = true
		c.try(true)
		return
	}
	c.fail(f)
}

// unsent reports whether no byte of the request has left.
func (c *Call) unsent() bool { return c.p.s.SentBytes(c.u.conn) == c.base }

// unreachable handles a connection that could not be made. Nothing of the
// request was seen by anyone: the next member gets it, unless content was
// queued behind the head and is gone with the connection.
func (c *Call) unreachable(f Failure) {
	c.detach()
	if c.seen {
		c.unreached()
		c.fail(f)
		return
	}
	if !c.next() {
		c.fail(f)
		return
	}
	c.try(false)
}

// detach lets go of a connection that is of no use any more.
func (c *Call) detach() {
	u := c.u
	c.u = nil
	u.call = nil
	c.p.unstash(u)
	c.p.s.Drop(u.conn)
}
