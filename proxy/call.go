package proxy

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy/balance"
)

// phase is how far a call has come.
type phase uint8

const (
	waiting    phase = iota // for what the upstream's limits allow
	connecting              // until the connection stands
	awaiting                // the request is on its way, no response yet
	relaying                // the response's head has been passed on
	tunnelling              // it was one behind which there is no HTTP; see tunnel.go
	over                    // nothing more happens
)

// Call is one request on its way to an upstream and back.
type Call struct {
	p    *Proxy
	d    Downstream
	plan *Plan
	v    *view
	set  *Set
	at   int // the endpoint in set
	slot balance.Slot
	pl   *pool
	u    *link
	f    *flight // on a connection of HTTP/2
	key  uint64  // for consistent hashing

	head     engine.Buf // the request's head, held while it may be repeated
	headLen  int
	prefaced int        // bytes of a PROXY header at the beginning of head
	parts    parts      // of a head for HTTP/2
	body     http1.Body // of the response
	offer    offer
	flow     Flow // of a tunnel's bytes from the upstream
	trailer  []byte

	method    http1.MethodID
	content   http1.BodyKind // of the request
	state     contentState
	phase     phase
	sentAll   bool // the request is complete
	asked     bool // the client has been asked for content
	holding   bool // content is kept as it comes; see replay.go
	told      bool // the head begins with a PROXY header; see preamble.go
	reused    bool // the connection has served before
	stale     bool // and was found stale once
	begun     bool // the client has got something of a response
	paused    bool
	ended     bool // the upstream has ended its side of a tunnel
	close     bool // the connection ends with the response
	bad       bool // the response's status is one of 5xx
	unit      bool // counts against the upstream's limit of requests
	placed    bool // and of waiting ones
	attempted bool // an attempt is counted as under way; see count.go
	answered  bool // and the response's head has come
	judged    bool // and what it says of the member is counted
	concluded bool // the call counts as under way no more; see view.go
	grpc      bool // the request is one of gRPC
	stated    bool // the request says that its content has no bytes
	extended  bool // it went out as an extended CONNECT; see h2_tunnel.go
	interim   uint8
	repeats   uint8 // attempts that a retry has cost
	tries     uint8 // how many members it does not go to any more
	tried     [maxTries]balance.Slot

	held         engine.Buf // content that may have to be sent again, and trailers
	heldLen      int
	heldTrailers int
	length       int64 // of the content, -1 if that is not known
	granted      int64 // content the client was asked for
	taken        int64 // and has sent
	owed         int   // content taken from the client and not yet granted again

	base     uint64 // bytes the connection had sent before
	sending  uint64 // the attempt's number
	sentAt   int64  // when it began
	tryUntil int64  // when it is given up, 0 never
	expires  int64  // when the client of gRPC gives the call up, 0 never
	received int64
	progress uint64

	before, behind *Call // in the queue
	until          int64 // how long it waits there, 0 for ever
}

// Start sends a request to a member of the plan. The outcome reaches d, maybe
// before Start returns; the Call is valid until d.Finish or d.Fail is called,
// or Cancel.
func (p *Proxy) Start(d Downstream, plan *Plan, r *Request) *Call {
	c, v := p.newCall(), p.view(plan.Upstream)
	c.d, c.plan, c.v = d, plan, v
	c.method, c.content, c.length = r.Head.MethodID, r.Content, r.Length
	c.sentAll = r.Content == http1.BodyNone
	v.calls++
	if f := c.prepare(r); f != 0 {
		c.fail(f)
		return nil
	}
	if v.limited() && (v.first != nil || !v.request(c)) {
		c.wait(false)
	} else {
		c.try(false)
	}
	if c.phase == over {
		return nil
	}
	return c
}

// prepare finds out where the call goes, and writes the head.
func (c *Call) prepare(r *Request) Failure {
	if !c.v.admit(c) {
		return CircuitOpen
	}
	if c.plan.Balance.Policy == balance.Hash {
		c.key = hashKey(&c.plan.Balance, r)
	}
	if !c.choose() {
		return NoMembers
	}
	if c.plan.Upgrade {
		c.offer.read(r.Head, r.Content)
	}
	r.Upgrade = c.offer.bytes()
	if r.Edits == nil {
		r.Edits = c.plan.Edits
	}
	c.holding = !c.sentAll && c.mayHold(r.Length)
	if c.grpc = GRPC(r.Head); c.grpc {
		c.expires = c.p.grpcDeadline(r.Head)
	}
	c.stated = r.Head.ContentLength == 0
	if c.v.settings.Protocol != HTTP1 {
		return c.writeParts(r)
	}
	return c.writeHead(r)
}

// member is where the call goes, target how the request is written.
func (c *Call) member() *Member { return c.set.Endpoints[c.at].Member }
func (c *Call) target() *Target { return &c.plan.Targets[c.set.Endpoints[c.at].Target] }

