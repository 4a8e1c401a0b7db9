package proxy

import "github.com/anygate/anygate/proxy/proxyproto"

// An upstream that speaks the PROXY protocol is told of the client once, before
// anything else, and takes everything on the connection for that client's. So
// such a connection carries one request: it is neither kept for another, which
// may be another client's, nor opened beforehand. The header lies in front of
// the request's head, in the same buffer, and goes wherever that goes.
//
// What version 2 could say besides stays unsaid. A connection has no host of
// its own that AUTHORITY could name, since each request names one, and how the
// client's connection is encrypted is told by the request as well.

// preambleRoom is a length that appendPreamble does not exceed: what a TLV with
// a checksum takes besides the addresses.
const preambleRoom = proxyproto.Room + 3 + 4

// appendPreamble appends the header of a connection on behalf of the client
// who has sent the request. In version 2 it has a checksum.
func appendPreamble(dst []byte, version uint8, r *Request) []byte {
	start := len(dst)
	dst = proxyproto.Append(dst, version, r.Source, r.Destination)
	if version == 2 && r.Source.IsValid() && r.Destination.IsValid() {
		dst, _ = proxyproto.AppendChecksum(dst, start)
	}
	return dst
}
