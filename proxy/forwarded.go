package proxy

import (
	"net/netip"

	"github.com/anygate/anygate/http1"
)

// Relay is what is known of a request that a trusted peer has passed on for
// its client. The zero value is that of a peer which speaks for itself.
type Relay struct {
	// Trusted says that the peer's word on the client counts.
	Trusted bool
	// By is the peer's address, the zero value for a unix socket.
	By netip.Addr
	// HTTPS says that the peer has asked over TLS. How the client has is in
	// Request.HTTPS.
	HTTPS bool
	// List is the field in which the peer tells of those between the client
	// and itself, X-Forwarded-For or Forwarded: it is passed on, and the peer
	// added to it. FieldOther is for none.
	List http1.FieldID
	// Host is what the client has asked the peer for; empty if that is not
	// known, or is the request's own.
	Host []byte
}

// appendForwarded writes who asked, for what, and how. It says the same in
// X-Forwarded-* and in Forwarded, but of those between the client and the peer
// only in the one that the peer has written.
func appendForwarded(dst []byte, r *Request, host []byte) []byte {
	asked := host
	if len(r.Relay.Host) > 0 {
		asked = r.Relay.Host
	}
	dst = append(dst, "X-Forwarded-For: "...)
	dst = appendAddresses(dst, r)
	dst = append(dst, "\r\nX-Forwarded-Proto: "...)
	dst = append(dst, scheme(r.HTTPS)...)
	if len(asked) > 0 {
		dst = append(dst, "\r\nX-Forwarded-Host: "...)
		dst = append(dst, asked...)
	}
	dst = append(dst, "\r\nForwarded: "...)
	switch relay := &r.Relay; {
	case relay.Trusted && relay.List == http1.Forwarded:
		dst = appendLines(dst, r.Head, http1.Forwarded)
		dst = appendElement(dst, relay.By, host, relay.HTTPS)
	case relay.Trusted && r.Peer != relay.By:
		dst = appendElement(dst, r.Peer, asked, r.HTTPS)
		dst = append(dst, ", "...)
		dst = appendElement(dst, relay.By, host, relay.HTTPS)
	default:
		dst = appendElement(dst, r.Peer, asked, r.HTTPS)
	}
	return append(dst, "\r\n"...)
}

// appendAddresses writes the value of X-Forwarded-For.
func appendAddresses(dst []byte, r *Request) []byte {
	switch relay := &r.Relay; {
	case relay.Trusted && relay.List == http1.XForwardedFor:
		dst = appendLines(dst, r.Head, http1.XForwardedFor)
		return appendAddr(dst, relay.By)
	case relay.Trusted && r.Peer != relay.By:
		dst = appendAddr(dst, r.Peer)
		dst = append(dst, ", "...)
		return appendAddr(dst, relay.By)
	}
	return appendAddr(dst, r.Peer)
}

// appendLines joins what a field says into one list that can be continued
// (RFC 9110, section 5.3). It is no longer than the lines were.
func appendLines(dst []byte, h *http1.Request, id http1.FieldID) []byte {
	for i := h.First(id); i >= 0; i = h.Next(i) {
		if v := h.Value(&h.Fields[i]); len(v) > 0 {
			dst = append(dst, v...)
			dst = append(dst, ", "...)
		}
	}
	return dst
}

// appendElement writes a member of Forwarded (RFC 7239, section 4). A host
// may have a port, and an IPv6 address has colons, which a token does not
// (section 6).
func appendElement(dst []byte, node netip.Addr, host []byte, https bool) []byte {
	dst = append(dst, "for="...)
	if node.Is6() {
		dst = append(dst, `"[`...)
		dst = appendAddr(dst, node)
		dst = append(dst, `]"`...)
	} else {
		dst = appendAddr(dst, node)
	}
	if len(host) > 0 {
		dst = append(dst, `;host="`...)
		dst = append(dst, host...)
		dst = append(dst, '"')
	}
	dst = append(dst, ";proto="...)
	return append(dst, scheme(https)...)
}

// appendAddr writes an address, without its zone: that is a name that only
// this machine knows.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return append(dst, "unknown"...)
	}
	return a.WithZone("").AppendTo(dst)
}

func scheme(https bool) string {
	if https {
		return "https"
	}
	return "http"
}