// writeHead writes the head of the request to the upstream.
func (c *Call) writeHead(r *Request) Failure {
	s := c.p.s
	room := RequestRoom(r, c.target(), c.member())
	version := c.v.settings.ProxyProtocol
	if c.told = version != 0; c.told {
		room += preambleRoom
	}
	if room > engine.LargeBuffer {
		return HeadTooLarge
	}
	if c.head = s.Buffer(room); c.head == 0 {
		return NoBuffers
	}
	mem := s.Bytes(c.head)[:0]
	if c.told {
		mem = appendPreamble(mem, version, r)
	}
	c.prefaced = len(mem)
	if c.headLen = len(AppendRequest(mem, r, c.target(), c.member())); c.headLen > room {
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

// try sends the request over a connection to the call's member, or goes on to
// the next one. fresh asks for a connection that has not served before.
func (c *Call) try(fresh bool) {
	for {
		e := c.p.take(c.pl, c, fresh)
		if e == errNoUnit {
			c.wait(c.sending != 0)
			return
		}
		c.attempt()
		switch e {
		case 0:
			c.send()
			return
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
			c.fail(NoConnections)
			return
		}
		if f := connectFailure(e); !c.next(c.decide(causeConnect)) {
			c.fail(f)
			return
		}
	}
}

// send queues the request, as far as it is there, on a connection that may
// not stand yet.
func (c *Call) send() {
	p := c.p
	s, conn := p.s, c.u.conn
	p.sends++
	c.sending = p.sends
	c.received, c.progress, c.interim = 0, 0, 0
	c.base = s.SentBytes(conn)
	if d := c.plan.Retry.PerTry; d > 0 {
		c.tryUntil = s.Now() + int64(d)
	}
	if c.f != nil {
		c.board()
		return
	}
	at := c.sentHead()
	s.AppendBuffer(conn, c.head, at, c.headLen-at)
	if c.state == contentHeld && !c.replay() {
		c.fail(NoBuffers)
		return
	}
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
		c.awaitResponse()
		return
	}
	c.deadline(c.plan.Timeouts.Idle)
	if c.asked {
		c.grant()
		return
	}
	c.asked = true
	n := contentWindow >> (2 * c.p.s.Pressure())
	if c.holding {
		n = replayBytes
	}
	c.granted = int64(n)
	c.d.Want(n)
}

// awaitResponse starts the time that the upstream has for its answer, as soon
// as the request has left.
func (c *Call) awaitResponse() {
	s := c.p.s
	if c.state != contentUnread {
		c.sentAt = s.Now() // a long upload is not the member's slowness
	}
	if c.state != contentUnread && c.queued() {
		c.deadline(c.plan.Timeouts.Idle)
		if c.f == nil {
			s.NotifyDrained(c.u.conn, 0)
		}
		return
	}
	c.deadline(c.plan.Timeouts.FirstByte)
}

// deadline bounds what the call waits for, within the time of the attempt.
func (c *Call) deadline(d time.Duration) {
	if c.tryUntil != 0 && c.phase < relaying {
		left := max(1, time.Duration(c.tryUntil-c.p.s.Now()))
		if d == 0 || left < d {
			d = left
		}
	}
	if c.expires != 0 {
		left := max(1, time.Duration(c.expires-c.p.s.Now()))
		if d == 0 || left < d {
			d = left
		}
	}
	if c.f != nil {
		c.f.deadline(d)
		return
	}
	c.p.s.SetDeadline(c.u.conn, d)
}

// queued reports whether some of the request waits to be taken by the upstream.
func (c *Call) queued() bool {
	if c.f != nil {
		return c.f.unsent()
	}
	return c.p.s.Queued(c.u.conn) > 0
}

// moved is a number that grows as the upstream takes the request. It is for
// timers.
func (c *Call) moved() uint64 {
	if c.f != nil {
		return c.f.sent
	}
	return c.p.s.Progress(c.u.conn)
}

// Resume says that the client's side takes content again.
func (c *Call) Resume() {
	if c.phase != over && c.paused {
		c.paused = false
		if c.f != nil {
			c.f.resume()
		} else {
			c.p.s.Resume(c.u.conn)
		}
		if c.phase == tunnelling {
			c.touch()
			return
		}
		c.deadline(c.plan.Timeouts.Idle)
	}
}

// Waiting reports whether the call waits for what the upstream's limits allow.
func (c *Call) Waiting() bool { return c.phase == waiting }

// Cancel ends the call without a word to d.
func (c *Call) Cancel() {
	switch c.phase {
	case over:
		return
	case tunnelling:
		if c.sentAll {
			// The client had said all that it had to say: the upstream gets it.
			c.leaveTunnel()
			return
		}
	case waiting:
		c.dequeue()
	}
	if c.answered && !c.bad {
		c.succeeded()
	}
	u, f := c.u, c.f
	c.end()
	c.cutOff(u, f)
}

// cutOff ends what the call, which is over, had under way.
func (c *Call) cutOff(u *link, f *flight) {
	switch {
	case f != nil:
		c.p.leave(f)
	case u != nil && u.call == c:
		c.p.disengage(u)
		c.p.abort(u)
	}
}

// Member is the name of the member that the call went to, or of the upstream
// if it did not come to that.
func (c *Call) Member() string {
	if c.set == nil {
		return c.v.u.Name
	}
	return c.member().Name
}

// end makes the call's record free for the next one. It stays readable until
// the caller returns.
func (c *Call) end() {
	c.phase = over
	c.settled()
	c.dropHead()
	c.v.leave(c)
	c.p.calls = append(c.p.calls, c)
}

// dropHead gives up what would be needed to send the request again.
func (c *Call) dropHead() {
	if c.head != 0 {
		c.p.s.ReleaseBuffer(c.head)
		c.head = 0
	}
	c.dropHeld()
}

// fail ends the call and tells d.
func (c *Call) fail(f Failure) {
	u, d, flight := c.u, c.d, c.f
	if c.placed {
		c.dequeue() // content has come that cannot be kept until its turn
	}
	member := c.Member()
	c.p.failures[f].Add(1)
	c.v.count.Failures[f]++
	if f.Fault() {
		c.failed()
	}
	c.end()
	c.cutOff(u, flight)
	d.Fail(f, member)
}
