package gateway

import (
	"net/netip"

	"github.com/anygate/anygate/proxy/proxyproto"
	"github.com/anygate/anygate/telemetry"
)

// A connection of a listener with the PROXY protocol begins with a header that
// says who the client is (see package proxyproto). It has to come, and within
// the time for a request's head; nothing is answered to a connection without
// it, because it is not known what it is.

// awaitPreamble makes a new connection begin with a header. Where a set of
// trusted addresses is configured, only those may send one: anybody else could
// claim to be anybody. A unix socket's permissions say who may. Behind the
// header comes HTTP/2 if muxed is true.
func (h *h1Conn) awaitPreamble(muxed bool) {
	h.flags |= h1Preamble
	if muxed {
		h.flags |= h1Muxed
	}
	trust := &h.g.gen.Settings.Trust
	if peer := h.Peer(); peer.IsValid() && !trust.Empty() && !trust.Contains(peer.Addr()) {
		h.refusePreamble("proxy_header_untrusted")
	}
}

// preamble takes the header at the start of p; ok is false if it is
// incomplete.
func (h *h1Conn) preamble(p []byte) (n int, ok bool) {
	header := &h.g.preamble
	n, err := proxyproto.Parse(p, header)
	if err != proxyproto.OK {
		h.refusePreamble(err.Error())
		return len(p), true
	}
	if n == 0 {
		return 0, false
	}
	h.flags &^= h1Preamble
	if header.Source.IsValid() {
		h.peer, h.local = unmapped(header.Source), new(unmapped(header.Destination))
		h.flags |= h1PeerKnown
		if header.Secure() {
			h.flags |= h1Secure
		}
	}
	header.TLVs = nil // borrowed
	if !h.admitAddress() {
		return n, true
	}
	if l := h.g.gen.Settings.listener(int(h.listener)); l.TLS != nil {
		h.beginTLS(l.TLS)
		h.flags |= h1Sealed
	} else if h.flags.has(h1Muxed) && h.g.gen.Settings.H2 != nil {
		h.g.startH2(h).accept()
	}
	return n, true
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// preambleIncomplete reports whether b begins a header that goes on.
func (h *h1Conn) preambleIncomplete(b []byte) bool {
	n, err := proxyproto.Parse(b, &h.g.preamble)
	h.g.preamble.TLVs = nil
	return n == 0 && err == proxyproto.OK
}

// refusePreamble closes a connection without the header that it should have,
// and does not wait for the peer to close its side.
func (h *h1Conn) refusePreamble(reason string) {
	g := h.g
	g.countRefused(reason)
	if g.errors != nil && g.level.Allows(telemetry.Warn) {
		g.errors.Error(telemetry.Warn, g.s.Unix(), "connection refused",
			telemetry.String("reason", reason),
			telemetry.Addr("client", h.Peer()))
	}
	h.gone()
	g.s.Drop(h.conn)
}
