package gateway

import (
	"bytes"
	"net/netip"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
)

// identity is who has asked, and for what, as far as the peer's word on it
// counts. It is the zero value for a peer that speaks for itself.
type identity struct {
	client  netip.AddrPort // not valid if it is the peer
	host    []byte         // what the client has asked the peer for; borrowed for Begin
	list    http1.FieldID  // the field that tells of those in between
	proto   scheme
	trusted bool // the peer's word counts
}

// scheme is what is said of how the client has asked.
type scheme uint8

const (
	schemeUnsaid scheme = iota
	schemeHTTP
	schemeHTTPS
)

// identify takes over what the peer says of the client, if its word counts.
//
// X-Forwarded-For goes before Forwarded: proxies that write it are common, and
// many of them pass on a Forwarded field of the client's as it is.
func (x *Exchange) identify(h *http1.Request) {
	trust := &x.gen.Settings.Trust
	if trust.Empty() || !trust.Contains(x.codec.Peer().Addr()) {
		return
	}
	who := &x.who
	who.trusted = true
	c := chain{trust: trust}
	var about element
	switch {
	case h.Has(http1.XForwardedFor):
		c.addList(h)
		who.list = http1.XForwardedFor
	case h.Has(http1.Forwarded):
		var whole bool
		if about, whole = c.addForwarded(h); whole {
			who.list = http1.Forwarded
		}
	}
	who.client = c.client
	if about.proto == nil {
		about.proto = lastItem(h, http1.XForwardedProto)
	}
	switch {
	case http1.EqualFold(about.proto, "https"):
		who.proto = schemeHTTPS
	case http1.EqualFold(about.proto, "http"):
		who.proto = schemeHTTP
	}
	if about.host == nil {
		about.host = lastItem(h, http1.XForwardedHost)
	}
	if isAuthority(about.host) {
		who.host = about.host
	}
}

// lastItem is what the peer itself has said, where a list has grown on the way
// to it.
func lastItem(h *http1.Request, id http1.FieldID) (item []byte) {
	for i := h.First(id); i >= 0; i = h.Next(i) {
		v := h.Value(&h.Fields[i])
		item = trim(v[bytes.LastIndexByte(v, ',')+1:])
	}
	return item
}

// isAuthority reports whether b can be passed on as a host: it has nothing but
// what names, addresses and ports are made of, so that it needs no quoting,
// and no more of it than a name may have (RFC 1035, section 2.3.4).
func isAuthority(b []byte) bool {
	if len(b) == 0 || len(b) > hostMost {
		return false
	}
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-', c == '.', c == '_', c == '~', c == ':', c == '[', c == ']':
		default:
			return false
		}
	}
	return true
}

// Client is the address of who has asked: the peer's, or what a peer that is
// trusted says instead; the zero value for a client on a unix socket. It goes
// into the log and decides what depends on the client.
func (x *Exchange) Client() netip.Addr { return x.clientAddr().Addr() }

// clientAddr is Client with its port, which is 0 where only the address is
// known.
func (x *Exchange) clientAddr() netip.AddrPort {
	if x.who.client.IsValid() {
		return x.who.client
	}
	return x.codec.Peer()
}

// https reports whether the client has asked over TLS.
func (x *Exchange) https() bool {
	if x.who.proto != schemeUnsaid {
		return x.who.proto == schemeHTTPS
	}
	return x.codec.Secure()
}

// proxied fills in who has asked.
func (x *Exchange) proxied(r *proxy.Request) {
	r.Peer, r.HTTPS = x.Client(), x.https()
	if x.who.trusted {
		r.Relay = proxy.Relay{
			Trusted: true, By: x.codec.Peer().Addr(), HTTPS: x.codec.Secure(), List: x.who.list, Host: x.who.host,
		}
	}
	x.certified(r)
	if x.route.Proxy.Upstream.Settings.Load().ProxyProtocol != 0 {
		r.Source, r.Destination = x.clientAddr(), x.codec.Local()
	}
}
