package proxyproto

import (
	"bytes"
	"net/netip"
)

// Header is what a header says.
type Header struct {
	// Version is 1 or 2.
	Version uint8
	// Local says that the connection is the sender's own, made for a health check say, and not on behalf of a client. What
	// the connection itself tells is true then (section 2.2, "\x0 : LOCAL").
	Local bool
	// Source and Destination are the ends of the client's connection to the sender. They are the zero value if the
	// sender does not know them or they are no IP addresses; then too the connection itself has to do.
	Source, Destination netip.AddrPort
	// TLVs is what version 2 says beyond the addresses. It is borrowed from what was parsed.
	TLVs TLVs
}

// Secure reports whether the client's connection to the sender was encrypted, as the SSL TLV says it (section 2.2.6).
func (h *Header) Secure() bool {
	value, ok := h.TLVs.Find(SSL)
	return ok && value[0]&clientSSL != 0
}

// prefixV1 and signatureV2 are what the versions begin with. Neither can begin a request of HTTP.
const (
	prefixV1    = "PROXY "
	signatureV2 = "\r\n\r\n\x00\r\nQUIT\n"
)

// Parse reads the header at the start of p and returns its length; what follows it is the client's. While p holds only
// a part of a header the length is 0, and so is the error: call it again with p and more. An error is final. It is told
// as soon as the bytes show it, and the same for any continuation of them.
func Parse(p []byte, h *Header) (n int, err Error) {
	*h = Header{}
	switch {
	case begins(p, prefixV1):
		return parseV1(p, h)
	case begins(p, signatureV2):
		return parseV2(p, h)
	}
	return 0, ErrSignature
}

// begins reports whether p begins with text, as far as p goes.
func begins(p []byte, text string) bool {
	n := min(len(p), len(text))
	return bytes.Equal(p[:n], []byte(text[:n]))
}

// Append appends the header of a connection from source to destination in version 1 or 2. If they are not both known the
// header says so. If they are of different families, which they are when the source was learnt from further away than the
// destination, the IPv4 one is written as an IPv6 one (RFC 4291, section 2.5.5.2).
func Append(b []byte, version uint8, source, destination netip.AddrPort) []byte {
	known := source.IsValid() && destination.IsValid()
	from, to := source.Addr().Unmap(), destination.Addr().Unmap()
	four := from.Is4() && to.Is4()
	if version == 1 {
		return appendV1(b, known, four, from, to, source.Port(), destination.Port())
	}
	return appendV2(b, known, four, from, to, source.Port(), destination.Port())
}

// AppendLocal appends the header of a connection that is made for no client. Version 1 has no word for that but that the
// client is not known.
func AppendLocal(b []byte, version uint8) []byte {
	if version == 1 {
		return append(b, unknownV1...)
	}
	return append(b, signatureV2+"\x20\x00\x00\x00"...)
}

// Room is a length that what Append and AppendLocal append does not exceed.
const Room = maxV1
