package gateway

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

// beginTLS puts TLS between a new connection and its codec. Which protocol it speaks,
// and that it is a client at all, is known when the handshake has ended: see secured.
func (h *h1Conn) beginTLS(s *tlsedge.Server) {
	g := h.g
	if g.errors != nil && g.level.Allows(telemetry.Info) {
		h.Peer() // nobody can be asked once the handshake has failed
	}
	h.flags |= h1Secure | h1TLS | h1Handshake
	g.edge.Server(h.conn, s)
	if s.Handshake > 0 {
		h.deadline(s.Handshake)
	}
}

// protocolH2 is HTTP/2 in the language of ALPN.
const protocolH2 = "h2"

// secured is called when the handshake of a client has ended well, and with it the choice
// of a protocol (RFC 7301). HTTP/1.1 is what a client speaks that names none.
func (h *h1Conn) secured() {
	g := h.g
	h.flags &^= h1Handshake
	t := h.TLS()
	if t != nil {
		g.countSecured(t)
	}
	switch {
	case t == nil || t.Protocol() != protocolH2:
		h.deadline(g.gen.Settings.Header)
	case g.gen.Settings.H2 != nil:
		g.startH2(h).accept()
	default:
		// The configuration has changed since HTTP/2 was offered. The client comes
		// again, and is offered what there is now.
		h.gone()
		g.s.Close(h.conn)
	}
}

// unseal passes what came behind a PROXY header to TLS.
func (h *h1Conn) unseal(p []byte) {
	if t := h.TLS(); t == nil || !t.Feed(p) {
		h.abort()
	}
}

// TLS is that of the connection, nil if it is plain.
func (h *h1Conn) TLS() *tlsedge.Conn {
	if !h.flags.has(h1TLS) {
		return nil
	}
	return h.g.edge.Of(h.conn)
}

// handshakeTimeout ends a connection whose handshake takes too long. There is nobody
// to be told, in any language.
func (h *h1Conn) handshakeTimeout() {
	h.g.countUnsecured("timeout")
	h.refusedTLS(telemetry.Info, "handshake_timeout")
	h.gone()
	h.g.s.Drop(h.conn)
}

// logTLS says why TLS has ended a connection.
func (h *h1Conn) logTLS() {
	t := h.TLS()
	if t == nil || t.Err() == nil {
		return
	}
	if h.flags.has(h1Handshake) {
		h.g.countUnsecured(tlsedge.FailureCode(t.Err()))
	}
	level := telemetry.Info
	if _, ok := errors.AsType[*tlsedge.Panicked](t.Err()); ok {
		level = telemetry.Error
	}
	h.refusedTLS(level, t.Err().Error())
}

func (h *h1Conn) refusedTLS(level telemetry.Level, reason string) {
	g := h.g
	if g.errors == nil || !g.level.Allows(level) {
		return
	}
	what := "TLS connection ended"
	if h.flags.has(h1Handshake) {
		what = "TLS handshake failed"
	}
	line := []telemetry.Field{telemetry.String("reason", reason)}
	if h.flags.has(h1PeerKnown) {
		line = append(line, telemetry.Addr("client", h.peer))
	}
	g.errors.Error(level, g.s.Unix(), what, line...)
}

// misdirected reports whether a request is for a host that its connection is not for
// (RFC 9110, section 15.5.20). CONNECT names where a tunnel leads, which is somewhere else.
func misdirected(c Codec, r *http1.Request) bool {
	if !c.Secure() || r.Form == http1.AuthorityForm {
		return false
	}
	t := c.TLS()
	host := r.Bytes(r.Host)
	return t != nil && len(host) > 0 && !t.Covers(host)
}

// acmeChallenge begins the paths that a certificate authority asks for without TLS
// (RFC 8555, section 8.3).
var acmeChallenge = []byte("/.well-known/acme-challenge/")

// isChallenge looks at the path as the routes do: one that only begins like a
// challenge's is not one.
func (g *Gateway) isChallenge(r *http1.Request) bool {
	path := r.PathBytes()
	if serverWide(r) || !bytes.HasPrefix(path, acmeChallenge) {
		return false
	}
	if !r.PathIsPlain {
		var ok bool
		if path, ok = route.Normalise(g.path[:0], path); !ok {
			return false
		}
	}
	return bytes.HasPrefix(path, acmeChallenge)
}

// redirectToTLS sends a client to the same place by https. The method stays, so that
// what was to be sent is sent there.
func (g *Gateway) redirectToTLS(x *Exchange, r *http1.Request, port uint16) {
	host := r.Bytes(r.Host)
	if len(host) == 0 || serverWide(r) {
		x.refuse(400, "no_host")
		return
	}
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	b := append(g.fields[:0], "Location: https://"...)
	b = append(b, host...)
	if port != 443 {
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(port), 10)
	}
	b = append(b, r.PathBytes()...)
	if r.HasQuery {
		b = append(b, '?')
		b = append(b, r.Bytes(r.Query)...)
	}
	b = append(b, "\r\nContent-Type: text/plain; charset=utf-8\r\n"...)
	g.fields = b
	x.respond(Response{Status: 308, Block: b, Length: int64(len(permanentRedirect))}, permanentRedirect)
}

var permanentRedirect = []byte("Permanent Redirect\n")
