// Package proxyproto reads and writes the headers of the PROXY protocol, versions 1 and 2: the bytes with which a
// connection begins that one proxy makes to another on behalf of a client, and which say who that client is
// (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt; sections are those of that document).
//
// It is a function of bytes. [Parse] is called again with more bytes until the header is complete; it borrows them, and
// whatever a [Header] refers to lies in them. [Append], [AppendLocal], [AppendTLV] and [AppendChecksum] write. Nothing
// here allocates, reads a clock, or touches a socket, and any goroutine may call it.
//
// A header says who the client is to whoever accepts it, so it is for the caller to make sure that its sender may: the
// protocol has no other protection. For the same reason the parser is strict: what two implementations could read in two
// ways is an error here.
package proxyproto
