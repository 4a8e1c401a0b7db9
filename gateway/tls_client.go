package gateway

import (
	"time"

	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/tlsedge"
)

// peer is the client's certificate, nil if it has shown none.
func (x *Exchange) peer() *tlsedge.Peer {
	if t := x.codec.TLS(); t != nil {
		return t.Peer()
	}
	return nil
}

// vouched reports whether the exchange may go on as far as the client's certificate
// is concerned. If not, it has its answer.
func (x *Exchange) vouched() bool {
	by := x.route.Clients
	if by == nil {
		return true
	}
	p := x.peer()
	switch {
	case p == nil:
		x.refuse(403, "no_client_certificate")
	case !p.Vouched(by, time.Unix(x.g.s.Unix(), 0)):
		x.refuse(403, "client_certificate_not_trusted")
	default:
		return true
	}
	return false
}

// certified fills in what the upstream is told of the client's certificate: nothing,
// unless the handshake has verified it, or the route.
func (x *Exchange) certified(r *proxy.Request) {
	r.OwnCertificate = x.gen.Settings.OwnCertificates
	if !r.OwnCertificate {
		return
	}
	if p := x.peer(); p != nil && x.verified(p) {
		r.Certificate = p.Fields()
	}
}

// verified reports whether anybody vouches for the client's certificate: the
// handshake has asked, or the route does.
func (x *Exchange) verified(p *tlsedge.Peer) bool {
	by := x.route.Clients
	return p.Verified() || by != nil && p.Vouched(by, time.Unix(x.g.s.Unix(), 0))
}
