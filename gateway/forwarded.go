package gateway

import (
	"bytes"
	"net/netip"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy/proxyproto"
)

// chain finds the client in a list of addresses, each of which was added by
// the one behind it, and the last by the peer: it is the one nearest to the
// end that is not trusted, because everything before is only its own word. If
// all are trusted it is the first.
//
// What is no address ends the list in the same way: whoever added it does not
// tell who the client is, and so is the client itself as far as can be known.
type chain struct {
	trust  *Trust
	client netip.AddrPort // not valid if the list tells of none
	hidden bool           // something that is no address stands before client
}

// add takes the next of the list, from its beginning. It reports whether what
// is said along with the address is about the client.
func (c *chain) add(a netip.AddrPort) bool {
	switch {
	case !a.IsValid():
		c.client, c.hidden = a, true
		return true
	case !c.trust.Contains(a.Addr()):
		c.client, c.hidden = a, false
		return true
	case !c.client.IsValid():
		c.client = a
		return !c.hidden
	}
	return false
}

// addList takes the values of X-Forwarded-For.
func (c *chain) addList(h *http1.Request) {
	for i := h.First(http1.XForwardedFor); i >= 0; i = h.Next(i) {
		for rest := h.Value(&h.Fields[i]); len(rest) > 0; {
			var item []byte
			if item, rest = nextPart(rest, ','); len(item) > 0 {
				c.add(parseNode(item))
			}
		}
	}
}

// nextPart splits at the first separator, without regard to quotes. Nothing of
// what the nearest have added must depend on what somebody before them, who
// may have left a quote open, has written.
func nextPart(list []byte, separator byte) (part, rest []byte) {
	i := bytes.IndexByte(list, separator)
	if i < 0 {
		return trim(list), nil
	}
	return trim(list[:i]), list[i+1:]
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// parseNode reads an address with or without a port: "192.0.2.1",
// "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". Of a
// port that is hidden (RFC 7239, section 6.3) nothing is known.
func parseNode(b []byte) netip.AddrPort {
	host, port := b, []byte(nil)
	six := len(b) > 0 && b[0] == '['
	if six {
		end := bytes.IndexByte(b, ']')
		if end < 0 || end+1 < len(b) && b[end+1] != ':' {
			return netip.AddrPort{}
		}
		host = b[1:end]
		if end+1 < len(b) {
			port = b[end+1:]
		}
	} else if i := bytes.IndexByte(b, ':'); i >= 0 && bytes.IndexByte(b[i+1:], ':') < 0 {
		host, port = b[:i], b[i:]
	}
	addr, ok := proxyproto.ParseAddr(host)
	if !ok || six && !addr.Is6() {
		return netip.AddrPort{}
	}
	n := uint16(0)
	if port != nil {
		if n, ok = proxyproto.ParsePort(port[1:]); !ok && !(len(port) > 2 && port[1] == '_' && http1.IsToken(port[1:])) {
			return netip.AddrPort{}
		}
	}
	if !ok {
		n = 0
	}
	return netip.AddrPortFrom(addr.Unmap(), n)
}

// element is a member of a Forwarded field (RFC 7239, section 4), without what
// nobody asks for.
type element struct {
	node        netip.AddrPort // of its for parameter
	host, proto []byte         // borrowed
}

// addForwarded takes the values of Forwarded. It returns the element about the
// client, and whether all of them are well-formed, so that more can be
// appended to them.
func (c *chain) addForwarded(h *http1.Request) (client element, whole bool) {
	whole = true
	for i := h.First(http1.Forwarded); i >= 0; i = h.Next(i) {
		for rest := h.Value(&h.Fields[i]); len(rest) > 0; {
			var item []byte
			if item, rest = nextPart(rest, ','); len(item) == 0 {
				continue
			}
			e, ok := parseElement(item)
			if whole = whole && ok; c.add(e.node) {
				client = e
			}
		}
	}
	return client, whole
}

// parseElement reads [ pair ] *( ";" [ pair ] ), in which a pair is
// token "=" ( token / quoted-string ) and no name stands twice.
func parseElement(b []byte) (e element, ok bool) {
	const (
		sawFor = 1 << iota
		sawHost
		sawProto
	)
	saw := 0
	for len(b) > 0 {
		var pair []byte
		if pair, b = nextPart(b, ';'); len(pair) == 0 {
			continue
		}
		name, value, found := bytes.Cut(pair, equals)
		if !found || !http1.IsToken(name) {
			return element{}, false
		}
		if value, found = unquote(value); !found {
			return element{}, false
		}
		bit := 0
		switch {
		case http1.EqualFold(name, "for"):
			bit, e.node = sawFor, parseForwardedNode(value)
		case http1.EqualFold(name, "host"):
			bit, e.host = sawHost, value
		case http1.EqualFold(name, "proto"):
			bit, e.proto = sawProto, value
		}
		if saw&bit != 0 {
			return element{}, false
		}
		saw |= bit
	}
	return e, true
}

var equals = []byte("=")

// parseForwardedNode is parseNode without an IPv6 address that has no
// brackets, which the field does not know (RFC 7239, section 6).
func parseForwardedNode(b []byte) netip.AddrPort {
	if len(b) > 0 && b[0] != '[' && bytes.Count(b, colon) > 1 {
		return netip.AddrPort{}
	}
	return parseNode(b)
}

var colon = []byte(":")

// unquote takes the quotes off a value. No value that is of use here needs a
// backslash, so that one with it is as good as none; it is well-formed.
func unquote(b []byte) (value []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return b, http1.IsToken(b)
	}
	n := len(b) - 1
	if n == 0 || b[n] != '"' {
		return nil, false
	}
	escaped := false
	for i := 1; i < n; i++ {
		switch b[i] {
		case '\\':
			escaped = true
			i++
			if i == n {
				return nil, false
			}
		case '"':
			return nil, false
		}
	}
	if escaped {
		return nil, true
	}
	return b[1:n], true
}
