package proxy

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/tlsedge"
)

// Connections to a member with TLS are opened as any other and put under a
// transform: Connected then comes when the handshake is over, within the time
// that there is to connect. Until then nothing of a request has left, so a
// handshake that fails is a connection that could not be made. Afterwards the
// only difference is in how a connection ends: content that lasts until then is
// whole only if the member has said that it is.

// UseTLS gives the proxy the TLS of its shard, without which no member with TLS
// can be connected to. tell takes what becomes of members with it.
func (p *Proxy) UseTLS(e *tlsedge.Edge, tell func(Notice)) {
	p.edge, p.tell = e, tell
}

// Notice says that TLS with a member does not work any more, or works again.
// There is one of each change in the process, not of each connection.
type Notice struct {
	Member  *Member
	Failure Failure // 0: it works again
	Cause   string
}

// SetTLS publishes how TLS is spoken to the member, nil for plain connections.
// Those that were opened otherwise are not used for further requests.
func (m *Member) SetTLS(c *tlsedge.Client) { m.tls.Store(c) }

// TLS is how TLS is spoken to the member, nil if it is not.
func (m *Member) TLS() *tlsedge.Client { return m.tls.Load() }

// secure puts a connection that is being opened under TLS, if its member speaks
// it.
func (p *Proxy) secure(u *link) {
	cl := u.pool.member.TLS()
	if before := u.pool.tls; before != cl {
		if before != nil {
			p.edge.Forget(before)
		}
		u.pool.tls = cl
	}
	if u.client = cl; cl != nil {
		u.tls = p.edge.Client(u.conn, cl)
	}
}

// outdated reports whether a connection was opened in another way than one would
// be opened now: with another authority, or another certificate of ours.
func (u *link) outdated() bool { return u.client != u.pool.member.TLS() }

// preface says a PROXY header before TLS begins, as whoever terminates that
// expects it. It lies in front of the head.
func (c *Call) preface(u *link) {
	if u.tls != nil && c.told {
		u.tls.Preface(c.p.s.Bytes(c.head)[:c.prefaced])
	}
}

// sentHead is where in its buffer the head begins that is queued as output.
func (c *Call) sentHead() int {
	if c.u.tls != nil {
		return c.prefaced
	}
	return 0
}

// whole reports whether the end of a connection can be relied upon. One that the
// member has not announced may be the work of somebody in between (RFC 8446,
// section 6.1).
func (u *link) whole() bool { return u.tls == nil || u.tls.Ended() }

// polite reports whether the end of a connection is to be announced: nothing is on
// its way on it.
func (p *Proxy) polite(u *link) bool {
	return u.tls != nil && u.tls.Ready() && p.s.Queued(u.conn) == 0
}

// unprepared handles the end of a connection before it could be used: TLS has
// refused, or the member has ended it in the middle of the handshake. It
// reports false for any other end.
func (p *Proxy) unprepared(u *link, why engine.Reason) bool {
	c, m := u.call, u.h2
	if u.tls == nil || c != nil && c.phase > awaiting || c == nil && m == nil && u.at >= 0 {
		return false
	}
	err := u.tls.Err()
	switch {
	case why == engine.ReasonMemory:
		return false
	case !u.tls.Ready():
	case why == engine.ReasonTransform && !u.heard && tlsedge.RefusesUs(err):
		// The handshake was over on this side only.
	default:
		return false
	}
	if why != engine.ReasonTransform && why != noReason {
		return false
	}
	f := tlsFailure(err)
	if f.Fault() {
		p.notify(u.pool.member, f, tlsedge.Explain(err))
	}
	switch {
	case m != nil:
		m.lost(f)
	case c == nil:
		p.warmed(u, false)
	case f.Fault():
		c.unreachable(f)
	default:
		c.fail(f)
	}
	return true
}

// protocolH2 is the name of HTTP/2 in ALPN (RFC 9113, section 3.2).
const protocolH2 = "h2"

// unfit ends a connection whose handshake is over, and on which HTTP/2 was not
// agreed on. There is no going on in HTTP/1.1: how many requests a connection
// takes, and how they are written, is settled before it stands.
func (p *Proxy) unfit(u *link) {
	p.notify(u.pool.member, TLSHandshake, tlsedge.Explain(tlsedge.ErrNoH2))
	u.h2.lost(TLSHandshake)
}

// noReason is that of an end which the member has brought about in the regular
// way.
const noReason = engine.Reason(0)

// tlsFailure says what a failed handshake means.
func tlsFailure(err error) Failure {
	switch tlsedge.CauseOf(err) {
	case tlsedge.CauseCertificate:
		return TLSCertificate
	case tlsedge.CauseBusy:
		return TLSBusy
	case tlsedge.CauseBuffers:
		return NoBuffers
	}
	return TLSHandshake
}

// hear notes the first bytes of a connection under TLS: both sides believe each
// other.
func (p *Proxy) hear(u *link) {
	u.heard = true
	if u.pool.member.trouble.Load() != nil {
		p.notify(u.pool.member, 0, "")
	}
}

// notify tells of a change.
func (p *Proxy) notify(m *Member, f Failure, cause string) {
	var now *string
	if f != 0 {
		now = &cause
	}
	before := m.trouble.Load()
	if before == nil && now == nil || before != nil && now != nil && *before == *now {
		return
	}
	if m.trouble.CompareAndSwap(before, now) && p.tell != nil {
		p.tell(Notice{Member: m, Failure: f, Cause: cause})
	}
}
