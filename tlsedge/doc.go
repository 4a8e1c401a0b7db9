// Package tlsedge is TLS as a step between bytes and bytes: the transforms of
// engine's connections, with what belongs to them, certificates, session tickets
// and profiles.
//
// crypto/tls makes the handshake, and for TLS 1.2 and towards upstreams the
// records as well. It is driven without a goroutine for each connection: a
// tls.Conn stands on a transport in memory, and its handshake runs in a coroutine
// of the shard's, which is left when it needs bytes that have not come, or a
// signature that somebody else makes. After the handshake of a TLS 1.3 client the
// tls.Conn is dropped, and the records are made by this package's own layer, in
// the buffers in which they are received and sent. What this relies on is
// unchanged by the promises of Go 1, but not promised by them: canary_test.go has
// a test for each such property.
//
// A Server, a Client and what hangs on them are made by the control plane,
// immutable, and shared. An Edge and its Conns belong to a shard: their methods run on
// its thread, and the coroutines must be entered on no other. Only Workers, which sign,
// have goroutines.
//
// What a peer sends lies in the engine's receive buffers, and is decrypted there; only
// an incomplete record is copied, to a buffer of the shard's that is given back with
// the record's last byte. Early data (0-RTT) is not offered, renegotiation is refused,
// and post-handshake authentication is not asked for.
package tlsedge
