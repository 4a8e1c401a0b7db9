package proxy

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
)

// The head of a request over HTTP/2 is kept as text, like one for HTTP/1.1,
// because it is compressed in a manner that depends on the connection, which
// may be another one each time it is sent. Its parts lie one behind the other:
//
//	method path authority accept fields key
//
// accept is what a client of a WebSocket has to be answered with, and key the
// field that it has asked with. Both are empty for other requests.

// parts is where each of them begins; the first one begins at 0.
type parts struct {
	path, authority, accept, fields, key int
}

// The schemes are those of the connection to the member. How the client has
// asked is told in fields.
var schemeHTTP, schemeHTTPS = []byte("http"), []byte("https")

// writeParts writes the head of the request to an upstream of HTTP/2.
func (c *Call) writeParts(r *Request) Failure {
	s := c.p.s
	room := RequestRoom(r, c.target(), c.member()) + acceptLen
	if r.Edits != nil {
		room += len(r.Edits.Host()) // it is there twice for a moment
	}
	if room > engine.LargeBuffer {
		return HeadTooLarge
	}
	if c.head = s.Buffer(room); c.head == 0 {
		return NoBuffers
	}
	if c.headLen = len(c.parts.appendRequest(s.Bytes(c.head)[:0], r, c.target(), c.member())); c.headLen > room {
		panic("proxy: the parts of a request are longer than RequestRoom says")
	}
	return 0
}

// appendRequest appends the parts of a request; see AppendRequest.
func (p *parts) appendRequest(dst []byte, r *Request, t *Target, m *Member) []byte {
	h := r.Head
	dst = append(dst, h.Bytes(h.Method)...)
	p.path = len(dst)
	dst = appendTarget(dst, r, t)
	p.authority = len(dst)
	dst = appendAuthority(dst, r, m)
	p.accept = len(dst)
	key := webSocketKey(r)
	if key >= 0 {
		dst = appendAccept(dst, h.Value(&h.Fields[key]))
	}
	p.fields = len(dst)
	drop := r.drops
	if len(r.Upgrade) > 0 {
		drop = r.dropsOffering
	}
	if r.HTTP2 {
		dst = appendKept(dst, &h.Head, drop)
	} else {
		dst = appendTrimmed(dst, &h.Head, drop)
	}
	dst = appendAdded(dst, r, h.Bytes(h.Host))
	if r.Edits != nil {
		dst = r.Edits.ApplyFields(dst, p.fields)
	}
	if acceptsTrailers(h) {
		dst = append(dst, "TE: trailers\r\n"...)
	}
	p.key = len(dst)
	if key >= 0 {
		dst = http1.AppendField(dst, webSocketKeyName, h.Value(&h.Fields[key]))
	}
	return dst
}

// appendAuthority writes what is a Host field in HTTP/1.1.
func appendAuthority(dst []byte, r *Request, m *Member) []byte {
	if r.Edits != nil {
		if host := r.Edits.Host(); host != nil {
			return append(dst, host...)
		}
	}
	if host := r.Head.Bytes(r.Head.Host); len(host) > 0 {
		return append(dst, host...)
	}
	return appendMemberHost(dst, m)
}

// appendTrimmed is appendKept without the blanks around a value, which HTTP/2
// does not allow there (RFC 9113, section 8.2.1).
func appendTrimmed(dst []byte, h *http1.Head, drop func(*http1.Head, *http1.Field) bool) []byte {
	for i := range h.Fields {
		if f := &h.Fields[i]; !f.HopByHop() && !drop(h, f) {
			dst = http1.AppendField(dst, h.Name(f), h.Value(f))
		}
	}
	return dst
}

// offers reports whether the call offers to switch to another protocol.
func (c *Call) offers() bool { return c.offer.n > 0 }

// board sends the request of a call that is on a connection of HTTP/2: now, or
// when the connection stands. One that offers another protocol has to wait
// until it is known whether the member takes such offers.
func (c *Call) board() {
	if m := c.f.s; !m.up || c.offers() && !m.settled {
		c.phase = connecting
		c.deadline(c.plan.Timeouts.Connect)
		return
	}
	c.sendHead()
}

// sendHead sends the request, as far as it is there.
func (c *Call) sendHead() {
	f, p := c.f, c.p
	m := f.s
	if f.stream = m.conn.Open(c.method == http1.HEAD); f.stream == nil {
		// The member allows less than it did.
		c.trouble(causeRefused, Refused)
		return
	}
	f.stream.User = f.id
	f.wide = m.conn.Room(f.stream) >= wideWindow
	f.base = m.received
	c.base = p.s.SentBytes(m.u.conn)
	mem := p.s.Bytes(c.head)[:c.headLen]
	at := &c.parts
	head := h2.RequestHead{
		Method: mem[:at.path], Scheme: schemeHTTP, Authority: mem[at.authority:at.accept], Path: mem[at.path:at.authority],
		Length: -1, Block: mem[at.fields:],
	}
	if m.u.tls != nil {
		head.Scheme = schemeHTTPS
	}
	switch {
	case c.method == http1.CONNECT:
		head.Authority = head.Path
	case c.content == http1.BodyLength || c.stated:
		head.Length = c.length
	}
	if c.extended = c.offers() && m.conn.ExtendedConnect(); c.extended {
		head.Method, head.Protocol = methodConnect, c.offer.first()
		head.Block = mem[at.fields:at.key]
	}
	f.heldAt = 0
	f.ended = c.sentAll && !c.extended && c.method != http1.CONNECT
	if c.state == contentHeld && c.heldTrailers > 0 {
		f.trailers = append(f.trailers[:0], p.s.Bytes(c.held)[c.heldLen-c.heldTrailers:c.heldLen]...)
	}
	f.over = f.ended && f.left() == 0 && len(f.trailers) == 0
	p.h2.Out = m.conn.AppendRequest(p.h2.Out, f.stream, &head, f.over)
	if !m.flush() || !f.pump() {
		c.fail(NoBuffers)
		return
	}
	c.begin()
}

var methodConnect = []byte("CONNECT")
