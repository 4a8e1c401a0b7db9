package proxy

import (
	"bytes"

	"github.com/anygate/anygate/http1"
)

// offer is the protocols that a request wants its connection to be switched
// to, as they are sent to the upstream. They are kept because the answer has
// to name one of them.
type offer struct {
	n    uint8
	list [offerLimit]byte
}

// read takes what is passed on of the Upgrade fields of a request: nothing if
// one of them is malformed, if the list is too long, or if the request has
// content, which would have to be told from the other protocol's first bytes.
func (o *offer) read(h *http1.Request, content http1.BodyKind) {
	o.n = 0
	if !h.Upgrade || content != http1.BodyNone || h.MethodID == http1.CONNECT {
		return
	}
	list := o.list[:0]
	for i := h.First(http1.Upgrade); i >= 0; i = h.Next(i) {
		rest := h.Value(&h.Fields[i])
		for len(rest) > 0 {
			var protocol []byte
			protocol, rest = http1.NextItem(rest)
			if len(protocol) == 0 || evades(protocol) {
				continue
			}
			comma := ""
			if len(list) > 0 {
				comma = ", "
			}
			if !isProtocol(protocol) || len(list)+len(comma)+len(protocol) > offerLimit {
				return
			}
			list = append(append(list, comma...), protocol...)
		}
	}
	o.n = uint8(len(list))
}

// bytes is the offer as the value of an Upgrade field, empty if there is none.
func (o *offer) bytes() []byte { return o.list[:o.n] }

// accepted reports whether a 101 switches to what was offered, and to nothing
// else.
func (o *offer) accepted(r *http1.Response) bool {
	if !r.Upgrade || r.Repeated(http1.Upgrade) {
		return false
	}
	rest, _ := r.Get(http1.Upgrade)
	some := false
	for len(rest) > 0 {
		var protocol []byte
		if protocol, rest = http1.NextItem(rest); len(protocol) == 0 {
			continue
		}
		if !isProtocol(protocol) || !o.has(protocol) {
			return false
		}
		some = true
	}
	return some
}

func (o *offer) has(protocol []byte) bool {
	rest := o.bytes()
	for len(rest) > 0 {
		var offered []byte
		if offered, rest = http1.NextItem(rest); bytes.EqualFold(offered, protocol) {
			return true
		}
	}
	return false
}

// isProtocol reports whether b is a protocol of an Upgrade field: a name,
// with a version or without.
func isProtocol(b []byte) bool {
	name, version, ok := bytes.Cut(b, slash)
	return http1.IsToken(name) && (!ok || http1.IsToken(version))
}

// Leaves reports whether a request offers to leave HTTP for good: to switch to
// a protocol whose first bytes could be read as a request, where those of h2c
// and TLS cannot.
func Leaves(h *http1.Request) bool {
	for i := h.First(http1.Upgrade); i >= 0; i = h.Next(i) {
		rest := h.Value(&h.Fields[i])
		for len(rest) > 0 {
			var protocol []byte
			if protocol, rest = http1.NextItem(rest); len(protocol) > 0 && !evades(protocol) {
				return true
			}
		}
	}
	return false
}

// evades reports whether a protocol would carry further requests past the
// routes and their policies, which is what h2c, HTTP/2.0 and TLS/1.0
// (RFC 2817) are for.
func evades(protocol []byte) bool {
	name, _, _ := bytes.Cut(protocol, slash)
	for _, evading := range [...]string{"h2c", "h2", "http", "tls"} {
		if http1.EqualFold(name, evading) {
			return true
		}
	}
	return false
}

var slash = []byte("/")

// appendConnection writes the fields of a request that concern the connection
// to the upstream: which protocols are offered, and that trailers are welcome
// if the client has said so (RFC 9110, section 10.1.4).
func appendConnection(dst []byte, r *Request) []byte {
	trailers := acceptsTrailers(r.Head)
	switch {
	case len(r.Upgrade) > 0 && trailers:
		dst = append(dst, "Connection: upgrade, TE\r\n"...)
	case len(r.Upgrade) > 0:
		dst = append(dst, "Connection: upgrade\r\n"...)
	case trailers:
		dst = append(dst, "Connection: TE\r\n"...)
	}
	if len(r.Upgrade) > 0 {
		dst = append(dst, "Upgrade: "...)
		dst = append(dst, r.Upgrade...)
		dst = append(dst, "\r\n"...)
	}
	if trailers {
		dst = append(dst, "TE: trailers\r\n"...)
	}
	return dst
}

// acceptsTrailers reports whether a client says that it takes trailers.
func acceptsTrailers(h *http1.Request) bool {
	if h.Minor == 0 {
		return false
	}
	for i := h.First(http1.TE); i >= 0; i = h.Next(i) {
		rest := h.Value(&h.Fields[i])
		for len(rest) > 0 {
			var coding []byte
			if coding, rest = http1.NextItem(rest); http1.EqualFold(coding, "trailers") {
				return true
			}
		}
	}
	return false
}
